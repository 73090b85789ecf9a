"""Volumes near movers, places and one another: the kernels of `kernels/areas.h`, and their twins (`areas_twin`).

Volumes are those of a `Packed`, by their place in its `volumes`; places and legs are points in space, as it has them.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from keepclear.geometry import areas_twin, kernels
from keepclear.geometry.areas_twin import MET
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import PlansStruct, pointer

if TYPE_CHECKING:
    from keepclear.geometry.pack import Packed

MOST_STAYS = 16
"""Room for the stays of one leg in one volume; where there are more, it is asked again with room for all."""

if kernels.LIBRARY is not None:
    _PLANS, _ADDRESS, _NUMBER, _PLACE = (
        ctypes.POINTER(PlansStruct),
        ctypes.c_void_p,
        ctypes.c_double,
        ctypes.c_int64,
    )
    kernels.LIBRARY.kc_leg_meets_volume.argtypes = (
        *(_ADDRESS, _NUMBER, _NUMBER, _PLANS, _PLACE, _NUMBER, _NUMBER, _ADDRESS),
        ctypes.c_int,
    )
    kernels.LIBRARY.kc_leg_meets_volume.restype = ctypes.c_int
    kernels.LIBRARY.kc_volumes_meet.argtypes = (_PLANS, _PLACE, _PLANS, _PLACE, _NUMBER, _NUMBER, _ADDRESS)
    kernels.LIBRARY.kc_volumes_meet.restype = ctypes.c_int
    kernels.LIBRARY.kc_points_in_area.argtypes = (_PLANS, _PLACE, _ADDRESS, _PLACE, _ADDRESS)
    kernels.LIBRARY.kc_points_in_area.restype = None


def leg_in_volume(
    leg: FloatArray, early_s: float, late_s: float, packed: Packed, volume: int, across_m: float, height_m: float
) -> npt.NDArray[np.void]:
    """The stays, shape (n,) of `MET`, of a mover on one leg within both figures of a volume, by more than 1 mm.

    `leg` has shape (2, 6), two nodes of a `Packed`. The mover may be up to `early_s` ahead and `late_s` behind.
    `across_m` (up to 500 km) 0 asks for being within the area at all; `height_m` may be infinite.
    """
    if kernels.LIBRARY is None:
        return areas_twin.leg_in_volume(leg, early_s, late_s, packed, volume, across_m, height_m)
    ends = np.ascontiguousarray(leg, dtype=np.float64)
    room = MOST_STAYS
    while True:
        stays = np.empty(room, dtype=MET)
        count: int = kernels.LIBRARY.kc_leg_meets_volume(
            pointer(ends), early_s, late_s, packed.struct(), volume, across_m, height_m, pointer(stays), room
        )
        if count < 0:
            raise MemoryError
        if count <= room:
            return stays[:count]
        room = count


def volumes_meet(
    packed: Packed, volume: int, others: Packed, other: int, across_m: float, height_m: float
) -> npt.NDArray[np.void]:
    """Where two volumes are within both figures while both last: shape (1,) of `MET`, or (0,) if they are not.

    `across_m` (up to 500 km) 0 asks that some place of one area lie more than 1 mm within the other.
    """
    if kernels.LIBRARY is None:
        return areas_twin.volumes_meet(packed, volume, others, other, across_m, height_m)
    met = np.empty(1, dtype=MET)
    count: int = kernels.LIBRARY.kc_volumes_meet(
        packed.struct(), volume, others.struct(), other, across_m, height_m, pointer(met)
    )
    if count < 0:
        raise MemoryError
    return met[:count]


def depths_m(packed: Packed, volume: int, points: FloatArray) -> FloatArray:
    """Metres from each of n places, shape (n, 3), to the rim of a volume's area, negative within it; shape (n,).

    Right to a centimetre up to 100 km, to a millionth up to 500 km; a polygon more than 1,000 km away is at least as
    far as told.
    """
    if kernels.LIBRARY is None:
        return areas_twin.depths_m(packed, volume, points)
    places = np.ascontiguousarray(points, dtype=np.float64)
    depths = np.empty(len(places))
    kernels.LIBRARY.kc_points_in_area(packed.struct(), volume, pointer(places), len(places), pointer(depths))
    return depths
