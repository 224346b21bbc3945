"""The shipped kinds: what each must, may and must not say, and how their texts read."""

import re
from dataclasses import replace
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
PAGE_OF = re.compile(r"https://\S+")
KINDS = {kind.name: kind for kind in catalogue.load() if not kind.audiences}  # for the public
FRAME = catalogue.load_frame()
ORGANISATION = Organisation("Organisation", verification_page=PAGE, sandbox=True)
CHANNELS = tuple(
    Channel(name, base.SHIPPED[name], ("fr", "en"), targets=(Target("someone@example.org"),))
    for name in ("x", "telegram", "email")
)
FINAL = {
    "end", "withdrawal", "denial", "correction", "apology", "false_alert", "inquiry", "planned_works",
}  # fmt: skip
MENDING = {"correction", "withdrawal", "denial", "false_alert"}


NETWORKS = tuple(Channel(name, base.SHIPPED[name], ("fr", "en")) for name in ("bluesky", "mastodon"))


def composed(
    name: str,
    now: datetime = EVENING,
    organisation: Organisation = ORGANISATION,
    channels: tuple[Channel, ...] = CHANNELS,
    **changes: Any,
) -> Composition:
    kind = KINDS[name]
    values = {**kind.example, **changes}
    parsed = parse.parse(kind, values, languages=("fr", "en"), timezone=PARIS, now=now, base=None)
    identity = Identity("BKRT", "BKRT-2", ("BKRT-1",))
    return compose(
        ComposeRequest(kind, parsed, channels, None, organisation, identity, now, frame=FRAME)
    )


def text_of(found: Composition, channel: str, lang: str) -> str:
    parts = [one.text for one in found.messages if (one.type, one.lang) == (channel, lang)]
    return "\n".join(parts).replace("\u00a0", " ").replace("\u202f", " ")


def posts(found: Composition) -> list[Message]:
    return [one for one in found.messages if one.type == "x"]


# --- the table of section 6: required (M), allowed (O), refused (-) --------------------------------

ROWS = {
    "what_fails": "M M M O O O O M",
    "what_works": "M M O O O O O M",
    "since": "O M M O O O O O",  # else noticed_at; an end may not know
    "where": "M M M O M M M M",
    "cause": "- - O O - - - O",
    "what_to_do": "M M M - M M M M",
    "numbers": "- M O - O O O O",
    "valid_until": "- M O - M M M -",
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


@pytest.mark.parametrize("name", sorted(KINDS))
def test_approvals_priority_and_finality(name: str) -> None:
    kind = KINDS[name]
    assert kind.final == (name in FINAL)
    assert kind.approvals.approvers == (2 if name == "provisional_number" else 1)
    assert kind.approvals.author_may_approve == (name in MENDING)
    resend = name in {*MENDING, "provisional_number"}
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


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_example_can_be_published_as_it_is(name: str) -> None:
    found = composed(name)
    assert found.faults == ()
    assert not [
        one for one in found.warnings if one.rule in {"untranslated", "capitals", "emoji", "parity"}
    ]
    assert {(one.type, one.lang) for one in found.messages} == {
        (channel, lang) for channel in ("x", "telegram", "email") for lang in ("fr", "en")
    }


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_example_fits_on_bluesky_where_a_long_address_counts_in_full(name: str) -> None:
    page = "https://alertes.prefecture-rhone.example.fr/urgences"
    found = composed(
        name, channels=NETWORKS, organisation=replace(ORGANISATION, verification_page=page)
    )
    assert found.faults == ()
    assert {(one.type, one.lang) for one in found.messages} == {
        (channel, lang) for channel in ("bluesky", "mastodon") for lang in ("fr", "en")
    }
    assert all(one.limit and one.length <= one.limit for one in found.messages)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_example_fits_at_any_hour_whatever_the_name(name: str) -> None:
    longer = Organisation(
        "Préfecture de la région Auvergne-Rhône-Alpes, Lyon",
        verification_page="https://alertes.example.fr",
        hashtag="AlerteExemple",
        sandbox=True,
    )
    for minutes in (0, 9 * 60 + 59, 21 * 60 + 45):
        now = EVENING.replace(hour=0, minute=0) + timedelta(minutes=minutes)
        found = composed(name, now, longer)
        assert found.omitted == ()
        assert not [one for one in found.warnings if one.rule in {"shortened", "too_long"}]
        assert [one.part for one in posts(found) if PAGE_OF.search(one.text)][:1] == [1]


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_post_begins_with_the_news_and_a_long_text_ends_with_its_source(name: str, lang: str) -> None:
    found = composed(name)
    zone = {"fr": "heure de Paris", "en": "Paris time"}[lang]
    reference = {
        "fr": "référence BKRT-2, fait suite à BKRT-1",
        "en": "reference BKRT-2, follows BKRT-1",
    }
    for one in found.messages:
        if one.lang != lang:
            continue
        text = one.text.replace("\u00a0", " ")
        if one.type == "x":
            assert not any(words in text for words in ("Organisation", zone, "BKRT"))
            assert one.part > 1 or PAGE in text
        else:
            *_rest, source = text.split("\n")
            assert {"fr": "Situation à 18 h 30", "en": "As of 18:30"}[lang] in source
            assert all(words in source for words in (zone, "Organisation", reference[lang]))
            assert f"{PAGE}\n" in text
        assert "Organisation" not in text.split("\n")[0] or one.type != "x"


@pytest.mark.parametrize("name", sorted(set(KINDS) - FINAL))
def test_what_is_not_final_names_the_clock_time_of_the_next_update(name: str) -> None:
    found = composed(name, next_update="21:07")
    for one in found.messages:
        if one.part == 1:
            assert {"fr": "21\u00a0h\u00a007", "en": "21:07"}[one.lang] in one.text


@pytest.mark.parametrize("name", ["status", "provisional_number", "end"])
def test_the_beginning_is_named(name: str) -> None:
    found = composed(name, since="12:34")
    for channel in ("x", "telegram", "email") if name != "end" else ("telegram", "email"):
        assert "12 h 34" in text_of(found, channel, "fr")
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
    assert "not confirmed yet" in text_of(suspected, "email", "en")


@pytest.mark.parametrize("channel", ["x", "telegram", "email"])
def test_number_messages_carry_the_fixed_wording(channel: str) -> None:
    found = composed("provisional_number")
    french, english = text_of(found, channel, "fr"), text_of(found, channel, "en")
    for words in ("en urgence seulement", "pour vérifier", "Laissez sonner une minute", "114", "SMS"):
        assert words in french, words
    for words in ("n an emergency only", "to check", "Let it ring for a minute", "114", "text"):
        assert words in english, words
    assert "proof enough" not in english
    if channel != "x":
        assert "vidéo" in french
        assert "114 does not take voice calls" in english


@pytest.mark.parametrize(
    ("state", "said", "unsaid"),
    [
        ("down", "down too", "text 114"),
        ("works", "text 114", "down too"),
        (None, "text 114", "down too"),
    ],
)
def test_what_is_said_of_the_relay_service_depends_on_whether_it_works(
    state: str | None, said: str, unsaid: str
) -> None:
    found = composed("provisional_number", **({"relay_state": state} if state else {}))
    assert found.publishable
    whole = text_of(found, "x", "en") + text_of(found, "telegram", "en")
    assert said in whole
    assert unsaid not in whole


STAGES = {
    "stabilised": ("STABILISÉ, pas encore rétabli", "STABLE, not yet restored"),
    "back_again": ("DE NOUVEAU EN PANNE", "FAILING AGAIN"),
    "restored_partly": ("RÉTABLI EN PARTIE", "PARTLY RESTORED"),
    "failing": ("PANNE", "FAILING"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_of_a_fault_has_its_own_first_words_and_subject(stage: str) -> None:
    found = composed("status", stage=stage)
    assert found.publishable
    subjects = set()
    for lang, first in zip(("fr", "en"), STAGES[stage], strict=True):
        (post, *_more) = [one for one in posts(found) if one.lang == lang]
        assert post.text.startswith(first)
        (mail,) = [one for one in found.messages if (one.type, one.lang) == ("email", lang)]
        subjects.add(mail.subject)
        assert stage == "failing" or first.split(",")[0].casefold() in (mail.subject or "").casefold()
    assert len(subjects) == 2


@pytest.mark.parametrize("name", sorted(KINDS))
def test_nobody_is_told_to_call_114(name: str) -> None:
    for one in composed(name).messages:
        assert not re.search(r"(?i)(appele[zr]|call|composez|dial)\W+(?:le\W+)?114", one.text)


def test_every_number_keeps_its_service_zone_and_condition_in_its_post() -> None:
    found = composed("provisional_number")
    police = [
        one.text.replace("\u00a0", " ")
        for one in posts(found)
        if "04\u00a065\u00a071\u00a000\u00a017" in one.text
    ]
    assert len(police) == 2
    assert all("Rhône (69)" in text for text in police)
    assert "Police 04 65 71 00 17 (Lyon, depuis un mobile)\n" in police[0]
    assert "Police 04 65 71 00 17 (Lyon, from a mobile phone)\n" in police[1]
    assert "Appelez, en urgence seulement :\n" in police[0]
    assert "Emergencies only, call:\n" in police[1]


@pytest.mark.parametrize("channel", ["x", "telegram", "email"])
def test_a_correction_is_clear_without_strike_through(channel: str) -> None:
    found = composed("correction")
    french, english = text_of(found, channel, "fr"), text_of(found, channel, "en")
    for text, right, wrong in (
        (french, "e 112 est coupé.", "« le 112 marche »"),
        (english, "112 is cut off.", "“112 works”"),
    ):
        assert 0 < text.index(right) < text.index(wrong)  # the truth first
    assert re.search(r"(?i)faux\b.*: « le 112 marche »", french)
    assert re.search(r"(?i)wrong\b.*: “112 works”", english)
    number = composed(
        "correction", wrong_numbers=[{"territory": "69", "service": "samu", "number": "04 65 71 99 15"}]
    )
    assert "n’appelez PAS" in text_of(number, channel, "fr")
    assert "do not call" in text_of(number, channel, "en").casefold()
    assert not any("<s>" in (one.html or "") for one in (*found.messages, *number.messages))


def test_an_apology_holds_regret_and_an_accountable_role_and_no_instruction() -> None:
    found = composed("apology")
    for channel in ("x", "telegram", "email"):
        assert "directrice générale" in text_of(found, channel, "fr")
        assert "We are sorry" in text_of(found, channel, "en")
    refused = composed("apology", what_to_do="Appelez.")
    assert [one.rule for one in refused.faults] == ["forbidden_field"]


def test_the_reader_is_told_whether_replies_are_read() -> None:
    for name in set(KINDS) - {"apology"}:
        assert "Nous ne lisons pas les réponses" in text_of(composed(name), "telegram", "fr")
        assert "We do not read replies" in text_of(composed(name), "email", "en")


def test_a_mail_has_a_subject_and_telegram_fits_in_one_message() -> None:
    for name in KINDS:
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
            assert key not in allowed or words in telegram.casefold(), (name, key)
