"""The commands of keepclear. `main` is what the shell starts.

Every help text is a phrase in both languages: `--lang` or KEEPCLEAR_LANG chooses. Commands that talk to a node do so
through its local API, with the address and token in its folder; `verify` and `export` need no running node.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from keepclear.cli import keep, look, play, say
from keepclear.phrases import LANGUAGES
from keepclear.phrases import say as phrase

PANELS = {"keep": keep.COMMANDS, "look": look.COMMANDS, "say": say.COMMANDS, "play": play.COMMANDS}
"""The commands by what they are for; the panel's title is the phrase `cli.panel.<name>`."""


def build(lang: str) -> Any:
    """The whole command, its help in this language."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback(help=phrase(lang, "cli.help"))(_version)
    for panel, commands in PANELS.items():
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


def _version(
    version: Annotated[bool, typer.Option("--version", help="option.version", is_eager=True)] = False,
) -> None:
    if version:
        from keepclear import __version__

        print(f"keepclear {__version__}")
        raise typer.Exit


def chosen_language(arguments: Sequence[str]) -> str:
    """The language of the help: the last --lang, else KEEPCLEAR_LANG, else English."""
    lang = os.environ.get("KEEPCLEAR_LANG", "en")
    for at, before in enumerate(arguments):
        if before == "--lang":
            lang = "".join(arguments[at + 1 : at + 2])
        elif before.startswith("--lang="):
            lang = before.removeprefix("--lang=")
    return lang if lang in LANGUAGES else "en"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    build(chosen_language(given))(given)
