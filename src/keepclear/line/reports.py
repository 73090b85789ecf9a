"""Whose reports of an asset count for what. Each author's are a history of their own; nobody's undo another's.

- Whether an aircraft was inside a volume, or is concerned by a request, its own party's reports tell; what others
  report of it can add a doubt, never take one away.
- How a group stands (where, how late, halted, lost) its declarer's reports tell; of a member of which the declarer
  reports nothing, those of whoever saw it last.
- That a group came near a boundary or another group anybody's reports can show, and nobody else's can end it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from keepclear.line.message import Message
from keepclear.line.state import Declared, State
from keepclear.line.timings import CLOCK_TOLERANCE
from keepclear.model.tracks import Track
from keepclear.watch.history import History

BEFORE = timedelta(microseconds=1)


def file_track(state: State, message: Message, track: Track) -> None:
    """Take a track into its author's history. To be called by `apply` only.

    A position of a time later than it was said, beyond what clocks may differ, was not seen by anybody and is left out.
    """
    fixes = tuple(fix for fix in track.fixes if fix.at <= message.at + CLOCK_TOLERANCE)
    if not fixes:
        return
    by_author = state.histories.setdefault(track.asset, {})
    history = by_author.get(message.author)
    if history is None:
        history = by_author[message.author] = History(track.asset, track.kind, message.author)
    history.add(track if fixes == track.fixes else msgspec.structs.replace(track, fixes=fixes), message.id)
    # The way from the report before is news too, so just before this one.
    state.agenda.touch("asset", track.asset, fixes[0].at - BEFORE)


def own_reports(state: State, asset: str, party: str) -> History | None:
    """What a party itself reported of an asset."""
    return state.histories.get(asset, {}).get(party)


def others_reports(state: State, asset: str, party: str) -> list[History]:
    """What everybody but a party reported of an asset, in order of author."""
    return [history for author, history in sorted(state.histories.get(asset, {}).items()) if author != party]


def all_reports(state: State, assets: Iterable[str]) -> list[History]:
    """What each author reported of each of these assets, of those that were ever reported."""
    return [history for asset in assets for _, history in sorted(state.histories.get(asset, {}).items())]


def standing_reports(state: State, own: Declared, now: datetime) -> dict[str, History]:
    """By member: the reports that tell how a group stands, its declarer's or else those of whoever saw it last."""
    found: dict[str, History] = {}
    for member in own.group.members:
        history = first_heard(state, member.asset, (own.message.author,), now)
        if history is not None:
            found[member.asset] = history
    return found


def first_heard(state: State, asset: str, parties: Iterable[str], now: datetime) -> History | None:
    """The reports of an asset by the first of these parties to have any up to `now`; else of whoever saw it last."""
    by_author = state.histories.get(asset, {})
    for party in parties:
        history = by_author.get(party)
        if history is not None and history.last(now) is not None:
            return history
    seen = [(last.fix.at, author) for author, each in by_author.items() if (last := each.last(now)) is not None]
    return by_author[max(seen)[1]] if seen else None


def flies(state: State, asset: str) -> bool:
    """Whether every author who reported an asset says that it flies."""
    return all(history.flies for history in state.histories.get(asset, {}).values())
