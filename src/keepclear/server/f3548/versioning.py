"""InterUSS versioning: which version of this software runs here, whatever system boundary it is asked for."""

from __future__ import annotations

from keepclear import __version__
from keepclear.errors import Malformed
from keepclear.model.base import hidden_in
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json

READ = "interuss.versioning.read_system_versions"
MAX_IDENTITY = 200


async def get_version(services: Services, call: Call) -> Answer:
    """GetVersion."""
    identity = call.path["system_identity"]
    if not 0 < len(identity) <= MAX_IDENTITY or hidden_in(identity) is not None:
        message = f"a system is named by 1 to {MAX_IDENTITY} plain characters"
        raise Malformed(message, field="system_identity", code="utm_name")
    return answer_json({"system_identity": identity, "system_version": f"v{__version__}"})


ROUTES = (
    Route("GET", "/versioning/versions/{system_identity}", get_version, (READ,)),
    Route("GET", "/versions/{system_identity}", get_version, (READ,)),
)
"""Under a path of its own as at other services, and where the field's suite asks a DSS."""
