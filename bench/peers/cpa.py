"""The `traffic` library: its sample of one day over Switzerland, and its own search for near encounters."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from typing import Any

import numpy as np

from keepclear.geometry.columns import Datum, Plans

NAUTICAL_MILE_M, FOOT_M = 1_852.0, 0.3048
ACROSS_M, HEIGHT_M = 5.0 * NAUTICAL_MILE_M, 1_000.0 * FOOT_M
_PLANE = "+proj=laea +lat_0=46.8 +lon_0=8.2"


def switzerland() -> Any:
    """The first of August 2018: flights with a fix every ten seconds."""
    with _quiet():
        from traffic.data.samples import switzerland as sample
    return sample


def half_hour(day: Any, begins: str) -> Any:
    """Half an hour of the day from a moment such as 10:00."""
    import pandas as pd

    start = pd.Timestamp(f"2018-08-01 {begins}", tz="UTC")
    return day.between(start, start + pd.Timedelta("30min"))


def plans(flights: list[Any]) -> Plans:
    """Flights as plans: each joined from fix to fix; heights are pressure altitudes. Names are call signs."""
    frames = [flight.data for flight in flights]
    columns = (
        np.concatenate([frame[name].to_numpy(dtype=float) for frame in frames])
        for name in ("latitude", "longitude", "altitude")
    )
    lat, lon, feet = columns
    times = [
        frame.timestamp.dt.tz_convert(None).to_numpy().astype("datetime64[ns]").astype(np.int64) for frame in frames
    ]
    t_s = np.concatenate(times) / 1e9
    point_from = np.concatenate(([0], np.cumsum([len(frame) for frame in frames])))
    # Two planes may bear one call sign on one day.
    ids = [f"{flight.callsign}.{number}" for number, flight in enumerate(flights)]
    return Plans.of_ways(ids, point_from, t_s, lat, lon, feet * FOOT_M, datum=Datum.PRESSURE)


def closest_point_of_approach(part: Any, workers: int) -> set[frozenset[str]]:
    """The pairs of call signs that the library finds within 5 NM and 1,000 ft: it looks where both have a fix."""
    import pyproj

    with _quiet():
        found = part.closest_point_of_approach(
            lateral_separation=ACROSS_M,
            vertical_separation=1_000.0,
            projection=pyproj.Proj(_PLANE),
            round_t="h",
            max_workers=workers,
        )
    if found is None:
        return set()
    near = found.data[(found.data.lateral < 5.0) & (found.data.vertical < 1_000.0)]
    return {frozenset(pair) for pair in zip(near.callsign_x, near.callsign_y, strict=True)}


def sampled(one: Any, other: Any) -> bool:
    """Whether two flights are within 5 NM and 1,000 ft at a moment at which both have a fix."""
    from pyproj import Geod

    both = one.data.merge(other.data, on="timestamp", suffixes=("_x", "_y"))
    places = (both[name].to_numpy(dtype=float) for name in ("longitude_x", "latitude_x", "longitude_y", "latitude_y"))
    _, _, apart = Geod(ellps="WGS84").inv(*places)
    height = np.abs(both.altitude_x.to_numpy(dtype=float) - both.altitude_y.to_numpy(dtype=float))
    return bool(((np.asarray(apart) < ACROSS_M) & (height < 1_000.0)).any())


@contextlib.contextmanager
def _quiet() -> Any:
    """Without the library's bars, notes and warnings on the terminal."""
    logging.getLogger("traffic").setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
