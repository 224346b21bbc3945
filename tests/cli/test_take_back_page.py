"""Every command of docs/how-to/take-back.md, as it is printed there, section by section."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.cli.desk import Desk, opened

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "take-back.md"
NUMBERS = [
    {"territory": code, "service": service, "number": f"02 61 91 {code} {short}"}
    for code in ("22", "29", "35", "56")
    for service, short in (("samu", "15"), ("police", "17"))
]
RIGHT = {
    "what_was_wrong": {"fr": "le numéro du SAMU", "en": "the number of the SAMU"},
    "what_is_right": {"fr": "faites le 15", "en": "call 15"},
}


def sections() -> dict[str, list[str]]:
    """The commands of each section, continued lines joined."""
    found: dict[str, list[str]] = {}
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _line, body = part.partition("\n")
        body = body.replace("\\\n", " ")
        printed = re.findall(r"^ {4}(alertbot .*)$", body, re.MULTILINE)
        if printed:
            found[title] = printed
    return found


PLACES = "22,29,35,56"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with numbers of Brittany, verified."""
    desk = opened(tmp_path)
    desk.configure(
        channels={"public": {"type": "memory"}, "team": {"type": "memory", "audience": "team"}}
    )
    (desk.folder / "numbers.yaml").write_text(yaml.safe_dump(NUMBERS), encoding="utf-8")
    (desk.folder / "right.yaml").write_text(yaml.safe_dump(RIGHT), encoding="utf-8")
    answer = desk.run("numbers", "import", "numbers.yaml", "--json", by="ada")
    assert answer.code == 0, answer.err
    for row in desk.run("numbers", "list", "--json").json:
        read = ("--digits", row["number"], "--call", "answered")
        answer = desk.run("numbers", "verify", row["entry"], *read, by="bo")
        assert answer.code == 0, answer.err
    return desk


def published(desk: Desk) -> str:
    """An alert that gives the numbers."""
    facts = yaml.safe_load(desk.run("kinds", "provisional_number", "--example").out)
    facts = {name: value for name, value in facts.items() if name not in ("numbers", "where")}
    path = desk.folder / "given.yaml"
    path.write_text(yaml.safe_dump({**facts, "territories": PLACES}), encoding="utf-8")
    answer = desk.run("draft", "provisional_number", "--vars", path.name, "--json", by="ada")
    alert = str(answer.json["id"])
    assert desk.run("submit", alert, by="ada").code == 0
    for name in ("bo", "cy"):
        assert desk.run("show", alert, by=name).code == 0
        assert desk.run("approve", alert, by=name).code == 0
    assert desk.run("run", "--once").code == 0
    return alert


def test_the_story_of_a_wrong_number(desk: Desk) -> None:
    """The section "Correct a number", by the people it names."""
    published(desk)
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for block in blocks:
        who, *lines = block.strip().splitlines()
        name = who.removeprefix("# ").lower()
        for line in lines:
            printed = line.replace("BKRT", _incident(desk))
            answer = desk.run(*shlex.split(printed)[1:], by=name)
            assert answer.code == 0, f"{line}: {answer.err}"
    gone = {row["entry"]: row["standing"] for row in desk.run("numbers", "list", "--json").json}
    assert "N1" not in gone
    assert gone["N9"] == "in_force"
    assert desk.run("run", "--once").code == 0
    second = desk.run("show", f"{_incident(desk)}-2", "--json").json
    assert second["state"] == "published"
    said = [one["text"].replace("\u00a0", " ") for one in second["messages"]]
    assert any("02 61 91 22 51" in text for text in said)
    assert any("02 61 91 22 15" in text for text in said)


def _incident(desk: Desk) -> str:
    return str(desk.run("incident", "list", "--json").json[0]["id"])


@pytest.mark.parametrize("title", sections())
def test_the_page_works_as_it_is_printed(desk: Desk, title: str) -> None:
    alert = published(desk)
    incident = alert.partition("-")[0]
    first = str(desk.run("show", alert, "--json").json["values"]["numbers"][0]["entry"])
    for printed in sections()[title]:
        if "--wrong" in printed:  # the section's other case
            alert = published(desk)
            incident = alert.partition("-")[0]
        words = [
            re.sub(r"\bN1\b", first, word.replace("BKRT", incident)) for word in shlex.split(printed)
        ]
        answer = desk.run(*words[1:], by="bo")
        assert answer.code == 0, f"{printed}: {answer.err}"
        if "--but" in printed:
            submitted = desk.run("submit", f"{incident}-2", by="bo")
            assert submitted.code == 0, submitted.err
            assert desk.run("show", f"{incident}-2", by="bo").code == 0
            assert desk.run("approve", f"{incident}-2", by="bo").code == 0
            left = desk.run("numbers", "list", "--standing", "in-force", "--json").json
            assert [row["number"] for row in left] == ["02 61 91 22 15"]
