"""Which flights of a party are up, by what its own aircraft report of themselves: what it may offer as Remote ID.

Only where an aircraft was reported by itself, and as fact: what others saw of it, what was made up between reports, and
what was said in an exercise (which reaches no register) is not its remote identification.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepclear.line.apply import BY_ITSELF
from keepclear.line.reports import own_reports
from keepclear.line.state import State
from keepclear.utm.versions import id_of
from keepclear.watch.history import History, Report

RECENT = timedelta(seconds=60)
"""How long a position is shown (F3411, NetMaxNearRealTimeDataPeriod)."""
FLIGHT_GAP = timedelta(minutes=10)
"""After so long without a report it is another flight."""


@dataclass(frozen=True, slots=True)
class Flying:
    """A flight: its reports of the last while, oldest first, at least one. `id` says nothing of whose it is."""

    id: str
    party: str
    reports: tuple[Report, ...]

    @property
    def last(self) -> Report:
        """The newest report."""
        return self.reports[-1]


Begun = dict[tuple[str, str], tuple[str, datetime]]
"""By party and asset: the id of the flight that was found last, and its newest report then."""


def flying(
    state: State, parties: Iterable[str], now: datetime, within: timedelta = RECENT, begun: Begun | None = None
) -> list[Flying]:
    """The flights of these parties whose last report is no older than `within`, in order of party and asset.

    A flight keeps its id as long as no report of it is missing for `FLIGHT_GAP`, over restarts too. `begun` is kept
    from one look to the next by whoever looks often, so that long flights are not gone through each time.
    """
    begun = {} if begun is None else begun
    found = []
    for party in parties:
        for asset in sorted(state.aircraft.get(party, ())):
            history = own_reports(state, asset, party)
            recent = [] if history is None else [each for each in history.between(now - within, now) if _counts(each)]
            if history is not None and recent:
                known = begun.get((party, asset))
                goes_on = known is not None and abs(recent[0].fix.at - known[1]) <= FLIGHT_GAP
                id = known[0] if known is not None and goes_on else _id(history, recent[0])
                begun[party, asset] = (id, recent[-1].fix.at)
                found.append(Flying(id, party, tuple(recent)))
    return found


def _id(history: History, report: Report) -> str:
    """Made of the act that first told of the flight, which nobody guesses who has not heard it."""
    first = report
    for each in history.backwards(report.fix.at):
        if first.fix.at - each.fix.at > FLIGHT_GAP:
            break
        if _counts(each):
            first = each
    return id_of("remote id flight", f"{history.asset} {first.act}")


def _counts(report: Report) -> bool:
    return report.sensor in BY_ITSELF and not report.synthetic
