"""Rules beside the rest of the configuration: what they name must be there."""

from datetime import timedelta
from pathlib import Path

import pytest

from alertbot.app import build
from alertbot.watch.rules_rule import RuleMode, Transition
from tests.config.conftest import Faults, Reads

TEXT = """\
organisation: {name: Essai, sandbox: true}
channels:
  wall: {type: screen}
sources:
  am: {type: alertmanager, secret_env: AM, names: {core-1: sip}}
watch:
  services:
    sms: {title: le 114}
  groups:
    calls: {members: [sdis_35, sdis_22], parent: network}
rules:
  one:
    when: [open]
    kind: holding
"""


@pytest.mark.parametrize("service", ["sip", "sms", "calls", "sdis_35", "network"])
def test_a_service_that_is_named_anywhere_is_known(reads: Reads, service: str) -> None:
    assert reads(TEXT + f"    services: [{service}]\n").rules["one"].services == (service,)


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("services: [sms, spi]", "15:21 rules.one.services[1]", "did you mean sip?"),
        ("services: [zzzzzzzz]", "15:16 rules.one.services[0]", "the names are calls, "),
        ("channels: [wal]", "15:16 rules.one.channels[0]", "did you mean wall?"),
        ("channels: [wall, other]", "15:22 rules.one.channels[1]", "the names are wall"),
        ("auto_after: 90s\n    policy: propose", "15:17 rules.one.auto_after", "policy: auto"),
        ("auto_after: 90s\n    policy: 'off'", "15:17 rules.one.auto_after", "policy: auto"),
    ],
)
def test_what_is_not_there_is_told_with_its_place(
    faults: Faults, line: str, place: str, words: str
) -> None:
    (told,) = faults(TEXT + f"    {line}\n")
    assert told.startswith(place)
    assert words in told


def test_rules_as_the_service_sees_them(tmp_path: Path) -> None:
    text = TEXT.replace("screen", "memory") + (
        "    auto_after: 90s\n    services: [sms]\n    set: {where: [69]}\n"
        "  two: {when: [remind, lapsed], kind: status, policy: auto, exercise: true}\n"
        "  three: {when: [resolve], kind: end, languages: [fr], channels: [wall]}\n"
    )
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    watch = build(path).watch
    one, two, three = watch.rules
    assert (one.name, one.how, one.after) == ("one", RuleMode.AUTO, timedelta(seconds=90))
    assert (one.services, one.values) == (frozenset({"sms"}), {"where": [69]})
    assert (two.how, two.after, two.exercise) == (RuleMode.AUTO, timedelta(), True)
    assert two.on == {Transition.REMIND, Transition.LAPSED}
    assert (three.how, three.languages, three.channels) == (RuleMode.PROPOSE, ("fr",), ("wall",))
    assert watch.titles == {"calls": {}, "sms": {"": "le 114"}}
