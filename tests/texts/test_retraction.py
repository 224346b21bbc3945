"""Every alert has its retraction ready: composed, marked, judged and signed with it (R20)."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Action, Audience, Composition, Identity
from alertbot.texts.compose import compose
from alertbot.texts.fields.parse import parse
from alertbot.texts.kinds.catalogue import load, load_prepared
from alertbot.texts.kinds.kind_spec import Prepared, Template
from alertbot.texts.request import ComposeRequest
from tests.texts.conftest import CHANNELS, NOW, ORGANISATION, TEAM, Make, lead, make_kind

PREPARED = load_prepared()
CATALOGUE = load()


def own(texts: dict[tuple[str, str], str]) -> Prepared:
    templates = {
        key: Template(text, f"retraction/{key[0]}/{key[1]}.md.j2") for key, text in texts.items()
    }
    return Prepared({**PREPARED.retraction, **templates}, PREPARED.edits)


def posts(made: Composition) -> list[tuple[str, str, int, str]]:
    return [(one.channel, one.lang, one.part, one.action) for one in made.retraction]


def test_it_stands_ready_for_every_channel_and_language(request_for: Make) -> None:
    made = compose(request_for(prepared=PREPARED))
    assert made.publishable
    both = [(channel, lang) for channel in ("x_main", "tg", "press") for lang in ("fr", "en")]
    assert posts(made) == [
        *((channel, lang, 1, "publish") for channel, lang in both[:4]),
        ("tg", "fr", 1, "edit"),
        ("tg", "en", 1, "edit"),
        *((channel, lang, 1, "publish") for channel, lang in both[4:]),
    ]
    for one in made.retraction:
        assert "https://example.org/urgences" in one.text
        assert ("BKRT-2" in one.text) == (one.channel != "x_main")
        if one.action is Action.PUBLISH:
            assert re.match("FAUSSE ALERTE|FALSE ALERT", one.text, re.IGNORECASE)
            assert re.search("18\u00a0h\u00a030|18:30", one.text)
            assert re.search("ni les consignes ni les numéros|neither its instructions nor", one.text)
            assert re.search("Nous vous demandons pardon|We ask your pardon", one.text)
            assert (one.subject is not None) == (one.channel == "press")


@pytest.mark.parametrize("name", sorted(CATALOGUE.kinds))
@pytest.mark.parametrize("exercise", [False, True])
def test_that_of_every_kind_fits_and_holds_no_number(name: str, exercise: bool) -> None:
    kind = CATALOGUE.kinds[name]
    parsed = parse(kind, kind.example, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW)  # type: ignore[arg-type]
    channels = TEAM if exercise or kind.audiences else CHANNELS
    ready = ComposeRequest(
        kind, parsed, channels, None, ORGANISATION, Identity("BKRT", "BKRT-2"), NOW, exercise,
        CATALOGUE.frame, prepared=PREPARED,
    )  # fmt: skip
    made = compose(ready)
    assert made.faults == ()
    fresh = [one for one in made.retraction if one.action is Action.PUBLISH]
    assert {(one.channel, one.lang) for one in fresh} == {
        (one.channel, one.lang) for one in made.messages
    }
    assert exercise or all(one.parts == 1 for one in fresh)
    assert not any(re.search(r"\d\d \d\d \d\d", one.text) for one in fresh)


def test_an_exercise_is_marked_in_its_retraction_too(request_for: Make) -> None:
    made = compose(request_for(prepared=PREPARED, exercise=True, channels=TEAM, frame=CATALOGUE.frame))
    assert made.publishable
    assert made.retraction
    for one in made.retraction:
        word = "EXERCICE" if one.lang == "fr" else "EXERCISE"
        assert one.text.startswith(word) or one.part == one.parts
        assert one.text.endswith(word) or one.part == 1
        if one.part == 1:
            assert one.text.startswith(f"{word} {word} {word}")
        if one.part == one.parts:
            assert one.text.endswith(f"{word} {word} {word}")
        assert one.subject is None or one.subject.startswith(word)


def test_the_digest_covers_it(request_for: Make) -> None:
    first = compose(request_for(prepared=PREPARED)).digest
    other = own({("fr", "short"): lead("autre chose {{ issued|clock }}")})
    assert compose(request_for(prepared=other)).digest != first
    assert compose(request_for(prepared=PREPARED)).digest == first


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{{ what_fails }}", "template"),
        ("mot " * 90 + "{{ issued|clock }}", "too_long"),
        ("à 19:00", "parity"),
    ],
)
def test_its_faults_are_those_of_the_alert(request_for: Make, text: str, rule: str) -> None:
    made = compose(request_for(prepared=own({("fr", "short"): lead(text)})))
    assert rule in [one.rule for one in made.faults]
    assert not made.publishable


def test_the_words_of_a_real_alert_are_refused_in_it(request_for: Make) -> None:
    prepared = own({("fr", "short"): lead("ceci n'est pas un exercice")})
    made = compose(request_for(prepared=prepared, exercise=True, channels=TEAM))
    assert "exercise_words" in [one.rule for one in made.faults]


def test_a_language_without_one_is_a_judgement(request_for: Make) -> None:
    texts = {("pt", form): lead("Avaria {{ alert }}") for form in ("short", "long")}
    channels = tuple(replace(one, languages=("pt",), audience=Audience.LIVE) for one in CHANNELS[:1])
    ready = {"kind": make_kind(texts), "channels": channels, "prepared": PREPARED}
    made = compose(request_for(**ready))
    assert [(one.rule, one.lang, one.acceptable) for one in made.faults] == [
        ("retraction_missing", "pt", True)
    ]
    assert "retraction/pt" in made.faults[0].message
    assert compose(request_for(**ready, accepted={"retraction_missing": "no words yet"})).publishable


def test_a_team_lays_its_own_words_over_them(tmp_path: Path) -> None:
    (tmp_path / "retraction" / "fr").mkdir(parents=True)
    (tmp_path / "retraction" / "fr" / "x.md.j2").write_text("Oubliez {{ alert }}.", encoding="utf-8")
    (tmp_path / "edits.yaml").write_text('fr: {update: "Du neuf : {alert}"}\n', encoding="utf-8")
    prepared = load_prepared(tmp_path)
    assert prepared.retraction["fr", "x"].text == "Oubliez {{ alert }}."
    assert prepared.retraction["fr", "short"] == PREPARED.retraction["fr", "short"]
    assert prepared.edits["fr"]["update"] == "Du neuf : {alert}"
    assert prepared.edits["fr"]["end"] == PREPARED.edits["fr"]["end"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ('fr: {update: "{digits}"}', "{digits}"),
        ('fr: {retraction: "à {time}"}', "time"),
        ('fr: {updated: "x"}', "update"),
        ('pt: {update: "x"}', "correction"),
        ('fr: {update: "{"}', "?"),
        ("french: {}", "french"),
    ],
)
def test_a_line_of_an_edit_is_checked(tmp_path: Path, words: str, why: str) -> None:
    (tmp_path / "edits.yaml").write_text(words + "\n", encoding="utf-8")
    with pytest.raises(ConfigInvalid) as refused:
        load_prepared(tmp_path)
    assert why.strip("{}") in str(refused.value)
    assert "edits.yaml:1" in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "said", "unsaid"),
    [
        (
            "end",
            {"fr": "CE N’EST PAS FINI", "en": "IT IS NOT OVER"},
            ("fausse alerte", "false alert", "rien à faire"),
        ),
        (
            "apology",
            {"fr": "erreur", "en": "mistake"},
            ("fausse alerte", "false alert", "do nothing"),
        ),
        (
            "withdrawal",
            {"fr": "erreur", "en": "mistake"},
            ("fausse alerte", "false alert", "do nothing"),
        ),
        ("holding", {"fr": "FAUSSE ALERTE", "en": "FALSE ALERT"}, ("pas fini", "not over")),
    ],
)
def test_what_takes_back_fits_what_was_said(
    request_for: Make, kind: str, said: dict[str, str], unsaid: tuple[str, ...]
) -> None:
    known = replace(request_for().kind, name=kind)
    made = compose(request_for(kind=known, prepared=PREPARED)).retraction
    assert {one.lang for one in made} == {"fr", "en"}
    for one in made:
        text = f"{one.subject or ''} {one.text}".casefold()
        assert not any(words in text for words in unsaid)
        if one.action is Action.PUBLISH:
            assert said[one.lang].casefold() in text
