"""A process in which the kernels are refused memory where a test wants it."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import build_kernels
from keepclear.geometry import kernels

ROOT = Path(__file__).parents[1]
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


def memory() -> Any:
    """The functions of the source above, in a process that `refusals` began, set to watch the kernels."""
    library: Any = kernels.LIBRARY
    functions = ctypes.CDLL(None)
    functions.test_watch.argtypes, functions.test_refuse.argtypes = [ctypes.c_void_p] * 2, [ctypes.c_long] * 2
    functions.test_asked.restype = functions.test_held.restype = ctypes.c_long
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if library._name in line]
    spans = [[int(end, 16) for end in line[0].split("-")] for line in maps]
    functions.test_watch(min(spans)[0], max(spans)[1])
    return functions


def refusals(case: Callable[[], None], folder: Path) -> int:
    """Runs a function of a test in a process of its own: how often it was refused memory, as it prints in the end."""
    if kernels.LIBRARY is None or COMPILER is None:
        pytest.skip("NO C COMPILER: nothing refuses memory")
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("of this system's memory nobody can take the place")
    source, made = folder / "refusing.c", folder / "refusing.so"
    source.write_text(REFUSING)
    subprocess.run(build_kernels.line(COMPILER, ["-fvisibility=default"], made, [source]), check=True)
    ended = subprocess.run(
        [sys.executable, "-c", f"from {case.__module__} import {case.__name__} as case; case()"],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(made)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.returncode}: {ended.stderr[-3_000:]}"
    return int(ended.stdout.split()[-1])
