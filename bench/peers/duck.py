"""DuckDB: legs spread over cells of space and time, an equi-join on the cells, and the closed form in SQL.

The earth is the same as ours: legs between the same points in space, lifted back to the surface. The formula is not:
the nearest moment is sought on the chords, and the distance there is straight through the earth and then bent along it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.brute import Pairs
from keepclear.geometry.pack import Packed

if TYPE_CHECKING:
    import duckdb

CELL_M, CELL_S = 25_000.0, 60.0
_DEPTH_M = 0.001
_RADIUS_M = 6_371_008.8
_ECCENTRICITY2 = 6.69437999014131699614e-3


def connect(threads: int) -> duckdb.DuckDBPyConnection:
    """A database in memory that uses so many threads and draws no progress bar."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set threads = {threads}; set enable_progress_bar = false")
    return connection


def load(connection: duckdb.DuckDBPyConnection, packed: Packed) -> None:
    """The table `legs` of all legs that cover time: the state at both ends, and what lifts the chord to the surface.

    Cells are counted on sums of latitude and longitude that are never longer than the way on the ground.
    """
    nodes = packed.nodes
    plan = np.repeat(np.arange(len(packed)), np.diff(packed.node_from))
    first = np.flatnonzero((plan[:-1] == plan[1:]) & (nodes[1:, 0] > nodes[:-1, 0]))
    begin, end = nodes[first], nodes[first + 1]
    chord = end[:, 1:4] - begin[:, 1:4]
    up = begin[:, 1:4] + 0.5 * chord
    up[:, 2] /= 1.0 - _ECCENTRICITY2
    up /= np.linalg.norm(up, axis=1)[:, None]
    lift = up * ((chord**2).sum(axis=1) / (2.0 * _RADIUS_M))[:, None]
    span = end[:, 0] - begin[:, 0]
    lat, lon = np.arcsin(nodes[:, 3] / np.linalg.norm(nodes[:, 1:4], axis=1)), np.arctan2(nodes[:, 2], nodes[:, 1])
    north, east = lat * 6_300_000.0, lon * 6_300_000.0 * np.cos(np.abs(lat).max())
    columns = {"plan": plan[first], "t0": begin[:, 0], "t1": end[:, 0]}
    columns |= {f"p{axis}": begin[:, 1 + k] for k, axis in enumerate("xyz")}
    columns |= {f"v{axis}": chord[:, k] / span for k, axis in enumerate("xyz")}
    columns |= {f"l{axis}": lift[:, k] / span**2 for k, axis in enumerate("xyz")}
    columns |= {"low": begin[:, 4], "climb": (end[:, 4] - begin[:, 4]) / span}
    columns |= {"e0": east[first], "n0": north[first], "e1": east[first + 1], "n1": north[first + 1]}
    import pyarrow as pa

    loaded = pa.table({name: np.ascontiguousarray(column) for name, column in columns.items()})
    connection.register("loaded", loaded)
    connection.execute("create or replace table legs as select * from loaded")


def pairs(connection: duckdb.DuckDBPyConnection, across_m: float, height_m: float) -> Pairs:
    """The pairs of plans nearer than both figures by more than a millimetre, the lower number first."""
    found = connection.execute(_sql(across_m, height_m)).fetchnumpy()
    return set(zip(found["a"].tolist(), found["b"].tolist(), strict=True))


def _sql(across_m: float, height_m: float) -> str:
    room = across_m / 2.0 + 20.0  # a way bows out of its chord
    enough = height_m - _DEPTH_M
    bent = across_m - _DEPTH_M
    straight = bent - bent**3 / (24.0 * _RADIUS_M**2)
    # One stage a step: a name used within its own select is written out anew wherever it stands.
    return f"""
with slabs as (
  select *, unnest(range(floor(t0 / {CELL_S})::int, ceil(t1 / {CELL_S})::int)) as slab from legs
), spans as (
  select *, greatest(t0, slab * {CELL_S}) as b0, least(t1, (slab + 1) * {CELL_S}) as b1 from slabs
), shares as (
  select *, (b0 - t0) / (t1 - t0) as s0, (b1 - t0) / (t1 - t0) as s1 from spans
), ends as (
  select *, e0 + s0 * (e1 - e0) as x0, e0 + s1 * (e1 - e0) as x1, n0 + s0 * (n1 - n0) as y0, n0 + s1 * (n1 - n0) as y1,
    low + climb * (b0 - t0) as h0, low + climb * (b1 - t0) as h1 from shares
), boxes as (
  select plan, t0, t1, px, py, pz, vx, vy, vz, lx, ly, lz, low, climb, slab, b0, b1,
    least(h0, h1) as bottom, greatest(h0, h1) as top,
    least(x0, x1) - {room} as west, greatest(x0, x1) + {room} as east,
    least(y0, y1) - {room} as south, greatest(y0, y1) + {room} as north
  from ends
), columns_ as (
  select *, floor(west / {CELL_M})::int as cx0, floor(south / {CELL_M})::int as cy0,
    unnest(range(floor(west / {CELL_M})::int, floor(east / {CELL_M})::int + 1)) as cx from boxes
), cells as (
  select *, unnest(range(cy0, floor(north / {CELL_M})::int + 1)) as cy from columns_
), together as (
  select a.plan as a, b.plan as b, greatest(a.b0, b.b0) as c0, least(a.b1, b.b1) as c1,
    a.t0 as at0, a.t1 as at1, b.t0 as bt0, b.t1 as bt1,
    a.low as alow, b.low as blow, a.climb as aclimb, b.climb as bclimb, a.climb - b.climb as h,
    a.px as apx, a.py as apy, a.pz as apz, b.px as bpx, b.py as bpy, b.pz as bpz,
    a.vx as avx, a.vy as avy, a.vz as avz, b.vx as bvx, b.vy as bvy, b.vz as bvz,
    a.lx as alx, a.ly as aly, a.lz as alz, b.lx as blx, b.ly as bly, b.lz as blz
  from cells a join cells b on a.slab = b.slab and a.cx = b.cx and a.cy = b.cy and a.plan < b.plan
    and a.cx = greatest(a.cx0, b.cx0) and a.cy = greatest(a.cy0, b.cy0)
    and a.b0 < b.b1 and b.b0 < a.b1
    and a.bottom < b.top + {enough} and b.bottom < a.top + {enough}
    and a.west < b.east and b.west < a.east and a.south < b.north and b.south < a.north
), height as (
  select *, alow - blow + aclimb * (c0 - at0) - bclimb * (c0 - bt0) as h0 from together
), level as (
  select *,
    case when h > 0 then greatest(c0, c0 + (-{enough} - h0) / h)
         when h < 0 then greatest(c0, c0 + ({enough} - h0) / h) else c0 end as u0,
    case when h > 0 then least(c1, c0 + ({enough} - h0) / h)
         when h < 0 then least(c1, c0 + (-{enough} - h0) / h) else c1 end as u1
  from height where h <> 0 or abs(h0) < {enough}
), apart as (
  select *, avx - bvx as wx, avy - bvy as wy, avz - bvz as wz,
    apx - bpx + avx * (u0 - at0) - bvx * (u0 - bt0) as dx,
    apy - bpy + avy * (u0 - at0) - bvy * (u0 - bt0) as dy,
    apz - bpz + avz * (u0 - at0) - bvz * (u0 - bt0) as dz
  from level where u0 < u1
), nearest as (
  select *, case when wx * wx + wy * wy + wz * wz > 0
    then least(greatest(-(dx * wx + dy * wy + dz * wz) / (wx * wx + wy * wy + wz * wz), 0), u1 - u0) else 0 end as s
  from apart
), lifted as (
  select *, (u0 + s - at0) * (at1 - u0 - s) as al, (u0 + s - bt0) * (bt1 - u0 - s) as bl from nearest
)
select distinct a, b from lifted
where pow(dx + s * wx + al * alx - bl * blx, 2) + pow(dy + s * wy + al * aly - bl * bly, 2)
    + pow(dz + s * wz + al * alz - bl * blz, 2) < {straight**2}
"""
