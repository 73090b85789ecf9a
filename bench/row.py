"""One figure beside its peer: what was done, by whom, how fast, and whether both gave the same answer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OURS = "keepclear"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a table. `seconds` is for one whole job (or one item, where `rate` counts items a second)."""

    job: str
    """What is asked, with its size. Rows of one job stand beside one another."""
    who: str
    """`OURS`, with what it was given, or the peer and how it was driven."""
    seconds: float | None = None
    rate: float | None = None
    """Items a second; `unit` says of what."""
    unit: str = ""
    answer: str = ""
    """What came out, and how it agrees with the others of the job."""
    agrees: bool = True
    """False where it does not, and this bench cannot say why."""
    times: float | None = None
    """How many times slower than ours in the same run."""
    floor_s: float | None = None
    """What the machine cannot do without for one job (or item), by the reckoning that the page tells."""
    remark: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    """What is drawn."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """What one group of benches found, with the machine it ran on and how big the jobs were."""

    name: str
    title: str
    size: str
    machine: dict[str, str]
    rows: list[Row]


def write(path: Path, group: Group) -> None:
    """Put a group into the file of figures; other groups in it stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    groups = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    groups[group.name] = asdict(group)
    path.write_text(json.dumps(groups, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> list[Group]:
    """The groups of a file of figures."""
    groups = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [Group(**{**group, "rows": [Row(**row) for row in group["rows"]]}) for group in groups.values()]


def time_text(seconds: float | None) -> str:
    """Seconds as people read them: 3.2 µs, 41 ms, 2.30 s."""
    if seconds is None:
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1.0:
            return f"{seconds * factor:.3g} {unit}" if seconds * factor < 1000 else f"{seconds * factor:,.0f} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def rate_text(row: Row) -> str:
    """Items a second as people read them."""
    return "" if row.rate is None else f"{row.rate:,.0f} {row.unit}/s"


def ratio_text(row: Row) -> str:
    """How many times slower than ours."""
    return "" if row.times is None else _times_text(row.times)


def _times_text(times: float) -> str:
    return f"{times:,.0f}x" if times >= 20 else f"{times:.2g}x"


def floor_text(row: Row) -> str:
    """The floor, and how many times it we stand."""
    took = row.seconds if row.seconds is not None else None if row.rate is None else 1.0 / row.rate
    if row.floor_s is None or took is None:
        return ""
    return f"{time_text(row.floor_s)}; {_times_text(took / row.floor_s)}"


COLUMNS = ("job", "who", "time", "rate", "against ours", "floor; ours over it", "answer", "remark")


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, in the order of `COLUMNS`."""
    figures = (time_text(row.seconds), rate_text(row), ratio_text(row), floor_text(row))
    return (row.job, row.who, *figures, row.answer, row.remark)
