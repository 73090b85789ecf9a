"""Plans and positions from anything that holds some: a path to a file, or a thing in memory."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from keepclear.errors import Malformed
from keepclear.formats import reading
from keepclear.formats.draft import Found
from keepclear.geometry.columns import Plans, Positions

LONGEST_NAME = 4_096
"""Characters of the name of a file."""


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
            warnings.warn(f"left out: {what.replace('_', ' ')}: {count}", LeftOut, stacklevel=_of_caller())
    return found.plans


def positions(source: object) -> Positions:
    """The positions of a source, checked, in the order in which they stand there.

    A source is a path to a file, a GeoJSON object of points, a table of rows, or columns; one of them, not a list.
    `Malformed` names what is wrong with it.
    """
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
    except (OSError, ValueError) as error:  # the latter: a name that no file can have
        name, why = str(file), getattr(error, "strerror", None) or str(error)
        if len(name) > LONGEST_NAME or name.lstrip().startswith(("{", "[", "<")) or "\n" in name:
            message = "a text is the name of a file; what is in a file is given as bytes"
            raise Malformed(message, field="file", code="not_file_name") from None
        message = f"{name} cannot be read: {why}"
        raise Malformed(message, field="file", code="file_unreadable", file=name, why=why) from None


def _of_caller() -> int:
    """How many calls up, from where this is asked, the first is that is not made in this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "keepclear":
        level, frame = level + 1, frame.f_back
    return level
