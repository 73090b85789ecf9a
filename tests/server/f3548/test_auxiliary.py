"""The auxiliary interface of InterUSS: version, token validation, and the pool."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepclear import __version__
from keepclear.server.f3548.settings import Settings
from tests.server.f3548.surface import Dss, with_dss

READ, WRITE = "dss.read.identification_service_areas", "dss.write.identification_service_areas"
POOL, BEAT = "interuss.pool_status.read", "interuss.pool_status.heartbeat.write"
BEATS = "/aux/v1/pool/dss_instances/heartbeat"


def test_anybody_may_ask_for_the_version_and_whether_the_listener_answers(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        assert (await dss.ask("GET", "/aux/v1/version", by=None)).must(200).json == {
            "version": f"keepclear/{__version__}"
        }
        assert (await dss.ask("GET", "/healthy", by=None)).must(200).body == b"ok"
        for path in ("accepted_ca_certs", "ca_certs"):
            assert (await dss.ask("GET", f"/aux/v1/configuration/{path}", by=None)).must(200).json == {"CAs": []}

    with_dss(tmp_path, work)


@pytest.mark.parametrize("scope", [READ, WRITE])
def test_a_token_is_validated_and_its_owner_told_from_others(tmp_path: Path, scope: str) -> None:
    async def work(dss: Dss) -> None:
        path = "/aux/v1/validate_oauth"
        (await dss.ask("GET", path, scopes=scope)).must(200)
        (await dss.ask("GET", f"{path}?owner=alfa", scopes=scope)).must(200)
        (await dss.ask("GET", f"{path}?owner=bravo", scopes=scope)).refused(403, "owner")
        (await dss.ask("GET", path, scopes=POOL)).refused(403, "authorization")
        (await dss.ask("GET", path, by=None)).refused(401, "authorization")

    with_dss(tmp_path, work)


def test_the_pool_knows_this_instance_by_its_last_heartbeat(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        assert (await dss.ask("GET", "/aux/v1/pool", scopes=POOL)).must(200).json == {"dar_id": "airspace 7"}
        instances = "/aux/v1/pool/dss_instances"
        started = {"timestamp": "2017-09-08T05:00:00Z", "source": "Startup", "index": 0, "reporter": ""}
        expected = {"dss_instances": [{"id": dss.node.id, "most_recent_heartbeat": started}]}
        assert (await dss.ask("GET", instances, scopes=POOL)).must(200).json == expected
        (await dss.ask("PUT", f"{BEATS}?source=ops", scopes=POOL)).refused(403, "authorization")
        told = "timestamp=2017-09-08T05:01:00Z&next_heartbeat_expected_before=2017-09-08T06:00:00Z"
        beaten = (await dss.ask("PUT", f"{BEATS}?source=ops&{told}", scopes=BEAT)).must(201)
        assert beaten["dss_instances"][0]["most_recent_heartbeat"] == {
            "timestamp": "2017-09-08T05:01:00Z",
            "source": "ops",
            "index": 1,
            "reporter": "alfa",
            "next_heartbeat_expected_before": "2017-09-08T06:00:00Z",
        }
        for query, field in (("", "source"), ("source=", "source"), ("source=a&timestamp=noon", "timestamp")):
            (await dss.ask("PUT", f"{BEATS}?{query}", scopes=BEAT)).refused(400, field)
        options = (await dss.ask("GET", "/aux/v1/configuration/global_options", scopes=POOL)).must(200).json
        assert set(options.values()) == {False}

    with_dss(tmp_path, work, settings=Settings(pool="airspace 7"))


def test_the_version_is_also_said_where_the_fields_suite_asks_for_it(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        for path in ("/versions/x.y", "/versioning/versions/x.y"):
            said = (await dss.ask("GET", path, scopes="interuss.versioning.read_system_versions")).must(200)
            assert said.json == {"system_identity": "x.y", "system_version": f"v{__version__}"}
            (await dss.ask("GET", path, scopes=POOL)).refused(403, "authorization")

    with_dss(tmp_path, work)
