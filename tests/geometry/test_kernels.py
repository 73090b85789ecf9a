"""Which library is loaded, what is said where none can be, and that all give the same answers to the last bit."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import build_kernels
from keepclear.conflict import airspace_kernel
from keepclear.geometry import areas_twin, kernels
from keepclear.geometry.kernels import BREACH, FOLDER, VARIANTS, BreachList, load, taken
from keepclear.watch import sightings
from tests.geometry.digests import digests

ASKED = os.environ.get("KEEPCLEAR_KERNELS", "")
HERE = sorted(FOLDER.glob("_*.so"))
KNOWN = [name for name in VARIANTS if HERE and load(name)[0] is not None]
compiled = pytest.mark.skipif(not HERE, reason="no compiled kernels here")
wide = pytest.mark.skipif(len(KNOWN) < 2, reason="this machine knows only the baseline")
compiler = pytest.mark.skipif(build_kernels.compiler() is None, reason="no C compiler here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of libraries that a test may spoil."""
    for path in HERE:
        shutil.copy(path, tmp_path)
    return tmp_path


def run(code: str, asked: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, told which kernels to use."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "KEEPCLEAR_KERNELS": asked, "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )


@pytest.mark.kernels
def test_the_library_asked_for_serves() -> None:
    """Which the runs under the sanitizers and on the twins rely on."""
    if ASKED == "off":
        assert kernels.LIBRARY is None
        assert kernels.variant() == "numpy"
    elif os.sep in ASKED:
        assert kernels.variant() == Path(ASKED).stem
        assert kernels.LIBRARY is not None
    elif HERE:
        assert kernels.variant() == (ASKED or KNOWN[0])


@compiled
def test_the_widest_that_the_machine_knows_is_chosen(folder: Path) -> None:
    assert load("", folder)[1:] == (KNOWN[0], ())
    for name in KNOWN:
        (folder / f"_{name}.so").unlink() if name != "baseline" else None
    assert load("", folder)[1:] == ("baseline", ())


@compiled
@pytest.mark.parametrize("name", KNOWN)
def test_a_variant_asked_for_is_had_or_its_lack_is_said(name: str, folder: Path) -> None:
    library, variant, faults = load(name, folder)
    assert library is not None
    assert (variant, faults) == (name, ())
    (folder / f"_{name}.so").unlink()
    assert load(name, folder) == (None, "numpy", (f"_{name}.so was never built",))


@compiled
def test_a_variant_that_no_machine_has(folder: Path) -> None:
    assert load("v99", folder) == (None, "numpy", ("this machine has no v99",))


@compiled
def test_a_library_by_its_path(folder: Path) -> None:
    shutil.move(folder / "_baseline.so", folder / "mine.so")
    library, variant, faults = load(str(folder / "mine.so"))
    assert library is not None
    assert (variant, faults) == ("mine", ())
    assert load(str(folder / "nobodys.so")) == (None, "numpy", ("nobodys.so was never built",))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def for_another_machine(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x08\x00")


def no_library_at_all(path: Path) -> None:
    path.write_text("404: Not Found")


SPOILT = [
    (cut_short, "is cut short"),
    (for_another_machine, "cannot be loaded"),
    (no_library_at_all, "cannot be loaded"),
    (Path.touch, None),
]


@compiled
@wide
@pytest.mark.parametrize(("spoil", "fault"), SPOILT)
def test_a_spoilt_library_is_passed_over(spoil: object, fault: str | None, folder: Path) -> None:
    assert callable(spoil)
    spoil(folder / f"_{KNOWN[0]}.so")
    library, variant, faults = load("", folder)
    assert library is not None
    if fault is None:  # touched is not spoilt
        assert (variant, faults) == (KNOWN[0], ())
    else:
        assert variant == KNOWN[1]
        assert len(faults) == 1
        assert f"_{KNOWN[0]}.so {fault}" in faults[0]


@compiled
def test_where_all_are_spoilt_the_twins_serve(folder: Path) -> None:
    for path in folder.iterdir():
        cut_short(path)
    assert load("", folder) == (None, "numpy", ("_baseline.so is cut short",))


@compiler
@pytest.mark.parametrize("layout", ["", "long kc_layout(char *p) { return *p; }"], ids=["no layout", "another layout"])
def test_a_library_of_another_age_is_not_used(layout: str, tmp_path: Path) -> None:
    others = "int kc_knows(char *p) { return !p; } int kc_free(void *p) { return !p; }"
    (tmp_path / "old.c").write_text(f"{others} {layout}\n")
    flags = ("-fvisibility=default",)
    command = build_kernels.line(build_kernels.compiler() or (), flags, tmp_path / "old.so", [tmp_path / "old.c"])
    subprocess.run(command, check=True)
    assert load(str(tmp_path / "old.so")) == (None, "numpy", ("old.so is of another version of keepclear",))


MIRRORS: dict[str, kernels.Mirror] = kernels.SHARED | {
    "kc_known": airspace_kernel.KNOWN,
    "kc_met": areas_twin.MET,
    "kc_reports": sightings.Reports,
    "kc_seen": sightings.SEEN,
    "kc_sightings": sightings.Sightings,
}


@pytest.mark.kernels
@pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels serve")
@pytest.mark.parametrize("name", MIRRORS)
def test_every_mirror_is_laid_out_as_its_struct(name: str) -> None:
    assert kernels.LIBRARY is not None
    assert kernels.LIBRARY.kc_layout(name.encode()) == kernels.layout(MIRRORS[name])
    assert kernels.LIBRARY.kc_layout(b"kc_nobody") == 0


@compiled
def test_mirrors_that_differ_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    narrower = np.dtype([(name, "f4" if name == "margin_m" else BREACH[name]) for name in BREACH.names or ()])
    for mirror in (narrower, np.dtype([*BREACH.descr, ("more", "i4")])):
        assert kernels.layout(mirror) != kernels.layout(BREACH)
        monkeypatch.setitem(kernels.SHARED, "kc_breach", mirror)
        assert load()[0] is None
    monkeypatch.setitem(kernels.SHARED, "kc_breach", BREACH)
    assert load()[0] is not None


@compiled
def test_what_a_library_lacks_is_named() -> None:
    library, _, _ = load("baseline")
    assert library is not None
    with pytest.raises(AttributeError, match=r"_baseline\.so has no kc_tomorrow: compile the kernels again"):
        library.kc_tomorrow  # noqa: B018


PACK = """
import numpy
from keepclear.geometry.columns import Plans
from keepclear.geometry.pack import pack
for _ in range(2):
    pack(Plans.of_ways([], [0], [], [], [], []))
"""


def test_one_warning_says_what_is_missing_what_it_costs_and_what_to_do() -> None:
    words = run(PACK, os.path.join("nowhere", "lost.so")).stderr
    assert words.count("RuntimeWarning") == 1
    for part in ("lost.so was never built", "many times slower", "install a C compiler", "make kernels"):
        assert part in words
    assert "<string>:6: RuntimeWarning" in words  # where the engine was asked


def test_who_turns_them_off_or_has_them_is_not_warned() -> None:
    assert run(PACK, "off").stderr == ""
    if KNOWN:
        assert run(PACK, "baseline").stderr == ""


def test_help_warns_of_nothing() -> None:
    said = run("from keepclear.cli import main; main(['--help'])", os.path.join("nowhere", "lost.so"))
    assert "Warning" not in said.stderr


def test_the_version_tells_which_kernels_serve() -> None:
    assert run("from keepclear.cli import main; main(['--version'])", "off").stdout.endswith(" (kernels: numpy)\n")


@pytest.mark.kernels
@pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels serve")
def test_breaches_are_taken_over_and_their_memory_given_back() -> None:
    assert taken(BreachList(None, 0, 0)).shape == (0,)
    made = np.zeros(3, dtype=BREACH)
    made["b"], made["margin_m"], made["flags"] = [1, 2, 3], [-0.5, -1.5, -2.5], 1
    system = ctypes.CDLL(None)
    system.malloc.argtypes, system.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    memory = system.malloc(10 * BREACH.itemsize)
    ctypes.memmove(memory, made.tobytes(), made.nbytes)
    assert (taken(BreachList(memory, 3, 10)) == made).all()


@compiled
@wide
@pytest.mark.parametrize("name", [name for name in KNOWN if name != "baseline"])
def test_every_variant_gives_the_same_answers_to_the_last_bit(name: str) -> None:
    code = "from tests.geometry.digests import digests; print(digests())"
    said = run(code, name).stdout
    assert said == run(code, "baseline").stdout
    assert "breaches" in said
    assert "'0 " not in said  # there is something of each


@pytest.mark.kernels
@pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels serve")
def test_the_same_again_gives_the_same_answers_to_the_last_bit() -> None:
    assert digests() == digests()
