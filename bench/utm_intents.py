"""Operational intents to be written, one after another in chains.

In a chain each intent meets the one before it and the one after it in time, and no other: its key is one OVN. Chains
are apart in place (`spread`), or all in one cell and apart in height (`busy`).
"""

from __future__ import annotations

import json
import math
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.utm_client import Caller

SOUTH, WEST = 31.0, 38.0
APART = (0.04, 0.05)
"""Degrees between chains that are spread: over 4 km, so that they share no cell."""
LENGTH = 20
"""Intents in a chain."""
INTENTS = "/dss/v1/operational_intent_references"
BEGIN = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


@dataclass
class Chain:
    """A place, a height, and how far it has come."""

    lat_deg: float
    lng_deg: float
    lower_m: float
    done: int = 0
    key: list[str] = field(default_factory=list)

    def body(self) -> bytes:
        """The next intent: a circle of 200 m through 15 m of height for a quarter of an hour; a new one every ten."""
        starts = BEGIN + timedelta(minutes=10 * self.done)
        volume = {
            "volume": {
                "outline_circle": {
                    "center": {"lat": self.lat_deg, "lng": self.lng_deg},
                    "radius": {"value": 200, "units": "M"},
                },
                "altitude_lower": _height(self.lower_m),
                "altitude_upper": _height(self.lower_m + 15.0),
            },
            "time_start": _time(starts),
            "time_end": _time(starts + timedelta(minutes=15)),
        }
        asked = {
            "extents": [volume],
            "key": self.key,
            "state": "Accepted",
            "uss_base_url": "https://uss1.example/utm",
            "new_subscription": {"uss_base_url": "https://uss1.example/utm", "notify_for_constraints": False},
        }
        return json.dumps(asked).encode()

    async def write(self, caller: Caller) -> None:
        """Create the next intent; AssertionError if it is refused."""
        status, body = await caller.call("PUT", f"{INTENTS}/{uuid.uuid4()}", self.body())
        assert status == 201, body[:500]
        self.key = [json.loads(body)["operational_intent_reference"]["ovn"]]
        self.done += 1


def chains(count: int, *, busy: bool, seed: int = 1) -> list[Chain]:
    """That many chains, each with `LENGTH` intents to come."""
    if busy:
        return [Chain(34.5, 40.0, 20.0 * number) for number in range(count)]
    side = math.isqrt(count - 1) + 1
    grid = [(SOUTH + APART[0] * (at // side), WEST + APART[1] * (at % side)) for at in range(count)]
    random.Random(seed).shuffle(grid)
    return [Chain(lat_deg, lng_deg, 100.0) for lat_deg, lng_deg in grid]


def square_km(chance: random.Random) -> bytes:
    """A query of one square kilometre somewhere in the box."""
    lat, lng = SOUTH + chance.uniform(0.0, 3.0), WEST + chance.uniform(0.0, 3.5)
    corners = ((0.0, 0.0), (0.009, 0.0), (0.009, 0.0109), (0.0, 0.0109))
    vertices = [{"lat": lat + north, "lng": lng + east} for north, east in corners]
    return json.dumps({"area_of_interest": {"volume": {"outline_polygon": {"vertices": vertices}}}}).encode()


def _height(value_m: float) -> dict[str, object]:
    return {"value": value_m, "reference": "W84", "units": "M"}


def _time(moment: datetime) -> dict[str, str]:
    return {"value": moment.isoformat().replace("+00:00", "Z"), "format": "RFC3339"}
