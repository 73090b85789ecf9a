"""The line over real sockets: two nodes, two desks, from the notice to the replay."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from keepclear.node.exchange import CheckpointReply, PullRequest, read, sign_pull
from keepclear.record import VerifierKey, check_inclusion, open_checkpoint
from tests.server.desks import LINE, at, clear_request, notice, read_back_of, soon, two_desks


def recipient(thread: dict[str, Any], party: str = "south") -> dict[str, Any]:
    """How far a thread came with one party."""
    found: dict[str, Any] = next(each for each in thread["recipients"] if each["party"] == party)
    return found


def test_a_notice_is_received_only_after_a_right_read_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with two_desks(tmp_path) as (north, south):
            act = notice()
            thread_id = await north.say(**{"kind": act.pop("act"), **act})
            await north.until(thread_id, lambda thread: recipient(thread)["state"] == "delivered")
            plan = (await south.until(thread_id, bool))["plan"]

            wrong = read_back_of(plan, grid="37SEU054674")  # 900 m off
            await south.say("read_back", re=thread_id, **wrong)
            seen = await north.until(thread_id, lambda thread: recipient(thread)["state"] == "read_back_wrong")
            assert [each["field"] for each in recipient(seen)["differences"]] == ["grid"]
            assert not recipient(seen)["received"]
            assert seen["status"] == "announced"

            await south.say("read_back", re=thread_id, **read_back_of(plan))
            for desk in (north, south):
                seen = await desk.until(thread_id, lambda thread: thread["status"] == "received")
                assert recipient(seen)["received"]
            kinds = {(each["author"], each["said"]["act"]["act"]) for each in seen["acts"]}
            assert kinds >= {("north", "notice"), ("south.node", "receipt"), ("south", "read_back")}

    asyncio.run(story())


def test_airspace_is_asked_for_reported_clear_with_its_residual_and_given_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with two_desks(tmp_path) as (north, south):
            t0 = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)
            inside = {"lat_deg": 35.1, "lon_deg": 39.5, "uncertainty_m": 100, "alt_wgs84_m": 3000}
            outside = {"lat_deg": 36.1, "lon_deg": 39.5, "uncertainty_m": 100, "alt_wgs84_m": 3000}

            def track(asset: str, first: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
                fixes = [
                    {"at": at(t0 - timedelta(minutes=5)), **first},
                    {"at": at(t0 + timedelta(minutes=5)), **last},
                ]
                basis = {"kind": "declared"}
                return {"asset": asset, "kind": "drone", "sensor": "tracker", "basis": basis, "fixes": fixes}

            tracks = [track("drone.in", inside, inside), track("drone.away", outside, outside)]
            await south.say("positions", tracks=tracks)
            act = clear_request(t0)
            request = await north.say(**{"kind": act.pop("act"), **act})
            waiting = await south.until(request, bool)
            assert (waiting["status"], waiting["waiting_for"]) == ("waiting", ["south"])

            early = await south.refused("done", re=request, reported_clear_at=soon(), residual=[])
            assert (early["code"], early["field"]) == ("not_agreed", "said.act.re")
            await south.say("answer", re=request, reply="will_comply")
            await north.until(request, lambda thread: recipient(thread)["answer"] == "will_comply")

            draft = await south.get(f"/api/threads/{request}/residual", party="south")
            assert {each["asset"]: each["status"] for each in draft["residual"]}["drone.in"] == "inside"
            left_out = await south.refused("done", re=request, reported_clear_at=soon(), residual=[])
            assert (left_out["code"], left_out["field"]) == ("residual_incomplete", "said.act.residual")
            done = {"residual": draft["residual"], "evidence": draft["evidence"]}
            await south.say("done", re=request, reported_clear_at=soon(), **done)
            seen = await north.until(request, lambda thread: thread["status"] == "reported_clear")
            said = next(each["said"]["act"] for each in seen["acts"] if each["said"]["act"]["act"] == "done")
            assert [each["asset"] for each in said["residual"]] == [each["asset"] for each in draft["residual"]]

            await north.say("give_back", re=request)
            await south.until(request, lambda thread: thread["status"] == "given_back")

    asyncio.run(story())


def test_danger_is_taken_and_the_line_suspended_and_resumed(tmp_path: Path) -> None:
    async def story() -> None:
        async with two_desks(tmp_path) as (north, south):
            words = {"text": "Aircraft over the column", "lang": "en"}
            call = await north.say("danger_call", to=["south"], words=words)
            await south.until(call, lambda thread: thread["status"] == "calling")
            await south.say("take", re=call)
            await north.until(call, lambda thread: thread["status"] == "taken" and thread["taken_by"] is not None)
            await south.say("close", re=call, outcome={"text": "The aircraft left", "lang": "en"})
            await north.until(call, lambda thread: thread["status"] == "closed")

            suspended = await south.say("suspend", reason={"text": "The desk moves", "lang": "en"})
            await north.until(suspended, bool)
            line = next(each for each in await north.get("/api/lines") if each["id"] == LINE)
            assert (line["state"], line["suspended_by"]) == ("suspended", ["south"])
            act = notice() | {"to": ["north"]}
            error = await south.refused(**{"kind": act.pop("act"), **act})
            assert error["code"] == "suspended"
            await south.say("resume")
            async with asyncio.timeout(10):
                while line["state"] == "suspended":
                    line = next(each for each in await north.get("/api/lines") if each["id"] == LINE)
            assert line["suspended_by"] == []

    asyncio.run(story())


def test_any_instant_is_replayed_as_the_party_knew_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with two_desks(tmp_path) as (north, south):
            act = notice()
            thread_id = await north.say(**{"kind": act.pop("act"), **act})
            plan = (await south.until(thread_id, bool))["plan"]
            before = (await north.get("/api/status"))["now"]
            await south.say("read_back", re=thread_id, **read_back_of(plan))
            after = await north.until(thread_id, lambda thread: thread["status"] == "received")

            then = await north.thread(thread_id, at=before, party="north")
            assert then["status"] == "announced"
            assert not [each for each in then["acts"] if each["recorded_at"] > before]
            assert (await north.thread(thread_id, party="north"))["status"] == after["status"] == "received"
            threads = await north.get("/api/threads", at=before, party="north")
            assert [each["status"] for each in threads if each["id"] == thread_id] == ["announced"]
            assert (await north.get("/api/picture", at=before, party="north"))["at"] == before
            nothing = await north.get("/api/threads", at="2001-01-01T00:00:00Z", party="north")
            assert nothing == []

            for parameters in ({"party": "south"}, {"party": "south", "at": before}, {"party": "nobody"}):
                answer = await north.http.get("/api/threads", params=parameters)
                assert (answer.status_code, answer.json()["error"]["field"]) == (403, "party")

    asyncio.run(story())


def test_what_is_recorded_is_proven_by_the_nodes_own_checkpoint(tmp_path: Path) -> None:
    async def story() -> None:
        async with two_desks(tmp_path) as (north, south):
            receipt = (await north.post({"act": "line_check"})).json()
            keys = await north.get("/api/keys")
            assert set(keys) == {"north.node", "north", "south.node", "south"}
            signer = VerifierKey.from_vkey(keys["north.node"])
            head, _ = open_checkpoint(receipt["checkpoint"].encode(), [signer])
            assert head.size > receipt["index"]
            path = {"index": receipt["index"], "size": head.size}
            proof = [bytes.fromhex(each) for each in (await north.get("/api/proof/inclusion", **path))["proof"]]
            check_inclusion(receipt["index"], head.size, bytes.fromhex(receipt["leaf_hash"]), proof, head.root)

            entry = await north.get(f"/api/entries/{receipt['index']}")
            assert (await north.get(f"/api/entries/{receipt['act_id'][:10]}"))["entry"] == entry["entry"]
            assert entry["entry"]["id"] == receipt["act_id"]
            assert '"line_check"' in entry["envelope"]
            later, _ = open_checkpoint(entry["checkpoint"].encode(), [signer])
            hashes = [bytes.fromhex(each) for each in entry["proof"]]
            check_inclusion(receipt["index"], entry["size"], bytes.fromhex(entry["leaf_hash"]), hashes, later.root)

            card = south.service.node.card
            context = ssl.create_default_context(cadata=card.certificate)
            context.check_hostname = False
            async with httpx.AsyncClient(verify=context, trust_env=False) as peer:
                address = f"{card.address}/peer/v1/checkpoint"
                asking = PullRequest(asker="north.node", asked="south.node", at=datetime.now(UTC), nonce="0" * 32)
                signed = sign_pull(asking, north.service.node.keys["north.node"])
                shown = read((await peer.post(address, content=signed)).content, CheckpointReply, 10_000)
                assert (await peer.get(address)).status_code == 405
                assert b"unknown_node" in (await peer.post(address, content=signed[:-1] + b" ")).content
            assert shown.checkpoint is not None
            head, _ = open_checkpoint(shown.checkpoint, [VerifierKey.from_vkey(keys["south.node"])])
            assert head.origin == "south.node"

    asyncio.run(story())


def test_the_live_stream_resumes_without_gap_or_repeat(tmp_path: Path) -> None:
    async def story() -> None:
        async with two_desks(tmp_path) as (north, _):
            for _number in range(3):
                await north.say("line_check")
            first = await read_events(north.http, {"last-event-id": "0"}, 3)
            await north.say("line_check")
            second = await read_events(north.http, {"last-event-id": str(first[-1][0])}, 1)
            assert [each[0] for each in first + second] == list(range(1, len(first + second) + 1))
            for index, view in first + second:
                assert view["index"] == index

    async def read_events(http: Any, headers: dict[str, str], count: int) -> list[tuple[int, dict[str, Any]]]:
        found: list[tuple[int, dict[str, Any]]] = []
        async with asyncio.timeout(10), http.stream("GET", "/api/events", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    index = int(line[4:])
                elif line.startswith("data: "):
                    found.append((index, msgspec.json.decode(line[6:])))
                    if len(found) == count:
                        break
        return found

    asyncio.run(story())
