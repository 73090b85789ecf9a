"""Plans looked through and packed by the kernels in one go, where all is plain; else step by step.

What that spares is, for a single plan, most of what it costs to be taken.
"""

from __future__ import annotations

import ctypes
from typing import Self

import numpy as np

from keepclear.geometry import kernels
from keepclear.geometry.columns import Plans
from keepclear.geometry.kernels import pointer
from keepclear.geometry.pack import BOUNDLESS_M, Packed, pack
from keepclear.geometry.pack_areas import CLOSES_M, UNCUT_EDGE_M
from keepclear.geometry.soundness import LIMITS, check_ids, columns_of
from keepclear.geometry.vagueness import check_vagueness

_PACKING = np.array([CLOSES_M, UNCUT_EDGE_M, BOUNDLESS_M])
"""`packing` of `kc_pack_sound`."""
_LIMITS_AT, _PACKING_AT = pointer(LIMITS), pointer(_PACKING)

if kernels.LIBRARY is not None:
    kernels.LIBRARY.kc_pack_sound.argtypes = [ctypes.c_void_p] * 3
    kernels.LIBRARY.kc_pack_sound.restype = ctypes.c_void_p


class Given:
    """Checked plans, and the same packed. `at` is where the kernels find them, None where they are not compiled."""

    __slots__ = ("_memory", "_packed", "_struct", "at", "plans")

    def __init__(self, plans: Plans, at: int | None) -> None:
        self.plans = plans
        self.at = self._memory = at
        self._packed: Packed | None = None
        self._struct: kernels.PlansStruct | None = None
        if at is None:
            self._packed = pack(plans)
            if kernels.LIBRARY is not None:
                self._struct = self._packed.struct()
                self.at = ctypes.addressof(self._struct)

    def __del__(self) -> None:
        if getattr(self, "_memory", None) is not None and kernels.LIBRARY is not None:
            kernels.LIBRARY.kc_free(self._memory)

    def __len__(self) -> int:
        return len(self.plans)

    @property
    def packed(self) -> Packed:
        """As `pack` has them."""
        if self._packed is None:
            self._packed = pack(self.plans)
        return self._packed

    @classmethod
    def of(cls, source: object) -> Self:
        """Anything that `Plans.of` takes. Raises `Malformed` as that does. Warns (`RuntimeWarning`) as `pack`."""
        kernels.notice()
        if not isinstance(source, Plans):
            return cls(Plans.of(source), None)
        columns = columns_of(source) if kernels.LIBRARY is not None and type(source.ids) is tuple else None
        if kernels.LIBRARY is None or columns is None:
            return cls(Plans.of(source), None)
        at = kernels.LIBRARY.kc_pack_sound(_LIMITS_AT, _PACKING_AT, ctypes.addressof(columns))
        if at is None:
            return cls(Plans.of(source), None)
        given = cls(source, at)
        check_ids(source.ids, "plans")
        check_vagueness(source)
        return given
