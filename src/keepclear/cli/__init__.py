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
from typer.core import TyperGroup

from keepclear import __version__
from keepclear.cli import audit, check, keep, look, play, say, utm, utm_token
from keepclear.cli.options import Lang
from keepclear.cli.speak import Language
from keepclear.phrases import LANGUAGES
from keepclear.phrases import say as phrase

PANELS = {
    "keep": keep.COMMANDS | utm_token.COMMANDS,
    "look": look.COMMANDS | utm.COMMANDS,
    "say": say.COMMANDS,
    "engine": check.COMMANDS | audit.COMMANDS,
    "play": play.COMMANDS,
}
"""The commands by what they are for; the panel's title is the phrase `cli.panel.<name>`."""


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


def build(lang: str) -> Any:
    """The whole command, its help in this language."""
    app = typer.Typer(
        cls=Grouped, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    app.callback(help=phrase(lang, "cli.help"))(_options)
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    build(chosen_language(given))(given)
