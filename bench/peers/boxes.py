"""Boxes of four dimensions in an index, and shapely for the outlines: SQLite's R*Tree in memory, and `rtree`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from bench.outlines import Blocks


class Live(Protocol):
    """What a set of live blocks can do. Blocks go by their numbers."""

    def load(self, count: int) -> None:
        """Put in the first `count` blocks at once."""

    def check(self, i: int) -> list[int]:
        """Those put in that block i meets, in rising order."""

    def put(self, i: int) -> None:
        """Put in one."""


def _truly(blocks: Blocks, i: int, near: list[int]) -> list[int]:
    """Those of the blocks near block i that it meets in time, in height and in outline."""
    import shapely

    if not near:
        return []
    others = np.array(near)
    box, boxes = blocks.boxes[i, 2:], blocks.boxes[others, 2:]
    others = others[((boxes[:, :, 0] < box[:, 1]) & (box[:, 0] < boxes[:, :, 1])).all(axis=1)]
    return sorted(others[shapely.intersects(blocks.shapes[i], blocks.shapes[others])].tolist()) if len(others) else []


class Sqlite:
    """SQLite's R*Tree in four dimensions, `:memory:`. Its boxes are of single precision, rounded outward."""

    def __init__(self, blocks: Blocks) -> None:
        import apsw

        self.blocks, self._db = blocks, apsw.Connection(":memory:")
        self._db.execute("create virtual table live using rtree(id, x0, x1, y0, y1, z0, z1, t0, t1)")
        self._ask = (
            "select id from live where x0 <= ? and x1 >= ? and y0 <= ? and y1 >= ?"
            " and z0 <= ? and z1 >= ? and t0 <= ? and t1 >= ?"
        )
        self._other_end = blocks.boxes[:, :, ::-1].reshape(len(blocks), 8)
        self._flat = blocks.boxes.reshape(len(blocks), 8)

    def load(self, count: int) -> None:
        """Put in the first `count` blocks at once."""
        rows = ((i, *row) for i, row in enumerate(self._flat[:count].tolist()))
        with self._db:
            self._db.executemany("insert into live values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def check(self, i: int) -> list[int]:
        """Those put in that block i meets."""
        near = [row[0] for row in self._db.execute(self._ask, self._other_end[i].tolist())]
        return _truly(self.blocks, i, near)

    def put(self, i: int) -> None:
        """Put in one."""
        self._db.execute("insert into live values (?, ?, ?, ?, ?, ?, ?, ?, ?)", (i, *self._flat[i].tolist()))


class Rtree:
    """The `rtree` package (libspatialindex) in four dimensions, in memory."""

    def __init__(self, blocks: Blocks) -> None:
        from rtree import index

        self.blocks = blocks
        self._properties = index.Property(dimension=4)
        self._index: Any = None
        self._rows = np.concatenate((blocks.boxes[:, :, 0], blocks.boxes[:, :, 1]), axis=1)

    def load(self, count: int) -> None:
        """Put in the first `count` blocks at once."""
        from rtree import index

        def rows() -> Iterator[tuple[int, list[float], None]]:
            for i, row in enumerate(self._rows[:count].tolist()):
                yield i, row, None

        self._index = index.Index(rows(), properties=self._properties)

    def check(self, i: int) -> list[int]:
        """Those put in that block i meets."""
        return _truly(self.blocks, i, list(self._index.intersection(self._rows[i].tolist())))

    def put(self, i: int) -> None:
        """Put in one."""
        self._index.insert(i, self._rows[i].tolist())
