"""The story of a number in `docs/how-to/numbers.md`, tried line by line."""

import re
import shlex
from pathlib import Path

from tests.cli.desk import opened

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "numbers.md"
PEOPLE = {"Ada": "ada", "Bo": "bo", "anybody": None}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_every_line_of_the_story_works(tmp_path: Path) -> None:
    desk = opened(tmp_path)
    facts = desk.run("kinds", "provisional_number", "--example").out
    without_rows = re.sub(r"^(numbers|where):\n(?:[- ].*\n)*", "", facts, flags=re.MULTILINE)
    (tmp_path / "facts.yaml").write_text(without_rows)
    (rows,) = blocks("csv")
    for block in blocks("sh"):
        who, *lines = block.strip().splitlines()
        for line in lines:
            command, _arrow, file = line.partition(" > ")
            answer = desk.run(*shlex.split(command)[1:], by=PEOPLE[who.removeprefix("# ")])
            assert answer.code == 0, f"{line}\n{answer.err}"
            if file:
                (tmp_path / file).write_text(rows if "template" in line else answer.out)
    standings = {one["entry"]: one["standing"] for one in desk.run("numbers", "list", "--json").json}
    assert standings == {"N1": "unverified", "N3": "in_force", "N4": "in_force"}
    assert desk.run("numbers", "show", "N1", "--json").json["version"] == 2
