"""The sweep when there is no memory for what it asks: it says so, keeps nothing, and finds all when asked again."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import build_kernels
from keepclear.conflict import pairs
from keepclear.conflict.pairs import stays_between
from keepclear.conflict.separation import Minimum, minima
from keepclear.geometry import kernels
from keepclear.geometry.columns import Plans
from keepclear.geometry.kernels import MinimaStruct
from keepclear.geometry.pack import Packed, pack
from tests.conflict.scenes import scene

ROOT = Path(__file__).parents[2]
COMPILER = build_kernels.compiler()

REFUSING = """
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t), __libc_free(void *);
#define OTHER ((void *)1)
enum { SLOTS = 1 << 20 };
static uintptr_t begin, end;
static atomic_long asked, held, from = -1, upto = -1;
static void *_Atomic slots[SLOTS]; /* what the kernels have; OTHER where something was */
void test_watch(uintptr_t first, uintptr_t last) { begin = first; end = last; }
void test_refuse(long first, long many) { asked = 0; from = first; upto = first + many; }
long test_asked(void) { return asked; }
long test_held(void) { return held; }
static int kernels(void *caller) { return (uintptr_t)caller - begin < end - begin; }
static int refused(void *caller) {
    long now = kernels(caller) ? asked++ : -1;
    return now >= 0 && now >= from && now < upto;
}
static void *given(void *caller, void *memory) {
    if (!kernels(caller) || !memory) return memory;
    held++;
    for (size_t k = (uintptr_t)memory >> 4;; k++) {
        void *was = slots[k % SLOTS];
        if ((!was || was == OTHER) && atomic_compare_exchange_strong(&slots[k % SLOTS], &was, memory)) return memory;
    }
}
static void given_back(void *memory) {
    for (size_t k = (uintptr_t)memory >> 4; slots[k % SLOTS]; k++) {
        if (slots[k % SLOTS] != memory) continue;
        slots[k % SLOTS] = OTHER;
        held--;
        return;
    }
}
#define CALLER __builtin_return_address(0)
#define UNLESS_REFUSED(memory) return refused(CALLER) ? NULL : given(CALLER, memory)
void *malloc(size_t size) { UNLESS_REFUSED(__libc_malloc(size)); }
void *calloc(size_t many, size_t size) { UNLESS_REFUSED(__libc_calloc(many, size)); }
void *aligned_alloc(size_t to, size_t size) { UNLESS_REFUSED(__libc_memalign(to, size)); }
void *realloc(void *old, size_t size) {
    if (refused(CALLER)) return NULL;
    given_back(old); /* whoever else is given it meanwhile finds it free */
    return given(CALLER, __libc_realloc(old, size));
}
void free(void *memory) {
    given_back(memory);
    __libc_free(memory);
}
"""
"""Takes the place of the system's own, and refuses memory to the kernels where it is told to."""
MOST = 24
"""So many of the places at which memory is asked for are tried in each case, from the first to the last."""


def crowd(n: int) -> Packed:
    """Each has the one before it and the one after it within 150 m."""
    times, lat, still = np.tile([0.0, 60.0], n), np.repeat(np.arange(n) * 1e-3, 2), np.zeros(2 * n)
    return pack(Plans.of(Plans.of_ways([f"p{k}" for k in range(n)], np.arange(n + 1) * 2, times, lat, still, still)))


def refuse_everywhere() -> None:
    """Run in a process that was begun with the library above."""
    library: Any = kernels.LIBRARY
    memory = ctypes.CDLL(None)
    memory.test_watch.argtypes, memory.test_refuse.argtypes = [ctypes.c_void_p] * 2, [ctypes.c_long] * 2
    memory.test_asked.restype = memory.test_held.restype = ctypes.c_long
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if library._name in line]
    spans = [[int(end, 16) for end in line[0].split("-")] for line in maps]
    memory.test_watch(min(spans)[0], max(spans)[1])
    wide = minima(Minimum(5_000.0, 300.0))
    cases: list[tuple[Packed, MinimaStruct]] = [(pack(scene(seed, 40)), wide) for seed in (0, 2)]
    cases.append((crowd(3_000), minima(Minimum(150.0, 100.0))))
    held = memory.test_held()

    def forget() -> None:
        while pairs._ROOMS:
            library.kc_sweep_room_free(pairs._ROOMS.pop())

    whole = [stays_between(*case).tobytes() for case in cases]
    refused = 0
    for threads in (1, 3):
        for k, case in enumerate(cases):
            forget()
            memory.test_refuse(-1, 0)
            stays_between(*case, threads=threads)
            asked = memory.test_asked()
            for place in sorted({asked * step // MOST for step in range(MOST)}):
                for many in (1, 1_000_000):
                    if place % 2 == 0:
                        forget()
                    memory.test_refuse(place, many)
                    try:
                        assert stays_between(*case, threads=threads).tobytes() == whole[k]
                    except MemoryError:
                        refused += 1
                    memory.test_refuse(-1, 0)
                    other = (k + place) % len(cases)  # in the rooms that were left so
                    assert stays_between(*cases[other], threads=threads).tobytes() == whole[other]
    forget()
    gc.collect()
    assert memory.test_held() == held
    print("refused", refused)


@pytest.mark.skipif(kernels.LIBRARY is None or COMPILER is None, reason="NO C COMPILER: nothing refuses memory")
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of this system's memory nobody can take the place")
def test_what_is_refused_is_said_and_spoils_nothing(tmp_path: Path) -> None:
    source, made = tmp_path / "refusing.c", tmp_path / "refusing.so"
    source.write_text(REFUSING)
    subprocess.run(build_kernels.line(COMPILER or (), ["-fvisibility=default"], made, [source]), check=True)
    ended = subprocess.run(
        [sys.executable, "-c", "from tests.conflict.test_out_of_memory import refuse_everywhere; refuse_everywhere()"],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(made)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3_000:]
    assert int(ended.stdout.split()[-1]) > 100
