"""Every listed command leads to a function that is there."""

from importlib import import_module

import pytest

from alertbot import cli
from alertbot.cli.parsing import ListedCommand

LISTED = {
    f"{name} {sub}".strip(): command.target
    for name, entry in cli.commands().listing.items()
    for sub, command in ({"": entry} if isinstance(entry, ListedCommand) else entry.commands).items()
}


@pytest.mark.parametrize("command", LISTED)
def test_a_listed_command_is_there(command: str) -> None:
    file, _, function = LISTED[command].partition(":")
    found = getattr(import_module(f"alertbot.cli.{file}"), function, None)
    assert callable(found), f"`{command}` is listed as {LISTED[command]}, which has moved"
