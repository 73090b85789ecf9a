"""What a node answers to peers, and to those who only say they are: shown is only what is theirs to see."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from keepclear.model.parties import LineCard
from keepclear.node.exchange import (
    MAX_ACTS,
    CheckpointReply,
    Have,
    PullReply,
    PullRequest,
    Push,
    PushReply,
    Trouble,
    read,
    sign_pull,
    sign_push,
)
from keepclear.node.node import Node
from keepclear.node.peers import handle_checkpoint, handle_pull, handle_push
from keepclear.record import Checkpoint, SigningKey, parse, sign_checkpoint
from tests.node import saying
from tests.node.test_writer import ByHand
from tests.world import AVOIDANCE, MOVEMENT, START, TearingDisk, World, key, node_card, play

NOW = START
COALITION = key("coalition.node")


def checkpoint(size: int = 0, node: str = "coalition.node", root: bytes = b"r" * 32, signer: str = "") -> bytes:
    return sign_checkpoint(Checkpoint(node, size, root), key(signer or node))


def push(
    *acts: bytes,
    sender: str = "coalition.node",
    head: bytes | None = None,
    receiver: str = "russia.node",
    signer: SigningKey | None = None,
) -> bytes:
    return sign_push(Push(checkpoint=head or checkpoint(), acts=acts), receiver, signer or key(sender))


async def pushed(node: Node, body: bytes) -> PushReply:
    return read(await handle_push(node, body), PushReply, 10**7)


async def pulled(node: Node, body: bytes) -> PullReply:
    return read(await handle_pull(node, body), PullReply, 10**7)


async def asked_for_checkpoint(node: Node, body: bytes) -> CheckpointReply:
    return read(await handle_checkpoint(node, body), CheckpointReply, 10**7)


def request(
    nonce: int = 1, asker: str = "coalition.node", have: tuple[Have, ...] = (), **changes: object
) -> PullRequest:
    plain = PullRequest(asker=asker, asked="russia.node", at=NOW, nonce=f"{nonce:032x}", have=have)
    return msgspec.structs.replace(plain, **changes)


async def russia() -> tuple[World, Node]:
    """Russia's node, paired with coalition (on `avoidance`) and the desk (on `movement` without the coalition)."""
    world = World(0)
    await world.start("russia.node")
    node = world.nodes["russia.node"]
    for other in ("coalition.node", "desk.node"):
        await node.enrol(node_card(other))
    await node.open_line(AVOIDANCE)
    await node.open_line(LineCard(id="movement", name=MOVEMENT.name, members=("russia", "convoy", "ground")))
    return world, node


def trouble(reply: PushReply | PullReply | CheckpointReply) -> Trouble:
    assert reply.trouble is not None
    return reply.trouble


# ── push ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_push_is_answered_act_by_act() -> None:
    async def story() -> None:
        world, node = await russia()
        coalition = ByHand()
        one, two = (coalition.say(saying.danger("russia", text=text)) for text in ("one", "two"))
        forged = ByHand(SigningKey.from_raw("coalition", b"9" * 32)).say(saying.danger("russia"))
        reply = await pushed(node, push(one, b"garbage", forged, two))
        assert reply.trouble is None
        codes = [result.trouble.code if result.trouble else "taken" for result in reply.results]
        assert codes == ["taken", "malformed", "unknown_line", "taken"]
        again = await pushed(node, push(one, two))
        assert [r.index for r in again.results] == [reply.results[0].index, reply.results[3].index]
        await world.end()

    play(story())


def test_a_gap_is_answered_with_what_is_needed() -> None:
    async def story() -> None:
        world, node = await russia()
        coalition = ByHand()
        acts = [coalition.say(saying.danger("russia", text=str(n))) for n in range(3)]
        reply = await pushed(node, push(acts[2]))
        refused = reply.results[0].trouble
        assert refused is not None
        assert (refused.code, refused.need_seq) == ("out_of_order", 1)
        await world.end()

    play(story())


def test_a_full_disk_is_told_as_something_that_passes() -> None:
    async def story() -> None:
        world, node = await russia()
        disk = world.disks["russia.node"]
        assert isinstance(disk, TearingDisk)
        disk.fails = 1.0
        raw = ByHand().say(saying.danger("russia"))
        refused = (await pushed(node, push(raw))).results[0].trouble
        assert refused is not None
        assert refused.code == "store_failed"
        disk.fails = 0.0
        assert (await pushed(node, push(raw))).results[0].index is not None
        await world.end()

    play(story())


def not_of_a_peer() -> list[bytes]:
    """Pushes of those who are not enrolled, and of those who only say to be somebody who is."""
    signed = push()
    stranger = SigningKey.from_raw("coalition.node", b"9" * 32)
    return [
        push(sender="convoy"),
        push(sender="russia.node"),
        push(signer=stranger),
        push(signer=key("coalition")),
        signed[:-1] + b" ",
        b"\n".join(signed.split(b"\n")[:3]),
        signed.replace("— ".encode(), b"- ", 1),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "unknown_version"),
        (b"[]", "unknown_version"),
        (b"\xff", "unknown_version"),
        (b"keepclear.push.v1\n" + b"[" * 100_000, "malformed"),
        (b" " * 1_600_001, "too_large"),
        (push().replace(b'"sender"', b'"from"'), "malformed"),
        (push(*[b"x"] * (MAX_ACTS + 1)), "malformed"),
        (push(b"x" * 60_001), "malformed"),
        (push(receiver="desk.node"), "forged"),
        *((body, "unknown_node") for body in not_of_a_peer()),
        (push(head=b"nothing"), "malformed"),
        (push(head=checkpoint(signer="desk.node")), "unknown_key"),
        (push(head=checkpoint(node="desk.node")), "unknown_key"),
    ],
)
def test_a_push_that_is_none_is_refused_whole(body: bytes, code: str) -> None:
    async def story() -> None:
        world, node = await russia()
        before = node.checkpoint()
        reply = await pushed(node, body)
        assert reply.results == ()
        assert trouble(reply).code == code
        assert node.checkpoint() == before
        await world.end()

    play(story())


def test_the_largest_checkpoint_of_a_peer_is_remembered_over_a_restart() -> None:
    async def story() -> None:
        world, node = await russia()
        for size in (3, 5, 4):
            await pushed(node, push(head=checkpoint(size)))
        assert node.peer_checkpoint("coalition.node") == checkpoint(5)
        assert node.peer_checkpoint("desk.node") is None
        await node.stop()
        await world.restart("russia.node")
        assert world.nodes["russia.node"].peer_checkpoint("coalition.node") == checkpoint(5)
        await world.end()

    play(story())


def test_two_heads_of_one_size_are_kept_both() -> None:
    async def story() -> None:
        world, node = await russia()
        await pushed(node, push(head=checkpoint(5)))
        other = checkpoint(5, root=b"s" * 32)
        await pushed(node, push(head=other))
        await node.stop()
        assert world.platters["russia.node"].note("peer.coalition.node.checkpoint") == checkpoint(5)
        assert world.platters["russia.node"].note("peer.coalition.node.checkpoint.conflicting") == other
        await world.end()

    play(story())


def test_a_peer_cannot_find_out_which_lines_there_are_and_who_is_on_them() -> None:
    async def story() -> None:
        world, node = await russia()
        stranger = SigningKey.from_raw("stranger", b"9" * 32)
        reply = await pushed(
            node,
            push(
                ByHand().say(saying.danger("russia"), line="secret"),
                ByHand().say(saying.danger("russia"), line="movement"),
                ByHand().say(saying.danger("russia"), line="own.russia.node"),
                ByHand(stranger).say(saying.danger("russia"), author="stranger"),
                ByHand(SigningKey.from_raw("convoy", b"9" * 32)).say(saying.danger("russia"), author="convoy"),
            ),
        )
        assert len({msgspec.json.encode(result) for result in reply.results}) == 1
        assert reply.results[0].trouble is not None
        await world.end()

    play(story())


def test_whoever_is_no_peer_hears_one_answer() -> None:
    async def story() -> None:
        world, node = await russia()
        answers = {await handle_push(node, body) for body in not_of_a_peer()}
        assert len(answers) == 1
        await world.end()

    play(story())


def test_the_checkpoint_is_shown_to_a_peer_that_asks_and_signs() -> None:
    async def story() -> None:
        world, node = await russia()
        body = sign_pull(request(), COALITION)
        assert (await asked_for_checkpoint(node, body)).checkpoint == node.checkpoint()
        assert trouble(await asked_for_checkpoint(node, body)).code == "replayed"
        await world.end()

    play(story())


# ── pull ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_peer_is_shown_what_was_said_to_it_and_nothing_else() -> None:
    async def story() -> None:
        world, node = await russia()
        to_coalition = await node.submit("russia", "avoidance", saying.danger("coalition"))
        to_desk = await node.submit("russia", "movement", saying.danger("convoy"))
        await node.submit("russia", "own.russia.node", saying.positions(NOW))
        await pushed(node, push(ByHand().say(saying.danger("russia"))))
        await node.tick()
        shown = await pulled(node, sign_pull(request(), COALITION))
        acts = [parse(raw) for raw in shown.acts]
        assert {act.header.line for act in acts} == {"avoidance"}
        assert {act.header.author for act in acts} == {"russia", "russia.node"}
        assert to_coalition.act_id in {act.id for act in acts}
        desk = await pulled(node, sign_pull(request(asker="desk.node"), key("desk.node")))
        assert {parse(raw).header.line for raw in desk.acts} == {"movement"}
        assert to_desk.act_id in {parse(raw).id for raw in desk.acts}
        await world.end()

    play(story())


def test_many_acts_are_shown_in_several_answers() -> None:
    async def story() -> None:
        world, node = await russia()
        for number in range(250):
            await node.submit("russia", "avoidance", saying.positions(NOW + timedelta(seconds=number)))
        seen: list[str] = []
        have: dict[tuple[str, str], int] = {}
        for nonce in range(10):
            known = tuple(Have(line=line, author=author, seq=seq) for (line, author), seq in have.items())
            reply = await pulled(node, sign_pull(request(nonce, have=known), COALITION))
            assert len(reply.acts) <= MAX_ACTS
            for raw in reply.acts:
                header = parse(raw).header
                assert header.seq == have.get((header.line, header.author), 0) + 1
                have[header.line, header.author] = header.seq
                seen.append(parse(raw).id)
            if not reply.more:
                break
        assert len(seen) == len(set(seen))
        assert have["avoidance", "russia"] == 250
        await world.end()

    play(story())


def refused_pulls() -> list[tuple[str, bytes, str]]:
    signed = sign_pull(request(), COALITION)
    return [
        ("nothing", b"", "unknown_version"),
        ("not a pull", checkpoint(), "unknown_version"),
        ("too large", b"x" * 250_001, "too_large"),
        ("unsigned", signed.rpartition("—".encode())[0], "unknown_node"),
        ("changed", signed.replace(b"2017-09-08", b"2017-09-09"), "unknown_node"),
        ("unknown asker", sign_pull(request(asker="nobody"), key("nobody")), "unknown_node"),
        ("asks itself", sign_pull(request(asker="russia.node"), key("russia.node")), "unknown_node"),
        ("another's name", sign_pull(request(), key("desk.node")), "unknown_node"),
        ("a party's key", sign_pull(request(), key("coalition")), "unknown_node"),
        ("for another node", sign_pull(request(asked="desk.node"), COALITION), "forged"),
        ("too old", sign_pull(request(at=NOW - timedelta(seconds=120)), COALITION), "stale"),
        ("too new", sign_pull(request(at=NOW + timedelta(seconds=120)), COALITION), "stale"),
    ]


@pytest.mark.parametrize(("body", "code"), [case[1:] for case in refused_pulls()], ids=[c[0] for c in refused_pulls()])
def test_a_pull_that_is_not_the_peers_own_is_shown_nothing(body: bytes, code: str) -> None:
    async def story() -> None:
        world, node = await russia()
        await node.submit("russia", "avoidance", saying.danger("coalition"))
        reply = await pulled(node, body)
        assert trouble(reply).code == code
        assert reply.acts == ()
        assert trouble(await asked_for_checkpoint(node, body)).code == code
        await world.end()

    play(story())


def test_a_pull_is_answered_once() -> None:
    async def story() -> None:
        world, node = await russia()
        await node.submit("russia", "avoidance", saying.danger("coalition"))
        body = sign_pull(request(), COALITION)
        assert (await pulled(node, body)).trouble is None
        assert trouble(await pulled(node, body)).code == "replayed"
        assert (await pulled(node, sign_pull(request(2), COALITION))).trouble is None
        await world.end()

    play(story())


def test_nothing_is_shown_of_lines_the_asker_is_not_on_even_if_it_names_them() -> None:
    async def story() -> None:
        world, node = await russia()
        await node.submit("russia", "movement", saying.danger("convoy"))
        have = (
            Have(line="movement", author="russia", seq=1),
            Have(line="own.russia.node", author="russia.node", seq=1),
        )
        reply = await pulled(node, sign_pull(request(have=have), COALITION))
        assert {parse(raw).header.line for raw in reply.acts} <= {"avoidance"}
        await world.end()

    play(story())
