"""Places on the ellipsoid as points in space, and the nodes of ways, through the compiled kernels.

`points_in_space` of `geometry/earth.py`, and `_nodes` of `geometry/pack.py`, say the same slowly.
"""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from keepclear.geometry import kernels
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray, points_in_space
from keepclear.geometry.kernels import pointer

_ADDRESS, _COUNT = ctypes.c_void_p, ctypes.c_int64

if kernels.LIBRARY is not None:
    kernels.LIBRARY.kc_surface.argtypes = [_COUNT, *[_ADDRESS] * 3]
    kernels.LIBRARY.kc_surface.restype = None
    kernels.LIBRARY.kc_way_nodes.argtypes = [_COUNT, *[_ADDRESS] * 8, ctypes.POINTER(_COUNT), _COUNT, _ADDRESS]
    kernels.LIBRARY.kc_way_nodes.restype = _COUNT
    kernels.LIBRARY.kc_fill_nodes.argtypes = [_COUNT, *[_ADDRESS] * 9]
    kernels.LIBRARY.kc_fill_nodes.restype = _COUNT
    kernels.LIBRARY.kc_legs_at.argtypes = [_COUNT, *[_ADDRESS] * 4]
    kernels.LIBRARY.kc_legs_at.restype = None
    kernels.LIBRARY.kc_on_plane_at.argtypes = [_ADDRESS, _COUNT, *[_ADDRESS] * 2]
    kernels.LIBRARY.kc_on_plane_at.restype = None


FEW_POINTS = 1_000
"""Of so many the nodes are worked out before it is known how many there are."""


def places(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> FloatArray:
    """Metres along three axes from the centre of the earth to n points of the ellipsoid, shape (n, 3).

    Coordinates, each of shape (n,), are not checked; where one is no number the point is none.
    """
    lat, lon = (np.ascontiguousarray(each, dtype=np.float64) for each in (lat_deg, lon_deg))
    if kernels.LIBRARY is None:
        return points_in_space(lat, lon)
    points = np.empty((len(lat), 3))
    kernels.LIBRARY.kc_surface(len(lat), pointer(lat), pointer(lon), pointer(points))
    return points


def nodes(plans: Plans, bands: FloatArray) -> tuple[IntArray, FloatArray, IntArray]:
    """Where each plan's nodes begin, (n + 1,); the nodes, (m, 6), as `kc_plans` has them; and what is left undone.

    `bands`, shape (n, 2), are the plans' bands without infinities. Undone are the places between the ends of legs that
    go nearly half round the earth: for each of k such legs its first point, its parts and the first node between, shape
    (k, 3).
    """
    assert kernels.LIBRARY is not None
    n, t, alt = len(plans), pointer(plans.t_s), pointer(plans.alt_m)
    lat, lon, begin, band = (pointer(each) for each in (plans.lat_deg, plans.lon_deg, plans.point_from, bands))
    room = 2 * len(plans.t_s) if len(plans.t_s) <= FEW_POINTS else 0
    points, filled = np.empty((len(plans.t_s), 3)), np.empty((room, 6))
    node_from, far = np.empty(n + 1, dtype=np.int64), _COUNT()
    count = kernels.LIBRARY.kc_way_nodes(
        *(n, begin, t, lat, lon, alt, band, pointer(points), pointer(node_from)),
        *(ctypes.byref(far), room, pointer(filled)),
    )
    if count <= room and not far.value:
        return node_from, filled[:count], np.empty((0, 3), dtype=np.int64)
    filled, left = np.empty((count, 6)), np.empty((far.value, 3), dtype=np.int64)
    undone = kernels.LIBRARY.kc_fill_nodes(
        n, begin, t, lat, lon, alt, band, pointer(points), pointer(filled), pointer(left)
    )
    return node_from, filled, left[:undone]


def on_legs(nodes: FloatArray, first: npt.ArrayLike, share: npt.ArrayLike) -> FloatArray:
    """Where n movers are, shape (n, 3): each on the leg from node `first[i]` at a share (0 to 1) of its time."""
    assert kernels.LIBRARY is not None
    index, shares = np.ascontiguousarray(first, dtype=np.int64), np.ascontiguousarray(share, dtype=np.float64)
    points = np.empty((len(index), 3))
    kernels.LIBRARY.kc_legs_at(len(index), pointer(nodes), pointer(index), pointer(shares), pointer(points))
    return points


def on_plane(origin: FloatArray, points: FloatArray) -> FloatArray:
    """Metres east and north, shape (n, 2), of points in space, (n, 3), on the plane touching the earth at a point."""
    assert kernels.LIBRARY is not None
    xy = np.empty((len(points), 2))
    kernels.LIBRARY.kc_on_plane_at(pointer(origin), len(points), pointer(points), pointer(xy))
    return xy
