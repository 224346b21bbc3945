"""One alert to every channel and language: texts, targets, omissions, digest, faults that stand."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alertbot.channels.base import APPRISE, X
from alertbot.core.model import (
    Audience,
    Channel,
    Composition,
    Fault,
    Identity,
    Markup,
    Organisation,
    Target,
)
from alertbot.texts.compose import compose
from alertbot.texts.fields.parse import Parsed, parse
from alertbot.texts.fields.values import Text
from alertbot.texts.kinds.catalogue import load, load_frame
from alertbot.texts.request import ComposeRequest
from tests.texts.conftest import (
    CHANNELS,
    NOW,
    ORGANISATION,
    SHORT,
    TEAM,
    VALUES,
    Make,
    lead,
    make_kind,
    many_rows,
)


def rules(composition: Composition) -> list[str]:
    return [fault.rule for fault in composition.faults]


def test_every_channel_and_language_gets_its_text(request_for: Make) -> None:
    made = compose(request_for())
    assert made.publishable
    assert [(one.channel, one.lang, one.part, one.parts) for one in made.messages] == [
        (channel, lang, 1, 1) for channel in ("x_main", "tg", "press") for lang in ("fr", "en")
    ]
    post, _en, telegram, _en2, mail, _en3 = made.messages
    assert post.text == (
        "Panne\u00a0: 15 et 18 sur mobile.\n\n"
        "Prochain point\u00a0: 19\u00a0h. https://example.org/urgences"
    )
    assert post.length == len(post.text) - len("https://example.org/urgences") + 23
    assert (post.html, post.subject, post.has_link, post.limit) == (None, None, True, 280)
    assert telegram.html is not None
    assert '<a href="https://example.org/urgences">' in telegram.html
    assert mail.subject == "Panne [BKRT-2]"
    assert mail.html is not None
    assert mail.html.startswith("<!DOCTYPE html>")


def test_targets_carry_their_language(request_for: Make) -> None:
    targets = compose(request_for()).targets
    assert [(one.address, one.lang) for one in targets["x_main"]] == [("@pref", "fr"), ("@pref", "en")]
    assert [(one.address, one.lang) for one in targets["tg"]] == [
        ("@canal", "fr"), ("@canal", "en"), ("-100", "en"),
    ]  # fmt: skip
    assert [one.lang for one in targets["press"]] == ["en", "fr", "fr"]


def test_a_place_reached_in_two_languages_gets_the_one_that_is_left_once(request_for: Make) -> None:
    reached = (Target("@pref", "fr"), Target("@pref", "en"))
    made = compose(request_for(channels=(replace(CHANNELS[0], targets=reached),), languages=("en",)))
    assert made.targets["x_main"] == (Target("@pref", "en"),)


def test_lang_leaves_languages_out_with_a_reason(request_for: Make) -> None:
    made = compose(request_for(languages=("en",)))
    assert made.publishable
    assert {one.lang for one in made.messages} == {"en"}
    assert {one.lang for each in made.targets.values() for one in each} == {"en"}
    assert [(one.channel, one.lang) for one in made.omitted] == [(c.name, "fr") for c in CHANNELS]
    assert all("--lang" in one.reason for one in made.omitted)


def test_a_language_that_no_channel_speaks_is_a_fault(request_for: Make) -> None:
    made = compose(request_for(languages=("fr", "de")))
    assert rules(made) == ["language_missing"]


def test_a_language_without_template_is_left_out_or_a_fault(request_for: Make) -> None:
    channels = (Channel("x_main", X, ("fr", "de")), Channel("x_de", X, ("de",)))
    made = compose(request_for(channels=channels))
    assert rules(made) == ["language_missing"]
    assert [(one.channel, one.lang) for one in made.omitted] == [("x_main", "de"), ("x_de", "de")]


def test_a_channel_type_has_its_own_words_else_the_other_form_serves(request_for: Make) -> None:
    templates = {("fr", "long"): lead("long"), ("fr", "x"): lead("propre à X")}
    channels = (
        Channel("x_main", X, ("fr",)),
        Channel("other", replace(APPRISE, form="short"), ("fr",)),
    )
    made = compose(request_for(kind=make_kind(templates), channels=channels))
    assert [one.text for one in made.messages] == ["propre à X", "long"]


@pytest.mark.parametrize(
    ("most", "title", "rule"),
    [(0, None, []), (20, "Panne : 15 et 18", []), (13, "Panne [BKRT-2]", ["too_long"]), (14, "Panne [BKRT-2]", [])],
)  # fmt: skip
def test_a_title_beside_the_text_is_composed_and_judged_before_approval(
    request_for: Make, most: int, title: str | None, rule: list[str]
) -> None:
    """Titles were judged only when an approved text was sent; a longer one gives way to the kind's."""
    templates = {("fr", "long"): lead("Texte") + "{% block subject %}Panne : 15 et 18{% endblock %}"}
    channels = (Channel("other", replace(APPRISE, longest_title=most), ("fr",)),)
    made = compose(request_for(kind=make_kind(templates), channels=channels))
    assert [one.subject and one.subject.replace("\u00a0", " ") for one in made.messages] == [title]
    assert [one for one in rules(made) if one == "too_long"] == rule


def test_a_title_that_a_service_would_read_as_a_mention_is_refused(request_for: Make) -> None:
    templates = {("fr", "long"): lead("Texte") + "{% block subject %}@**all**{% endblock %}"}
    spec = replace(APPRISE, longest_title=50, misread="@all")
    made = compose(request_for(kind=make_kind(templates), channels=(Channel("other", spec, ("fr",)),)))
    assert "misread" in rules(made)


def test_no_channel(request_for: Make) -> None:
    assert rules(compose(request_for(channels=()))) == ["no_channel"]


def test_a_template_fault_is_told_once_with_its_place(request_for: Make) -> None:
    templates = {
        (lang, form): lead("a\n{{ x }}" if lang == "fr" else "b")
        for lang in SHORT
        for form in ("short", "long")
    }
    made = compose(request_for(kind=make_kind(templates)))
    assert [one.message for one in made.faults] == [
        "panne/fr/short.md.j2:2: 'x' is undefined", "panne/fr/long.md.j2:2: 'x' is undefined",
    ]  # fmt: skip


def test_a_missing_field_is_no_fault_of_the_template(request_for: Make) -> None:
    missing = Fault("missing", "next_update is missing", "next_update")
    values = {"what_fails": VALUES["what_fails"]}
    assert rules(compose(request_for(parsed=Parsed(values, (missing,), (), {})))) == ["missing"]


def test_a_text_too_long_leaves_out_that_channel_and_language_alone(request_for: Make) -> None:
    long = Text({"fr": "panne " * 60, "en": "short"})
    made = compose(request_for({"what_fails": long}))
    assert made.publishable
    assert [(one.channel, one.lang) for one in made.messages] == [
        ("x_main", "en"), *((channel, lang) for channel in ("tg", "press") for lang in ("fr", "en")),
    ]  # fmt: skip
    (told,) = [one for one in made.warnings if one.rule == "too_long"]
    assert (told.field, told.channel, told.lang) == ("what_fails", "x_main", "fr")
    assert re.search(r"the post “Panne.*…” is \d+ characters too long\. Shorten", told.message)
    (omission,) = made.omitted
    assert (omission.channel, omission.lang, omission.reason) == ("x_main", "fr", told.message)
    assert [one.lang for one in made.targets["x_main"]] == ["en"]


def test_what_is_too_long_everywhere_is_a_fault(request_for: Make) -> None:
    long = Text({"fr": "panne " * 60, "en": "fault " * 60})
    only_x = compose(request_for({"what_fails": long}, channels=CHANNELS[:1]))
    assert [(one.rule, one.field, one.lang) for one in only_x.faults] == [
        ("too_long", "what_fails", "fr"), ("too_long", "what_fails", "en"),
    ]  # fmt: skip
    team = Channel("team", X, ("fr", "en"), Audience.TEAM, (Target("@team"),))
    mail = replace(CHANNELS[2], audience=Audience.TEAM)
    beside = compose(request_for({"what_fails": long}, channels=(CHANNELS[0], team, mail)))
    assert {one.channel for one in beside.messages} == {"press"}
    assert set(rules(beside)) == {"too_long"}  # the team's mail is not the public


def test_an_exercise_is_marked_in_every_part_and_reaches_no_live_channel(request_for: Make) -> None:
    assert set(rules(compose(request_for(exercise=True)))) == {"exercise_live"}
    made = compose(request_for({"numbers": many_rows(5)}, exercise=True, channels=TEAM))
    assert made.publishable
    assert max(one.parts for one in made.messages) == 6
    for one in made.messages:
        word = "EXERCICE" if one.lang == "fr" else "EXERCISE"
        assert one.text.startswith(f"{word} {word} {word}")
        assert one.text.endswith(f"{word} {word} {word}")
        assert one.subject is None or one.subject.startswith(word)


def test_the_words_of_a_real_alert_are_refused_in_an_exercise(request_for: Make) -> None:
    words = Text({"fr": "Ceci n’est  pas un EXERCICE", "en": "x"})
    made = compose(request_for({"what_fails": words}, exercise=True, channels=TEAM))
    assert set(rules(made)) == {"exercise_words"}
    assert compose(request_for({"what_fails": words}, channels=TEAM)).publishable


def test_an_exercise_without_marks_goes_nowhere(request_for: Make) -> None:
    made = compose(request_for(exercise=True, channels=TEAM, frame=None))
    assert rules(made) == ["language_missing", "language_missing"]
    assert made.messages == ()


def test_an_exercise_keeps_its_marks_where_room_is_short(request_for: Make) -> None:
    words = Text({"fr": "panne " * 25, "en": "outage " * 25})
    made = compose(request_for({"what_fails": words}, exercise=True, channels=TEAM[:1]))
    assert made.publishable
    for lang, word in (("fr", "EXERCICE"), ("en", "EXERCISE")):
        texts = [one.text for one in made.messages if one.lang == lang]
        assert all(text.startswith(word) for text in texts)
        assert all(text.endswith(word) for text in texts if "https://" in text)
        assert sum("https://example.org/urgences" in text for text in texts) == 1
        assert texts[-1].endswith(f"{word} {word} {word}")


def test_languages_that_disagree_are_a_judgement(request_for: Make) -> None:
    unequal = {"what_fails": Text({"fr": "15 et 17", "en": "15 and 18"})}
    made = compose(request_for(unequal))
    assert set(rules(made)) == {"parity"}
    accepted = compose(request_for(unequal, accepted={"parity": "as the source says"}))
    assert accepted.publishable
    assert {one.rule for one in accepted.accepted} == {"parity"}
    assert accepted.digest == made.digest
    assert not compose(request_for(unequal, accepted={"parity": " "})).publishable


@pytest.mark.parametrize(
    ("fr", "en"), [("15", "15 and 17"), ("15 et 17", "15"), ("panne", "fault at 3:07")]
)
def test_what_only_one_language_says_is_found_whichever_it_is(
    request_for: Make, fr: str, en: str
) -> None:
    made = compose(request_for({"what_fails": Text({"fr": fr, "en": en})}))
    assert set(rules(made)) == {"parity"}
    assert not made.publishable


def test_accepting_what_is_not_there_is_told(request_for: Make) -> None:
    made = compose(request_for(accepted={"parrity": "mistyped"}))
    assert any(one.rule == "nothing_accepted" and "parrity" in one.message for one in made.warnings)


def test_a_rule_cannot_be_accepted(request_for: Make) -> None:
    typed = {"what_fails": Text({"fr": "04 65 71 00 15", "en": "04 65 71 00 15"})}
    made = compose(request_for(typed, accepted={"digits_in_text": "please"}))
    assert set(rules(made)) == {"digits_in_text"}
    assert any("cannot be accepted" in one.message for one in made.faults)
    assert not made.accepted


def test_promised_times_are_told_and_must_lie_ahead(request_for: Make) -> None:
    assert compose(request_for()).promised == (NOW + timedelta(minutes=30),)
    assert rules(compose(request_for({"next_update": NOW}))) == ["past_time"]


def test_completeness(request_for: Make) -> None:
    made = compose(request_for(organisation=replace(ORGANISATION, verification_page="")))
    assert made.completeness["fact"] is True
    assert made.completeness["source"] is False
    assert made.completeness["number"] is None
    assert "incomplete_source" in {one.rule for one in made.warnings}


@pytest.mark.parametrize(
    ("parts", "sandbox", "expected"),
    [
        ({}, True, []),
        ({}, False, ["fictional_number"]),
        ({"verified_by": ""}, True, ["unverified_number"]),
        ({"valid_until": NOW - timedelta(minutes=1)}, True, ["past_time"]),
    ],
)
def test_only_numbers_that_are_verified_and_hold_reach_the_public(
    request_for: Make, parts: dict[str, Any], sandbox: bool, expected: list[str]
) -> None:
    organisation = replace(ORGANISATION, sandbox=sandbox)
    made = compose(request_for({"numbers": many_rows(2, **parts)}, organisation=organisation))
    assert rules(made) == expected
    if "past_time" not in expected:
        assert compose(request_for({"numbers": many_rows(2, **parts)}, channels=TEAM)).publishable


def test_a_list_becomes_a_thread_with_one_post_for_each_place(request_for: Make) -> None:
    rows = many_rows(8, zone={"fr": "zone de test", "en": "test zone"})
    made = compose(request_for({"numbers": rows}))
    assert made.publishable
    parts = [one for one in made.messages if one.channel == "x_main" and one.lang == "fr"]
    assert [(one.part, one.parts) for one in parts] == [(at, 9) for at in range(1, 10)]
    assert parts[0].text.endswith("https://example.org/urgences")
    for one, row in zip(parts[1:], rows, strict=True):
        name = f"{row.territory.name_in('fr')} ({row.territory.code})"
        number = row.number.replace(" ", "\u00a0")
        assert one.text == f"{name}\u00a0: appelez\nSAMU {number} (zone de test)"


def test_more_places_than_a_thread_takes_stand_behind_the_link(request_for: Make) -> None:
    made = compose(request_for({"numbers": many_rows(9)}))
    assert made.publishable
    for lang in ("fr", "en"):
        (post,) = [one for one in made.messages if (one.channel, one.lang) == ("x_main", lang)]
        assert post.text.endswith("https://example.org/urgences")
        assert post.parts == 1
        assert [one.lang for one in made.warnings if one.rule == "shortened"] == ["fr", "en"]
    for row in many_rows(9):
        number = row.number.replace(" ", "\u00a0")
        assert all(number in one.text for one in made.messages if one.channel != "x_main")


def test_without_a_link_to_stand_for_them_they_are_not_left_out_unsaid(request_for: Make) -> None:
    organisation = replace(ORGANISATION, verification_page="")
    made = compose(request_for({"numbers": many_rows(9)}, organisation=organisation))
    assert {one.channel for one in made.messages} == {"tg", "press"}
    assert [one.lang for one in made.warnings if one.rule == "too_many_posts"] == ["fr", "en"]
    assert all("would need 10 posts, more than 9" in one.reason for one in made.omitted)


def test_a_thread_too_long_to_be_read_asks_for_a_judgement(request_for: Make) -> None:
    endless = Channel("endless", replace(X, most_posts=None), ("fr",), targets=(Target("a"),))
    made = compose(
        request_for(
            {"numbers": many_rows(101)},
            channels=(endless,),
            accepted={"too_many_parts": "the whole country"},
        )
    )
    assert made.publishable
    assert len(made.messages) == 102
    assert {one.rule for one in made.accepted} == {"too_many_parts"}


def test_the_digest_is_stable_and_covers_the_words(request_for: Make) -> None:
    first = compose(request_for()).digest
    assert compose(request_for()).digest == first
    changed = Text({"fr": "15 et 18 sur mobiles", "en": "15 and 18 on mobiles"})
    assert compose(request_for({"what_fails": changed})).digest != first
    fewer = (*CHANNELS[:2], replace(CHANNELS[2], targets=(Target("a@example.org", "en"),)))
    assert compose(request_for(channels=fewer)).digest != first


CATALOGUE = load()


@pytest.mark.parametrize("name", sorted(CATALOGUE.kinds))
@pytest.mark.parametrize("exercise", [False, True])
def test_every_shipped_example_can_go_out(name: str, exercise: bool) -> None:
    kind = CATALOGUE.kinds[name]
    parsed = parse(kind, kind.example, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW)  # type: ignore[arg-type]
    channels = tuple(
        replace(one, audience=Audience.TEAM if exercise or kind.audiences else Audience.LIVE)
        for one in CHANNELS
    )
    made = compose(
        ComposeRequest(
            kind, parsed, channels, None,
            Organisation("Service d’urgence", verification_page="https://example.org/u", sandbox=True),
            Identity("BKRT", "BKRT-2", ("BKRT-1",)), NOW, exercise, load_frame(),
        )
    )  # fmt: skip
    assert [one.message for one in made.faults] == []
    assert all(one.html for one in made.messages if one.type in (Markup.TELEGRAM, Markup.EMAIL))
