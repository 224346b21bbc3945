"""Every command has help with an example, and stands in the reference."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import alertbot.cli as cli

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


def alertbot(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "alertbot"), *arguments],
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "LANGUAGE": "en"} | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str) -> None:
    answer = alertbot(*command.split(), "--help")
    assert answer.returncode == 0
    assert "Example: alertbot" in answer.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_names_it(command: str) -> None:
    assert f"`alertbot {command}" in DOCS.read_text(encoding="utf-8")


def test_an_unknown_command_is_misuse() -> None:
    answer = alertbot("shout")
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_the_version() -> None:
    assert alertbot("--version").stdout.startswith("alertbot 0.")
