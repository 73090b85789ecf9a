"""Tracks for tests: made up, in Parquet files, with silences, jumps and reports said twice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow
from pyarrow import parquet

BEGIN_S = datetime(2017, 9, 8, tzinfo=UTC).timestamp()
HOURS = 3.0


def write_tracks(folder: Path, tracks: int = 60, seed: int = 7, files: int = 2) -> list[str]:
    """Files with a report every ten seconds or so of movers that wander about 10 by 10 km; their paths."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("id", "time", "lat", "lon", "altitude_m")}
    for which in range(tracks):
        begin = rng.uniform(0.0, HOURS * 3600.0 - 1800.0)
        t_s = begin + np.arange(0.0, rng.uniform(600.0, 3600.0), 10.0) + rng.uniform(0.0, 3.0)
        bearing = rng.uniform(0.0, 2.0 * np.pi) + np.cumsum(rng.normal(0.0, 0.05, len(t_s)))
        speed = rng.uniform(2.0, 25.0)
        x = rng.uniform(-5e3, 5e3) + np.cumsum(np.sin(bearing)) * speed * 10.0
        y = rng.uniform(-5e3, 5e3) + np.cumsum(np.cos(bearing)) * speed * 10.0
        silent = rng.uniform(0.0, 3600.0)
        kept = (t_s - begin < silent) | (t_s - begin > silent + 400.0)
        columns["id"].append(np.full(kept.sum(), f"track-{which:03d}"))
        columns["time"].append(BEGIN_S + t_s[kept])
        columns["lat"].append(35.0 + y[kept] / 111_000.0)
        columns["lon"].append(40.0 + x[kept] / 91_000.0)
        columns["altitude_m"].append(rng.choice([3000.0, 3100.0, 3600.0]) + 5.0 * rng.normal(0.0, 1.0, int(kept.sum())))
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.argsort(whole["time"], kind="stable")
    paths = []
    for number, rows in enumerate(np.array_split(order, files)):
        times = pyarrow.array((whole["time"][rows] * 1e6).astype(np.int64)).cast(pyarrow.timestamp("us", tz="UTC"))
        table = {name: pyarrow.array(values[rows]) for name, values in whole.items() if name != "time"}
        path = folder / f"day-{number}.parquet"
        parquet.write_table(pyarrow.table({**table, "time": times}), path, row_group_size=2000)
        paths.append(str(path))
    return paths
