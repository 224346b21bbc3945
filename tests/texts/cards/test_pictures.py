"""Number cards beside the texts: what they say, where they go, and when there is none."""

import re
from dataclasses import replace
from typing import Any

import pytest

from alertbot.channels.base import CONSOLE, EMAIL, TELEGRAM, X
from alertbot.core.model import Audience, Channel, Composition, Identity, Message
from alertbot.texts.compose import compose
from alertbot.texts.fields.parse import parse
from alertbot.texts.kinds.catalogue import load_frame, load_kind, load_prepared
from alertbot.texts.request import ComposeRequest
from tests.texts.conftest import NOW, ORGANISATION

PREPARED = load_prepared()
CHANNELS = tuple(
    Channel(name, replace(spec, can_picture=True, longest_alt=longest), ("fr", "en"), Audience.TEAM)
    for name, spec, longest in (("x", X, 1000), ("tg", TELEGRAM, 1024), ("mail", EMAIL, None))
)
CONDITION = {"fr": "clients Orange, depuis un mobile", "en": "Orange customers, from a mobile"}


def rows(count: int, each: int = 4, **more: Any) -> list[dict[str, Any]]:
    services = ("samu", "pompiers", "police", "gendarmerie")
    codes = ("69", "42", "01", "974", "38", "73", "74", "26", "07", "43", "63", "15")
    cells = [(code, services[at % 4]) for code in codes for at in range(each)][:count]
    return [
        {"territory": code, "service": service, "number": f"04 65 71 00 {at:02}", **more}
        for at, (code, service) in enumerate(cells)
    ]


def made(
    numbers: list[dict[str, Any]],
    channels: tuple[Channel, ...] = CHANNELS,
    kind: str = "provisional_number",
    **parts: Any,
) -> Composition:
    known = load_kind(kind)
    given = {**known.example, "numbers": numbers, "card": "yes", **parts.pop("given", {})}
    parsed = parse(known, given, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW)  # type: ignore[arg-type]
    ready = {"prepared": PREPARED, "frame": load_frame(), **parts}
    return compose(
        ComposeRequest(
            known, parsed, channels, None, ORGANISATION, Identity("BKRT", "BKRT-2"), NOW, **ready
        )
    )


def pictured(composition: Composition, channel: str, lang: str = "fr") -> list[Message]:
    return [
        one
        for one in composition.messages
        if one.picture and (one.channel, one.lang) == (channel, lang)
    ]


def test_each_post_has_the_card_of_the_places_whose_numbers_it_gives() -> None:
    shown = made(rows(5, condition=CONDITION))
    assert shown.faults == ()
    for lang, service, condition in (
        ("fr", "SAMU (15)", CONDITION["fr"]),
        ("en", "SAMU (medical) (15)", CONDITION["en"]),
    ):
        for channel, places in (
            ("x", [["69"], ["42"]]),
            ("tg", [["69", "42"]]),
            ("mail", [["69", "42"]]),
        ):
            cards = pictured(shown, channel, lang)
            assert [re.findall(r"(\d\d) (?:Rhône|Loire)", one.alt or "") for one in cards] == places
            assert re.search(
                rf"{re.escape(service)}\s?: 04 65 71 00 00 – {condition}\n", cards[0].alt or ""
            )
            for words in ("BKRT-2", "example.org/urgences", "Préfecture", "114", "15"):
                assert words in (cards[0].alt or "")
            held = next(p for p in shown.pictures if p.digest == cards[0].picture)
            assert (held.mime, held.width) == ("image/png", 1080)
            assert held.content.startswith(b"\x89PNG")


def test_the_text_still_says_everything() -> None:
    shown = made(rows(8))
    for channel in ("x", "tg", "mail"):
        whole = "\n".join(
            one.text for one in shown.messages if (one.channel, one.lang) == (channel, "fr")
        )
        for row in rows(8):
            assert row["number"].replace(" ", "\u00a0") in whole


def test_no_card_is_made_unless_asked_for_or_where_no_picture_is_taken() -> None:
    assert made(rows(5), given={"card": "no"}).pictures == ()
    console = Channel("console", replace(CONSOLE, can_picture=False), ("fr", "en"))
    shown = made(rows(5), (console,))
    assert shown.pictures == ()
    assert not any("card" in one.rule for one in shown.warnings)


def test_along_a_thread_each_number_is_on_one_card() -> None:
    cards = pictured(made(rows(20)), "x")
    assert len(cards) == 5
    whole = "\n".join(one.alt or "" for one in cards)
    assert [whole.count(row["number"]) for row in rows(20)] == [1] * 20


def test_a_territory_in_several_posts_has_one_card() -> None:
    shown = made(rows(8, 8, condition=CONDITION))
    assert len([one for one in shown.messages if (one.channel, one.lang) == ("x", "fr")]) > 3, (
        shown.omitted
    )
    (one,) = pictured(shown, "x")
    assert all(row["number"] in (one.alt or "") for row in rows(8, 8))


def test_an_alternative_is_never_cut() -> None:
    narrow = (replace(CHANNELS[0], spec=replace(CHANNELS[0].spec, longest_alt=200)), CHANNELS[2])
    shown = made(rows(4, condition=CONDITION), narrow)
    assert shown.faults == ()
    assert pictured(shown, "x") == []
    assert len(pictured(shown, "mail")) == 1
    assert {one.channel for one in shown.warnings if one.rule == "alt_too_long"} == {"x"}


@pytest.mark.parametrize("count", [33, 48])
def test_too_many_numbers_have_no_card_and_say_so(count: int) -> None:
    shown = made(rows(count), CHANNELS[1:])
    assert shown.pictures == ()
    assert shown.publishable
    told = [one for one in shown.warnings if one.rule == "too_many_for_card"]
    assert {one.channel for one in told} == {"tg", "mail"}


def test_letters_that_cannot_be_drawn_leave_the_card_out() -> None:
    shown = made(rows(2, zone={"": "東京"}))
    assert shown.publishable
    assert shown.pictures == ()
    told = [one.message for one in shown.warnings if one.rule == "no_card"]
    assert all("東 京" in one for one in told)
    assert told


def test_a_language_without_words_for_it_has_no_card() -> None:
    prepared = replace(PREPARED, card={"fr": PREPARED.card["fr"]})
    shown = made(rows(2), prepared=prepared)
    assert shown.publishable
    assert pictured(shown, "tg", "fr")
    assert not pictured(shown, "tg", "en")
    assert {(one.rule, one.lang) for one in shown.warnings if one.field == "card"} == {
        ("no_card", "en")
    }


def test_languages_must_agree_in_the_alternatives() -> None:
    lines = {**PREPARED.card["en"], "published": "Published"}
    prepared = replace(PREPARED, card={**PREPARED.card, "en": lines})
    assert "parity" in {one.rule for one in made(rows(2), prepared=prepared).faults}


def test_an_exercise_is_marked_on_the_card() -> None:
    shown = made(rows(2), exercise=True)
    assert shown.faults == ()
    for one in pictured(shown, "tg", "en"):
        assert one.alt is not None
        assert one.alt.startswith("EXERCISE EXERCISE EXERCISE\n")
        assert one.alt.endswith("\nEXERCISE EXERCISE EXERCISE")
    lines = {**PREPARED.card["fr"], "urgent": "danger imminent"}
    prepared = replace(PREPARED, card={**PREPARED.card, "fr": lines})
    assert "exercise_words" in {
        one.rule for one in made(rows(2), exercise=True, prepared=prepared).faults
    }


def test_the_digest_covers_picture_and_alternative() -> None:
    lines = {**PREPARED.card["fr"], "urgent": "Urgences."}
    prepared = replace(PREPARED, card={**PREPARED.card, "fr": lines})
    first = made(rows(2))
    assert made(rows(2)).digest == first.digest
    assert made(rows(2), prepared=prepared).digest != first.digest


def test_a_correction_shows_the_right_numbers_alone() -> None:
    wrong = [{"territory": "69", "service": "samu", "number": "04 65 71 00 99"}]
    shown = made(rows(1), kind="correction", given={"wrong_numbers": wrong})
    assert shown.faults == ()
    (one,) = pictured(shown, "tg")
    assert one.alt is not None
    assert "04 65 71 00 00" in one.alt
    assert "04 65 71 00 99" not in one.alt


def test_an_alert_without_numbers_has_no_card_and_says_so() -> None:
    known = load_kind("correction")
    parsed = parse(
        known, {**known.example, "card": "yes"}, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW
    )  # type: ignore[arg-type]
    shown = compose(
        ComposeRequest(
            known,
            parsed,
            CHANNELS,
            None,
            ORGANISATION,
            Identity("BKRT", "BKRT-2"),
            NOW,
            prepared=PREPARED,
        )
    )
    assert "no_card" in {one.rule for one in shown.warnings}
    assert shown.publishable
