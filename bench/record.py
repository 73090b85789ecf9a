"""Keeping and proving the record, each beside the bare cost of the same work."""

from __future__ import annotations

from collections.abc import Iterator

from bench.keeping import keeping
from bench.proving import proving
from bench.row import OURS, Row

TITLE = "The record: keeping and proving"


def record(small: bool) -> Iterator[Row]:
    """Acts kept and entries proven a second, and the bare writes and signatures they cannot do without."""
    for bench in (keeping, proving):
        for what, ours, beside, floor in bench():
            yield Row(job=what, who=OURS, rate=ours, unit="items", floor_s=1.0 / floor)
            yield Row(job=what, who=beside, rate=floor, unit="items", times=ours / floor)
