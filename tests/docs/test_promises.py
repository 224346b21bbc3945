"""The page on promises names every type of channel, and only commands and words that there are."""

import re
from pathlib import Path

from alertbot.channels.base import SHIPPED
from alertbot.watch.witness.rules_looks import LookVerdict
from tests import program

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "promises.md"


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_no_type_of_channel_is_missing_and_none_is_made_up() -> None:
    assert {row[0].strip("`") for row in rows()} == set(SHIPPED)
    assert all(len(row) == 4 and all(row) for row in rows())


def test_each_command_that_proves_something_exists() -> None:
    named = {
        found for row in rows() for found in re.findall(r"`alertbot ([a-z -]+?)(?: [A-Z-]|`)", row[3])
    }
    assert named
    for words in named:
        command = [word for word in words.split() if not word.startswith("-")]
        answer = program.run(*command, "--help")
        assert answer.code == 0, (command, answer.err)


def test_each_verdict_of_the_witness_is_one() -> None:
    text = (PAGE.parents[1] / "how-to" / "see-what-the-public-sees.md").read_text(encoding="utf-8")
    assert {word for word in LookVerdict if f"| `{word}` |" in text} == set(LookVerdict)
