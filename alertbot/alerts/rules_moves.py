"""The allowed state changes of an alert: one table that the program, its interfaces and its tests read.
Pure.

People's verbs are spelt as they are typed (`alertbot return BKRT-2`); the machine's verbs record what
the clock or the deliveries did. A change that is not in the table is refused.
"""

from collections.abc import Mapping
from types import MappingProxyType

from alertbot.core.errors import Refused
from alertbot.core.model import OPEN_STATES, AlertState, DeliveryState
from alertbot.core.words import _
from alertbot.people.rules import Verb

_S = AlertState
_SETTLED = {
    Verb.COMPLETE: _S.PUBLISHED,
    Verb.COMPLETE_PARTLY: _S.PARTLY_PUBLISHED,
    Verb.FAIL: _S.FAILED,
}

MOVES: Mapping[tuple[AlertState, Verb], AlertState] = MappingProxyType(
    {
        (_S.DRAFT, Verb.EDIT): _S.DRAFT,
        (_S.DRAFT, Verb.SUBMIT): _S.PENDING,
        (_S.DRAFT, Verb.DISCARD): _S.DISCARDED,
        (_S.PENDING, Verb.APPROVE): _S.APPROVED,
        (_S.PENDING, Verb.BREAK_GLASS): _S.APPROVED,
        (_S.PENDING, Verb.RETURN): _S.RETURNED,
        (_S.PENDING, Verb.REJECT): _S.REJECTED,
        (_S.PENDING, Verb.EDIT): _S.DRAFT,
        (_S.PENDING, Verb.DISCARD): _S.DISCARDED,
        (_S.PENDING, Verb.EXPIRE): _S.EXPIRED,
        (_S.RETURNED, Verb.EDIT): _S.DRAFT,
        (_S.RETURNED, Verb.DISCARD): _S.DISCARDED,
        (_S.APPROVED, Verb.EDIT): _S.DRAFT,  # approved means that no delivery has started
        (_S.APPROVED, Verb.EXPIRE): _S.EXPIRED,
        (_S.APPROVED, Verb.START): _S.PUBLISHING,
        (_S.PARTLY_PUBLISHED, Verb.START): _S.PUBLISHING,
        (_S.FAILED, Verb.START): _S.PUBLISHING,
        **{(_S.APPROVED, verb): state for verb, state in _SETTLED.items()},
        **{(_S.PUBLISHING, verb): state for verb, state in _SETTLED.items()},
        **{(_S.PARTLY_PUBLISHED, verb): state for verb, state in _SETTLED.items()},
        **{(_S.FAILED, verb): state for verb, state in _SETTLED.items()},
    }
)

OUT = frozenset({_S.PUBLISHING, _S.PUBLISHED, _S.PARTLY_PUBLISHED})
"""States in which people have read it, or may have."""

MACHINE = frozenset({Verb.EXPIRE, Verb.START, *_SETTLED})


def allowed(state: AlertState) -> frozenset[Verb]:
    """Every verb possible in this state, people's and the machine's."""
    return frozenset(verb for at, verb in MOVES if at is state)


def move(state: AlertState, verb: Verb, *, alert: str) -> AlertState:
    """The state after `verb`. Raises `Refused`, naming the alert, its state and what can be done."""
    try:
        return MOVES[state, verb]
    except KeyError:
        raise Refused(_refusal(state, verb, alert)) from None


def _refusal(state: AlertState, verb: Verb, alert: str) -> str:
    sentence = _("{alert} is {state} and cannot be {done}: {instead}.")
    return sentence.format(
        alert=alert, state=state_word(state), done=_done_word(verb), instead=_instead(state, alert)
    )


def _instead(state: AlertState, alert: str) -> str:
    """What a person can do with an alert in this state."""
    if state is _S.DRAFT:
        text = _("submit it first with `alertbot submit {alert}`")
    elif state is _S.PENDING:
        text = _("approve, return or reject it, or change it with `alertbot edit {alert}`")
    elif state is _S.RETURNED:
        text = _("change it with `alertbot edit {alert}`, or discard it")
    elif state is _S.APPROVED:
        text = _("stop it with `alertbot halt {alert}`, or change it with `alertbot edit {alert}`")
    elif state is _S.PUBLISHING:
        text = _("stop what has not gone out with `alertbot halt {alert}`, or publish a correction")
    elif state in (_S.PUBLISHED, _S.PARTLY_PUBLISHED):
        text = _("publish a correction or a withdrawal; see `alertbot deliveries {alert}`")
    elif state is _S.FAILED:
        text = _("see `alertbot deliveries {alert}` for the reason, then write a new draft")
    else:
        text = _("write a new draft; `alertbot show {alert}` has its text")
    return text.format(alert=alert)


def state_word(state: AlertState) -> str:
    """The state, to follow "it is": `a draft`, `waiting for approval`, `published`."""
    words = {
        _S.DRAFT: _("a draft"),
        _S.PENDING: _("waiting for approval"),
        _S.APPROVED: _("approved"),
        _S.RETURNED: _("returned to its author"),
        _S.REJECTED: _("rejected"),
        _S.EXPIRED: _("expired"),
        _S.PUBLISHING: _("being published"),
        _S.PUBLISHED: _("published"),
        _S.PARTLY_PUBLISHED: _("partly published"),
        _S.FAILED: _("failed"),
        _S.DISCARDED: _("discarded"),
    }
    return words[state]


def _done_word(verb: Verb) -> str:
    words = {
        Verb.EDIT: _("edited"),
        Verb.SUBMIT: _("submitted"),
        Verb.APPROVE: _("approved"),
        Verb.BREAK_GLASS: _("published with break-glass"),
        Verb.RETURN: _("returned"),
        Verb.REJECT: _("rejected"),
        Verb.DISCARD: _("discarded"),
        Verb.EXPIRE: _("marked as expired"),
        Verb.START: _("published"),
    }
    return words.get(verb, _("settled"))


def outcome_of(counts: Mapping[DeliveryState, int]) -> AlertState:
    """The state of an alert being published, from its number of deliveries in each state.

    Skipped deliveries were left out on purpose and do not count. An uncertain delivery may have reached
    someone, so the alert is never `failed` because of it.
    """
    number = {state: counts.get(state, 0) for state in DeliveryState}
    if any(number[state] for state in OPEN_STATES):
        return AlertState.PUBLISHING
    if not number[DeliveryState.SENT] + number[DeliveryState.UNCERTAIN]:
        return AlertState.FAILED
    missed = sum(number.values()) - number[DeliveryState.SENT] - number[DeliveryState.SKIPPED]
    return AlertState.PARTLY_PUBLISHED if missed else AlertState.PUBLISHED


def next_verb(state: AlertState, counts: Mapping[DeliveryState, int]) -> Verb | None:
    """The change that the deliveries call for, or None."""
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
