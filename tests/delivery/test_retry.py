"""The rules after an answer of a channel: pure, so tried with anything."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.errors import ChannelDown, Rejected, Scope, Throttled, Unavailable, Uncertain
from alertbot.core.model import DeliveryState, Receipt, WhenUncertain
from alertbot.delivery.rules_retry import (
    LONGEST_DELAY,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    Answer,
    Circumstances,
    NextStep,
    Superseded,
    backoff,
    next_step,
    repeat_lapsed,
)

FIRST = Circumstances(attempt=1)
RESEND = WhenUncertain.RESEND


def test_a_receipt_is_sent() -> None:
    step = next_step(Receipt("7", "https://example.org/7"), FIRST)
    assert step.state is DeliveryState.SENT
    assert step.receipt == Receipt("7", "https://example.org/7")


@pytest.mark.parametrize("scope", list(Scope))
def test_a_refusal_for_good_fails_and_pauses_where_the_account_is_at_fault(scope: Scope) -> None:
    step = next_step(Rejected("no", scope=scope), FIRST)
    assert step.state is DeliveryState.FAILED
    assert step.reason == "no"
    assert step.pause is (scope is Scope.CHANNEL)


def test_a_refused_exercise_does_not_pause_the_live_channel() -> None:
    step = next_step(Rejected("no", scope=Scope.CHANNEL, code="exercise"), FIRST)
    assert (step.state, step.pause) == (DeliveryState.FAILED, False)


@given(st.floats(allow_nan=False), st.booleans())
def test_throttled_waits_as_long_as_the_channel_says_within_reason(wait: float, whole: bool) -> None:
    step = next_step(Throttled("slow", wait=wait, whole_account=whole), FIRST)
    assert step.state is DeliveryState.PENDING
    assert 0 < step.delay <= LONGEST_WAIT
    assert (step.push_account, step.push_target) == (
        (step.delay, None) if whole else (None, step.delay)
    )


@given(st.integers(1, MOST_ATTEMPTS - 1), st.floats(0, 1))
def test_unavailable_is_tried_again_ever_more_slowly(attempt: int, jitter: float) -> None:
    step = next_step(Unavailable("down"), Circumstances(attempt, jitter=jitter))
    assert step.state is DeliveryState.PENDING
    assert 0.5 <= step.delay <= LONGEST_DELAY
    assert backoff(attempt, jitter) <= backoff(attempt + 1, 1.0)


def test_unavailable_ends_some_day() -> None:
    assert next_step(Unavailable("down"), Circumstances(MOST_ATTEMPTS)).state is DeliveryState.FAILED


def test_a_channel_that_is_down_is_paused_and_the_row_waits() -> None:
    step = next_step(ChannelDown("401"), FIRST)
    assert (step.state, step.pause) == (DeliveryState.PENDING, True)


@given(st.sampled_from(WhenUncertain), st.booleans(), st.booleans())
def test_uncertain_goes_out_again_only_once_only_by_policy_only_to_one(
    policy: WhenUncertain, resent: bool, may: bool
) -> None:
    now = Circumstances(1, policy, resent=resent, may_resend=may)
    step = next_step(Uncertain("lost"), now)
    again = policy is RESEND and may and not resent
    assert step.state is (DeliveryState.PENDING if again else DeliveryState.UNCERTAIN)
    assert step.resent is again


def test_what_was_resent_stays_so_over_later_attempts() -> None:
    now = Circumstances(2, RESEND, resent=True, may_resend=True)
    for answer in (Unavailable("x"), Throttled("x", wait=1.0), ChannelDown("x")):
        assert next_step(answer, now).resent


PENDING, SENT, FAILED = DeliveryState.PENDING, DeliveryState.SENT, DeliveryState.FAILED
UNSURE, SKIPPED = DeliveryState.UNCERTAIN, DeliveryState.SKIPPED
LOST, AWAY, SLOW = Uncertain("lost"), Unavailable("down"), Throttled("slow", wait=7.0)
MAIL = Circumstances(1, RESEND, may_resend=True, jitter=0.0)
EDIT = Circumstances(1, repeatable=True, jitter=0.0)
LAST = MOST_ATTEMPTS
KEYED = Circumstances(1, repeat_safe=3600.0, jitter=0.0)
OURS = Scope.CHANNEL


def now(base: Circumstances = FIRST, **changes: object) -> Circumstances:
    return base._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "circumstances", "step"),
    [
        (Receipt("7"), FIRST, NextStep(SENT, receipt=Receipt("7"))),
        (Receipt("7"), now(MAIL, resent=True), NextStep(SENT, receipt=Receipt("7"))),
        (Superseded("a later text"), EDIT, NextStep(SKIPPED, "a later text")),
        (Rejected("no"), FIRST, NextStep(FAILED, "no")),
        (Rejected("no", scope=Scope.CHANNEL), FIRST, NextStep(FAILED, "no", pause=True)),
        (Rejected("no", scope=Scope.CHANNEL), now(side=True), NextStep(FAILED, "no")),
        (ChannelDown("401"), now(side=True), NextStep(PENDING, "401", pause=True)),
        (SLOW, now(side=True), NextStep(PENDING, "slow", delay=7.0, push_account=7.0)),
        (
            Throttled("slow", wait=900.0),  # of deletions on X, which are limited apart from posts
            now(side=True),
            NextStep(PENDING, "slow", delay=900.0, push_account=30.0),
        ),
        (
            Throttled("slow", wait=900.0, whole_account=False),
            now(side=True),
            NextStep(PENDING, "slow", delay=900.0, push_target=30.0),
        ),
        (
            Throttled("slow", wait=float("nan")),
            FIRST,
            NextStep(PENDING, "slow", delay=1.0, push_account=1.0),
        ),
        (
            Throttled("slow", wait=float("inf")),
            FIRST,
            NextStep(PENDING, "slow", delay=86400, push_account=86400),
        ),
        (SLOW, FIRST, NextStep(PENDING, "slow", delay=7.0, push_account=7.0)),
        (Throttled("slow", wait=0.0), FIRST, NextStep(PENDING, "slow", delay=0.05, push_account=0.05)),
        (Throttled("slow", wait=-9.0), FIRST, NextStep(PENDING, "slow", delay=0.05, push_account=0.05)),
        (
            Throttled("slow", wait=1e9),
            FIRST,
            NextStep(PENDING, "slow", delay=86400, push_account=86400),
        ),
        (
            Throttled("slow", wait=7.0, whole_account=False),
            now(attempt=LAST, resent=True),
            NextStep(PENDING, "slow", delay=7.0, resent=True, push_target=7.0),
        ),
        (ChannelDown("401"), FIRST, NextStep(PENDING, "401", pause=True)),
        (ChannelDown("401"), now(attempt=LAST), NextStep(PENDING, "401", pause=True)),
        (AWAY, FIRST, NextStep(PENDING, "down", delay=0.75)),  # half of a second, and half by chance
        (AWAY, now(jitter=0.0), NextStep(PENDING, "down", delay=0.5)),
        (AWAY, now(jitter=1.0), NextStep(PENDING, "down", delay=1.0)),
        (AWAY, now(attempt=2, jitter=1.0), NextStep(PENDING, "down", delay=2.0)),
        (AWAY, now(attempt=3, jitter=1.0), NextStep(PENDING, "down", delay=4.0)),
        (AWAY, now(attempt=9, jitter=1.0), NextStep(PENDING, "down", delay=256.0)),
        (AWAY, now(attempt=10, jitter=1.0), NextStep(PENDING, "down", delay=300.0)),
        (AWAY, now(attempt=999, jitter=0.0), NextStep(PENDING, "down", delay=150.0)),
        (AWAY, now(attempt=1000), NextStep(FAILED, "down")),
        (AWAY, now(attempt=1001), NextStep(FAILED, "down")),
        (LOST, FIRST, NextStep(UNSURE, "lost")),
        (LOST, now(MAIL, may_resend=False), NextStep(UNSURE, "lost")),
        (LOST, now(MAIL, when_uncertain=WhenUncertain.ASK), NextStep(UNSURE, "lost")),
        (LOST, MAIL, NextStep(PENDING, "lost", delay=0.5, resent=True)),
        (LOST, now(MAIL, attempt=5), NextStep(PENDING, "lost", delay=0.5, resent=True)),
        (LOST, now(MAIL, resent=True), NextStep(UNSURE, "lost")),
        (LOST, EDIT, NextStep(PENDING, "lost", delay=0.5, resent=True)),
        (LOST, now(EDIT, attempt=3), NextStep(PENDING, "lost", delay=2.0, resent=True)),
        (LOST, now(EDIT, attempt=3, resent=True), NextStep(PENDING, "lost", delay=2.0, resent=True)),
        (LOST, now(EDIT, attempt=999), NextStep(PENDING, "lost", delay=150.0, resent=True)),
        (LOST, now(EDIT, attempt=1000), NextStep(UNSURE, "lost")),
        (LOST, KEYED, NextStep(PENDING, "lost", delay=0.5, resent=True)),
        (LOST, now(KEYED, age=3419.0), NextStep(PENDING, "lost", delay=0.5, resent=True)),
        (LOST, now(KEYED, age=3419.6), NextStep(UNSURE, "lost")),
        (LOST, now(KEYED, age=inf), NextStep(UNSURE, "lost")),
        (LOST, now(KEYED, attempt=LAST), NextStep(UNSURE, "lost")),
        (Rejected("no"), now(KEYED, resent=True), NextStep(FAILED, "no")),
        (Rejected("no", scope=OURS), now(KEYED, resent=True), NextStep(UNSURE, "no", pause=True)),
        (Rejected("no", scope=OURS), KEYED, NextStep(FAILED, "no", pause=True)),
    ],
)
def test_every_row_of_the_table(answer: Answer, circumstances: Circumstances, step: NextStep) -> None:
    assert next_step(answer, circumstances) == step


def test_a_delivery_of_which_nothing_is_said_is_a_post_to_the_public() -> None:
    """What is not said must never be what allows a repeat."""
    assert Circumstances(1) == (1, WhenUncertain.ASK, False, False, False, False, 0.0, 0.0, 0.5)
    assert NextStep(SENT) == (SENT, None, None, 0.0, False, None, None, False)


ANSWERS = st.sampled_from(
    ["done", "lost after it", "lost before it", "refused", "away", "slow", "down"]
)


@given(
    st.floats(0, 7200),
    st.lists(st.tuples(ANSWERS, st.floats(0, 3000), st.floats(0, 60)), min_size=1, max_size=12),
)
def test_what_a_platform_takes_twice_is_never_there_twice(
    window: float, calls: list[tuple[str, float, float]]
) -> None:
    """Any order of answers, each after any time of waiting (a pause, a halt, the call itself), at a platform that
    takes a second call within `window` for the first."""
    moment, first, posts, resent, state = 0.0, None, 0, False, PENDING
    for attempt, (answer, pause, call) in enumerate(calls, 1):
        moment += pause
        first = moment if first is None else first
        around = Circumstances(attempt, resent=resent, repeat_safe=window, age=moment - first)
        if repeat_lapsed(around):
            said: Answer = Uncertain("late")
        else:
            moment += call
            if answer in ("done", "lost after it") and (posts == 0 or moment - first >= window):
                posts += 1
            said = {
                "done": Receipt("7"),
                "refused": Rejected("no", scope=Scope.CHANNEL),
                "away": Unavailable("down"),
                "slow": Throttled("slow", wait=call),
                "down": ChannelDown("401"),
            }.get(answer, Uncertain("lost"))
        step = next_step(said, around._replace(age=moment - first))
        state, resent, moment = step.state, step.resent, moment + step.delay
        if state is not PENDING:
            break
    assert posts <= 1
    assert posts == 0 or state is not FAILED  # never "not sent" where it stands
    assert posts == 1 or state is not SENT
