"""The commands of keepclear. `main` is what the shell starts.

Every help text is a phrase in both languages: `--lang` or KEEPCLEAR_LANG chooses. Commands that talk to a node do so
through its local API, with the address and token in its folder; `verify` and `export` need no running node.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from keepclear import __version__
from keepclear.cli.options import Lang
from keepclear.cli.speak import Language
from keepclear.phrases import LANGUAGES
from keepclear.phrases import say as phrase

FILES = {
    "keep": ("keep", "utm_token"),
    "look": ("look", "utm"),
    "say": ("say",),
    "engine": ("check", "audit"),
    "play": ("play",),
}
"""The files of the commands by what these are for; the panel's title is the phrase `cli.panel.<name>`."""
ALONE = FILES["engine"]
"""Files with one command each, of their name, that need no node. Where one of these is asked for, the others are not
loaded, nor all that a node is made of: that would take longer than to check a small file."""


class Grouped(TyperGroup):
    """Help with the commands under what they are for. Plain text: boxes fall apart where Arabic runs through them."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each panel."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            sections.setdefault(getattr(command, "rich_help_panel", ""), []).append((name, command.help or ""))
        for title, commands in sections.items():
            with formatter.section(title):
                formatter.write_dl(commands)


def panels(alone: str | None = None) -> dict[str, dict[str, Callable[..., None]]]:
    """The commands by what they are for: all of them, or those of one file."""
    return {
        panel: {
            name: command
            for file in files
            if alone in (None, file)
            for name, command in import_module(f"keepclear.cli.{file}").COMMANDS.items()
        }
        for panel, files in FILES.items()
    }


def build(lang: str, alone: str | None = None) -> Any:
    """The whole command, its help in this language; with the commands of one file alone if that is named."""
    app = typer.Typer(
        cls=Grouped, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    app.callback(help=phrase(lang, "cli.help"))(_options)
    for panel, commands in panels(alone).items():
        title = phrase(lang, f"cli.panel.{panel}")
        for name, command in commands.items():
            app.command(name, help=phrase(lang, f"cli.help.{name}"), rich_help_panel=title)(command)
    whole = typer.main.get_command(app)
    for each in [whole, *whole.commands.values()]:  # type: ignore[attr-defined]
        for parameter in each.params:
            key = getattr(parameter, "help", None)
            if key and key.startswith(("argument.", "option.")):
                parameter.help = phrase(lang, f"cli.{key}")
    return whole


def _print_version(wanted: bool) -> None:
    if wanted:
        from keepclear.geometry.kernels import variant

        print(f"keepclear {__version__} (kernels: {variant()})")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="option.version", is_eager=True, callback=_print_version)
    ] = False,
    lang: Lang = Language.EN,
) -> None:
    """What stands before a command: `lang` was read by `main` already."""


def chosen_language(arguments: Sequence[str]) -> str:
    """The language of the help: the last --lang, else KEEPCLEAR_LANG, else English."""
    lang = os.environ.get("KEEPCLEAR_LANG", "en")
    for at, before in enumerate(arguments):
        if before == "--lang":
            lang = "".join(arguments[at + 1 : at + 2])
        elif before.startswith("--lang="):
            lang = before.removeprefix("--lang=")
    return lang if lang in LANGUAGES else "en"


def asked_alone(arguments: Sequence[str]) -> str | None:
    """The command that is asked for if it is one of `ALONE`."""
    words = [word for before, word in zip(["", *arguments], arguments, strict=False) if before != "--lang"]
    command = next((word for word in words if not word.startswith("-")), None)
    return command if command in ALONE else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        build(chosen_language(given), asked_alone(given))(given)
    except SystemExit as ended:
        if arguments is None and "pyarrow" in sys.modules and isinstance(ended.code, int):
            _leave(ended.code)
        raise


def _leave(status: int) -> None:
    """End the process without taking down what libraries in C++ hold. Threads of Arrow that are just being started or
    ended then abort it now and then, all work being done (https://github.com/apache/arrow/issues/34314)."""
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads any more: the interpreter has its own way to end then
        return
    os._exit(status)
