"""An alert as data says what its text says, and is read back as it was written or not at all."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alertbot.channels import base
from alertbot.core.model import Identity, Organisation, Relation
from alertbot.texts import compose, documenting
from alertbot.texts.document import AlertDocument, DocumentInvalid, from_json, to_json
from alertbot.texts.fields.parse import parse
from alertbot.texts.kinds import catalogue
from alertbot.texts.posts import messages
from alertbot.texts.request import ComposeFindings, ComposeRequest
from tests.texts.test_whole_posts import CASES, KINDS, NOW, PAGE, SITUATIONS, given, spaced

STORED = Path(__file__).with_name("document-format-1.json")  # stays as it is, whatever is added later
PREPARED = catalogue.load_prepared()
SHOWN = [
    (kind, situation)
    for kind, situation in CASES
    if situation
    in ("example", "june 2021, with numbers", "1 wrong, 1 right", "part withdrawn", "zones")
]


def request(kind: str, values: dict[str, Any], **more: Any) -> ComposeRequest:
    known = KINDS[kind]
    fitting = {name: value for name, value in values.items() if known.field(name)}
    parsed = parse(
        known, {**known.example, **fitting}, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW
    )  # type: ignore[arg-type]
    made = ComposeRequest(
        known, parsed, (), None, Organisation("Opérateur", verification_page=PAGE, sandbox=True),
        Identity("BKRT", "BKRT-12", ("BKRT-11",)), NOW, frame=catalogue.load_frame(),
    )  # fmt: skip
    return replace(made, **more)


def document(kind: str, situation: str, lang: str = "fr", **more: Any) -> AlertDocument:
    asked = request(kind, dict(SITUATIONS[situation]), **more)
    template = messages.template(asked.kind.templates, base.EMAIL, lang)
    assert template
    desk = ComposeFindings(asked)
    one = compose.edition(desk, template, lang, asked.kind.title[lang])
    assert one, desk.faults
    return documenting.document(asked, one, contact="presse@example.org")


@pytest.mark.parametrize(("kind", "situation"), SHOWN)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_document_says_what_its_text_says_and_is_read_back(
    kind: str, situation: str, lang: str
) -> None:
    made = document(kind, situation, lang)
    assert from_json(to_json(made)) == made
    assert to_json(from_json(to_json(made))) == to_json(made)
    assert "[BKRT-12]" not in made.headline
    assert made.headline
    for name, struck in (("numbers", False), ("wrong_numbers", True), ("no_longer_valid", True)):
        wanted = given(kind, situation, name)
        found = [one.number for one in made.numbers if one.struck is struck]
        assert set(wanted) <= set(found)
    for number in made.numbers:
        (place,) = (
            one
            for one in made.places
            if (one.territory, one.struck) == (number.territory, number.struck)
        )
        for said in (number.number, number.zone, number.condition, number.service_name):
            assert spaced(said) in spaced(place.text)
        assert spaced(number.line).partition(" – ")[0] in spaced(place.text)


def test_the_ends_of_a_number_are_the_earlier_of_row_and_alert() -> None:
    soon = (NOW + timedelta(hours=1)).isoformat()
    rows = [
        {"territory": "69", "service": "samu", "number": "04 65 71 00 15", "valid_until": soon},
        {"territory": "69", "service": "police", "number": "04 65 71 00 17"},
    ]
    asked = request("provisional_number", {"numbers": rows, "valid_until": "+4h"})
    one = compose.edition(
        ComposeFindings(asked), asked.kind.templates["fr", "long"], "fr", "Numéros provisoires"
    )
    assert one
    first, second = documenting.document(asked, one).numbers
    assert first.ends_at == NOW + timedelta(hours=1)
    assert second.ends_at == NOW + timedelta(hours=4)


def test_instructions_stand_alone_as_sentences() -> None:
    asked = request("holding", {"what_to_do": "le 15, le 17 ou le 18\nAllez à la caserne !"})
    one = compose.edition(ComposeFindings(asked), asked.kind.templates["fr", "long"], "fr", "Panne")
    assert one
    found = documenting.document(asked, one).instructions
    assert [spaced(each) for each in found] == ["Le 15, le 17 ou le 18.", "Allez à la caserne !"]


def test_one_row_has_one_key_in_every_language() -> None:
    french, english = (document("provisional_number", "zones", lang) for lang in ("fr", "en"))
    assert [one.key for one in french.numbers] == [one.key for one in english.numbers]
    assert len({one.key for one in french.numbers}) == len(french.numbers)


@pytest.mark.parametrize(
    ("state", "said"),
    [("works", "joignez le 114"), ("down", "en panne"), ("unknown", "Nous ne savons")],
)
def test_the_relay_line_is_said_by_what_is_known_of_it(state: str, said: str) -> None:
    asked = request("provisional_number", {"relay_state": state})
    one = compose.edition(ComposeFindings(asked), asked.kind.templates["fr", "long"], "fr", "Numéros")
    assert one
    made = documenting.document(asked, one)
    assert said in made.relay
    assert made.relay_state == state


def test_a_prepared_retraction_has_no_number_of_its_own() -> None:
    asked = request("provisional_number", {}, prepared=PREPARED)
    template = messages.template(PREPARED.retraction, base.EMAIL, "fr")
    assert template
    one = compose.edition(ComposeFindings(asked), template, "fr", "[BKRT-12]", fields=False)
    assert one
    made = documenting.retraction(asked, one)
    assert (made.alert, made.references, made.relation) == ("", ("BKRT-12",), Relation.RETRACTION)
    assert not made.numbers
    assert "était une erreur" in made.headline


BROKEN = {
    "no JSON": "{",
    "another format": '{"format":2}',
    "a key too many": lambda plain: plain | {"more": 1},
    "a key too many, deeper": lambda plain: plain | {"places": [plain["places"][0] | {"more": 1}]},
    "a key less": lambda plain: {key: value for key, value in plain.items() if key != "lead_html"},
    "a wrong type": lambda plain: plain | {"exercise": 0},
    "a time without a zone": lambda plain: plain | {"issued": "2021-06-02T18:58:00"},
    "no time": lambda plain: plain | {"issued": "soon"},
    "a key less, deeper": lambda plain: plain | {"numbers": [{"number": "04 65 71 00 15"}]},
    "a list of something else": lambda plain: plain | {"numbers": ["04 65 71 00 15"]},
    "too deep": "[" * 100_000,
    "too long": " " * 4_000_001,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_was_not_written_here_is_refused_with_one_sentence(name: str) -> None:
    broken = BROKEN[name]
    if callable(broken):
        broken = json.dumps(broken(json.loads(STORED.read_text("utf-8"))))
    with pytest.raises(DocumentInvalid, match=r"^The stored text of an alert .*\.$"):
        from_json(str(broken))


def test_what_an_earlier_version_stored_is_read_with_the_defaults_of_later_fields() -> None:
    stored = json.loads(STORED.read_text("utf-8"))
    made = from_json(json.dumps(stored))
    assert (made.alert, made.references) == ("BKRT-4", ("BKRT-3",))
    assert [(one.number, one.struck, one.dial) for one in made.numbers] == [
        ("02 61 91 85 81", True, "+33261918581"),
        ("02 61 91 85 18", False, "+33261918518"),
    ]
    assert made.cap is not None
    before = replace(made, above_earlier="", cap=replace(made.cap, takes_back=False))
    before = replace(before, numbers=tuple(replace(one, line="") for one in made.numbers))
    assert before != made
    del stored["above_earlier"], stored["cap"]["takes_back"]
    for one in stored["numbers"]:
        del one["line"]
    assert from_json(json.dumps(stored)) == before


def test_times_are_kept_in_utc() -> None:
    kept = from_json(to_json(document("holding", "example")))
    assert kept.issued == NOW
    assert kept.issued.tzinfo == UTC or kept.issued.utcoffset() == timedelta()
    assert isinstance(kept.next_update, datetime)
