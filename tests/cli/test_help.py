"""Every command has help with an example, and stands in the reference."""

import subprocess
import sys
from pathlib import Path

import pytest

from alertbot import cli
from alertbot.cli.parsing import Group, Listing
from tests import program

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
COMMANDS = [
    f"{name} {sub}".strip()
    for name, entry in cli.commands().listing.items()
    for sub in ("", *(entry.commands if isinstance(entry, Listing) else ()))
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str) -> None:
    answer = program.run(*command.split(), "--help", COLUMNS="200")
    assert answer.code == 0
    assert "Example: alertbot" in answer.out


def test_a_help_page_is_written_for_a_terminal() -> None:
    """Nothing but the example is longer than a line, and that is one line, to be copied: its words were broken at their
    hyphens."""
    for command in COMMANDS:
        lines = program.run(*command.split(), "--help", COLUMNS="80").out.splitlines()
        assert lines[-1].startswith("  Example: alertbot ")
        assert [line for line in lines[:-1] if len(line) > 80] == []


def test_a_french_help_page_has_french_headings() -> None:
    lines = program.started("completion", "--help", COLUMNS="80", LANGUAGE="fr").out.splitlines()
    assert "Options\N{NO-BREAK SPACE}:" in lines
    assert lines[-1].startswith("  Exemple\N{NO-BREAK SPACE}: alertbot completion bash > ")


def test_help_as_a_program() -> None:
    answer = program.started("numbers", "verify", "--help", COLUMNS="200")
    assert answer.code == 0
    assert "Example: alertbot" in answer.out
    assert answer == program.run("numbers", "verify", "--help", COLUMNS="200")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_names_it(command: str) -> None:
    assert f"`alertbot {command}" in DOCS.read_text(encoding="utf-8")


def test_an_unknown_command_is_misuse() -> None:
    answer = program.started("shout")
    assert answer.code == 2
    assert "Traceback" not in answer.err


def test_the_version() -> None:
    assert program.started("--version").out.startswith("alertbot 0.")


def test_help_loads_no_command() -> None:
    """Neither the page of everything nor that of a group: each line of them stands in the list."""
    code = (
        "import sys; from alertbot import cli; assert cli.run(sys.argv[1:]) in (0, 2);"
        " print(*sorted(name for name in sys.modules if name.startswith('alertbot.')), file=sys.stderr);"
        " print(*({'rich', 'asyncio', 'pydantic', 'sqlalchemy'} & set(sys.modules)), file=sys.stderr)"
    )
    expected = {"alertbot.cli", "alertbot.core"}
    expected |= {
        f"alertbot.core.{name}"
        for name in ("errors", "frozen", "json", "lean", "logs", "signs", "words")
    }
    expected |= {
        f"alertbot.cli.{name}" for name in ("command_groups", "commands", "frame", "kept", "parsing")
    }
    for arguments in (["--help"], ["numbers", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        ours, foreign = done.stderr.splitlines()
        assert set(ours.split()) == expected
        assert foreign == ""


def test_a_preview_loads_what_it_shows_and_no_more(tmp_path: Path) -> None:
    """Neither the database nor what reads a configuration, draws in a terminal or waits for a network."""
    code = (
        "import sys; from alertbot import cli; assert cli.run(['preview', 'status']) == 0;"
        " print(*({'rich', 'asyncio', 'pydantic', 'sqlalchemy', 'PIL'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stderr.strip() == ""


def test_status_loads_nothing_that_composes_nor_the_other_database(tmp_path: Path) -> None:
    assert program.run("init", "--defaults", folder=tmp_path).code == 0
    assert program.run("status", folder=tmp_path).code == 0  # it makes the database
    heavy = {"jinja2", "babel", "alembic", "httpx", "telegram", "sqlalchemy.dialects.postgresql"}
    code = (
        "import sys; from alertbot import cli; assert cli.run(['status']) == 0;"
        f" print(*({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=program.surroundings(),
    )
    assert done.stderr.strip() == ""


def test_every_listed_command_is_there() -> None:
    """The list names a function for each command, and no name that the parser cannot reach."""

    def walk(group: Group) -> None:
        for name in group.list_commands(None):
            command = group.get_command(None, name)
            assert command.name == name
            assert command.help
            if isinstance(command, Group):
                walk(command)

    walk(cli.commands())
    assert cli.commands().get_command(None, "shout") is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["incident", "set", "BKRT", "broken"],
            "STATE: 'broken' is not one of investigating, identified",
        ),
        (["signals", "x"], "NUMBER: 'x' is not a whole number. See `alertbot signals --help`."),
        (["sandbox", "--speed", "fast"], "--speed: 'fast' is not a number."),
        (["sandbox", "--speed", "nan"], "--speed: nan is out of range (x>=0.001)."),
        (["serve", "--port", "65536"], "--port: 65536 is out of range (0<=x<=65535)."),
        (["numbers", "shwo"], "There is no command 'shwo' (did you mean show?). See `alertbot numbers"),
        (["--log-level", "info"], "Missing command. See `alertbot --help`."),
        (["--version=3"], "The option --version takes no value. See `alertbot --help`."),
        (["show", "a", "b\nc"], "Too many arguments: b c. See `alertbot show --help`."),
        (["audit"], "Give a command: alertbot audit --help"),
    ],
)
def test_what_is_wrong_with_a_command_line(arguments: list[str], said: str) -> None:
    answer = program.run(*arguments)
    assert answer.code == 2
    assert said in answer.err
