"""Plans and positions from anything that holds some: a path to a file, or a thing in memory."""

from __future__ import annotations

import warnings
from pathlib import Path

from keepclear.errors import Malformed
from keepclear.formats import reading
from keepclear.formats.draft import Found
from keepclear.geometry.columns import Plans, Positions


class LeftOut(UserWarning):
    """Something in a source was no plan and was left out; the message says what, and how many."""


def plans(source: object) -> Plans:
    """The plans of a source, checked: docs/formats.md has every shape that is taken.

    A source is a path to a file, a GeoJSON object, a table of rows (Arrow, pandas, `traffic`, a mapping of NumPy
    arrays), `Plan` values, columns, or a list of these. `Malformed` names what is wrong with it; what is left out of it
    is told as a warning, `LeftOut`.
    """
    found = read(source)
    for what, count in found.left_out.items():
        if count:
            warnings.warn(f"left out: {what.replace('_', ' ')}: {count}", LeftOut, stacklevel=2)
    return found.plans


def positions(source: object) -> Positions:
    """The positions of a source, checked, in the order in which they stand there; sources are those of `plans`."""
    return reading.positions(file_bytes(source) if isinstance(source, str | Path) else source)


def read(source: object) -> Found:
    """The plans of a source, and what was left out of it."""
    if isinstance(source, str | Path):
        return reading.read_plans(file_bytes(source), Path(source).stem)
    if isinstance(source, list | tuple) and any(isinstance(each, str | Path) for each in source):
        return reading.together(read(each) for each in source)
    return reading.plans(source)


def file_bytes(file: str | Path) -> bytes:
    """What is in a file; Malformed if it cannot be read."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        message = f"{file} cannot be read: {why}"
        raise Malformed(message, field="file", code="file_unreadable", file=str(file), why=why) from None
