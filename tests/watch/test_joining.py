"""Several alerts about one service: the last of them ends it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.watch.rules_signals import PEOPLE, TROUBLE, Observed, Signal, joined

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SEEN = st.sampled_from([Observed.UP, Observed.DEGRADED, Observed.DOWN])


def reports(rows: list[tuple[str, str, Observed]]) -> list[Signal]:
    return [
        Signal(
            source,
            "calls",
            observed,
            NOW + timedelta(minutes=n),
            key=str(n),
            subject=subject,
            confirms=True,
        )
        for n, (source, subject, observed) in enumerate(rows)
    ]


def test_the_first_of_two_alerts_that_ends_does_not_end_the_trouble() -> None:
    rows = [
        ("am", "a", Observed.DOWN),
        ("am", "b", Observed.DOWN),
        ("am", "a", Observed.UP),
        ("am", "b", Observed.UP),
    ]
    found = joined(reports(rows))
    assert [one.observed for one in found] == [Observed.DOWN, Observed.DOWN, Observed.DOWN, Observed.UP]
    assert [one.confirms for one in found] == [True, True, False, True]


def test_a_person_counts_over_every_alert_before() -> None:
    rows = [("am", "a", Observed.DOWN), (PEOPLE, "", Observed.UP)]
    assert joined(reports(rows))[-1].observed is Observed.UP


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["am", "kuma"]), st.sampled_from(["", "a", "b"]), SEEN), max_size=30
    )
)
def test_it_is_as_bad_as_the_worst_that_was_last_said(rows: list[tuple[str, str, Observed]]) -> None:
    last: dict[tuple[str, str], Observed] = {}
    for (source, subject, observed), one in zip(rows, joined(reports(rows)), strict=True):
        last.pop((source, ""), None)  # what a source said without a subject holds until it speaks again
        last[source, subject] = observed
        assert one.trouble is any(state in TROUBLE for state in last.values())
        assert (one.observed is Observed.DOWN) is (Observed.DOWN in last.values())


@settings(deadline=None)
@given(st.lists(SEEN, max_size=30))
def test_one_subject_alone_is_left_as_it_is(states: list[Observed]) -> None:
    one = reports([("am", "a", state) for state in states])
    assert joined(one) == tuple(one)


def test_two_sources_without_subjects_do_not_speak_for_each_other() -> None:
    """A status page says major outage; a probe of our own, every half minute, that the page answers."""
    rows = [("page", "", Observed.DOWN), ("probe", "", Observed.UP), ("page", "", Observed.UP)]
    found = joined(reports(rows))
    assert [one.observed for one in found] == [Observed.DOWN, Observed.DOWN, Observed.UP]
    assert [one.stands for one in found] == [False, True, False]


def test_a_report_held_up_on_the_way_stands_where_the_source_told_it() -> None:
    late = replace(reports([("kuma", "7", Observed.DOWN)])[0], told_at=NOW)
    over = Signal(
        "kuma",
        "calls",
        Observed.UP,
        NOW + timedelta(minutes=3),
        subject="7",
        told_at=NOW + timedelta(minutes=3),
    )
    arrived = [
        replace(over, received=NOW + timedelta(minutes=3)),
        replace(late, received=NOW + timedelta(minutes=4)),
    ]
    assert [one.observed for one in joined(arrived)] == [Observed.DOWN, Observed.UP]
    silent = [replace(one, told_at=None) for one in arrived]
    assert [one.observed for one in joined(silent)] == [Observed.UP, Observed.DOWN]
