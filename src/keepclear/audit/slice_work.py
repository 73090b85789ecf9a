"""The work of one slice: read its rows, find what is too near, keep what lies within its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from keepclear.audit.findings import CONFLICT, ENCOUNTER, Findings, joined, together
from keepclear.audit.job import Rules, Slice
from keepclear.audit.parquet import Tracks
from keepclear.audit.tracks import ways
from keepclear.conflict.pairs import conflicts
from keepclear.conflict.separation import Minimum

MOST_ROWS = 4_000_000
"""Of a slice with more, each half is done by itself."""


def work(tracks: Tracks, part: Slice, rules: Rules) -> Findings:
    """What is too near within one slice, by every rule, joined.

    Rows of `max_gap_s` on either side are read too, so that every leg that reaches into the slice is whole. What goes
    on beyond a bound ends at it here; where it was nearest is then said by one of the slices only, and is NaN in the
    others (`findings.joined` takes it from that one).
    """
    parts = [_within(tracks, piece, rules) for piece in _pieces(tracks, part, rules.max_gap_s)]
    return joined(together(parts))


def _pieces(tracks: Tracks, part: Slice, margin_s: float) -> Iterator[Slice]:
    length = part.upto_s - part.from_s
    if length <= 2.0 * margin_s or tracks.count(part.from_s - margin_s, part.upto_s + margin_s) <= MOST_ROWS:
        yield part
        return
    middle = part.from_s + length / 2
    yield from _pieces(tracks, replace(part, upto_s=middle), margin_s)
    yield from _pieces(tracks, replace(part, from_s=middle), margin_s)


def _within(tracks: Tracks, part: Slice, rules: Rules) -> Findings:
    reports = tracks.between(part.from_s - rules.max_gap_s, part.upto_s + rules.max_gap_s)
    plans, track = ways(reports, rules.max_gap_s)
    if not len(plans):
        return together([])
    names = np.array(reports.ids, dtype=object)[track]
    asked = [(CONFLICT, Minimum(rules.across_m, np.inf if rules.height_m is None else rules.height_m))]
    if rules.encounter_m is not None:
        asked.append((ENCOUNTER, Minimum(rules.encounter_m, np.inf)))
    parts = []
    for rule, minimum in asked:
        found = conflicts(plans, minimum, threads=1)
        rows = found.array
        a, b = names[rows["a"]], names[rows["b"]]
        swapped = (a > b).astype(bool)
        nearest = rows["nearest_s"]
        here = (nearest >= part.from_s) & (nearest < part.upto_s)
        lat, lon = found.places()
        every = Findings(
            rule=np.full(len(rows), rule, dtype=object),
            a=np.where(swapped, b, a),
            b=np.where(swapped, a, b),
            starts_s=np.maximum(rows["t0_s"], part.from_s),
            ends_s=np.minimum(rows["t1_s"], part.upto_s),
            nearest_s=np.where(here, nearest, np.nan),
            horizontal_m=np.where(here, rows["horizontal_m"], np.nan),
            vertical_m=np.where(here, rows["vertical_m"], np.nan),
            lat_deg=np.where(here, lat, np.nan),
            lon_deg=np.where(here, lon, np.nan),
        )
        parts.append(every.take((every.ends_s > every.starts_s) & (every.a != every.b).astype(bool)))
    return together(parts)
