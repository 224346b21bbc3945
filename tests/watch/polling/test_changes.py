"""A page read again and again: one report while nothing changes, another for each change."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.watch.polling.loop import MOST_SERVICES, Memory, kept, told
from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources import directory

T = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
UP, DOWN, DEGRADED, UNKNOWN = Observed.UP, Observed.DOWN, Observed.DEGRADED, Observed.UNKNOWN
MAINTENANCE = Observed.MAINTENANCE


def row(minute: float, observed: Observed, service: str = "112", **more: object) -> Signal:
    at = T + timedelta(minutes=minute)
    values = {"key": f"{service}/{observed}", "at": at, "received": at, **more}
    return Signal(source="page", service=service, observed=observed, **values)  # type: ignore[arg-type]


def read(*pages: list[Signal]) -> list[list[Signal]]:
    """What each reading of the page gives."""
    memory: Memory = {}
    found = []
    for page in pages:
        said = told(memory, page)
        memory = kept(memory, said)
        found.append([one.signal for one in said.values()])
    return found


def test_an_unchanged_state_keeps_its_key_and_its_moment() -> None:
    found = read(*([row(n, DOWN, key=f"112/down/{n}")] for n in range(5)))
    assert {(one.key, one.at) for page in found for one in page} == {("112/down/0", T)}


def test_each_change_is_another_report_even_if_the_page_calls_it_the_same() -> None:
    found = read(*([row(n, state)] for n, state in enumerate([DOWN, UP, DOWN, UP, DOWN])))
    assert len({page[0].key for page in found}) == 5


def test_a_key_that_the_page_gives_is_kept_where_it_is_new() -> None:
    """So that a restart knows it again."""
    found = read([row(0, DOWN, key="a/down/1")], [row(1, UP, key="a/up/2")])
    assert [page[0].key for page in found] == ["a/down/1", "a/up/2"]


def test_a_change_is_never_older_than_what_it_changes() -> None:
    found = read([row(10, DOWN)], [row(3, UP)])
    assert found[1][0].at == found[0][0].at


def test_a_graver_word_is_a_change() -> None:
    found = read([row(0, DOWN, severity="major")], [row(1, DOWN, severity="critical")])
    assert found[0][0].key != found[1][0].key


def test_of_several_rows_the_worst_counts() -> None:
    states = [UP, DOWN, UNKNOWN, DEGRADED, MAINTENANCE]
    for n in range(5):
        rotated = [row(0, state) for state in [*states[n:], *states[:n]]]
        assert [one.observed for one in read(rotated)[0]] == [DOWN]
    assert read([row(0, UP), row(0, UNKNOWN)])[0][0].observed is UNKNOWN
    assert read([row(0, UP), row(9, UP), row(5, UP)])[0][0].at == row(9, UP).at


def test_trouble_fires_as_long_as_the_page_says_so() -> None:
    assert [one.still_firing for one in read([row(0, DOWN), row(0, UP, "17")])[0]] == [True, False]


def test_tests_and_old_news_are_no_state() -> None:
    assert read([row(0, DOWN, is_test=True), row(0, DOWN, history=True)]) == [[]]


def test_a_service_that_is_missing_is_remembered() -> None:
    found = read([row(0, DOWN, key="first")], [], [row(2, DOWN, key="second")])
    assert [[one.key for one in page] for page in found] == [["first"], [], ["first"]]


def test_what_was_not_stored_is_told_again() -> None:
    memory = told({}, [row(0, UP)])
    lost = told(memory, [row(1, DOWN, key="a")])
    again = told(memory, [row(2, DOWN, key="b")])
    assert lost["112"].signal.key != memory["112"].signal.key
    assert again["112"].signal.key != memory["112"].signal.key


def test_the_memory_is_bounded() -> None:
    memory: Memory = {}
    for page in range(3):
        memory = kept(
            memory, told(memory, [row(0, UP, f"{page}-{n}") for n in range(MOST_SERVICES // 2)])
        )
    assert len(memory) == MOST_SERVICES
    assert "0-0" not in memory
    assert "2-0" in memory


states = st.sampled_from(list(Observed))


@settings(deadline=None)
@given(st.lists(states, max_size=30))
def test_there_are_as_many_reports_as_changes(seen: list[Observed]) -> None:
    found = [page[0] for page in read(*([row(n, state)] for n, state in enumerate(seen)))]
    changes = sum(1 for n, state in enumerate(seen) if not n or state is not seen[n - 1])
    assert len({one.key for one in found}) == changes
    assert [one.observed for one in found] == seen
    assert [one.at for one in found] == sorted(one.at for one in found)


def test_a_page_with_works_to_come_and_an_incident_that_leaves_it() -> None:
    """Announced works keep no component from working again, and an incident is over when it is gone."""
    component = {"id": "c1", "name": "Voice", "status": "operational"}
    touched = [{"code": "c1", "name": "Voice", "new_status": "operational"}]

    def page(**more: object) -> Memory:
        body = {"page": {}, "status": {"indicator": "none"}, "components": [component], **more}
        found = directory.parser("statuspage")(body, source="page", now=T, options={})
        return told({}, found)

    works = {"id": "m1", "status": "scheduled", "impact": "maintenance", "components": touched}
    trouble = {
        "id": "i1",
        "status": "identified",
        "impact": "critical",
        "incident_updates": [{"id": "u1", "status": "identified", "affected_components": touched}],
    }
    seen = [page(scheduled_maintenances=[works]), page(incidents=[trouble]), page()]
    assert [one["Voice"].signal.observed for one in seen] == [Observed.UP, Observed.DOWN, Observed.UP]
    assert {one["Voice"].signal.subject for one in seen} == {""}
