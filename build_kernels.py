"""Compiles the kernels into the package: `python build_kernels.py`, and as a step of the ordinary install.

One C source folder, one small library for each instruction set; the widest that the machine knows is chosen when it is
loaded (`keepclear.geometry.kernels`). Where there is no C compiler nothing is built, and the NumPy twins serve.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path(__file__).parent / "src" / "keepclear" / "geometry" / "kernels"
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=off", "-fno-math-errno", "-Wall")
VARIANTS = {"baseline": (), "v3": ("-march=x86-64-v3",), "v4": ("-march=x86-64-v4", "-mprefer-vector-width=512")}
"""Without contraction of a*b+c, so that every variant rounds alike and finds the same breaches."""


def compile_kernels(folder: Path = FOLDER) -> list[Path]:
    """Build every variant that this machine's compiler can, into a folder; none without a compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return []
    wide = platform.machine().lower() in ("x86_64", "amd64")
    sources = [str(path) for path in sorted(FOLDER.glob("*.c"))]
    built = []
    for name, flags in VARIANTS.items():
        if flags and not wide:
            continue
        target, fresh = folder / f"_{name}.so", folder / f".{name}.{os.getpid()}"
        subprocess.run([compiler, *FLAGS, *flags, "-o", str(fresh), *sources, "-lm"], check=True)
        fresh.replace(target)  # a process that runs the old one keeps it
        built.append(target)
    return built


class KernelBuild(BuildHookInterface[Any]):
    """The step of the install that compiles."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and put the libraries into the wheel."""
        built = compile_kernels()
        if built:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["artifacts"] += [str(path.relative_to(Path(self.root))) for path in built]


if __name__ == "__main__":
    for path in compile_kernels(*(Path(folder) for folder in sys.argv[1:2])):
        print(path.name, path.stat().st_size, "bytes")
