"""The shipped kinds: what each must, may and must not say, and how their texts read."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alertbot.channels import base
from alertbot.core.model import (
    Channel,
    Composition,
    Identity,
    Message,
    Organisation,
    Target,
    WhenUncertain,
)
from alertbot.texts.compose import compose
from alertbot.texts.fields import parse
from alertbot.texts.kinds import catalogue
from alertbot.texts.request import ComposeRequest

PARIS = ZoneInfo("Europe/Paris")
EVENING = datetime(2021, 6, 2, 18, 30, tzinfo=PARIS)
PAGE = "https://www.example.org/alert"
KINDS = {kind.name: kind for kind in catalogue.load()}
FRAME = catalogue.load_frame()
ORGANISATION = Organisation("Organisation", verification_page=PAGE, sandbox=True)
CHANNELS = tuple(
    Channel(name, base.SHIPPED[name], ("fr", "en"), targets=(Target("someone@example.org"),))
    for name in ("x", "telegram", "email")
)
FINAL = {"end", "withdrawal", "denial", "correction", "apology"}


def composed(
    name: str, now: datetime = EVENING, organisation: Organisation = ORGANISATION, **changes: Any
) -> Composition:
    kind = KINDS[name]
    values = {**kind.example, **changes}
    parsed = parse.parse(kind, values, languages=("fr", "en"), timezone=PARIS, now=now, base=None)
    identity = Identity("BKRT", "BKRT-2", ("BKRT-1",))
    return compose(
        ComposeRequest(kind, parsed, CHANNELS, None, organisation, identity, now, frame=FRAME)
    )


def text_of(found: Composition, channel: str, lang: str) -> str:
    parts = [one.text for one in found.messages if (one.type, one.lang) == (channel, lang)]
    return "\n".join(parts).replace("\u00a0", " ").replace("\u202f", " ")


def posts(found: Composition) -> list[Message]:
    return [one for one in found.messages if one.type == "x"]


# --- the table of section 6: required (M), allowed (O), refused (-) --------------------------------

ROWS = {
    "what_fails": "M M M O M M M M",
    "what_works": "M M M O M M M M",
    "since": "O M M O O O O M",
    "where": "M M M O M M M M",
    "cause": "- - O O - - - O",
    "what_to_do": "M M M - M M M M",
    "numbers": "- M O - O O O O",
    "valid_until": "- M O - M M M M",
    "next_update": "M M M O O O O -",
    "regret": "O O O M O O O O",
    "accountable": "- - O M O O O O",
    "what_will_change": "- - - M - - - O",
}
ORDER = (
    "holding",
    "provisional_number",
    "status",
    "apology",
    "correction",
    "withdrawal",
    "denial",
    "end",
)


@pytest.mark.parametrize("field", ROWS)
def test_each_field_is_required_allowed_or_refused_as_the_trade_says(field: str) -> None:
    for name, mark in zip(ORDER, ROWS[field].split(), strict=True):
        kind = KINDS[name]
        spec = kind.field(field)
        required = spec is not None and (spec.required or any(field in group for group in kind.one_of))
        found = "M" if required else "O" if spec else "-"
        assert found == mark, name
        assert (field in kind.forbidden) == (mark == "-"), name


@pytest.mark.parametrize("name", ORDER)
def test_approvals_priority_and_finality(name: str) -> None:
    kind = KINDS[name]
    assert kind.final == (name in FINAL)
    assert kind.approvals.approvers == (2 if name == "provisional_number" else 1)
    assert kind.approvals.author_may_approve == (name in {"correction", "withdrawal", "denial"})
    resend = name in {"correction", "withdrawal", "denial", "provisional_number"}
    assert kind.when_uncertain == (WhenUncertain.RESEND if resend else WhenUncertain.ASK)
    assert timedelta(0) < kind.approvals.expires_after < kind.ttl + timedelta(1)


def test_withdrawals_and_corrections_go_first() -> None:
    ranks = [
        KINDS[name].priority
        for name in ("withdrawal", "provisional_number", "holding", "status", "end", "apology")
    ]
    assert ranks == sorted(set(ranks))
    assert KINDS["correction"].priority == KINDS["denial"].priority == KINDS["withdrawal"].priority


# --- the texts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ORDER)
def test_the_example_can_be_published_as_it_is(name: str) -> None:
    found = composed(name)
    assert found.faults == ()
    assert not [
        one for one in found.warnings if one.rule in {"untranslated", "capitals", "emoji", "parity"}
    ]
    assert {(one.type, one.lang) for one in found.messages} == {
        (channel, lang) for channel in ("x", "telegram", "email") for lang in ("fr", "en")
    }


@pytest.mark.parametrize("name", sorted(set(ORDER) - {"provisional_number"}))
@pytest.mark.parametrize("minutes", range(0, 24 * 60, 90))
def test_the_example_fits_in_one_post_at_any_hour(name: str, minutes: int) -> None:
    found = composed(name, EVENING.replace(hour=0, minute=0) + timedelta(minutes=minutes))
    assert [(one.lang, one.parts) for one in posts(found)] == [("fr", 1), ("en", 1)]


def test_it_also_fits_with_a_longer_name_and_a_tag() -> None:
    longer = Organisation(
        "Préfecture de l'Exemple",
        verification_page="https://alertes.example.fr",
        hashtag="AlerteExemple",
        sandbox=True,
    )
    for name in set(ORDER) - {"provisional_number"}:
        assert {one.parts for one in posts(composed(name, organisation=longer))} == {1}, name


@pytest.mark.parametrize("name", ORDER)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_post_names_its_source_time_zone_and_verification_page(name: str, lang: str) -> None:
    found = composed(name)
    zone = {"fr": "heure de Paris", "en": "Paris time"}[lang]
    for one in found.messages:
        if one.lang == lang:
            assert one.text.startswith("Organisation")
            wanted = ("18:30", zone, PAGE) if one.part == 1 else ("18:30", zone)
            assert all(words in one.text.replace("\u00a0", " ") for words in wanted)
    assert "BKRT-2" in text_of(found, "telegram", lang)
    assert "BKRT-" in text_of(found, "x", lang)


@pytest.mark.parametrize("name", sorted(set(ORDER) - FINAL))
def test_what_is_not_final_names_the_clock_time_of_the_next_update(name: str) -> None:
    found = composed(name, next_update="21:07")
    assert all("21:07" in one.text for one in found.messages if one.part == 1)


@pytest.mark.parametrize("name", ["status", "provisional_number", "end"])
def test_the_beginning_is_named(name: str) -> None:
    found = composed(name, since="12:34")
    for channel in ("x", "telegram", "email"):
        assert "12:34" in text_of(found, channel, "fr")
        assert "12:34" in text_of(found, channel, "en")


def test_no_cause_stands_in_a_text_unless_it_is_given_with_its_certainty() -> None:
    plain = composed("status")
    assert "confirm" not in text_of(plain, "x", "fr")
    words = {"fr": "une mise à jour", "en": "an update"}
    confirmed = composed("status", cause=words, cause_certainty="confirmed")
    assert "Cause confirmée : une mise à jour" in text_of(confirmed, "x", "fr")
    assert "Confirmed cause: an update" in text_of(confirmed, "telegram", "en")
    suspected = composed("status", cause=words, cause_certainty="suspected")
    assert [one.rule for one in suspected.faults] == ["cause_without_certainty"]
    assert "not yet confirmed" in text_of(suspected, "email", "en")


@pytest.mark.parametrize("channel", ["x", "telegram", "email"])
def test_number_messages_carry_the_fixed_wording(channel: str) -> None:
    found = composed("provisional_number")
    french, english = text_of(found, channel, "fr"), text_of(found, channel, "en")
    for words in ("rgence", "pour tester", "suffi", "raccrochez pas trop tôt", "114", "SMS"):
        assert words in french, words
    for words in ("mergenc", "to test", "proof enough", "hang up early", "114", "text", "video"):
        assert words in english, words


@pytest.mark.parametrize("name", ORDER)
def test_nobody_is_told_to_call_114(name: str) -> None:
    for one in composed(name).messages:
        assert not re.search(r"(?i)(appele[zr]|call|composez|dial)\W+(?:le\W+)?114", one.text)


def test_every_number_keeps_its_service_zone_and_condition_in_its_post() -> None:
    found = composed("provisional_number")
    police = [one.text for one in posts(found) if "04 65 71 00 17" in one.text]
    assert len(police) == 2
    assert all("69 Rhône" in text and "Lyon" in text for text in police)
    assert "depuis un mobile" in police[0]
    assert "from a mobile phone" in police[1]
    assert all(
        ("urgences seulement" if one.lang == "fr" else "emergencies only") in one.text
        for one in posts(found)
    )


@pytest.mark.parametrize("channel", ["x", "telegram", "email"])
def test_a_correction_is_clear_without_strike_through(channel: str) -> None:
    found = composed("correction")
    assert re.search(r"(?i)faux\b.*: le 112 marche", text_of(found, channel, "fr"))
    assert re.search(r"(?i)vrai\W+: le 112 est coupé", text_of(found, channel, "fr"))
    assert re.search(r"(?i)wrong\b.*: 112 works", text_of(found, channel, "en"))
    assert re.search(r"(?i)right\W+112 is cut off", text_of(found, channel, "en"))
    html = [one.html for one in found.messages if one.type == "telegram"]
    assert all("<s>" in (one or "") for one in html)


def test_an_apology_holds_regret_and_an_accountable_role_and_no_instruction() -> None:
    found = composed("apology")
    for channel in ("x", "telegram", "email"):
        assert "directrice générale" in text_of(found, channel, "fr")
        assert "We are sorry" in text_of(found, channel, "en")
    refused = composed("apology", what_to_do="Appelez.")
    assert [one.rule for one in refused.faults] == ["forbidden_field"]


def test_the_reader_is_told_whether_replies_are_read() -> None:
    for name in ORDER:
        assert "Nous ne lisons pas les réponses" in text_of(composed(name), "telegram", "fr")
        assert "We do not read replies" in text_of(composed(name), "email", "en")


def test_a_mail_has_a_subject_and_telegram_fits_in_one_message() -> None:
    for name in ORDER:
        for one in composed(name).messages:
            assert bool(one.subject) == (one.type == "email")
            if one.type == "telegram":
                assert one.parts == 1
                assert one.length < 2500


def test_the_exercise_frame_triples_the_word_at_both_ends_and_asks_for_nothing() -> None:
    for lang, word in (("fr", "EXERCICE"), ("en", "EXERCISE")):
        assert FRAME.opening[lang].startswith(f"{word} {word} {word}")
        assert FRAME.closing[lang].endswith(f"{word} {word} {word}")
        assert len(FRAME.refused[lang]) > 5
    assert "rien à faire" in FRAME.closing["fr"]
    assert "do nothing" in FRAME.closing["en"]


def test_all_optional_fields_together_still_read() -> None:
    more: dict[str, Any] = {
        "noticed_at": "-1h30",
        "prepare": {"fr": "votre adresse", "en": "your address"},
        "regret": {"fr": "Nous pensons à vous.", "en": "Our thoughts are with you."},
        "accountable": {"fr": "le préfet", "en": "the prefect"},
        "valid_until": "+5h",
        "review_at": "+4h",
        "numbers": KINDS["provisional_number"].example["numbers"],
        "cause": {"fr": "une erreur", "en": "a mistake"},
        "cause_certainty": "confirmed",
        "next_update": "+45m",
        "what_will_change": {"fr": "deux lignes", "en": "two lines"},
        "findings_at": "+9d",
        "figures": {
            "value": "11 800",
            "unit": {"fr": "appels", "en": "calls"},
            "at": "-1h",
            "source": "ARCEP",
        },
        "wrong_numbers": [{"territory": "69", "service": "samu", "number": "04 65 71 99 15"}],
    }
    for name, kind in KINDS.items():
        allowed = {key: value for key, value in more.items() if kind.field(key)}
        found = composed(name, **allowed)
        assert {one.rule for one in found.faults} <= {"too_many_parts"}, (name, found.faults)
        telegram = text_of(found, "telegram", "fr")
        assert not re.search(r"\{[{%]|[%}]\}|None|\*\*|~~", telegram), name
        for key, words in (
            ("prepare", "votre adresse"),
            ("accountable", "le préfet"),
            ("figures", "11 800"),
        ):
            assert key not in allowed or words in telegram, (name, key)
