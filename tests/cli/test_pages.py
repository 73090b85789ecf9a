"""Every command and option is on the page of commands, the help speaks both languages, the examples are readable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keepclear import __version__
from keepclear.cli import ALONE, asked_alone, build, chosen_language, main, panels
from keepclear.cli.say import EXAMPLES, example_text
from keepclear.formats.wire import read_act
from keepclear.geometry.kernels import variant
from keepclear.phrases import LANGUAGES, catalogue

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
COMMANDS: dict[str, Any] = build("en").commands
SECTIONS = dict(re.findall(r"^### `keepclear ([a-z-]+)`\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE))
SHARED = PAGE.partition("## Options many commands share")[2].partition("## Node and record")[0]


def test_the_page_has_exactly_the_commands_there_are() -> None:
    assert set(SECTIONS) == set(COMMANDS) == {name for commands in panels().values() for name in commands}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_an_example_and_every_option_is_named(name: str) -> None:
    assert f"\nkeepclear {name} " in SECTIONS[name]
    named = SECTIONS[name] + SHARED
    options = {each for parameter in COMMANDS[name].params for each in parameter.opts if each.startswith("-")}
    assert not [each for each in options - {"--help"} if f"`{each}" not in named]


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_every_option_in_an_example_exists(name: str) -> None:
    code = " ".join(re.findall(r"```sh\n(.*?)```", SECTIONS[name], re.DOTALL))
    known = {each for parameter in COMMANDS[name].params for each in parameter.opts}
    assert set(re.findall(r"(?<= )--?[a-z][a-z0-9-]*", re.sub(r'"[^"]*"', "", code))) <= known


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_help_text_is_a_phrase_of_the_language(lang: str) -> None:
    whole = build(lang)
    for command in [whole, *whole.commands.values()]:
        texts = [command.help, *(getattr(each, "help", None) for each in command.params)]
        for text in filter(None, texts):
            assert not re.match(r"(argument|option|help)\.", text)
            if text != "Show this message and exit.":
                assert bool(re.search(r"[\u0600-\u06ff]", text)) == (lang == "ar")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_help_lists_every_command_under_what_it_is_for(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help", *(["--lang", lang] if lang == "ar" else [])])
    text = capsys.readouterr().out
    for panel, commands in panels().items():
        _, found, section = text.partition(f"\n{catalogue(lang)[f'cli.panel.{panel}']}:\n")
        assert found
        for name in commands:
            assert f"\n  {name} " in "\n" + section.partition("\n\n")[0]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert not ended.value.code
    assert capsys.readouterr().out == f"keepclear {__version__} (kernels: {variant()})\n"


@pytest.mark.parametrize(
    ("arguments", "lang"),
    [([], "en"), (["lines", "d", "--lang", "ar"], "ar"), (["--lang=ar"], "ar"), (["--lang", "fr"], "en"),
     (["--lang"], "en")],
)  # fmt: skip
def test_the_language_of_the_help_is_the_one_asked_for(
    arguments: list[str], lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEEPCLEAR_LANG", raising=False)
    assert chosen_language(arguments) == lang
    monkeypatch.setenv("KEEPCLEAR_LANG", "ar")
    assert chosen_language([]) == "ar"


@pytest.mark.parametrize(
    ("arguments", "alone"),
    [(["check", "a.csv"], "check"), (["--lang", "ar", "audit"], "audit"), (["--lang=ar", "check"], "check"),
     (["--lang", "check"], None), (["status", "check"], None), (["--help"], None), ([], None)],
)  # fmt: skip
def test_a_command_that_needs_no_other_is_built_alone(arguments: list[str], alone: str | None) -> None:
    assert asked_alone(arguments) == alone


@pytest.mark.parametrize("name", ALONE)
def test_a_command_built_alone_is_what_it_is_among_the_others(name: str) -> None:
    alone = build("en", name).commands
    assert alone.keys() == {name}
    told = [(each.opts, each.help) for each in alone[name].params if hasattr(each, "help")]
    assert told == [(each.opts, each.help) for each in COMMANDS[name].params if hasattr(each, "help")]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_example_is_an_act_as_it_stands(kind: str) -> None:
    read_act(msgspec.json.format(example_text(kind).encode(), indent=-1))
