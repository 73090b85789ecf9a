"""What becomes of a live report: taken in, doubled, late, at odds with another, or too far from the one before.

The rule, mover by mover, in the order in which reports come:

- **The newest time wins.** A report older than the last one taken in is late: it is counted and told, and changes
  nothing. Nothing is ever set back, so whoever comes later finds what was told still standing.
- **Of one moment the first report is kept.** The same moment and, to a millimetre, the same place is the report
  doubled: counted, not told. The same moment and another place is at odds: counted, told, not taken in.
- **A jump is taken in but not joined.** If only something faster than `FASTEST_M_S` could have come from the last
  place, after taking off both uncertainties, or if it lies more than `LONGEST_STEP_M` away, one of the two is wrong
  and nothing shows which. The newer one is where the mover is held to be; of the way between nothing is said.
- **After a silence longer than `max_gap_s`** the report is taken in and not joined either; a distance alone is then no
  jump.

A clock that runs ahead silences its own mover: all that comes after is late until time has caught up.
"""

from __future__ import annotations

import ctypes
import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from keepclear.errors import Malformed
from keepclear.geometry import surface
from keepclear.geometry.columns import DATUMS, IntArray, Positions, checked_positions
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import LIBRARY, pointer
from keepclear.geometry.pack import FASTEST_M_S, LONGEST_STEP_M
from keepclear.watch.batch import Batch, Movers
from keepclear.watch.live_findings import LIVE_KINDS, LiveFindings, LiveKind

SAME_PLACE_M = 0.001
TAKEN, DOUBLED, LATE, AT_ODDS, JUMPED = range(5)
_NOTES = np.array(
    [
        0,
        *(LIVE_KINDS.index(kind) for kind in (LiveKind.DOUBLED, LiveKind.LATE_REPORT, LiveKind.AT_ODDS, LiveKind.JUMP)),
    ],
    dtype=np.uint8,
)
_T, _PLACE, _ALT, _DOUBT, _LAT, _LON, _SIZE = 0, slice(1, 4), 4, 5, 6, 7, 8
_WGS84 = Geod(ellps="WGS84")

if LIBRARY is not None:
    _ADDRESS, _NUMBER = ctypes.c_void_p, ctypes.c_double
    LIBRARY.kc_take_in.argtypes = (
        *(ctypes.c_int64, *[_ADDRESS] * 7, ctypes.c_uint8, _NUMBER, _NUMBER, _NUMBER),
        *[_ADDRESS] * 6,
    )
    LIBRARY.kc_take_in.restype = ctypes.c_int64


@dataclass(slots=True)
class Counts:
    """How many reports came, and what became of them; those that jumped were taken in."""

    taken: int = 0
    doubled: int = 0
    late: int = 0
    at_odds: int = 0
    jumped: int = 0


class Intake:
    """The last report of every mover, and the rule by which the next is taken in (the head of this file)."""

    def __init__(self, *, max_gap_s: float = 300.0) -> None:
        if not max_gap_s >= 0.0:
            raise Malformed(f"{max_gap_s} is not 0 or more", field="max_gap_s", code="out_of_range", value=max_gap_s)
        self.max_gap_s = float(max_gap_s)
        self.counts = Counts()
        self._numbers: dict[str, int] = {}
        self._names = np.empty(0, dtype=object)
        self._state = np.empty((0, _SIZE))
        self._datum = np.empty(0, dtype=np.uint8)
        self._last_ids: tuple[str, ...] = ()
        self._last_numbers = np.empty(0, dtype=np.int64)

    def movers(self) -> Movers:
        """The movers as they are now known; the arrays change with the next reports."""
        n = len(self._numbers)
        state = self._state[:n]
        return Movers(
            ids=self._names[:n],
            t_s=state[:, _T],
            lat_deg=state[:, _LAT],
            lon_deg=state[:, _LON],
            place=state[:, _PLACE],
            alt_m=state[:, _ALT],
            datum=self._datum[:n],
            uncertainty_m=state[:, _DOUBT],
        )

    def take(self, positions: Positions) -> tuple[Batch, LiveFindings]:
        """The reports that were taken in, and what is to be told of those that jumped or were not.

        Raises `Malformed` naming the first position at fault, such as `positions[17].lat_deg`; nothing is then changed.
        """
        sound = checked_positions(positions)
        number = self._number(sound)
        place = surface.places(sound.lat_deg, sound.lon_deg)
        datum = DATUMS.index(sound.datum)
        take_in = _take_in_twin if LIBRARY is None else _take_in
        note, by, before, joined = take_in(self, number, sound, place, datum)
        amounts = np.bincount(note, minlength=5).tolist()
        counts = self.counts
        counts.taken += amounts[TAKEN] + amounts[JUMPED]
        counts.doubled += amounts[DOUBLED]
        counts.late += amounts[LATE]
        counts.at_odds += amounts[AT_ODDS]
        counts.jumped += amounts[JUMPED]
        batch = Batch(
            mover=number,
            t_s=sound.t_s,
            lat_deg=sound.lat_deg,
            lon_deg=sound.lon_deg,
            place=place,
            alt_m=sound.alt_m,
            datum=np.full(len(number), datum, dtype=np.uint8),
            uncertainty_m=sound.uncertainty_m,
            before=before,
            joined=joined,
        )
        if amounts[TAKEN] == len(number):
            return batch, LiveFindings.none()
        told = np.flatnonzero((note == LATE) | (note == AT_ODDS) | (note == JUMPED))
        notes = LiveFindings.of(
            _NOTES[note[told]],
            self._names[number[told]],
            sound.t_s[told],
            sound.lat_deg[told],
            sound.lon_deg[told],
            value=by[told],
        )
        return batch.take(np.flatnonzero((note == TAKEN) | (note == JUMPED))), notes

    def _number(self, positions: Positions) -> IntArray:
        """The number of the mover of each position; movers heard of for the first time get the next."""
        if positions.ids is not self._last_ids:
            self._last_ids = positions.ids
            self._last_numbers = np.full(len(positions.ids), -1, dtype=np.int64)
        number = self._last_numbers[positions.mover]
        if len(number) and number.min() < 0:
            self._meet(positions.mover[number < 0], positions.ids)
            number = self._last_numbers[positions.mover]
        return number

    def _meet(self, places: IntArray, ids: tuple[str, ...]) -> None:
        """Movers of whom these ids, by their places, were not heard before get numbers, in order."""
        in_order = bool((places[1:] > places[:-1]).all())
        new = places.tolist() if in_order else list(dict.fromkeys(places.tolist()))
        known, before, met = self._numbers, len(self._numbers), [ids[i] for i in new]
        fresh = dict(zip(met, range(before, before + len(met)), strict=True))
        if len(fresh) == len(met) and known.keys().isdisjoint(fresh):  # mostly: and several times as quick at once
            known.update(fresh)
            self._last_numbers[new] = np.arange(before, before + len(met))
        else:
            self._last_numbers[new] = [known.setdefault(name, len(known)) for name in met]
        n = len(known)
        if n > len(self._state):
            room = max(2 * len(self._state), n, 64)
            state, datum = np.full((room, _SIZE), np.nan), np.zeros(room, dtype=np.uint8)
            names = np.empty(room, dtype=object)
            state[:before], datum[:before] = self._state[:before], self._datum[:before]
            names[:before] = self._names[:before]
            self._state, self._datum, self._names = state, datum, names
        self._names[before:n] = list(itertools.islice(reversed(known), n - before))[::-1]


_Taken = tuple[npt.NDArray[np.uint8], FloatArray, FloatArray, npt.NDArray[np.bool_]]


def _take_in(intake: Intake, number: IntArray, positions: Positions, place: FloatArray, datum: int) -> _Taken:
    """What became of each report, by how much it is late or off, the report before it, and whether the two are joined.

    Changes the intake's state.
    """
    assert LIBRARY is not None
    n = len(number)
    note, joined = np.empty(n, dtype=np.uint8), np.empty(n, dtype=np.bool_)
    by, before = np.empty(n), np.empty((n, 5))
    reports = (number, positions.t_s, positions.lat_deg, positions.lon_deg, place)
    LIBRARY.kc_take_in(
        n,
        *(pointer(column) for column in (*reports, positions.alt_m, positions.uncertainty_m)),
        datum,
        intake.max_gap_s,
        FASTEST_M_S,
        LONGEST_STEP_M,
        *(pointer(column) for column in (intake._state, intake._datum, note, by, before, joined)),
    )
    return note, by, before, joined


def _take_in_twin(intake: Intake, number: IntArray, positions: Positions, place: FloatArray, datum: int) -> _Taken:
    """The same, report by report."""
    n = len(number)
    note, joined = np.zeros(n, dtype=np.uint8), np.zeros(n, dtype=np.bool_)
    by, before = np.full(n, np.nan), np.empty((n, 5))
    for i in range(n):
        last = intake._state[number[i]]
        before[i] = last[:5]
        if intake._datum[number[i]] != datum:
            before[i, _ALT] = np.nan
        passed = positions.t_s[i] - last[_T]
        if passed < 0.0:
            note[i], by[i] = LATE, -passed
            continue
        if passed >= 0.0:
            _, _, step = _WGS84.inv(last[_LON], last[_LAT], positions.lon_deg[i], positions.lat_deg[i])
            if passed == 0.0:
                note[i], by[i] = DOUBLED if step <= SAME_PLACE_M else AT_ODDS, step
                continue
            soon = passed <= intake.max_gap_s
            too_fast = step - last[_DOUBT] - positions.uncertainty_m[i] > FASTEST_M_S * passed
            if too_fast or (soon and step > LONGEST_STEP_M):
                note[i], by[i] = JUMPED, step
            else:
                joined[i] = soon
        last[_T], last[_PLACE], last[_ALT] = positions.t_s[i], place[i], positions.alt_m[i]
        last[_DOUBT], last[_LAT], last[_LON] = positions.uncertainty_m[i], positions.lat_deg[i], positions.lon_deg[i]
        intake._datum[number[i]] = datum
    return note, by, before, joined
