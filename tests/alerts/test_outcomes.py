"""What becomes of an alert once its deliveries move: every combination against the meaning of the states, and
the whole table of moves, written out."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.alerts.rules_moves import MOVES, move, next_verb, outcome_of, state_word
from alertbot.core.errors import Refused
from alertbot.core.model import AlertState, DeliveryState
from alertbot.people.rules import Verb

TABLE = {
    "draft": "edit:draft submit:pending discard:discarded",
    "pending": "approve:approved break_glass:approved return:returned reject:rejected edit:draft"
    " discard:discarded expire:expired",
    "returned": "edit:draft discard:discarded",
    "approved": "edit:draft expire:expired start:publishing complete:published"
    " complete_partly:partly_published fail:failed",
    "publishing": "complete:published complete_partly:partly_published fail:failed",
    "partly_published": "start:publishing complete:published complete_partly:partly_published fail:failed",
    "failed": "start:publishing complete:published complete_partly:partly_published fail:failed",
    "published": "",
    "rejected": "",
    "expired": "",
    "discarded": "",
}


@pytest.mark.parametrize("state", AlertState)
def test_the_moves_from_a_state_are_these_and_no_others(state: AlertState) -> None:
    steps = (step.split(":") for step in TABLE[state].split())
    assert {verb: MOVES[at, verb] for at, verb in MOVES if at is state} == dict(steps)


S = DeliveryState
NEVER_BEGAN = [S.PENDING, S.CLAIMED, S.CANCELLED, S.EXPIRED, S.SKIPPED]


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({}, "failed"),
        ({S.SENT: 3}, "published"),
        ({S.SENT: 1, S.SKIPPED: 9}, "published"),  # left out on purpose
        ({S.SENT: 1, S.FAILED: 1}, "partly_published"),
        ({S.SENT: 1, S.CANCELLED: 1}, "partly_published"),
        ({S.SENT: 1, S.EXPIRED: 1}, "partly_published"),
        ({S.SENT: 1, S.UNCERTAIN: 1}, "partly_published"),
        ({S.UNCERTAIN: 1}, "partly_published"),  # perhaps somebody has read it
        ({S.UNCERTAIN: 1, S.FAILED: 5}, "partly_published"),
        ({S.FAILED: 2}, "failed"),
        ({S.CANCELLED: 2}, "failed"),
        ({S.EXPIRED: 1, S.SKIPPED: 1}, "failed"),
        ({S.SKIPPED: 4}, "failed"),  # nothing reached anybody
        ({S.PENDING: 1, S.SENT: 8}, "publishing"),
        ({S.CLAIMED: 1, S.FAILED: 8}, "publishing"),
        ({S.SENDING: 1, S.UNCERTAIN: 8}, "publishing"),
    ],
)
def test_the_outcome_of_deliveries(counts: dict[DeliveryState, int], state: str) -> None:
    assert outcome_of(counts) == state


@given(st.dictionaries(st.sampled_from(DeliveryState), st.integers(0, 3)))
def test_an_outcome_says_only_what_is_true(counts: dict[DeliveryState, int]) -> None:
    found = {state for state, number in counts.items() if number}
    outcome = outcome_of(counts)
    assert (outcome is AlertState.PUBLISHING) == bool(found & {S.PENDING, S.CLAIMED, S.SENDING})
    if outcome is AlertState.PUBLISHED:
        assert S.SENT in found
        assert found <= {S.SENT, S.SKIPPED}
    if outcome is AlertState.FAILED:
        assert not found & {S.SENT, S.UNCERTAIN}
    if outcome is AlertState.PARTLY_PUBLISHED:
        assert found & {S.SENT, S.UNCERTAIN}
        assert found - {S.SENT, S.SKIPPED}


@pytest.mark.parametrize(
    ("state", "counts", "verb"),
    [
        # an approved alert of which nothing has begun waits, or ends without having been public
        ("approved", {S.PENDING: 1}, None),
        ("approved", {S.CLAIMED: 1, S.EXPIRED: 1}, None),
        ("approved", {S.EXPIRED: 1, S.CANCELLED: 1}, "expire"),
        ("approved", {S.CANCELLED: 2}, "fail"),
        ("approved", {S.SKIPPED: 2}, "fail"),
        ("approved", {}, "fail"),
        # something has begun
        ("approved", {S.SENDING: 1}, "start"),
        ("approved", {S.PENDING: 1, S.SENT: 1}, "start"),
        ("approved", {S.PENDING: 1, S.FAILED: 1}, "start"),
        ("approved", {S.PENDING: 1, S.UNCERTAIN: 1}, "start"),
        ("approved", {S.SENT: 1}, "complete"),
        ("approved", {S.FAILED: 1}, "fail"),
        ("approved", {S.EXPIRED: 1, S.FAILED: 1}, "fail"),
        ("approved", {S.UNCERTAIN: 1}, "complete_partly"),
        ("publishing", {S.PENDING: 1}, None),
        ("publishing", {S.SENT: 1}, "complete"),
        ("publishing", {S.SENT: 1, S.FAILED: 1}, "complete_partly"),
        ("publishing", {S.FAILED: 1}, "fail"),
        ("publishing", {S.EXPIRED: 1}, "fail"),  # it was public that it had begun
        # a person settles what was uncertain, or has it sent once more
        ("partly_published", {S.SENT: 1, S.FAILED: 1}, None),
        ("partly_published", {S.SENT: 2}, "complete"),
        ("partly_published", {S.FAILED: 1}, "fail"),
        ("partly_published", {S.SENT: 1, S.PENDING: 1}, "start"),
        ("failed", {S.FAILED: 1}, None),
        ("failed", {S.SENT: 1}, "complete"),
        ("failed", {S.UNCERTAIN: 1}, "complete_partly"),
        ("failed", {S.PENDING: 1}, "start"),
        # what is over stays so
        ("published", {S.PENDING: 1}, None),
        ("expired", {S.SENT: 1}, None),
        ("draft", {S.SENT: 1}, None),
        ("pending", {S.SENT: 1}, None),
    ],
)
def test_the_move_that_deliveries_call_for(
    state: str, counts: dict[DeliveryState, int], verb: str | None
) -> None:
    assert next_verb(AlertState(state), counts) == verb


@given(st.sampled_from(AlertState), st.dictionaries(st.sampled_from(DeliveryState), st.integers(0, 2)))
def test_what_deliveries_call_for_is_allowed_and_settles(
    state: AlertState, counts: dict[DeliveryState, int]
) -> None:
    verb = next_verb(state, counts)
    if verb is None:
        return
    then = move(state, verb, alert="BKRT-2")
    assert then is not state
    if then is AlertState.EXPIRED:
        assert {one for one, number in counts.items() if number} <= set(NEVER_BEGAN)
    else:
        assert then is outcome_of(counts)
    assert next_verb(then, counts) is None


WAYS_OUT = {
    AlertState.DRAFT: "submit it first",
    AlertState.PENDING: "approve, return or reject it",
    AlertState.RETURNED: "or discard it",
    AlertState.APPROVED: "`alertbot halt BKRT-2`, or change it",
    AlertState.PUBLISHING: "`alertbot halt BKRT-2`, or publish a correction",
    AlertState.PUBLISHED: "`alertbot deliveries BKRT-2`",
    AlertState.PARTLY_PUBLISHED: "`alertbot deliveries BKRT-2`",
    AlertState.FAILED: "`alertbot deliveries BKRT-2` for the reason",
    AlertState.REJECTED: "`alertbot show BKRT-2` has its text",
    AlertState.EXPIRED: "`alertbot show BKRT-2` has its text",
    AlertState.DISCARDED: "`alertbot show BKRT-2` has its text",
}
DONE = {
    Verb.EDIT: "edited",
    Verb.SUBMIT: "submitted",
    Verb.APPROVE: "approved",
    Verb.BREAK_GLASS: "published with break-glass",
    Verb.RETURN: "returned",
    Verb.REJECT: "rejected",
    Verb.DISCARD: "discarded",
    Verb.EXPIRE: "marked as expired",
    Verb.START: "published",
}
REFUSED = [pair for pair in itertools.product(AlertState, Verb) if pair not in MOVES]


@pytest.mark.parametrize(("state", "verb"), REFUSED)
def test_a_refusal_names_the_state_what_was_asked_and_what_can_be_done(
    state: AlertState, verb: Verb
) -> None:
    with pytest.raises(Refused) as refusal:
        move(state, verb, alert="BKRT-2")
    sentence = str(refusal.value)
    done = DONE.get(verb, "settled")
    assert sentence.startswith(f"BKRT-2 is {state_word(state)} and cannot be {done}: ")
    assert WAYS_OUT[state] in sentence


def test_every_state_has_a_word_of_its_own() -> None:
    assert len({state_word(state) for state in AlertState}) == len(AlertState)
