"""Every command has help with an example, and stands in the reference."""

from pathlib import Path

import pytest

import alertbot.cli as cli
from tests import program

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
SUBCOMMANDS = {
    "people": ("add", "list", "confirm", "revoke", "rotate"),
    "task": ("list", "done"),
    "rules": ("list", "show", "preapprove", "revoke", "abort"),
    "incident": ("open", "list", "show"),
    "numbers": (
        *("import", "template", "list", "show", "add", "edit", "verify", "withdraw", "check", "export"),
    ),
    "audit": ("verify", "head", "export"),
    "config": ("schema",),
    "db": ("upgrade",),
}
COMMANDS = [
    f"{command} {sub}".strip()
    for group in cli.GROUPS.values()
    for command in group
    for sub in ("", *SUBCOMMANDS.get(command, ()))
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str) -> None:
    answer = program.run(*command.split(), "--help", COLUMNS="200")
    assert answer.code == 0
    assert "Example: alertbot" in answer.out


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
