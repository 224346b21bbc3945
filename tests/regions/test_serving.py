"""A team in another country: configuration, confirmation by name, register, and packs of its own."""

import shutil
from pathlib import Path

import pytest
import yaml

from alertbot.regions import packs
from tests import program
from tests.cli.desk import CONFIG, Desk, opened

BRITISH = {**CONFIG["organisation"], "languages": ["en"]}  # type: ignore[dict-item]
UNREAD = "Nobody has confirmed the facts of the country pack GB"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = opened(tmp_path)
    desk.configure(region="GB", organisation=BRITISH, messages="messages")
    (tmp_path / "messages").mkdir()
    return desk


@pytest.mark.thorough
def test_approvers_are_warned_until_somebody_confirms_the_pack_by_name(desk: Desk) -> None:
    assert UNREAD in desk.run("check").out
    alert = desk.shown()
    assert UNREAD in desk.run("show", alert, by="bo").out
    rules = [one["rule"] for one in desk.run("show", alert, "--json", by="bo").json["warnings"]]
    assert "country_unconfirmed" in rules
    assert desk.run("regions", "confirm", "GB", by="ada").code != 0
    assert "goes by GB" in desk.run("regions", "confirm", "FR", by="bo").err
    assert "bo has confirmed" in desk.does("regions", "confirm", "gb", by="bo")
    assert UNREAD not in desk.run("show", alert, by="cy").out
    assert UNREAD not in desk.run("check").out
    line = next(one for one in desk.run("regions", "list", "--json").json if one["in_force"])
    assert (line["code"], line["confirmed_by"]) == ("GB", "bo")
    last = desk.run("audit", "export", "--json").json[-1]
    assert (last["actor"], last["verb"], last["detail"]["region"]) == ("bo", "region-confirm", "GB")
    assert desk.run("approve", alert, by="cy").code == 0
    _own_pack(desk)
    assert UNREAD in desk.run("check").out
    assert desk.run("run", "--once").code == 3
    assert desk.state(alert) != "published"


def _own_pack(desk: Desk) -> Path:
    """The pack of Great Britain as the team's own, with one more short number."""
    own = desk.folder / "messages" / "regions" / "GB"
    shutil.copytree(packs.shipped() / "GB", own)
    facts = own / packs.FACTS
    more = 'short:\n  "105": {reaches: {en: power cuts}, source: numbers}\n'
    facts.write_text(facts.read_text("utf-8").replace("short:\n", more, 1), encoding="utf-8")
    return facts


def test_a_pack_of_ones_own_goes_before_the_shipped_one_and_its_faults_have_a_place(desk: Desk) -> None:
    facts = _own_pack(desk)
    assert "105" in desk.does("regions", "show", "GB")
    text = facts.read_text("utf-8")
    facts.write_text(
        text.replace('replaces: "999"', 'replaces: "998"', 1).replace(
            "zone: Europe/London", "zone: London"
        ),
        encoding="utf-8",
    )
    answer = desk.run("check")
    assert answer.code == 2
    line = next(
        at for at, one in enumerate(facts.read_text("utf-8").splitlines(), 1) if one == "zone: London"
    )
    assert f"region.yaml:{line}:7 zone: must be an IANA time zone" in answer.err
    facts.write_text(text.replace('replaces: "999"', 'replaces: "998"', 1), encoding="utf-8")
    assert "services.ambulance.replaces: 998 is not among the short numbers" in desk.run("check").err
    facts.write_text(text, encoding="utf-8")
    table = facts.with_name(packs.TERRITORIES)
    table.write_text(table.read_text("utf-8") + "KEN,Kent,,Europe/Nowhere,\n", encoding="utf-8")
    answer = desk.run("check")
    assert "KEN is there twice" in answer.err
    assert "Europe/Nowhere: must be an IANA time zone" in answer.err
    table.write_bytes(b"\xff\xfe")
    assert "territories.csv:1:1 is not a CSV file in UTF-8" in desk.run("check").err
    table.write_text("code,en,region\nKEN,Kent,ES\n", encoding="utf-8")
    assert "territories.csv:2:1 the telephone region ES" in desk.run("check").err


def test_an_unknown_country_is_one_fault_with_its_line(desk: Desk) -> None:
    path = desk.configure(region="XX", organisation=BRITISH)
    at = next(n for n, line in enumerate(path.read_text().splitlines(), 1) if line == "region: XX")
    answer = desk.run("check")
    assert answer.code == 2
    assert f"config.yaml:{at}:" in answer.err
    assert "There is no country pack XX" in answer.err
    assert desk.run("halt").code == 0


def test_the_register_serves_another_country(desk: Desk) -> None:
    row = ("territory=KEN", "service=fire", "number=+44 1632 960001")
    added = desk.run(
        "numbers", "add", *(word for one in row for word in ("--set", one)), "--json", by="ada"
    )
    assert added.code == 0, added.err
    listed = desk.run("numbers", "list", "KEN/fire", "--json").json
    assert [one["number"] for one in listed] == ["01632 960001"]
    assert [one["number"] for one in desk.run("numbers", "list", "GB", "--json").json] == [
        "01632 960001"
    ]
    assert desk.does(
        "numbers", "verify", "N1", "--digits", "01632 960001", "--call", "answered", by="bo"
    )
    checked = desk.run("numbers", "check", "KEN", "--coverage").out
    assert "Kent: no number in force for Police" in checked
    refused = desk.run(
        "numbers",
        "add",
        "--set",
        "territory=KEN",
        "--set",
        "service=samu",
        "--set",
        "number=999",
        by="ada",
    )
    assert "there is no service “samu”" in refused.err
    desk.configure()  # back in France, what the register has stays readable
    assert "01632 960001" in desk.does("numbers", "list")


def test_the_clock_and_languages_are_the_countrys_where_the_configuration_says_nothing(
    desk: Desk,
) -> None:
    bare = {"name": "NHS", "sandbox": True}
    desk.configure(region="BE", organisation=bare)
    seen = desk.run("preview", "holding", "--channel", "public", "--json").json
    assert {one["lang"] for one in seen["messages"]} == {"nl", "fr", "de"}
    rare = desk.run("preview", "denial", "--channel", "public", "--json").json
    assert {one["lang"] for one in rare["omitted"]} == {"nl", "de"}
    assert "Brussels" in desk.run("preview", "holding", "--lang", "fr").out or seen["messages"]


def test_init_takes_the_country(tmp_path: Path) -> None:
    assert program.run("init", "--defaults", "--region", "gb", folder=tmp_path).code == 0
    written = yaml.safe_load((tmp_path / "config.yaml").read_text("utf-8"))
    assert (written["region"], written["organisation"]["timezone"]) == ("GB", "Europe/London")
    assert written["organisation"]["languages"] == ["en"]
    assert program.run("check", folder=tmp_path).code == 0
    elsewhere = tmp_path / "other"
    refused = program.run("init", str(elsewhere), "--defaults", "--region", "XX", folder=tmp_path)
    assert refused.code == 2
    assert "AU, BE" in refused.err
    assert not elsewhere.exists()
    asked = program.run("init", str(elsewhere), folder=tmp_path, stdin="US\n" + "\n" * 12)
    assert asked.code == 0, asked.err
    assert "America/New_York" in (elsewhere / "config.yaml").read_text("utf-8")
