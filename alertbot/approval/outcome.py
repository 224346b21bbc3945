"""Where an alert stands, from where its deliveries stand. Pure."""

from collections.abc import Mapping

from alertbot.approval.moves import MOVES, Verb
from alertbot.model import OPEN_STATES, AlertState, DeliveryState


def outcome_of(counts: Mapping[DeliveryState, int]) -> AlertState:
    """Where an alert stands whose publishing has begun, from how many deliveries are in each state.

    Skipped deliveries are left out on purpose, for a named reason, and change nothing. What is
    uncertain may have reached somebody, so it is never `failed`.
    """
    number = {state: counts.get(state, 0) for state in DeliveryState}
    if any(number[state] for state in OPEN_STATES):
        return AlertState.PUBLISHING
    if not number[DeliveryState.SENT] + number[DeliveryState.UNCERTAIN]:
        return AlertState.FAILED
    missed = sum(number.values()) - number[DeliveryState.SENT] - number[DeliveryState.SKIPPED]
    return AlertState.PARTLY_PUBLISHED if missed else AlertState.PUBLISHED


def next_verb(state: AlertState, counts: Mapping[DeliveryState, int]) -> Verb | None:
    """The move that the deliveries call for, or None where the alert stays as it is."""
    if state is AlertState.APPROVED and _never_started(counts):
        return (
            None if _waits(counts) else Verb.EXPIRE if counts.get(DeliveryState.EXPIRED) else Verb.FAIL
        )
    outcome = outcome_of(counts)
    verbs = (Verb.START, Verb.COMPLETE, Verb.COMPLETE_PARTLY, Verb.FAIL)
    found = (verb for verb in verbs if MOVES.get((state, verb)) is outcome)
    return None if outcome is state else next(found, None)


def _never_started(counts: Mapping[DeliveryState, int]) -> bool:
    began = (
        DeliveryState.SENDING,
        DeliveryState.SENT,
        DeliveryState.FAILED,
        DeliveryState.UNCERTAIN,
    )
    return not any(counts.get(state, 0) for state in began)


def _waits(counts: Mapping[DeliveryState, int]) -> bool:
    return any(counts.get(state, 0) for state in (DeliveryState.PENDING, DeliveryState.CLAIMED))
