"""Runs the DSS scenarios of the field's uss_qualifier (F3548-21, F3411) at a node, and counts the checks that fail.

Runs in the suite's own environment: `scenarios.py URL [URL]`, the second of another instance. The package on PyPI
leaves out the pages in which scenarios are described and the OpenAPI files, and without them nothing runs. So the
steps, checks and reports of a scenario are taken over here: its code runs as it is, and every check it makes is
counted. Answers are not validated against the OpenAPI schemas; that each is read by the suite's own types is. Left
out: what needs public addresses, or flight intents that are not in the package.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from implicitdict import ImplicitDict
from monitoring.monitorlib import schema_validation
from monitoring.uss_qualifier.resources.astm.f3411 import dss as rid_dss
from monitoring.uss_qualifier.resources.astm.f3548.v21 import dss
from monitoring.uss_qualifier.resources.communications import auth_adapter, client_identity
from monitoring.uss_qualifier.resources.interuss import id_generator
from monitoring.uss_qualifier.resources.netrid import service_area
from monitoring.uss_qualifier.resources.planning_area import PlanningAreaResource, PlanningAreaSpecification
from monitoring.uss_qualifier.resources.volume import VolumeResource, VolumeSpecification
from monitoring.uss_qualifier.scenarios import scenario

SCENARIOS = (
    "astm.utm.dss.authentication.authentication_validation",
    "astm.utm.dss.constraint_ref_simple",
    "astm.utm.dss.oir_explicit_sub_handling",
    "astm.utm.dss.oir_implicit_sub_handling",
    "astm.utm.dss.op_intent_ref_key_validation",
    "astm.utm.dss.op_intent_ref_simple",
    "astm.utm.dss.pool_info",
    "astm.utm.dss.report",
    "astm.utm.dss.subscription_interactions",
    "astm.utm.dss.subscription_interactions_deletion",
    "astm.utm.dss.subscription_simple",
    "astm.utm.dss.subscription_validation",
    "astm.utm.dss.synchronization.constraint_ref_synchronization",
    "astm.utm.dss.synchronization.op_intent_ref_synchronization",
    "astm.utm.dss.synchronization.subscription_synchronization",
    "astm.utm.dss.synchronization.uss_availability_synchronization",
    "astm.utm.dss.uss_availability_mutation",
    "interuss.ovn_request.dss_ovn_request",
)
"""Without a second instance, one stands for all where a scenario writes at one and reads at the others."""
RID_SCENARIOS = (
    "heavy_traffic_concurrent",
    "isa_expiry",
    "isa_simple",
    "isa_subscription_interactions",
    "isa_validation",
    "subscription_simple",
    "subscription_validation",
    "token_validation",
)
RID_EDITIONS = {"v22a": ("F3411-22a", "/rid/v2"), "v19": ("F3411-19", "")}
"""What the suite calls an edition of Remote ID, and where its paths begin here."""
SCOPES = (
    *("utm.strategic_coordination", "utm.constraint_management", "utm.constraint_processing"),
    *("utm.conformance_monitoring_sa", "utm.availability_arbitration"),
    *("rid.service_provider", "rid.display_provider"),
    *("dss.read.identification_service_areas", "dss.write.identification_service_areas"),
    *("interuss.pool_status.read", "interuss.versioning.read_system_versions", ""),
)
CORNERS = ((37.1853, -80.614), (37.2148, -80.614), (37.2148, -80.544), (37.1853, -80.544))
TOO_BIG = ((-23, 130), (-24, 130), (-24, 132), (-23, 132))


class Checks:
    """Stands in for what a scenario keeps its report with."""

    def __init__(self) -> None:
        self.made = 0
        self.failed: list[str] = []
        self.place = ""

    def check(self, name: str) -> Check:
        return Check(self, name)


class Check:
    """One check: passed unless the scenario says otherwise."""

    def __init__(self, checks: Checks, name: str) -> None:
        self._checks = checks
        self._name = name

    def __enter__(self) -> Check:
        self._checks.made += 1
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def record_failed(self, summary: str, details: str = "", **more: object) -> None:
        self._checks.failed.append(f"{self._checks.place}: {self._name}: {summary}\n    {details[:500]}")

    def record_passed(self, *people: object) -> None:
        return None

    def skip(self) -> None:
        return None


def take_over(checks: Checks) -> None:
    """Let scenarios run without the pages they are described in."""
    kind = scenario.GenericTestScenario

    def begin(self: Any) -> None:
        self.time_context, self.cache = scenario.TestTimeContext(), {}

    def begin_case(self: Any, name: str) -> None:
        checks.place = f"{type(self).__name__} / {name}"

    def begin_step(self: Any, step: Any) -> None:
        self.step = step

    def sleep(self: Any, duration: float | timedelta, reason: str) -> None:
        time.sleep(duration.total_seconds() if isinstance(duration, timedelta) else duration)

    kind.__init__ = begin
    kind.begin_test_scenario = lambda self, context: setattr(self, "context", context)
    kind.begin_test_case = begin_case
    kind.begin_test_step = begin_step
    kind.check = lambda self, name, participants=None, **more: checks.check(name)
    kind.sleep = sleep
    for name in (
        "record_query",
        "record_queries",
        "record_note",
        "end_test_step",
        "end_test_case",
        "end_test_scenario",
    ):
        setattr(kind, name, lambda self, *values: None)
    for name in ("go_to_cleanup", "begin_cleanup", "end_cleanup", "skip_cleanup", "ensure_cleanup_ended"):
        setattr(kind, name, lambda self: None)


def resources(urls: Sequence[str]) -> dict[str, Any]:
    """What scenarios ask for, by the names of their parameters."""

    def read(kind: Any, **values: Any) -> Any:
        return ImplicitDict.parse(values, kind)

    def auth(sub: str) -> Any:
        spec = read(auth_adapter.AuthAdapterSpecification, auth_spec=f"NoAuth(sub={sub})", scopes_authorized=[*SCOPES])
        return auth_adapter.AuthAdapterResource(spec, "here")

    def volume(corners: Any, **heights: Any) -> Any:
        outline = {"vertices": [{"lat": lat, "lng": lng} for lat, lng in corners]}
        return VolumeResource(read(VolumeSpecification, template={"outline_polygon": outline, **heights}), "here")

    first = auth("qualifier1")
    whoami = read(client_identity.ClientIdentitySpecification, whoami_audience="127.0.0.1", whoami_scope=SCOPES[0])
    identity = client_identity.ClientIdentityResource(whoami, "here", auth_adapter=first)
    instances = [{"participant_id": f"here{number}", "base_url": url} for number, url in enumerate(urls)]
    one = dss.DSSInstanceResource(
        read(dss.DSSInstanceSpecification, **instances[0], supports_ovn_request=True), "here", auth_adapter=first
    )
    several = dss.DSSInstancesResource(
        read(dss.DSSInstancesSpecification, dss_instances=instances[1:] or instances), "here", auth_adapter=first
    )
    ids = id_generator.IDGeneratorResource(id_generator.IDGeneratorSpecification(), "here", client_identity=identity)
    remote = {
        edition: rid_dss.DSSInstanceResource(
            read(
                rid_dss.DSSInstanceSpecification, participant_id="here0", rid_version=version, base_url=urls[0] + base
            ),
            "here",
            auth_adapter=first,
        )
        for edition, (version, base) in RID_EDITIONS.items()
    }
    now = {"starting_from": {"time_during_test": "TimeOfEvaluation"}}
    times = {
        "start_time": {"offset_from": {**now, "offset": "1s"}},
        "end_time": {"offset_from": {**now, "offset": "60m"}},
    }
    low, high = ({"value": value, "reference": "W84", "units": "M"} for value in (0, 3048))
    area = PlanningAreaResource(
        read(PlanningAreaSpecification, base_url="https://uss.example/utm"),
        "here",
        volume=volume(CORNERS, altitude_lower=low, altitude_upper=high),
    )
    service = service_area.ServiceAreaResource(
        read(service_area.ServiceAreaSpecification, base_url="https://uss.example/rid"),
        "here",
        volume=volume(CORNERS, altitude_lower=low, altitude_upper=high, **times),
    )
    return {
        **remote,
        "isa": service,
        "dss": one,
        "other_instances": several,
        "dss_instances": several,
        "id_generator": ids,
        "client_identity": identity,
        "utm_client_identity": identity,
        "planning_area": area,
        "problematically_big_area": volume(TOO_BIG),
        "second_utm_auth": auth("qualifier2"),
    }


def play(name: str, given: Mapping[str, Any], checks: Checks) -> None:
    """Run what a module has of scenarios."""
    module = import_module(f"monitoring.uss_qualifier.scenarios.{name}")
    here = [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]
    for kind in [each for each in here if issubclass(each, scenario.GenericTestScenario)]:
        parameters = [each for each in inspect.signature(kind.__init__).parameters if each in given]
        made, failed = checks.made, len(checks.failed)
        run: Any = kind(**{each: given[each] for each in parameters})
        try:
            run.run(SimpleNamespace(start_time=datetime.now(UTC), stop_fast=False))
        finally:
            run.cleanup()
        print(f"{kind.__name__}: {checks.made - made} checks, {len(checks.failed) - failed} failed", flush=True)


def main() -> int:
    checks = Checks()
    take_over(checks)
    schema_validation.validate = lambda *values, **more: []
    given = resources(sys.argv[1:])
    for name in SCENARIOS:
        play(name, given, checks)
    for edition in RID_EDITIONS:
        for name in RID_SCENARIOS:
            play(f"astm.netrid.{edition}.dss.{name}", {**given, "dss": given[edition]}, checks)
    print("\n".join(checks.failed))
    return 1 if checks.failed or not checks.made else 0


if __name__ == "__main__":
    sys.exit(main())
