"""Compiles the kernels into the package: `python build_kernels.py`, and as a step of the ordinary install.

One C source folder, one small library for each instruction set; the widest that the machine knows is chosen when it is
loaded (`keepclear.geometry.kernels`). Where there is no C compiler nothing is built, and the NumPy twins serve.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

FOLDER = Path(__file__).parent / "src" / "keepclear" / "geometry" / "kernels"
FLAGS = (
    *("-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=off"),
    *("-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Wno-psabi"),
)
"""Without contraction of a*b+c, so that every variant rounds alike and finds the same breaches. Nobody asks for
errno or for the flags of the floating-point unit; the numbers are the same with and without them. How figures taken
four at once are handed over in calls is no matter: they never are."""
VARIANTS = {"v4": ("-march=x86-64-v4", "-mprefer-vector-width=512"), "v3": ("-march=x86-64-v3",), "baseline": ()}
"""The widest first: the one that every machine can load is the last written, and stands for all of them."""
SANITIZED = ("-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
"""What the tests add, for a library that stops the process at the first overflow."""


class Uncompilable(Exception):
    """The compiler works, and refuses the kernels."""


def compiler() -> list[str] | None:
    """The command of a C compiler that can make a library: CC if it is set, else cc, gcc or clang; None if none can."""
    named = os.environ.get("CC")
    commands = [shlex.split(named)] if named else [[name] for name in ("cc", "gcc", "clang")]
    return next((command for command in commands if shutil.which(command[0]) and makes_libraries(command)), None)


def makes_libraries(command: Sequence[str], flags: Sequence[str] = ()) -> bool:
    """Whether a compiler makes anything with these flags."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "nothing.c"
        source.write_text("int nothing(void) { return 0; }\n")
        making = line(command, flags, Path(folder) / "out", [source])
        return subprocess.run(making, capture_output=True, check=False).returncode == 0


def line(command: Sequence[str], flags: Sequence[str], target: Path, sources: Sequence[Path]) -> list[str]:
    """The command line that makes one library."""
    return [*command, *FLAGS, *flags, "-o", str(target), *(str(path) for path in sources), "-lm"]


def compile_kernels(folder: Path = FOLDER) -> list[Path]:
    """Build into a folder every variant for which there is a compiler, and remove those for which there is none.

    Says on stderr what is left out. Raises `Uncompilable` if a source is refused.
    """
    command = compiler()
    wide = platform.machine().lower() in ("x86_64", "amd64")
    sources = sorted(FOLDER.glob("*.c"))
    running, built = [], []
    for name, flags in VARIANTS.items():
        target = folder / f"_{name}.so"
        if command is None or (flags and not (wide and makes_libraries(command, flags))):
            target.unlink(missing_ok=True)
            if command and wide:
                shout(f"{command[0]} knows no {' '.join(flags)}: the kernels are built without their {name} variant.")
            continue
        fresh = folder / f".{name}.{os.getpid()}"
        running.append((subprocess.Popen(line(command, flags, fresh, sources)), fresh, target))
    refused = [fresh for process, fresh, _ in running if process.wait()]
    for _, fresh, target in running:
        if refused:
            fresh.unlink(missing_ok=True)
        else:
            fresh.replace(target)  # a process that runs the old one keeps it
            built.append(target)
    if refused:
        raise Uncompilable(f"{shlex.join(command or [])} does not compile the kernels; what it says is above")
    if command is None:
        shout(
            "NO C COMPILER FOUND: THE KERNELS ARE NOT BUILT. Everything works, the engines many times slower. "
            "Install one (Debian: apt install gcc), then install keepclear again (in its sources: make kernels)."
        )
    return built


def shout(words: str) -> None:
    """Say it on stderr so that it stands out."""
    print(f"\n!! {words}\n", file=sys.stderr, flush=True)


class KernelBuild(BuildHookInterface[Any]):
    """The step of the install that compiles."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and put the libraries into the wheel; a wheel for every machine, without them, if there are none."""
        try:
            built = compile_kernels()
        except Uncompilable as refusal:
            shout(f"THE KERNELS ARE NOT BUILT: {refusal}. Everything works, the engines many times slower.")
            built = []
        if built:
            # Not a manylinux tag: nobody has looked whether an older system could load them.
            platforms = (tag.platform for tag in sys_tags())
            machine = next(each for each in platforms if not each.startswith(("manylinux", "musllinux")))
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{machine}"  # they use nothing of Python: any version loads them
            build_data["artifacts"] += [str(path.relative_to(Path(self.root))) for path in built]


if __name__ == "__main__":
    try:
        for path in compile_kernels(*(Path(folder) for folder in sys.argv[1:2])):
            print(path.name, path.stat().st_size, "bytes")
    except Uncompilable as refusal:
        sys.exit(str(refusal))
