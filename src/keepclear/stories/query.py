"""Small questions to a list of plain values: which items are meant, how many there must be, and what must hold of each.

A path is written with dots: `said.act.tracks.*.basis.kind`. A number is a place in a list; `*` means every item (and at
least one), `+` means some item. What is not there reads as null. A condition is a plain value (equality) or

    {"min": x}  {"max": x}      numbers, or times as text in RFC 3339
    {"in": [...]}               one of these
    {"has": x}                  a list or text that contains it (a list of wanted things: all of them)
    {"count": condition}        of the length of a list
    {"null": true}              absent
    {"not": condition}          the condition does not hold

Several keys in one condition must all hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

Condition = Any


def meets(item: Any, wanted: Mapping[str, Condition]) -> bool:
    """Whether every path of `wanted` meets its condition in `item`."""
    return all(_holds_at(item, path.split("."), condition) for path, condition in wanted.items())


def holds(value: Any, condition: Condition) -> bool:
    """Whether a value meets a condition. ValueError for a condition that is not one."""
    if not isinstance(condition, dict):
        return bool(value == condition)
    return all(_test(name)(value, wanted) for name, wanted in condition.items())


def values_at(item: Any, path: str) -> list[Any]:
    """All values at a path, `*` and `+` both meaning every item; what is absent gives nothing."""
    found = [item]
    for step in path.split("."):
        found = [inner for value in found for inner in _children(value, step)]
    return [value for value in found if value is not None]


def _holds_at(item: Any, path: list[str], condition: Condition) -> bool:
    if not path:
        return holds(item, condition)
    step, rest = path[0], path[1:]
    if step in ("*", "+"):
        inner = _children(item, step)
        if step == "+":
            return any(_holds_at(value, rest, condition) for value in inner)
        return bool(inner) and all(_holds_at(value, rest, condition) for value in inner)
    inner = _children(item, step)
    return _holds_at(inner[0] if inner else None, rest, condition)


def _children(value: Any, step: str) -> list[Any]:
    if step in ("*", "+"):
        if isinstance(value, dict):
            return list(value.values())
        return list(value) if isinstance(value, list | tuple) else []
    if isinstance(value, dict):
        return [value[step]] if step in value else []
    if isinstance(value, list | tuple) and step.lstrip("-").isdigit():
        place = int(step)
        return [value[place]] if -len(value) <= place < len(value) else []
    return []


def _test(name: str) -> Callable[[Any, Any], bool]:
    if name not in _TESTS:
        raise ValueError(f"there is no condition {name!r}")
    return _TESTS[name]


def _has(value: Any, wanted: Any) -> bool:
    if not isinstance(value, str | list | tuple):
        return False
    return all(one in value for one in (wanted if isinstance(wanted, list) else [wanted]))


def _in(value: Any, wanted: Iterable[Any]) -> bool:
    return any(value == one for one in wanted)


def _ordered(value: Any, limit: Any) -> tuple[Any, Any] | None:
    """Both sides as numbers or as moments; None if they cannot be compared."""
    if isinstance(value, str) and isinstance(limit, str):
        return datetime.fromisoformat(value), datetime.fromisoformat(limit)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value, limit


def _min(value: Any, limit: Any) -> bool:
    pair = _ordered(value, limit)
    return pair is not None and bool(pair[0] >= pair[1])


def _max(value: Any, limit: Any) -> bool:
    pair = _ordered(value, limit)
    return pair is not None and bool(pair[0] <= pair[1])


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "min": _min,
    "max": _max,
    "in": _in,
    "has": _has,
    "count": lambda value, wanted: isinstance(value, list | tuple) and holds(len(value), wanted),
    "null": lambda value, wanted: (value is None) == wanted,
    "not": lambda value, wanted: not holds(value, wanted),
}
