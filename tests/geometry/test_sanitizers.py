"""The tests of the kernels again: under AddressSanitizer and UndefinedBehaviorSanitizer, and on the twins alone.

Every test marked `kernels` runs three times in `make test`: here, in processes of their own, with fewer cases.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import build_kernels

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests/geometry", "tests/conflict", "tests/watch")
"""Where tests of kernels are."""
COMPILER = build_kernels.compiler()


def sanitizer() -> str | None:
    """The runtime that a process must load first for a sanitized library to work in it; None if it is not here."""
    if COMPILER is None:
        return None
    asked = [*COMPILER, "-print-file-name=libasan.so"]
    path = Path(subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip())
    return str(path) if path.is_absolute() and path.exists() else None


RUNTIME = sanitizer()
sanitized = pytest.mark.skipif(RUNTIME is None, reason="NO SANITIZERS HERE: the kernels are not tested under them")


def library(folder: Path, sources: list[Path]) -> Path:
    """The sources as one library that stops its process at the first fault."""

    def compiled(source: Path) -> Path:
        made = folder / f"{source.stem}.o"
        flags = (*build_kernels.SANITIZED, "-c")
        subprocess.run(build_kernels.line(COMPILER or (), flags, made, [source]), check=True)
        return made

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        parts = list(workers.map(compiled, sources))
    made = folder / "sanitized.so"
    subprocess.run(build_kernels.line(COMPILER or (), build_kernels.SANITIZED, made, parts), check=True)
    return made


def run(arguments: list[str], *, kernels: str, preload: str | None) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, with these kernels and this runtime."""
    environment = {**os.environ, "KEEPCLEAR_KERNELS": kernels}
    if preload:
        environment |= {
            "LD_PRELOAD": preload,
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",  # Python keeps what it will not need again
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def marked(kernels: str, preload: str | None) -> subprocess.CompletedProcess[str]:
    """Every test marked `kernels`, with these kernels."""
    options = ["-m", "kernels", "--hypothesis-profile=kernels", "-x", "-p", "no:cacheprovider", "--tb=short"]
    options += ["-v", "--capture=sys"]  # the test that was running, and what the sanitizers say as they end the process
    return run(["-m", "pytest", *options, *FOLDERS], kernels=kernels, preload=preload)


@sanitized
@pytest.mark.timeout(1_200)
def test_the_kernels_touch_nothing_that_is_not_theirs(tmp_path: Path) -> None:
    made = library(tmp_path, sorted(build_kernels.FOLDER.glob("*.c")))
    ended = marked(str(made), RUNTIME)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[:2000]
    assert " passed" in ended.stdout


@pytest.mark.timeout(1_200)
def test_the_twins_serve_alone() -> None:
    ended = marked("off", None)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[:2000]
    assert " passed" in ended.stdout


FAULTY = """
#include <stddef.h>
__attribute__((visibility("default"))) double take(const double *numbers, size_t place) { return numbers[place]; }
__attribute__((visibility("default"))) int more(int number) { return number + 1; }
"""
USE = """
import ctypes, sys, numpy
library = ctypes.CDLL(sys.argv[1])
library.take.argtypes, library.take.restype = [ctypes.c_void_p, ctypes.c_size_t], ctypes.c_double
numbers = numpy.arange(400.0)
print(library.take(numbers.ctypes.data, int(sys.argv[2])), library.more(int(sys.argv[3])))
"""


@sanitized
@pytest.mark.parametrize(
    ("place", "number", "fault"),
    [
        (399, 1, None),
        (400, 1, "AddressSanitizer: heap-buffer-overflow"),
        (-1 % 2**64, 1, "AddressSanitizer: heap-buffer-overflow"),
        (399, 2**31 - 1, "runtime error: signed integer overflow"),
    ],
    ids=["right", "past the end", "before the beginning", "overflow"],
)
def test_a_fault_would_be_found(place: int, number: int, fault: str | None, tmp_path: Path) -> None:
    (tmp_path / "faulty.c").write_text(FAULTY)
    made = library(tmp_path, [tmp_path / "faulty.c"])
    ended = run(["-c", USE, str(made), str(place), str(number)], kernels="off", preload=RUNTIME)
    if fault is None:
        assert (ended.returncode, ended.stdout) == (0, "399.0 2\n"), ended.stderr
    else:
        assert ended.returncode != 0
        assert fault in ended.stderr
