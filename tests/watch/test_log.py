"""The history of a service: where it stands, where the present incident began, whether people know of it."""

import pytest

from alertbot.watch.rules_decide import flaps, share
from alertbot.watch.rules_log import IncidentAction, LogEntry, State, announced, current, opened
from alertbot.watch.rules_rule import Flapping
from tests.watch.test_decide import CLOSED, OPEN, STABLE, entry

UNTOLD = entry(300, IncidentAction.OPEN, State.DOWN, announced=False)
REOPENED = entry(300, IncidentAction.REOPEN, State.DOWN, announced=False)
WORSE = entry(310, IncidentAction.UPDATE, State.DOWN, announced=True)
OVER = entry(320, IncidentAction.RESOLVE, State.RESOLVED, announced=False)


@pytest.mark.parametrize(
    ("log", "state", "place", "known"),
    [
        ((), None, 0, False),
        (OPEN, State.DOWN, 0, True),
        (STABLE, State.STABILISED, 0, True),
        (CLOSED, None, 0, True),
        ((*CLOSED, UNTOLD), State.DOWN, 3, False),  # another incident
        ((*CLOSED, REOPENED), State.DOWN, 3, True),  # the same one again: people know of it
        ((*CLOSED, REOPENED, OVER, REOPENED), State.DOWN, 5, True),
        ((*CLOSED, UNTOLD, OVER, REOPENED), State.DOWN, 5, False),
        ((*CLOSED, UNTOLD, WORSE), State.DOWN, 3, True),
        ((UNTOLD,), State.DOWN, 0, False),
        ((REOPENED,), State.DOWN, 0, False),  # what came before is forgotten
    ],
)
def test_the_present_incident(
    log: tuple[LogEntry, ...], state: State | None, place: int, known: bool
) -> None:
    assert (current(log), opened(log), announced(log)) == (state, place, known)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], 0.0),
        ([True], 0.0),
        ([True, True], 0.0),
        ([True, False], 1.0),
        ([True, False, False], 0.5),
        ([True, False, True, True, True], 0.5),
        ([False] * 10, 0.0),
    ],
)
def test_the_share_of_changes(results: list[bool], expected: float) -> None:
    assert share(results) == expected


T, F = True, False


@pytest.mark.parametrize(
    ("results", "flapping"),
    [
        ([T, F, T, F], False),  # half of ten results are needed
        ([T, F, T, F, T], True),
        ([T, T, F, F, T], True),  # exactly the high mark
        ([T, T, T, T, F, T, T, T, T], False),
        ([T, F, T, F, T, T, T, T, T, T, T], True),  # four changes in the last ten: above the low mark
        ([T, F, T, F, T, T, T, T, T, T, T, T, T], False),  # one change in the last ten
        ([F] * 20, False),
        ([T, F, T, F, T, *[T] * 9, F], False),  # one change after quiet does not flap again
    ],
)
def test_a_service_flaps_between_its_two_marks(results: list[bool], flapping: bool) -> None:
    assert flaps(results, Flapping(10, high=0.5, low=0.25)) is flapping
