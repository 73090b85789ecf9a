"""What a flight plan asks of its operational intent, and what is refused before anybody else is looked at.

F3548-21: an intent keeps to its limits (`keepclear.utm.limits`: 30 days ahead, not over, 10,000 vertices), and is
activated only while one of its volumes is in use. Its states follow one another as in the standard's diagram: what is
in use does not go back to planned, and from Contingent it can only end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keepclear.errors import NotNow
from keepclear.model.utm import IntentState, UtmFlight, UtmVolume
from keepclear.utm.limits import INTENT, check_volumes

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
    """The state the intent is to have.

    Unplannable if it cannot come after `held`, or no volume is in use that should be; Malformed (`area[0]…`) if the
    volumes do not keep to the limits.
    """
    state = _STATES.get((asked.usage, asked.condition))
    if state is None or state not in _FOLLOWS[held]:
        raise Unplannable(
            "an operational intent cannot become this now", field="basic_information", code="utm_plan_state"
        )
    check_volumes(asked.volumes, now, INTENT, "area")
    if state is IntentState.ACTIVATED and not any(_in_use(each, now) for each in asked.volumes):
        raise Unplannable("none of its volumes is in use now", field="area", code="utm_plan_not_in_use")
    return state


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
