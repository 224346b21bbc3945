"""The table of moves: complete, closed, and its refusals fit to read."""

import itertools

import pytest

from alertbot.alerts.rules_moves import MACHINE, MOVES, allowed, move
from alertbot.core.errors import Refused
from alertbot.core.model import AlertState
from alertbot.people.rules import Verb

EVERY_PAIR = list(itertools.product(AlertState, Verb))
ENDS = {AlertState.REJECTED, AlertState.EXPIRED, AlertState.DISCARDED, AlertState.PUBLISHED}


@pytest.mark.parametrize(
    "road",
    [
        "draft submit pending approve approved start publishing complete published",
        "draft submit pending break_glass approved start publishing complete_partly partly_published",
        "draft submit pending return returned edit draft",
        "draft submit pending reject rejected",
        "draft submit pending expire expired",
        "draft submit pending edit draft discard discarded",
        "approved edit draft",
        "approved expire expired",
        "approved fail failed start publishing complete published",
        "partly_published complete published",
        "partly_published fail failed",
        "returned discard discarded",
        "pending discard discarded",
    ],
)
def test_a_road_an_alert_may_take(road: str) -> None:
    steps = road.split()
    state = AlertState(steps[0])
    for verb, then in zip(steps[1::2], steps[2::2], strict=True):
        state = move(state, Verb(verb), alert="BKRT-2")
        assert state == then


@pytest.mark.parametrize(("state", "verb"), [pair for pair in EVERY_PAIR if pair not in MOVES])
def test_every_other_move_is_refused_in_a_sentence(state: AlertState, verb: Verb) -> None:
    with pytest.raises(Refused) as refusal:
        move(state, verb, alert="BKRT-2")
    sentence = str(refusal.value)
    assert sentence.startswith("BKRT-2 is ")
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert "\n" not in sentence


def test_the_refusal_names_the_state_and_the_way_out() -> None:
    with pytest.raises(Refused, match=r"BKRT-2 is a draft and cannot be approved: submit it first"):
        move(AlertState.DRAFT, Verb.APPROVE, alert="BKRT-2")
    with pytest.raises(Refused, match=r"published and cannot be edited: publish a correction"):
        move(AlertState.PUBLISHED, Verb.EDIT, alert="BKRT-2")


def test_allowed_is_the_table() -> None:
    for state in AlertState:
        assert allowed(state) == {verb for at, verb in MOVES if at is state}


def test_no_way_leads_out_of_an_end() -> None:
    assert {state for state in AlertState if not allowed(state)} == ENDS


def test_only_the_deliveries_publish() -> None:
    public = {AlertState.PUBLISHING, AlertState.PUBLISHED, AlertState.PARTLY_PUBLISHED}
    assert {verb for (_state, verb), to in MOVES.items() if to in public} <= MACHINE


def test_nothing_is_approved_without_having_been_pending() -> None:
    assert {at for (at, _verb), to in MOVES.items() if to is AlertState.APPROVED} == {
        AlertState.PENDING
    }


def test_every_state_can_be_reached_from_a_draft() -> None:
    reached = {AlertState.DRAFT}
    for _round in AlertState:
        reached |= {to for (at, _verb), to in MOVES.items() if at in reached}
    assert reached == set(AlertState)
