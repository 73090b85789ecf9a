"""Commands on a node's folder and on exported records: make, run, pair, export, verify."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from keepclear.cli.desk import Desk, open_desk, read_value, value
from keepclear.cli.options import AsJson, Directory, Lang, given, read_bytes
from keepclear.cli.speak import NOTHING, Language, Speaker
from keepclear.errors import Malformed, StoreFailed
from keepclear.model.acts import Enrol, OpenLine
from keepclear.model.parties import LineCard
from keepclear.server.answers import Status

DEFAULT_PORT = 8017
PROPOSALS = "proposals.json"

# The address may hold a password, which a variable does not show to whoever lists the processes of the machine.
StoreAddress = Annotated[
    str | None,
    typer.Option("--store", envvar="KEEPCLEAR_STORE", help="option.store", show_default=False, show_envvar=False),
]


class Folder:
    """A folder and the printer."""

    def __init__(self, directory: Path, speaker: Speaker) -> None:
        self.directory = directory
        self.speaker = speaker


@contextmanager
def open_folder(directory: Directory, as_json: AsJson = False, lang: Lang = Language.EN) -> Iterator[Folder]:
    """Work on files only; no node need run."""
    yield Folder(directory, Speaker(lang, as_json))


@given(open_folder)
def init(
    folder: Folder,
    node: Annotated[str, typer.Option("--node", help="option.node", show_default=False)],
    party: Annotated[list[str], typer.Option("--party", "-p", help="option.hosted", show_default=False)],
    name_en: Annotated[list[str], typer.Option("--name-en", help="option.name_en", show_default=False)],
    name_ar: Annotated[list[str], typer.Option("--name-ar", help="option.name_ar", show_default=False)],
    listen: Annotated[str, typer.Option("--listen", help="option.listen")] = "127.0.0.1:8443",
) -> None:
    """Make a node's folder with fresh keys; repeat --party, --name-en and --name-ar for each party it speaks for."""
    from keepclear.node.clock import SystemClock
    from keepclear.node.home import HostedParty, create

    if not len(party) == len(name_en) == len(name_ar):
        raise Malformed("each party needs one --name-en and one --name-ar", field="party", code="names_missing")
    address = listen if "://" in listen else f"https://{listen}"
    parties = [
        value(HostedParty, {"id": each, "name": {"en": en, "ar": ar}}, "party")
        for each, en, ar in zip(party, name_en, name_ar, strict=True)
    ]
    home = create(folder.directory, node, parties, address, SystemClock().now())
    if folder.speaker.as_json:
        folder.speaker.json(home.card)
    folder.speaker.print("made", directory=folder.directory, node=home.settings.id, address=address)
    folder.speaker.print("next_serve", directory=folder.directory)


@given(open_folder)
def serve(
    folder: Folder,
    local: Annotated[str, typer.Option("--local", help="option.local")] = f"127.0.0.1:{DEFAULT_PORT}",
    peers: Annotated[str | None, typer.Option("--peers", help="option.peers", show_default=False)] = None,
    behind_proxy: Annotated[str | None, typer.Option("--behind-proxy", help="option.proxy", show_default=False)] = None,
    store: StoreAddress = None,
    f3548: Annotated[str | None, typer.Option("--f3548", help="option.f3548", show_default=False)] = None,
    f3548_key: Annotated[
        list[str] | None, typer.Option("--f3548-key", help="option.f3548_key", show_default=False)
    ] = None,
    f3548_audience: Annotated[
        list[str] | None, typer.Option("--f3548-audience", help="option.f3548_audience", show_default=False)
    ] = None,
    f3548_allow_http: Annotated[bool, typer.Option("--f3548-allow-http", help="option.f3548_allow_http")] = False,
) -> None:
    """Run the node of a folder until it is stopped (Ctrl-C or SIGTERM)."""
    from keepclear.node.home import open_home
    from keepclear.server.f3548.settings import read_settings
    from keepclear.server.run import Service, run_until_stopped

    home = open_home(folder.directory)
    utm = None
    if f3548 is not None:
        utm = read_settings(
            home.directory, keys=f3548_key or (), audiences=f3548_audience or (), allow_http=f3548_allow_http
        )
    elif f3548_key or f3548_audience or f3548_allow_http:
        message = "--f3548 must say where to listen"
        raise Malformed(message, field="f3548", code="option_missing", option="--f3548")
    service = Service(home, local=local, peers=peers, behind_proxy=behind_proxy, f3548=f3548, utm=utm, store=store)

    def on_start() -> None:
        if folder.speaker.as_json:
            urls = {"local": service.local_url, "peers": service.peer_url, "console": service.console_url}
            folder.speaker.json({**urls, "f3548": service.utm_url} if service.utm_url else urls)
        folder.speaker.print("serving", node=service.node.id, peers=service.peer_url)
        if service.utm_url:
            folder.speaker.print("serving_f3548", url=service.utm_url)
        folder.speaker.print("console", url=service.console_url)
        folder.speaker.print("stop_with")

    run_until_stopped(service, on_start)
    folder.speaker.print("stopped")


@given(open_folder)
def card(
    folder: Folder,
    line: Annotated[str | None, typer.Option("--line", "-l", help="option.propose", show_default=False)] = None,
    member: Annotated[
        list[str] | None, typer.Option("--member", "-m", help="option.member", show_default=False)
    ] = None,
    name_en: Annotated[str | None, typer.Option("--name-en", help="option.line_en", show_default=False)] = None,
    name_ar: Annotated[str | None, typer.Option("--name-ar", help="option.line_ar", show_default=False)] = None,
    check_every_s: Annotated[float, typer.Option("--check-every-s", help="option.check_every")] = 900.0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="option.out", show_default=False)] = None,
) -> None:
    """Print this node's pairing card and its fingerprint; with --line and --member it proposes a line."""
    from keepclear.node.card import card_fingerprint, card_text, read_card
    from keepclear.node.home import open_home

    home = open_home(folder.directory)
    proposals = read_proposals(folder.directory)
    if line is not None:
        proposed = {
            "id": line,
            "name": {"en": name_en or line, "ar": name_ar or name_en or line},
            "members": sorted({*(member or ()), *(each.id for each in home.settings.parties)}),
            "check_every_s": check_every_s,
        }
        proposals = keep_proposals(folder.directory, own=(value(LineCard, proposed, "line"),))
    text = card_text(home.card, proposals.own, home.keys[home.settings.id])
    digits = card_fingerprint(read_card(text))
    if folder.speaker.as_json:
        folder.speaker.json({"card": text, "fingerprint": digits, "lines": proposals.own})
        return
    if out is not None:
        write_text(out, text + "\n")
        folder.speaker.print("card_written", file=out)
    else:
        print(text)
    folder.speaker.warn("fingerprint", digits=digits)
    folder.speaker.warn("read_aloud")


@given(open_desk)
def pair(
    desk: Desk,
    card: Annotated[str, typer.Argument(help="argument.card", show_default=False)],
    fingerprint: Annotated[str | None, typer.Option("--fingerprint", help="option.digits", show_default=False)] = None,
) -> None:
    """Take another node's card (a file or the text itself) and open the lines that it or this node proposes."""
    from keepclear.node.card import card_fingerprint, read_card

    speaker = desk.speaker
    taken = read_card(card_source(card))
    digits = card_fingerprint(taken)
    if fingerprint is not None:
        if "".join(fingerprint.split()) != "".join(digits.split()):
            raise Malformed("these are not the digits of this card", field="fingerprint", code="wrong_fingerprint")
    else:
        speaker.warn("card_of", node=taken.node.id, parties=", ".join(party.id for party in taken.node.parties))
        speaker.warn("fingerprint", digits=digits)
        if not typer.confirm(speaker.say("ask_fingerprint"), err=True):
            raise typer.Exit(2)
    own = desk.status.node
    own_line = f"own.{own}"
    desk.say(Enrol(node=taken.node), line=own_line, party=own)
    proposals = keep_proposals(desk.directory, taken=taken.lines)
    now = desk.caller.get("/api/status", Status)
    known = {party.id for party in now.parties}
    here = {line.id for line in now.lines}
    for line in _by_id(proposals.taken, proposals.own):
        if line.id in here or not known.issuperset(line.members):
            continue
        desk.say(OpenLine(line=line), line=own_line, party=own)
        speaker.print("opened", line=line.id, members=", ".join(line.members))


@given(open_folder)
def token(
    folder: Folder,
    party: Annotated[str | None, typer.Option("--party", "-p", help="option.narrow", show_default=False)] = None,
    role: Annotated[list[str] | None, typer.Option("--role", "-r", help="option.roles", show_default=False)] = None,
    revoke: Annotated[str | None, typer.Option("--revoke", help="option.revoke", show_default=False)] = None,
) -> None:
    """Make a token narrowed to one party and certain roles, take one out, or list them."""
    from keepclear.node.home import open_home
    from keepclear.server.tokens import add_token, read_tokens, take_out_token

    home = open_home(folder.directory)
    speaker = folder.speaker
    if revoke is not None:
        take_out_token(folder.directory, revoke)
        speaker.print("token_out", id=revoke)
    elif party is not None:
        if party not in home.keys or party == home.settings.id:
            raise Malformed("this node does not speak for that party", field="party", code="not_hosted")
        made, entry = add_token(folder.directory, party, tuple(role or ()))
        if speaker.as_json:
            speaker.json({"token": made, "id": entry.id})
        speaker.print("token_made", id=entry.id, party=party)
        speaker.line(made)
    else:
        held = read_tokens(folder.directory)
        if speaker.as_json:
            speaker.json([{"id": each.id, "party": each.party, "roles": each.roles} for each in held])
            return
        rows = [[each.id, each.party, ", ".join(each.roles) or NOTHING] for each in held]
        speaker.table("title.tokens", ["token", "party", "roles"], rows)


@given(open_folder)
def export(
    folder: Folder,
    out: Annotated[Path, typer.Argument(help="argument.out", show_default=False)],
    store: StoreAddress = None,
) -> None:
    """Write the whole record as plain files that prove themselves; the node may be running or not."""
    from keepclear.cli.source import entries_of
    from keepclear.node.home import open_home
    from keepclear.record.export import write_export

    home = open_home(folder.directory)
    node = home.settings.id
    with entries_of(home, folder.speaker.lang, store) as found, folder.speaker.progress("exporting") as step:
        done = write_export(
            out, found.entries, found.keys, home.keys[node], node, lambda written: step(written, found.size)
        )
    if folder.speaker.as_json:
        folder.speaker.json({"directory": str(out), "size": done.size, "root": done.root.hex()})
    folder.speaker.print("exported", size=done.size, directory=out)


@given(open_folder)
def verify(
    folder: Folder,
    key: Annotated[list[str] | None, typer.Option("--key", "-k", help="option.key", show_default=False)] = None,
    keys: Annotated[Path | None, typer.Option("--keys", help="option.keys", show_default=False)] = None,
    node: Annotated[str | None, typer.Option("--node", help="option.expected_node", show_default=False)] = None,
) -> None:
    """Check an exported record offline; names the first thing that is wrong (exit status 1)."""
    from keepclear.record import VerifierKey
    from keepclear.record.verify import verify_export

    given_keys = [*(key or ()), *(read_text(keys, "keys").split() if keys else ())]
    trusted = [VerifierKey.from_vkey(each) for each in given_keys]
    with folder.speaker.progress("verifying") as step:
        found = verify_export(folder.directory, trusted or None, step, node=node)
    speaker = folder.speaker
    if speaker.as_json:
        speaker.json(
            {
                "origin": found.origin,
                "node": found.node,
                "expected_node": node,
                "size": found.size,
                "root": found.root.hex(),
                "authors": found.authors,
                "first_recorded_at": found.first_recorded_at,
                "last_recorded_at": found.last_recorded_at,
                "fingerprints": found.fingerprints,
                "remarks": found.remarks,
                "trusted": bool(trusted),
            }
        )
        return
    speaker.print("verified", size=found.size, node=found.node, root=found.root.hex())
    speaker.print("signed_by", node=found.node, fingerprint=found.fingerprints[found.node])
    if node is None:
        speaker.print("signer_not_named", node=found.node)
    if found.first_recorded_at and found.last_recorded_at:
        speaker.print("recorded_from_to", first=found.first_recorded_at, last=found.last_recorded_at)
    rows = [
        [speaker.value(name), speaker.value(str(found.authors.get(name, 0))), speaker.value(digits)]
        for name, digits in sorted(found.fingerprints.items())
    ]
    speaker.table("title.keys", ["author", "entries", "fingerprint"], rows)
    for remark in found.remarks:
        print(remark)
    speaker.print("verified_trusted" if trusted else "verified_compare")


class Proposals(msgspec.Struct, frozen=True, kw_only=True):
    """Lines to be opened once all their members are enrolled. `own` go on this node's card; `taken` came on others'."""

    own: tuple[LineCard, ...] = ()
    taken: tuple[LineCard, ...] = ()


def read_proposals(directory: Path) -> Proposals:
    """The proposals kept beside the node's keys."""
    if not (directory / PROPOSALS).exists():
        return Proposals()
    return read_value(Proposals, directory / PROPOSALS, PROPOSALS)


def keep_proposals(directory: Path, *, own: tuple[LineCard, ...] = (), taken: tuple[LineCard, ...] = ()) -> Proposals:
    """Add proposals to those kept; one of the same id replaces the earlier one of its kind."""
    before = read_proposals(directory)
    kept = Proposals(own=_by_id(before.own, own), taken=_by_id(before.taken, taken))
    write_text(directory / PROPOSALS, msgspec.json.format(msgspec.json.encode(kept), indent=2).decode() + "\n")
    return kept


def _by_id(before: tuple[LineCard, ...], new: tuple[LineCard, ...]) -> tuple[LineCard, ...]:
    return tuple({line.id: line for line in (*before, *new)}.values())


def card_source(text: str) -> str:
    """The text of a card: the argument itself, or what is in the file it names."""
    if text.startswith("keepclear-card-"):
        return text
    return read_text(Path(text), "card")


def read_text(file: Path, field: str) -> str:
    """The text of a file; Malformed naming the field if it cannot be read."""
    return read_bytes(file, field).decode("utf-8", "replace")


def write_text(file: Path, text: str) -> None:
    """Write a file whole or not at all; StoreFailed if the disk refuses."""
    new = file.with_name(file.name + ".new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(file)
    except OSError as error:
        raise StoreFailed(f"{file} cannot be written: {error.strerror}") from None


COMMANDS = {
    "init": init,
    "serve": serve,
    "card": card,
    "pair": pair,
    "token": token,
    "export": export,
    "verify": verify,
}
