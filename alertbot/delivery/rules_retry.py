"""What follows from the answer of a channel. Pure: the drain obeys.

| answer      | the row becomes                                              | besides                    |
|-------------|--------------------------------------------------------------|----------------------------|
| Receipt     | sent; sending, held by nobody, where a person has to post it |                            |
| Superseded  | skipped                                                      |                            |
| Rejected    | failed                                                       | pauses, if about the channel |
| Throttled   | pending, not before the channel says                         | pushes account or target   |
| Unavailable | pending, after a growing and jittered delay; at last failed  |                            |
| Uncertain   | uncertain; or once more, where the policy says so; or again, while a repeat is harmless |     |
| ChannelDown | pending                                                      | pauses the account         |

An edit, a deletion, a pin or a picture accompanies a post (`side`): refused, it fails alone and never pauses the
account, and a wait that the channel asks of it holds the account up for `MOST_SIDE_PUSH` seconds at most. Only
credentials, the right to post and payment (`ChannelDown`, and `Rejected` for a post) pause.

What leaves the same record however often it is done (an edit, a deletion, a pin: `repeatable`) is done
again where the answer was lost, whatever the policy for posts says: a second time changes nothing, and
the platform then says so ("not modified", "not found"), which counts as done. Only a post is doubled by
a repeat, so only a post waits for a person: where the platform takes a second call with the same key for the first
(`repeat_safe`), not before that has ended. A repeat that comes too late for it, after a halt or a pause, is not made
(`repeat_lapsed`).
"""

from math import isnan
from typing import NamedTuple

from alertbot.core.errors import (
    ChannelDown,
    ChannelError,
    Rejected,
    Scope,
    Throttled,
    Unavailable,
    Uncertain,
)
from alertbot.core.model import DeliveryState, Receipt, WhenUncertain

FIRST_DELAY = 1.0  # seconds
LONGEST_DELAY = 300.0
MOST_ATTEMPTS = 1000  # the dispatch's time ends most rows long before
LONGEST_WAIT = 86_400.0  # the most that a channel's own Retry-After is believed
SHORTEST_WAIT = 0.05
REPEAT_MARGIN = 180.0  # seconds that a repeat may take until the platform has it
MOST_SIDE_PUSH = 30.0  # platforms limit deletions and edits apart from posts, and for longer


class Superseded(ChannelError):
    """Not called: a later delivery has already changed what this one would have."""


class Circumstances(NamedTuple):
    """What the rules consider besides the answer.

    `attempt`: the one just made, from 1. `resent`: it was already sent once more. `may_resend`: the
    channel sends to single recipients. `repeatable`: a repeat has no further effect. `side`: an edit, a deletion,
    a pin or a picture, not a post. `repeat_safe`: for how many seconds after the first call a repeat is harmless;
    `age`: how many have passed. `jitter`: drawn by the caller, 0 to 1.
    """

    attempt: int
    when_uncertain: WhenUncertain = WhenUncertain.ASK
    resent: bool = False
    may_resend: bool = False
    repeatable: bool = False
    side: bool = False
    repeat_safe: float = 0.0
    age: float = 0.0
    jitter: float = 0.5


class NextStep(NamedTuple):
    """The row's next state and further effects. Durations in seconds."""

    state: DeliveryState
    reason: str | None = None
    receipt: Receipt | None = None
    delay: float = 0.0
    resent: bool = False
    push_account: float | None = None
    push_target: float | None = None
    pause: bool = False


Answer = Receipt | ChannelError


def next_step(answer: Answer, now: Circumstances) -> NextStep:
    """What becomes of the delivery."""
    match answer:
        case Receipt() if answer.waits:
            return NextStep(DeliveryState.SENDING, answer.waits, receipt=answer)
        case Receipt():
            return NextStep(DeliveryState.SENT, receipt=answer)
        case Superseded():
            return NextStep(DeliveryState.SKIPPED, answer.reason)
        case Rejected():
            about_us = answer.scope is Scope.CHANNEL and answer.code != "exercise"
            doubt = about_us and now.resent and now.repeat_safe > 0  # says nothing of the first call
            state = DeliveryState.UNCERTAIN if doubt else DeliveryState.FAILED
            return NextStep(state, answer.reason, pause=about_us and not now.side)
        case Throttled():
            return _throttled(answer, now)
        case Uncertain():
            return _uncertain(answer, now)
        case ChannelDown():
            return NextStep(DeliveryState.PENDING, answer.reason, resent=now.resent, pause=True)
        case Unavailable() if now.attempt < MOST_ATTEMPTS:
            delay = backoff(now.attempt, now.jitter)
            return NextStep(DeliveryState.PENDING, answer.reason, delay=delay, resent=now.resent)
    return NextStep(DeliveryState.FAILED, answer.reason)


def backoff(attempt: int, jitter: float) -> float:
    """Seconds until the next attempt: doubling from one second to five minutes, half of it random, so
    that simultaneous failures are not retried together."""
    full = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 30))
    return full * (0.5 + jitter / 2)


def _throttled(answer: Throttled, now: Circumstances) -> NextStep:
    asked = FIRST_DELAY if isnan(answer.wait) else answer.wait
    wait = min(max(asked, SHORTEST_WAIT), LONGEST_WAIT)
    whole, push = answer.whole_account, min(wait, MOST_SIDE_PUSH) if now.side else wait
    return NextStep(
        DeliveryState.PENDING,
        answer.reason,
        delay=wait,
        resent=now.resent,
        push_account=push if whole else None,
        push_target=None if whole else push,
    )


def repeat_lapsed(now: Circumstances) -> bool:
    """Whether the repeat that is due must not be made: it is no longer harmless."""
    promised = now.resent and now.repeat_safe > 0 and not now.repeatable
    return promised and now.age + REPEAT_MARGIN >= now.repeat_safe


def _uncertain(answer: Uncertain, now: Circumstances) -> NextStep:
    delay = backoff(now.attempt, now.jitter)
    harmless = now.repeatable or now.age + delay + REPEAT_MARGIN < now.repeat_safe
    if harmless and now.attempt < MOST_ATTEMPTS:
        return NextStep(DeliveryState.PENDING, answer.reason, delay=delay, resent=True)
    resend = now.when_uncertain is WhenUncertain.RESEND and now.may_resend and not now.resent
    if resend:
        delay = backoff(1, now.jitter)
        return NextStep(DeliveryState.PENDING, answer.reason, delay=delay, resent=True)
    return NextStep(DeliveryState.UNCERTAIN, answer.reason)
