from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepclear.audit.findings import JOIN_S, AcrossBounds, Findings, joined, together

Row = tuple[str, str, str, float, float, float]
"""Rule, pair, start, end, least distance."""


def findings(rows: list[Row]) -> Findings:
    starts, ends = np.array([row[3] for row in rows]), np.array([row[4] for row in rows])
    near = np.array([row[5] for row in rows])
    return Findings(
        rule=np.array([row[0] for row in rows], dtype=object),
        a=np.array([row[1] for row in rows], dtype=object),
        b=np.array([row[2] for row in rows], dtype=object),
        starts_s=starts,
        ends_s=ends,
        nearest_s=starts,
        horizontal_m=near,
        vertical_m=near,
        lat_deg=near,
        lon_deg=near,
    )


def rows(found: Findings) -> list[Row]:
    columns = (found.rule, found.a, found.b, found.starts_s, found.ends_s, found.horizontal_m)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def joined_slowly(given_rows: list[Row]) -> list[Row]:
    """The obvious twin: row by row."""
    whole: list[Row] = []
    for row in sorted(given_rows):
        last = whole[-1] if whole else None
        if last is not None and last[:3] == row[:3] and row[3] <= last[4] + JOIN_S:
            whole[-1] = (*row[:3], last[3], max(last[4], row[4]), min(last[5], row[5]))
        else:
            whole.append(row)
    return whole


row = st.tuples(
    st.sampled_from(["conflict", "encounter"]),
    st.sampled_from("ab"),
    st.sampled_from("cd"),
    st.integers(0, 40).map(float),
    st.integers(1, 9).map(float),
    st.integers(0, 5).map(float),
).map(lambda r: (r[0], r[1], r[2], r[3], r[3] + r[4], r[5]))


@given(st.lists(row, max_size=30))
def test_what_follows_without_a_break_is_one(given_rows: list[Row]) -> None:
    assert rows(joined(findings(given_rows))) == joined_slowly(given_rows)


@given(st.lists(row, max_size=30), st.sampled_from([3.0, 7.0, 50.0]))
def test_slices_given_one_by_one_come_to_the_same(given_rows: list[Row], length_s: float) -> None:
    across = AcrossBounds()
    parts = []
    for begin in np.arange(0.0, 60.0, length_s).tolist():
        of_slice = [row for row in given_rows if begin <= row[3] < begin + length_s]
        parts.append(across.add(findings(of_slice), begin + length_s))
    parts.append(across.rest())
    assert sorted(rows(together(parts))) == joined_slowly(given_rows)


def test_what_ends_before_the_bound_is_not_kept_back() -> None:
    across = AcrossBounds()
    done = across.add(findings([("conflict", "a", "b", 0.0, 5.0, 1.0), ("conflict", "a", "c", 0.0, 10.0, 1.0)]), 10.0)
    assert [row[2] for row in rows(done)] == ["b"]
    assert [row[2] for row in rows(across.rest())] == ["c"]
    assert not len(across.rest())


def test_one_row_for_a_pair_says_when_it_was_nearest() -> None:
    found = joined(findings([("conflict", "a", "b", 0.0, 5.0, 9.0), ("conflict", "a", "b", 5.0, 8.0, 2.0)]))
    assert rows(found) == [("conflict", "a", "b", 0.0, 8.0, 2.0)]
    assert found.nearest_s.tolist() == [5.0]
    assert {field.name for field in fields(found)} >= {"lat_deg", "lon_deg"}
