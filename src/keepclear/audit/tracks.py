"""Rows of reports to ways: sorted, joined where they may be joined, each unbroken run a way of its own."""

from __future__ import annotations

import numpy as np

from keepclear.geometry.columns import IntArray, Plans, Positions
from keepclear.geometry.pack import FASTEST_M_S, LONGEST_STEP_M, lengths_m


def ways(reports: Positions, max_gap_s: float) -> tuple[Plans, IntArray]:
    """The ways of n reports of any order, and for each way the place of its track in `reports.ids`.

    Of several reports of one track at one moment the first counts. Two reports are joined unless they lie more than
    `max_gap_s`, `LONGEST_STEP_M` or what `FASTEST_M_S` allows apart, as `geometry.pack.fix_legs` has it. A report
    that is joined to none is no way. A height that is unknown at either end of a leg counts as every height.
    """
    order = np.lexsort((reports.t_s, reports.mover))
    mover, t_s = reports.mover[order], reports.t_s[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (np.diff(mover) != 0) | (np.diff(t_s) > 0.0)
    order, mover, t_s = order[fresh], mover[fresh], t_s[fresh]
    lat, lon, doubt = reports.lat_deg[order], reports.lon_deg[order], reports.uncertainty_m[order]
    apart_s = np.diff(t_s)
    joined = (np.diff(mover) == 0) & (apart_s <= max_gap_s)
    step = np.zeros(len(apart_s))
    at = np.flatnonzero(joined)
    step[at] = lengths_m(lat[at], lon[at], lat[at + 1], lon[at + 1])
    joined &= (step <= LONGEST_STEP_M) & (step - doubt[:-1] - doubt[1:] <= FASTEST_M_S * apart_s)
    kept = np.append(joined, False) | np.append(False, joined) if len(order) else np.zeros(0, dtype=bool)
    order, mover, t_s, lat, lon = order[kept], mover[kept], t_s[kept], lat[kept], lon[kept]
    starts = np.flatnonzero(~np.append(False, joined)[kept]) if len(order) else np.empty(0, dtype=np.int64)
    plans = Plans.of_ways(
        [str(k) for k in range(len(starts))],
        np.append(starts, len(order)),
        t_s,
        lat,
        lon,
        reports.alt_m[order],
        datum=reports.datum,
    )
    return plans, mover[starts]
