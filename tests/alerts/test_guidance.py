"""Contradictions between alerts (R9): found where callers would hear two things, and nowhere else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.alerts.rules_guidance import (
    Fallback,
    Guidance,
    SentAdvice,
    TopicAdvice,
    active,
    contradictions,
    from_json,
    guidance_of,
    laid_over,
    sentence,
    to_json,
)
from alertbot.core.model import Relation

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SAMU = {"territory": "69", "service": "samu", "number": "04 65 71 00 15"}
OTHER = SAMU | {"number": "04 65 71 00 16"}
FIRE = {"territory": "69", "service": "pompiers", "number": "04 65 71 00 18"}
DOOR = {"territory": "69", "service": "samu", "place": {"fr": "aux urgences", "en": "the hospital"}}
GATE = DOOR | {"place": {"fr": "à la caserne", "en": "the fire station"}}
OVER = {"what_works": {"fr": "le 15 est rétabli", "en": "15 is restored"}}


def told(*rows: Mapping[str, Any], kind: str = "status", **fields: Any) -> Guidance:
    return guidance_of(kind, {"numbers": list(rows)} | fields, alert="BKRT-1")


def topics(before: Guidance, after: Guidance) -> list[str]:
    return [one.topic for one in contradictions(before, after)]


# --- topic by topic -------------------------------------------------------------------------------


def test_landline_against_mobile() -> None:
    landline, mobile = told(what_to_do="Prenez un fixe."), told(what_to_do="Use a mobile.")
    (found,) = contradictions(landline, mobile)
    assert (found.topic, found.alert) == ("line", "BKRT-1")
    assert (found.said, found.says) == ("Prenez un fixe.", "Use a mobile.")
    assert "“Prenez un fixe.”" in sentence(found)


def test_an_explicit_line_wins_over_the_words() -> None:
    assert told(line="mobile", what_to_do="Prenez un fixe.").line == TopicAdvice(
        "mobile", "mobile", "BKRT-1"
    )
    assert topics(told(line="any", what_to_do="fixe"), told(line="mobile")) == []


def test_what_works_speaks_where_the_instructions_name_no_line() -> None:
    assert told(what_to_do="appelez le 15.", what_works="fixes").line.value == "landline"  # type: ignore[union-attr]
    assert told(what_to_do="prenez un mobile", what_works="fixes").line.value == "mobile"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("said", "says", "held"),
    [
        ("le 15 d'abord", "112 first", True),
        ("le 15 ou le 17 d'abord", "15 first", False),
        ("le numéro court d'abord", "15 first", False),
        ("le numéro court d'abord", "le numéro provisoire d'abord", True),
        ("15 first", "first the provisional number", True),
        ("le 15 d'abord", "appelez le 112", False),
    ],
)
def test_which_number_first(said: str, says: str, held: bool) -> None:
    assert bool(topics(told(what_to_do=said), told(what_to_do=says))) is held


def test_another_number_for_the_same_service_and_territory() -> None:
    assert topics(told(SAMU, FIRE), told(OTHER)) == ["number"]


@pytest.mark.parametrize(
    "other",
    [
        OTHER | {"territory": "42"},
        OTHER | {"service": "police"},
        OTHER | {"zone": {"fr": "Villefranche"}},
        OTHER | {"condition": {"fr": "depuis un mobile"}},
    ],
)
def test_another_number_for_somebody_else_is_none(other: Mapping[str, Any]) -> None:
    assert topics(told(SAMU), told(other)) == []


def test_a_number_more_or_fewer_is_none() -> None:
    assert topics(told(SAMU), told(SAMU, OTHER)) == []
    assert topics(told(SAMU, OTHER), told(OTHER)) == []
    assert topics(told(SAMU), told()) == []


def test_spaces_make_no_other_number() -> None:
    assert topics(told(SAMU), told(SAMU | {"number": "0465710015"})) == []


@pytest.mark.parametrize("field", ["wrong_numbers", "no_longer_valid"])
def test_another_number_that_strikes_the_old_one_is_none(field: str) -> None:
    assert topics(told(SAMU), told(OTHER, **{field: [SAMU]})) == []
    assert topics(told(SAMU, FIRE), told(OTHER, **{field: [FIRE]})) == ["number"]


def test_another_place() -> None:
    assert topics(told(DOOR), told(GATE)) == ["place"]
    assert topics(told(DOOR), told(SAMU)) == []
    assert topics(told(DOOR), told(GATE, wrong_numbers=[DOOR])) == []


def test_restored_while_numbers_are_in_force() -> None:
    assert topics(told(SAMU), told(**OVER)) == ["restored"]
    assert topics(told(SAMU), told(kind="end", what_works="tous les numéros")) == ["restored"]


def test_restored_is_none_where_the_numbers_are_withdrawn_or_named_as_staying() -> None:
    assert topics(told(SAMU), told(kind="end", no_longer_valid=[SAMU], **OVER)) == []
    assert topics(told(SAMU, FIRE), told(FIRE, kind="end", no_longer_valid=[SAMU], **OVER)) == []
    assert topics(told(SAMU, FIRE), told(kind="end", no_longer_valid=[SAMU], **OVER)) == ["restored"]
    assert topics(told(), told(**OVER)) == []


def test_new_numbers_after_it_was_said_to_be_over() -> None:
    assert topics(told(**OVER), told(SAMU, what_works="fixes")) == ["restored"]


# --- what is active -------------------------------------------------------------------------------


def at(count: int, guidance: Guidance, **follows: Any) -> SentAdvice:
    kept = from_json(to_json(guidance), alert=f"BKRT-{count}")
    return SentAdvice(f"BKRT-{count}", kept, **follows)


def test_the_latest_word_per_topic_counts_and_says_whose_it_is() -> None:
    said = [at(1, told(SAMU, what_to_do="fixe")), at(2, told(what_to_do="le 15 d'abord"))]
    now = active(said, NOW)
    assert (now.line.alert, now.first.alert) == ("BKRT-1", "BKRT-2")  # type: ignore[union-attr]
    assert [one.alert for one in now.fallbacks] == ["BKRT-1"]


def test_what_was_corrected_or_cancelled_no_longer_counts() -> None:
    for relation in (Relation.CORRECTION, Relation.RETRACTION, Relation.CANCEL):
        follows = {"relation": relation, "original": "BKRT-1"}
        said = [at(1, told(SAMU, what_to_do="fixe")), at(2, told(what_to_do="mobile"), **follows)]
        now = active(said, NOW)
        assert now.fallbacks == ()
        assert now.line is not None
        assert now.line.value == "mobile"


def test_a_withdrawal_takes_away_what_it_strikes() -> None:
    follows = {"relation": Relation.WITHDRAWAL, "original": "BKRT-1"}
    said = [at(1, told(SAMU, FIRE)), at(2, told(wrong_numbers=[SAMU]), **follows)]
    assert [one.service for one in active(said, NOW).fallbacks] == ["pompiers"]


def test_what_has_ended_no_longer_counts() -> None:
    past, ahead = ((NOW + timedelta(hours=hours)).isoformat() for hours in (-1, 1))
    said = [at(1, told(SAMU | {"review_at": past}, FIRE | {"valid_until": ahead}))]
    assert [one.service for one in active(said, NOW).fallbacks] == ["pompiers"]
    assert active([at(1, told(SAMU, what_to_do="fixe", valid_until=past))], NOW) == Guidance()


def test_a_correction_may_say_otherwise_than_its_original_but_has_to_strike_its_number() -> None:
    said = [at(1, told(SAMU, what_to_do="fixe"))]
    before = active(said, NOW, relation=Relation.CORRECTION, original="BKRT-1")
    assert topics(before, told(OTHER, what_to_do="mobile", wrong_numbers=[SAMU])) == []
    assert topics(before, told(OTHER, what_to_do="mobile")) == ["number"]
    assert topics(active(said, NOW), told(what_to_do="mobile")) == ["line"]


def test_what_cancels_an_alert_need_not_agree_with_it() -> None:
    said = [at(1, told(SAMU, what_to_do="fixe"))]
    before = active(said, NOW, relation=Relation.CANCEL, original="BKRT-1")
    assert topics(before, told(OTHER, what_to_do="mobile")) == []


# --- what always holds ----------------------------------------------------------------------------

rows = st.builds(
    Fallback,
    territory=st.sampled_from(["69", "42"]),
    service=st.sampled_from(["samu", "police"]),
    zone=st.sampled_from(["", "Lyon"]),
    number=st.sampled_from(["04 65 71 00 15", "04 65 71 00 16", "112"]),
)
several = st.lists(rows, max_size=4).map(tuple)
numbers = st.sampled_from(["15", "112", "15/17", "short", "long"])


def word(values: st.SearchStrategy[str]) -> st.SearchStrategy[TopicAdvice | None]:
    return st.none() | st.builds(TopicAdvice, values, st.text(max_size=5), st.just("BKRT-1"))


guidances = st.builds(
    Guidance,
    line=word(st.sampled_from(["landline", "mobile", "any"])),
    first=word(numbers),
    restored=word(st.sampled_from(["yes", "no"])),
    fallbacks=several,
    struck=several,
)


@given(guidances)
def test_an_alert_never_contradicts_itself(one: Guidance) -> None:
    assert contradictions(one, one) == ()


@given(guidances, guidances)
def test_the_same_again_never_contradicts(before: Guidance, one: Guidance) -> None:
    assert contradictions(laid_over(before, one), replace(one, struck=())) == ()


@given(guidances, guidances)
def test_line_number_and_place_contradict_both_ways(one: Guidance, other: Guidance) -> None:
    one, other = (replace(each, struck=(), restored=None) for each in (one, other))
    assert topics(one, other) == topics(other, one) or sorted(topics(one, other)) == sorted(
        topics(other, one)
    )


@given(guidances, guidances)
def test_what_strikes_every_number_contradicts_none(before: Guidance, one: Guidance) -> None:
    striking = replace(one, struck=before.fallbacks)
    assert {"number", "place"}.isdisjoint(topics(before, striking))


@given(guidances)
def test_it_is_the_same_after_it_was_kept(one: Guidance) -> None:
    kept = from_json(to_json(one), alert="BKRT-1")
    assert kept == replace(
        one,
        fallbacks=tuple(replace(each, alert="BKRT-1") for each in one.fallbacks),
        struck=tuple(replace(each, alert="BKRT-1") for each in one.struck),
    )


@given(guidances, guidances, guidances)
def test_what_is_active_never_contradicts_the_latest_alert(
    first: Guidance, second: Guidance, last: Guidance
) -> None:
    said = [at(1, first), at(2, second), at(3, replace(last, struck=()))]
    assert contradictions(active(said, NOW), replace(last, struck=())) == ()
