"""What a flight plan asks of its operational intent, and what is refused before anybody else is looked at.

F3548-21: an intent is planned at most 30 days ahead (OiMaxPlanHorizon), has not ended, has at most 10,000 vertices
(OiMaxVertices), and is activated only while one of its volumes is in use. Its states follow one another as in the
standard's diagram: what is in use does not go back to planned, and from Contingent it can only end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keepclear.errors import NotNow
from keepclear.model.utm import MAX_OUTLINE, IntentState, UtmFlight, UtmVolume
from keepclear.utm.peers import vertices

HORIZON = timedelta(days=30)
CLOCKS_APART = timedelta(seconds=5)
"""TimeSyncMaxDifferential: who activates may have a clock that is so much ahead."""


class Usage(StrEnum):
    """What the operator does with the airspace of a plan."""

    PLANNED = "Planned"
    IN_USE = "InUse"
    CLOSED = "Closed"


class Condition(StrEnum):
    """How the aircraft is, as its operator says."""

    NOMINAL = "Nominal"
    OFF_NOMINAL = "OffNominal"
    CONTINGENT = "Contingent"
    NOT_SPECIFIED = "NotSpecified"


@dataclass(frozen=True, slots=True)
class FlightAsked:
    """A flight plan as its operator wants it. `volumes` is where the aircraft may be."""

    volumes: tuple[UtmVolume, ...]
    usage: Usage
    condition: Condition = Condition.NOMINAL
    priority: int = 0


class Unplannable(NotNow):
    """A flight plan that cannot be, whatever else is in the air. `field` is the part of the plan at fault."""

    code = "utm_plan"


_STATES = {
    (Usage.PLANNED, Condition.NOMINAL): IntentState.ACCEPTED,
    (Usage.PLANNED, Condition.NOT_SPECIFIED): IntentState.ACCEPTED,
    (Usage.IN_USE, Condition.NOMINAL): IntentState.ACTIVATED,
    (Usage.IN_USE, Condition.NOT_SPECIFIED): IntentState.ACTIVATED,
    (Usage.IN_USE, Condition.OFF_NOMINAL): IntentState.NONCONFORMING,
    (Usage.IN_USE, Condition.CONTINGENT): IntentState.CONTINGENT,
}
_FOLLOWS: dict[IntentState | None, tuple[IntentState, ...]] = {
    None: (IntentState.ACCEPTED, IntentState.ACTIVATED),
    IntentState.ACCEPTED: tuple(IntentState),
    IntentState.ACTIVATED: (IntentState.ACTIVATED, IntentState.NONCONFORMING, IntentState.CONTINGENT),
    IntentState.NONCONFORMING: (IntentState.NONCONFORMING, IntentState.ACTIVATED, IntentState.CONTINGENT),
    IntentState.CONTINGENT: (IntentState.CONTINGENT,),
}


def state_of(asked: FlightAsked, held: IntentState | None, now: datetime) -> IntentState:
    """The state the intent is to have. Unplannable if it cannot come after `held`, or the volumes forbid it now."""
    state = _STATES.get((asked.usage, asked.condition))
    if state is None or state not in _FOLLOWS[held]:
        raise Unplannable(
            "an operational intent cannot become this now", field="basic_information", code="utm_plan_state"
        )
    check_volumes(asked.volumes)
    if vertices(asked.volumes) > MAX_OUTLINE:
        raise Unplannable("too many vertices", field="area", code="utm_plan_vertices", most=MAX_OUTLINE)
    starts_at = min(each.starts_at for each in asked.volumes if each.starts_at is not None)
    ends_at = max(each.ends_at for each in asked.volumes if each.ends_at is not None)
    if ends_at <= now:
        raise Unplannable("it is over", field="area", code="utm_plan_over")
    if starts_at > now + HORIZON:
        raise Unplannable("it is too far ahead", field="area", code="utm_plan_too_far", days=HORIZON.days)
    if state is IntentState.ACTIVATED and not any(_in_use(each, now) for each in asked.volumes):
        raise Unplannable("none of its volumes is in use now", field="area", code="utm_plan_not_in_use")
    return state


def check_volumes(volumes: Sequence[UtmVolume]) -> None:
    """Unplannable unless there is a volume, and each is bounded in height and time, the right way round."""
    if not volumes:
        raise Unplannable("it has no volumes", field="area", code="utm_plan_unbounded")
    for place, each in enumerate(volumes):
        field = f"area[{place}]"
        if each.starts_at is None or each.ends_at is None or each.lower_m is None or each.upper_m is None:
            raise Unplannable("a volume is not bounded", field=field, code="utm_plan_unbounded")
        if each.ends_at <= each.starts_at or each.upper_m < each.lower_m:
            raise Unplannable("a volume ends before it begins", field=field, code="utm_plan_unbounded")


def flight_of(
    id: str, client: str, asked: FlightAsked, state: IntentState, before: UtmFlight | None, at: str
) -> UtmFlight:
    """The details to be kept behind the intent `at`.

    What is off-nominal is flown outside of what was planned; the plan stays known while the aircraft may come back.
    """
    off_nominal = state in (IntentState.NONCONFORMING, IntentState.CONTINGENT)
    planned = () if before is None or state is IntentState.CONTINGENT else before.volumes
    return UtmFlight(
        id=id,
        client=client,
        usage_state=asked.usage.value,
        uas_state=asked.condition.value,
        priority=asked.priority,
        volumes=planned if off_nominal else asked.volumes,
        off_nominal_volumes=asked.volumes if off_nominal else (),
        intent=at,
    )


def _in_use(volume: UtmVolume, now: datetime) -> bool:
    return (
        volume.starts_at is not None
        and volume.ends_at is not None
        and volume.starts_at <= now + CLOCKS_APART
        and now < volume.ends_at
    )
