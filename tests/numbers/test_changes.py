"""What rows that arrive do to the entries that are there; with properties over any rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alertbot.numbers.rules_changes import FIRST_REVIEW, ChangePlan, merged, plan, same_entry, updated
from alertbot.numbers.rules_entry import Entry, NumberRow, entry_name
from alertbot.regions.facts import find

NOW = datetime(2026, 3, 2, 14, 0, 7, 123456, tzinfo=UTC)
RHONE, AIN = find("69"), find("01")
assert RHONE
assert AIN


def row(**parts: object) -> NumberRow:
    cells = {"territory": RHONE, "service": "samu", "number": "04 65 71 00 15"} | parts
    return NumberRow(**cells)  # type: ignore[arg-type]


def entry(number: int, row: NumberRow, **parts: object) -> Entry:
    kept = replace(row, entry=entry_name(number), version=1)
    return Entry(number, kept, "ada", NOW, **parts)  # type: ignore[arg-type]


def test_a_new_row_without_an_end_is_reviewed_after_a_day() -> None:
    decided = plan([], [row()], NOW)
    assert decided.new[0].review_at == NOW.replace(microsecond=0) + FIRST_REVIEW
    assert timedelta(hours=24) == FIRST_REVIEW


def test_an_end_that_is_given_stays() -> None:
    ends = NOW + timedelta(hours=3)
    assert plan([], [row(valid_until=ends)], NOW).new[0].review_at is None


def test_a_file_verifies_nothing() -> None:
    said = row(verified_by="Sacha", verified_at=NOW, entry="N7", version=3)
    new = plan([], [said], NOW).new[0]
    assert (new.verified, new.entry, new.version) == (False, "", 0)


def test_another_source_joins_the_entry() -> None:
    known = entry(1, row(sources=("https://a.example.org",)))
    decided = plan([known], [row(sources=("https://b.example.org",))], NOW)
    assert decided.sourced[0][1].sources == ("https://a.example.org", "https://b.example.org")
    assert not decided.changed


def test_another_capacity_is_a_change_and_silence_is_none() -> None:
    known = entry(1, row(capacity=15, review_at=NOW))
    assert plan([known], [row(capacity=60)], NOW).changed[0][1].capacity == 60
    assert plan([known], [row()], NOW).same == (known,)


def test_an_end_is_taken_as_a_whole() -> None:
    known = entry(1, row(review_at=NOW))
    after = plan([known], [row(valid_until=NOW + timedelta(days=1))], NOW).changed[0][1]
    assert (after.review_at, after.valid_until) == (None, NOW + timedelta(days=1))


def test_what_was_withdrawn_does_not_come_back_with_a_file() -> None:
    known = entry(1, row(), withdrawn_at=NOW, withdrawn_by="bo", withdrawn_reason="wrong")
    decided = plan([known], [row(capacity=3)], NOW)
    assert decided.withdrawn == (known,)
    assert not (decided.new)
    assert not (decided.changed)


def test_an_entry_by_its_name_must_say_the_same() -> None:
    known = entry(4, row()).row
    assert same_entry([known], row(entry="N4")) == (known,)
    assert same_entry([known], row()) == (known,)
    assert same_entry([known], row(entry="N4", number="04 65 71 00 16")) == ()
    assert same_entry([known], row(entry="N5")) == ()


ROWS = st.builds(
    row,
    territory=st.sampled_from([RHONE, AIN]),
    service=st.sampled_from(["samu", "police"]),
    number=st.sampled_from(["04 65 71 00 15", "04 65 71 00 17"]),
    zone=st.sampled_from([{}, {"": "Lyon"}]),
    capacity=st.sampled_from([None, 5, 15]),
    valid_until=st.sampled_from([None, NOW + timedelta(hours=1)]),
    sources=st.sampled_from([(), ("https://a.example.org",), ("https://b.example.org",)]),
)


def applied(known: list[Entry], decided: ChangePlan) -> list[Entry]:
    """The register after the plan."""
    changed = {one.id: replace(one, row=after) for one, after in (*decided.changed, *decided.sourced)}
    fresh = [entry(len(known) + place, new) for place, new in enumerate(decided.new, start=1)]
    return [changed.get(one.id, one) for one in known] + fresh


@given(st.lists(st.lists(ROWS, max_size=5), max_size=4))
def test_identities_stay_unique_and_a_file_read_twice_changes_nothing(
    files: list[list[NumberRow]],
) -> None:
    known: list[Entry] = []
    for file in files:
        rows = merged(file)
        known = applied(known, plan(known, rows, NOW))
        identities = [one.row.identity for one in known]
        assert len(set(identities)) == len(identities)
        again = plan(known, rows, NOW + timedelta(minutes=5))
        assert not (again.new)
        assert not (again.changed)
        assert not (again.sourced)
        assert len(again.same) == len(rows)


@given(ROWS, ROWS)
def test_nothing_that_was_known_is_lost(first: NumberRow, second: NumberRow) -> None:
    after = updated(first, second)
    assert set(after.sources) == {*first.sources, *second.sources}
    assert after.capacity == (second.capacity or first.capacity)
    assert after.ends_at == (second.ends_at or first.ends_at)
