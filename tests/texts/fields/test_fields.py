"""From raw values to typed ones, with every fault."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.errors import AlertbotError, Misuse
from alertbot.texts.fields import parse
from alertbot.texts.fields.moments import BadMoment, moment, span
from alertbot.texts.fields.parse import load_values
from alertbot.texts.fields.values import Certainty, Figure, Text
from alertbot.texts.kinds import catalogue, kind_spec

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2021, 6, 2, 18, 30, tzinfo=PARIS)
STATUS = catalogue.load_kind("status")


def parsed(kind: kind_spec.Kind = STATUS, now: datetime = NOW, **changes: Any) -> parse.Parsed:
    given_values = {**kind.example, **changes}
    return parse.parse(kind, given_values, languages=("fr", "en"), timezone=PARIS, now=now, base=None)


def rules(found: parse.Parsed) -> list[tuple[str, str | None]]:
    return [(fault.rule, fault.field) for fault in found.faults]


# --- times -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "past", "expected"),
    [
        ("now", False, "2021-06-02T18:30:00+02:00"),
        ("+30m", False, "2021-06-02T19:00:00+02:00"),
        ("-1h30", True, "2021-06-02T17:00:00+02:00"),
        ("-1h45m", True, "2021-06-02T16:45:00+02:00"),
        ("16:45", True, "2021-06-02T16:45:00+02:00"),
        ("16h45", True, "2021-06-02T16:45:00+02:00"),
        ("23:50", True, "2021-06-01T23:50:00+02:00"),
        ("19:00", False, "2021-06-02T19:00:00+02:00"),
        ("18:10", False, "2021-06-02T18:10:00+02:00"),
        ("08:00", False, "2021-06-03T08:00:00+02:00"),
        ("2021-06-02T16:45", True, "2021-06-02T16:45:00+02:00"),
        ("2021-06-02T16:45Z", True, "2021-06-02T18:45:00+02:00"),
        ("2021-10-31T02:30+01:00", False, "2021-10-31T02:30:00+01:00"),
        ("18h", True, "2021-06-02T18:00:00+02:00"),
        ("18 h 45", False, "2021-06-02T18:45:00+02:00"),
        ("8\u00a0h", False, "2021-06-03T08:00:00+02:00"),
        ("à 2 h", False, "2021-06-03T02:00:00+02:00"),
        ("in 2 hours", False, "2021-06-02T20:30:00+02:00"),
        ("in half an hour", False, "2021-06-02T19:00:00+02:00"),
        ("dans 1 h 30", False, "2021-06-02T20:00:00+02:00"),
        ("dans une heure et 15 minutes", False, "2021-06-02T19:45:00+02:00"),
        ("il y a 20 min", True, "2021-06-02T18:10:00+02:00"),
        ("2 hours ago", True, "2021-06-02T16:30:00+02:00"),
        ("demain 8 h", False, "2021-06-03T08:00:00+02:00"),
        ("8:00 tomorrow", False, "2021-06-03T08:00:00+02:00"),
        ("Yesterday at 2:58 pm", True, "2021-06-01T14:58:00+02:00"),
        ("12 am", False, "2021-06-03T00:00:00+02:00"),
        ("demain midi", False, "2021-06-03T12:00:00+02:00"),
        ("jeudi 8 h", False, "2021-06-03T08:00:00+02:00"),
        ("Thursday at 8:00", True, "2021-05-27T08:00:00+02:00"),
        ("jeudi 3 juin, 14 h 07", False, "2021-06-03T14:07:00+02:00"),
        ("June 3, 14:07", False, "2021-06-03T14:07:00+02:00"),
        ("le 2 juin 2021 à 15 h 08", True, "2021-06-02T15:08:00+02:00"),
        ("aujourd’hui à 20 h", False, "2021-06-02T20:00:00+02:00"),
    ],
)
def test_a_time_is_what_was_meant(raw: str, past: bool, expected: str) -> None:
    assert moment(raw, now=NOW, zone=PARIS, past=past).isoformat() == expected


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("2021-03-28T02:30", "does not exist"),
        ("2021-10-31T02:30", "occurs twice"),
        ("2021-06-02", "not a time"),
        (1005, "in quotes"),
        (True, "in quotes"),
        (NOW.date(), "no time of day"),
        ("0001-01-01T00:00", "not plausible"),
        ("25:00", "not a time"),
        ("+", "not a time"),
        ("+9999h", "not a time"),
        ("demain", "not a time"),
        ("2h", "write 02:00 or \\+2h"),
        ("jeudi 4 juin 8 h", "not a time"),
        ("31 février 8 h", "not a time"),
        ("13 pm", "not a time"),
        ("tomorrow at 8", "not a time"),
        ("demain 2021-03-28T02:30", "not a time"),
        ("٢:٣٠", "not a time"),
        ("9" * 100_000, "not a time"),
    ],
)
def test_what_is_no_certain_time_is_refused_with_a_reason(raw: object, why: str) -> None:
    with pytest.raises(BadMoment, match=why):
        moment(raw, now=NOW, zone=PARIS)


anytime = st.datetimes(datetime(2010, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(
    [PARIS, ZoneInfo("Indian/Reunion"), ZoneInfo("America/Miquelon"), ZoneInfo("UTC")]
)


@given(anytime, zones, st.integers(0, 23), st.integers(0, 59), st.booleans())
def test_a_clock_time_is_within_a_day_on_the_right_side(
    now: datetime, zone: ZoneInfo, hour: int, minute: int, past: bool
) -> None:
    try:
        at = moment(f"{hour:02}:{minute:02}", now=now, zone=zone, past=past)
    except BadMoment:
        return
    assert (at.hour, at.minute) == (hour, minute)
    away = at - now
    slack = timedelta(hours=2)
    assert (
        -timedelta(days=1) - slack <= away <= slack
        if past
        else -slack <= away <= timedelta(days=1) + slack
    )


@given(anytime, zones, st.integers(0, 300), st.integers(0, 59))
def test_a_relative_time_counts_real_minutes(
    now: datetime, zone: ZoneInfo, hours: int, minutes: int
) -> None:
    ahead = moment(f"+{hours}h{minutes:02}", now=now, zone=zone)
    assert timedelta(0) <= now + timedelta(hours=hours, minutes=minutes) - ahead < timedelta(minutes=1)
    assert moment(ahead.isoformat(), now=now + timedelta(days=40), zone=zone) == ahead


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_sentence(raw: str) -> None:
    with suppress(BadMoment):
        assert moment(raw, now=NOW, zone=PARIS).tzinfo is not None


def test_lengths_of_time() -> None:
    assert [span(raw) for raw in ("45m", "1h30", "2d", "PT1H30M", "1h5m")] == [
        timedelta(minutes=45),
        timedelta(minutes=90),
        timedelta(days=2),
        timedelta(minutes=90),
        timedelta(minutes=65),
    ]


# --- fields ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", catalogue.kind_names())
@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=9), timedelta(days=30)])
def test_frozen_values_are_the_same_at_any_later_time(name: str, later: timedelta) -> None:
    kind = catalogue.load_kind(name)
    first = parsed(kind)
    assert not first.faults
    again = parse.parse(
        kind,
        json.loads(json.dumps(first.frozen)),
        languages=("fr", "en"),
        timezone=PARIS,
        now=NOW + later,
    )
    assert again.values == first.values
    assert again.frozen == first.frozen
    assert {fault.rule for fault in again.faults} <= {"past_time"}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"what_fails": None}, ("missing", "what_fails")),
        ({"what_fails": "  "}, ("missing", "what_fails")),
        ({"what_fails": {"fr": "seul"}}, ("language_missing", "what_fails")),
        ({"what_fails": "x" * 100_000}, ("too_long", "what_fails")),
        ({"what_fails": "a\x07b"}, ("control_characters", "what_fails")),
        ({"what_fails": "a\u202eb"}, ("control_characters", "what_fails")),
        ({"what_fails": "a\u200bb"}, ("control_characters", "what_fails")),
        ({"what_fails": "a" + "\u0301" * 20}, ("control_characters", "what_fails")),
        ({"what_fails": True}, ("wrong_type", "what_fails")),
        ({"what_fails": NOW.date()}, ("wrong_type", "what_fails")),
        ({"what_fails": {"français": "x"}}, ("unknown_field", "what_fails")),
        ({"since": "16:99"}, ("wrong_type", "since")),
        ({"since": 1005}, ("wrong_type", "since")),
        ({"since": "+2h"}, ("past_time", "since")),
        ({"next_update": "-1h"}, ("past_time", "next_update")),
        ({"where": "69, Atlantide"}, ("wrong_type", "where")),
        ({"where": []}, ("missing", "where")),
        ({"whre": "69"}, ("unknown_field", "whre")),
        ({"what_will_change": "x"}, ("forbidden_field", "what_will_change")),
        ({"numbers": "no/such/file.csv"}, ("wrong_type", "numbers")),
        ({"figures": {"value": "3"}}, ("missing", "figures")),
        (
            {"figures": {"value": "0465710015", "unit": "x", "at": "now", "source": "x"}},
            ("wrong_type", "figures"),
        ),
        ({"cause": "x", "cause_certainty": None}, ("cause_without_certainty", "cause")),
        ({"cause": "x", "cause_certainty": "sure"}, ("wrong_type", "cause_certainty")),
    ],
)
def test_each_mistake_is_its_own_fault(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    found = parsed(**changes)
    assert fault in rules(found)
    assert all(one.message for one in found.faults)


def test_the_nearest_field_is_named() -> None:
    assert "where" in parsed(whre="69").faults[0].message


def test_a_suspected_cause_is_a_judgement_and_an_unknown_one_is_not() -> None:
    (suspected,) = parsed(cause="une mise à jour", cause_certainty="suspected").faults
    (unknown,) = parsed(cause="une mise à jour", cause_certainty="unknown").faults
    assert (suspected.rule, suspected.acceptable) == ("cause_without_certainty", True)
    assert not unknown.acceptable
    confirmed = parsed(cause="une mise à jour", cause_certainty="confirmed")
    assert not confirmed.faults
    assert isinstance(confirmed.values["cause_certainty"], Certainty)


def test_bare_words_serve_every_language_and_are_told() -> None:
    found = parsed(what_fails="SAMU 15")
    value = found.values["what_fails"]
    assert isinstance(value, Text)
    assert value.in_lang("en") == value.in_lang("fr") == "SAMU 15"
    assert [(one.rule, one.field) for one in found.warnings] == [("untranslated", "what_fails")]
    assert not parsed(what_fails="15, 17").warnings


def test_steps_may_be_a_list() -> None:
    value = parsed(what_to_do={"fr": ["Un.", "Deux."], "en": "One.\nTwo."}).values["what_to_do"]
    assert isinstance(value, Text)
    assert (value.in_lang("fr"), value.in_lang("en")) == ("Un.\nDeux.", "One.\nTwo.")


def test_a_figure_is_dated_sourced_and_provisional() -> None:
    figure = {"value": "11 800", "unit": {"fr": "appels", "en": "calls"}, "at": "-1h", "source": "X"}
    value = parsed(figures=figure).values["figures"]
    assert isinstance(value, tuple)
    assert isinstance(value[0], Figure)
    assert (value[0].value, value[0].provisional) == ("11 800", True)


def test_a_past_promise_keeps_its_value_for_the_preview() -> None:
    assert "next_update" in parsed(next_update="-1h").values


def test_a_default_gives_way_to_the_field_that_does_instead() -> None:
    kind = catalogue.load_kind("correction")
    assert "review_at" not in parsed(kind).values
    without = parsed(kind, valid_until=None)
    assert without.values["review_at"] == NOW + timedelta(hours=2)
    draft = parse.parse(kind, {}, languages=("fr",), timezone=PARIS, now=NOW, base=None, complete=False)
    assert "review_at" not in draft.values


def test_numbers_come_from_a_file_beside_the_alert(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("territory,service,number\n69,samu,122\n69,samu,0465710015\n")
    found = parse.parse(
        STATUS,
        {**STATUS.example, "numbers": "numbers.csv"},
        languages=("fr",),
        timezone=PARIS,
        now=NOW,
        base=tmp_path,
    )
    assert rules(found) == [("invalid_number", "numbers")]
    assert len(found.values["numbers"]) == 1  # type: ignore[arg-type]
    assert isinstance(found.frozen["numbers"], list)


def test_a_number_past_its_validity_is_a_fault() -> None:
    row = {"territory": "69", "service": "samu", "number": "0465710015", "valid_until": "-1h"}
    assert ("past_time", "numbers") in rules(parsed(numbers=[row]))


def test_an_address_is_https_and_plain() -> None:
    from alertbot.texts.fields.readers import FieldReading, read_url
    from alertbot.texts.fields.values import FieldError
    from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType

    spec = FieldSpec("page", FieldType.URL, True, {}, {})
    reading = FieldReading(NOW, PARIS, None)
    assert str(read_url(spec, "https://example.org/a?b=c", reading)[0]) == "https://example.org/a?b=c"
    for bad in (
        "http://example.org",
        "javascript:alert(1)",
        "https://a@example.org",
        "https://x",
        "https://[",
        "é",
    ):
        with pytest.raises(FieldError):
            read_url(spec, bad, reading)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([spec.name for spec in STATUS.fields]) | st.text(max_size=12)


@given(st.dictionaries(names, json_like, max_size=4))
def test_any_values_give_faults_and_never_an_error(given_values: dict[str, Any]) -> None:
    found = parse.parse(STATUS, given_values, languages=("fr", "en"), timezone=PARIS, now=NOW)
    assert found.faults
    json.dumps(found.frozen)


# --- the command line and files --------------------------------------------------------------------


def test_sets_lie_over_the_file() -> None:
    merged = parse.merge_sets(["a.fr=x=y", "b=2", "c=3"], {"a": {"en": "e"}, "b": "1"})
    assert merged == {"a": {"en": "e", "fr": "x=y"}, "b": "2", "c": "3"}


@pytest.mark.parametrize(
    "sets", [["a"], ["=x"], ["a.=x"], ["a=1", "a=2"], ["a=1", "a.fr=2"], ["a.b.c.d=1"]]
)
def test_a_set_that_cannot_be_understood_is_refused(sets: list[str]) -> None:
    with pytest.raises(Misuse):
        parse.merge_sets(sets)


def test_a_file_keeps_what_was_written() -> None:
    text = "since: 16:45\nwhere: [01, 08]\nwhat_fails: no\ncause:\n"
    assert load_values(text, "v.yaml") == {
        "since": "16:45",
        "where": ["01", "08"],
        "what_fails": "no",
        "cause": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: &x 1\nb: *x",
        "a: !!python/object:os.system x",
        "\ta: 1",
        "- 1",
        "a: [",
        "[" * 5000,
        "a: \x00",
    ],
)
def test_a_broken_file_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(AlertbotError, match=r"v\.yaml"):
        load_values(text, "v.yaml")


def test_where_is_taken_from_the_territories_of_the_register_unless_it_is_given() -> None:
    found = parsed(where=None, territories="22, 29", services="samu, Pompiers")
    assert found.faults == ()
    assert (found.frozen["where"], found.frozen["territories"]) == (["22", "29"], ["22", "29"])
    assert found.frozen["services"] == ["samu", "pompiers"]
    assert parsed(where="56", territories="22").frozen["where"] == ["56"]


def test_a_kind_without_territories_asks_for_where() -> None:
    assert rules(parsed(catalogue.load_kind("holding"), where=None)) == [("missing", "where")]


def test_a_service_that_does_not_exist_is_named_with_the_nearest() -> None:
    (fault,) = parsed(services="pompier").faults
    assert fault.field == "services"
    assert "pompiers" in fault.message
