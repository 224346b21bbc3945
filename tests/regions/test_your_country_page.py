"""docs/how-to/your-country.md for Portugal, which is not shipped: its files are written and its commands run as they
are printed there."""

import re
import shlex
from pathlib import Path

import pytest

from alertbot.config.region_pack import PackFacts
from tests.cli.desk import Desk, opened

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "your-country.md"
BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOME = {"name": "Proteção Civil", "languages": ["en"], "timezone": "Europe/Lisbon", "sandbox": True}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk that has done what the page says, up to its first commands."""
    desk = opened(tmp_path_factory.mktemp("portugal"))
    desk.configure(organisation=HOME)
    for _language, name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if name:
            path = desk.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            path.write_text(text + before, encoding="utf-8")
    return desk


def test_a_newcomer_who_follows_the_page_can_publish_in_portugal(desk: Desk) -> None:
    printed = ""
    for language, _name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        for line in text.splitlines() if language == "sh" else ():
            answer = desk.run(*shlex.split(line)[1:], by="bo")
            assert answer.code == 0, f"{line}: {answer.err}"
            printed += answer.out
    assert "Nobody has confirmed the facts of the country pack PT" in printed
    assert "Lisbon (11) and Porto (13)" in printed
    assert "112 on mobiles" in printed
    assert "go to: the fire station" in printed
    assert "Lisbon time" in printed
    assert re.search(r"^PT  Portugal  \(your own, in force, confirmed by bo\)$", printed, re.MULTILINE)
    assert "Nobody has confirmed" not in desk.run("check").out
    alert = desk.shown()
    assert desk.run("approve", alert, by="bo").code == 0
    assert desk.run("run", "--once").code == 0
    assert desk.state(alert) == "published"


def test_a_fault_is_told_as_the_page_says(desk: Desk) -> None:
    facts = desk.folder / "messages" / "regions" / "PT" / "region.yaml"
    right = facts.read_text(encoding="utf-8")
    facts.write_text(
        right.replace('en: Police}, replaces: "112"', 'en: Police}, replaces: "113"'), encoding="utf-8"
    )
    told = desk.run("check").err
    facts.write_text(right, encoding="utf-8")
    sentence = "services.police.replaces: 113 is not among the short numbers"
    assert sentence in told
    assert f"    {sentence}\n" in PAGE.read_text(encoding="utf-8")


def test_the_page_names_every_key_of_a_pack() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Every key")[2]
    first_cells = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`(\w+)`", first_cells)) == PackFacts.model_fields.keys()
