"""The scopes of F3548-21 (Annex A4, security schemes) and F3411: a token says by them what role its service plays."""

from __future__ import annotations

STRATEGIC_COORDINATION = "utm.strategic_coordination"
CONSTRAINT_MANAGEMENT = "utm.constraint_management"
CONSTRAINT_PROCESSING = "utm.constraint_processing"
CONFORMANCE_MONITORING = "utm.conformance_monitoring_sa"
AVAILABILITY_ARBITRATION = "utm.availability_arbitration"

RID_SERVICE_PROVIDER = "rid.service_provider"
RID_DISPLAY_PROVIDER = "rid.display_provider"
"""F3411-22a."""
RID_V19_READ = "dss.read.identification_service_areas"
RID_V19_WRITE = "dss.write.identification_service_areas"
"""F3411-19."""
