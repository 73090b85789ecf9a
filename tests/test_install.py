"""The ordinary install: a wheel with the kernels compiled, or one for every machine without them, and it says which."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import build_kernels

ROOT = Path(__file__).parent.parent
KERNELS = Path("src/keepclear/geometry/kernels")
compiler = pytest.mark.skipif(build_kernels.compiler() is None, reason="no C compiler here")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The sources as they come, but for the long ones in C: what is tested here is how they are built."""
    project = tmp_path / "project"
    few = {"loading.c", "breaches.c"}

    def left_out(folder: str, names: list[str]) -> set[str]:
        made = {name for name in names if name in ("console_dist", "__pycache__") or name.endswith(".so")}
        return made | {name for name in names if name.endswith(".c")} - few

    shutil.copytree(ROOT / "src", project / "src", ignore=left_out)
    for name in ("pyproject.toml", "build_kernels.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    return project


def run(arguments: list[str], project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    everything = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, *arguments], cwd=project, env=everything, capture_output=True, text=True, check=False
    )


def wheel(project: Path, **environment: str) -> tuple[Path, set[str], str]:
    """The wheel that is built, the kernels in it, and what is said on stderr."""
    ended = run(["-m", "hatchling", "build", "-t", "wheel", "-d", "out"], project, **environment)
    assert ended.returncode == 0, ended.stderr
    (made,) = (project / "out").glob("*.whl")
    with zipfile.ZipFile(made) as package:
        names = {Path(name) for name in package.namelist()}
    kernels = {path.name for path in names if path.parent == KERNELS.relative_to("src")}
    return made, kernels - {"__init__.py"}, ended.stderr


def served(made: Path, folder: Path) -> str:
    """Which kernels serve where the wheel was unpacked."""
    with zipfile.ZipFile(made) as package:
        package.extractall(folder)
    code = "import keepclear.geometry.kernels as kernels; print(kernels.__file__, kernels.variant())"
    file, variant = run(["-c", code], folder, PYTHONPATH=str(folder), KEEPCLEAR_KERNELS="").stdout.split()
    assert Path(file).is_relative_to(folder)
    return variant


def without(flag: str, folder: Path) -> str:
    """A C compiler that does not know a flag."""
    script = folder / "compiler"
    known = " ".join(build_kernels.compiler() or ())
    script.write_text(f'#!/bin/sh\ncase "$*" in *{flag}*) exit 1;; esac\nexec {known} "$@"\n')
    script.chmod(0o755)
    return str(script)


@compiler
def test_a_wheel_has_the_kernels_of_this_machine_and_any_python(project: Path, tmp_path: Path) -> None:
    made, kernels, _ = wheel(project)
    assert made.name.split("-")[2:4] == ["py3", "none"]
    assert not made.name.endswith("-any.whl")
    assert "_baseline.so" in kernels
    assert all(name.endswith(".so") for name in kernels)
    assert served(made, tmp_path / "there") in {"baseline", "v3", "v4"}


def test_without_a_compiler_the_install_goes_on_and_says_so(project: Path, tmp_path: Path) -> None:
    (project / KERNELS / "_baseline.so").write_bytes(b"of yesterday")
    made, kernels, said = wheel(project, CC="false")
    assert made.name.endswith("-py3-none-any.whl")
    assert not kernels
    assert "NO C COMPILER FOUND: THE KERNELS ARE NOT BUILT" in said
    assert served(made, tmp_path / "there") == "numpy"


@compiler
def test_a_compiler_that_lacks_a_variant_builds_the_others(project: Path, tmp_path: Path) -> None:
    _, kernels, said = wheel(project, CC=without("x86-64-v4", tmp_path))
    assert "_baseline.so" in kernels
    assert "_v4.so" not in kernels
    if "_v3.so" in kernels:
        assert "knows no -march=x86-64-v4" in said


@compiler
def test_sources_that_do_not_compile_stop_make_and_not_the_install(project: Path) -> None:
    assert run(["build_kernels.py"], project).returncode == 0
    built = {path.name: path.read_bytes() for path in (project / KERNELS).glob("*.so")}
    assert "_baseline.so" in built
    with (project / KERNELS / "breaches.c").open("a") as source:
        source.write("int broken = ;\n")
    ended = run(["build_kernels.py"], project)
    assert ended.returncode != 0
    assert "does not compile the kernels" in ended.stderr
    assert {path.name: path.read_bytes() for path in (project / KERNELS).glob("*.so")} == built
    made, kernels, said = wheel(project)
    assert made.name.endswith("-py3-none-any.whl")
    assert not kernels
    assert "THE KERNELS ARE NOT BUILT" in said


def test_the_source_package_has_what_compiling_needs(project: Path) -> None:
    (project / KERNELS / "_v3.so").touch()
    ended = run(["-m", "hatchling", "build", "-t", "sdist", "-d", "out"], project)
    assert ended.returncode == 0, ended.stderr
    (made,) = (project / "out").glob("*.tar.gz")
    with tarfile.open(made) as package:
        names = {Path(*Path(name).parts[1:]) for name in package.getnames()}
    assert {Path("build_kernels.py"), KERNELS / "loading.c", KERNELS / "kernels.h", KERNELS / "earth.h"} <= names
    assert not [name for name in names if name.suffix == ".so"]
