"""Deciding about one service: its history and its signals in, an action with a reason out. Pure and
repeatable: once the decision is in the log, the same signals give `drop`."""

import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State, announced, current, opened
from alertbot.watch.rules_rule import Confirmation, Flapping, Policy
from alertbot.watch.rules_signals import Observed, Signal, last_run, telling, working_run


def share(results: Sequence[bool]) -> float:
    """The share of changes between neighbouring results, from 0 to 1."""
    if len(results) < 2:
        return 0.0
    changes = sum(1 for one, two in itertools.pairwise(results) if one is not two)
    return changes / (len(results) - 1)


def flaps(results: Sequence[bool], marks: Flapping) -> bool:
    """Whether the service is flapping after the last result. Fewer than half of `marks.results` results
    are no evidence."""
    flapping = False
    least = max(3, marks.results // 2)
    for end in range(least, len(results) + 1):
        score = share(results[max(0, end - marks.results) : end])
        flapping = score >= marks.low if flapping else score >= marks.high
    return flapping


Decision = tuple[IncidentAction, Reason]
_STATES = {Observed.DOWN: State.DOWN, Observed.DEGRADED: State.DEGRADED}
_BEGUN = (IncidentAction.OPEN, IncidentAction.REOPEN)
_DAY = timedelta(days=1)


def decide(
    log: Sequence[LogEntry], signals: Sequence[Signal], policy: Policy, now: datetime
) -> Decision:
    """What to do about one service at `now`, and why.

    `log`: its decisions, oldest first, including those of earlier incidents. `signals`: its reports of
    at least the last day, in any order; tests, history and unknown states are ignored. Silence decides
    nothing. Call again after time has passed: what is held may then be done.
    """
    said = telling(signals)
    if not said:
        return _idle(log, policy, now, Reason.NO_SIGNAL)
    if said[-1].observed is Observed.MAINTENANCE:
        return IncidentAction.HOLD, Reason.MAINTENANCE
    state = current(log)
    if state is None:
        return _closed(log, said, policy, now)
    if said[-1].trouble:
        return _in_trouble(log, state, said, policy, now)
    return _works_again(log, state, said, policy, now)


def state_after(state: State | None, action: IncidentAction, signals: Sequence[Signal]) -> State | None:
    """The state of the incident after `action`; the same if it changes nothing."""
    if action is IncidentAction.STABILISE:
        return State.STABILISED
    if action is IncidentAction.RESOLVE:
        return State.RESOLVED
    if action in (*_BEGUN, IncidentAction.UPDATE):
        said = telling(signals)
        return _STATES.get(said[-1].observed, state) if said else state
    return state


def _closed(log: Sequence[LogEntry], said: Sequence[Signal], policy: Policy, now: datetime) -> Decision:
    newest = said[-1]
    if not newest.trouble:
        return IncidentAction.DROP, Reason.NOTHING_OPEN
    if log and newest.known <= log[-1].at:
        return IncidentAction.DROP, Reason.UNCHANGED  # closed in full knowledge of it
    if now - newest.at > policy.stale_after and not newest.still_firing:
        return IncidentAction.DROP, Reason.STALE
    held = _held(log, said, policy, now)
    if held is not None:
        return IncidentAction.HOLD, held
    if log and now - log[-1].at <= policy.reopen_within:
        return IncidentAction.REOPEN, Reason.RELAPSE
    return IncidentAction.OPEN, Reason.CONFIRMED


def _held(
    log: Sequence[LogEntry], said: Sequence[Signal], policy: Policy, now: datetime
) -> Reason | None:
    """Why trouble is not announced yet. A critical signal waits only for its confirmation."""
    run = last_run(said)
    if not _confirmed(run, policy.confirm_down, now):
        return Reason.CONFIRMING_DOWN
    if policy.critical_bypass and run[-1].critical:
        return None
    if policy.in_maintenance(now):
        return Reason.MAINTENANCE
    if _flapping(said, policy, now):
        return Reason.FLAPPING
    begun = [entry for entry in log if entry.action in _BEGUN and now - entry.at < _DAY]
    return Reason.DAILY_CAP if len(begun) >= policy.daily_cap else None


def _flapping(said: Sequence[Signal], policy: Policy, now: datetime) -> bool:
    recent = [one.trouble for one in said if now - one.at <= policy.flapping.within]
    return flaps(recent, policy.flapping)


def _confirmed(run: Sequence[Signal], asked: Confirmation, now: datetime) -> bool:
    """Whether there are enough reports, or one from a source that waited itself, over a long enough
    time."""
    told = [one for one in run if not one.stands] or run[:1]
    enough = len(told) >= asked.count or any(one.confirmed for one in told)
    return enough and now - run[0].at >= asked.length


def _in_trouble(
    log: Sequence[LogEntry], state: State, said: Sequence[Signal], policy: Policy, now: datetime
) -> Decision:
    newest, last = said[-1], log[-1]
    if state is State.STABILISED:
        if newest.known <= last.at:
            return _idle(log, policy, now, Reason.UNCHANGED)
        if not _confirmed(last_run(said), policy.confirm_down, now):
            return IncidentAction.HOLD, Reason.CONFIRMING_DOWN
        return IncidentAction.REOPEN, Reason.RELAPSE_UNDER_WATCH
    if newest.observed is Observed.DOWN and state is State.DEGRADED:
        return IncidentAction.UPDATE, Reason.WORSE
    if newest.observed is Observed.DEGRADED and state is State.DOWN:
        if now - last.at < policy.dwell:
            return IncidentAction.HOLD, Reason.DWELL
        return IncidentAction.UPDATE, Reason.BETTER
    if _wider(log, newest):
        held = now - last.at < policy.dwell
        return (IncidentAction.HOLD, Reason.DWELL) if held else (IncidentAction.UPDATE, Reason.WIDER)
    return _idle(log, policy, now, Reason.UNCHANGED)


def _wider(log: Sequence[LogEntry], newest: Signal) -> bool:
    """Whether a service of the group fails that was not yet mentioned in this incident."""
    known = {name for entry in log[opened(log) :] for name in entry.failing}
    return bool(set(newest.failing) - known)


def _works_again(
    log: Sequence[LogEntry], state: State, said: Sequence[Signal], policy: Policy, now: datetime
) -> Decision:
    if state is State.STABILISED:
        return _under_watch(log, said, policy, now)
    run = working_run(said)
    if run[-1].known <= log[opened(log)].at:
        return _idle(log, policy, now, Reason.UNCHANGED)
    if not _confirmed(run, policy.confirm_up, now):
        return IncidentAction.HOLD, Reason.CONFIRMING_UP
    if now - log[-1].at < policy.dwell:
        return IncidentAction.HOLD, Reason.DWELL
    if _flapping(said, policy, now):
        return IncidentAction.HOLD, Reason.FLAPPING
    return IncidentAction.STABILISE, Reason.RECOVERED


def _under_watch(
    log: Sequence[LogEntry], said: Sequence[Signal], policy: Policy, now: datetime
) -> Decision:
    """The decision while stabilised: "resolved" needs a confirmation and a quiet period after it (R11)."""
    if not announced(log):
        return IncidentAction.RESOLVE, Reason.NEVER_ANNOUNCED
    vouched = [one for one in last_run(said) if one.confirms]
    if not vouched:
        return _idle(log, policy, now, Reason.AWAITING_CONFIRMATION)
    if now < _watched_from(said, vouched[0]) + policy.watch:
        return _idle(log, policy, now, Reason.WATCHING)
    return IncidentAction.RESOLVE, Reason.CONFIRMED_AND_WATCHED


def _watched_from(said: Sequence[Signal], vouched: Signal) -> datetime:
    """When the watch period begins: at the confirmation, or after a maintenance that came later."""
    return max(vouched.at, working_run(said)[0].at)


def _idle(log: Sequence[LogEntry], policy: Policy, now: datetime, reason: Reason) -> Decision:
    """The decision when nothing is new: a reminder if one is due, else wait or drop."""
    told = [
        entry.at
        for entry in log[opened(log) :]
        if entry.announced or entry.action is IncidentAction.REMIND
    ]
    due = policy.remind_every is not None and told and now - told[-1] >= policy.remind_every
    if current(log) is not None and due:
        return IncidentAction.REMIND, Reason.DUE
    waiting = reason in (Reason.AWAITING_CONFIRMATION, Reason.WATCHING)
    return (IncidentAction.HOLD if waiting else IncidentAction.DROP), reason


def in_turn(due: Sequence[tuple[str, str | None]], named: Collection[str]) -> tuple[str, ...]:
    """In which order to decide about these services, given with the source that reported on each, oldest
    first: those that the configuration names come first, and then the sources take turns, so that a storm
    of one delays no other."""
    turns: Counter[tuple[bool, str | None]] = Counter()
    order = []
    for place, (service, source) in enumerate(due):
        strange = service not in named
        order.append((strange, turns[strange, source], place, service))
        turns[strange, source] += 1
    return tuple(service for _strange, _turn, _place, service in sorted(order))


PATIENCE = timedelta(minutes=1)  # where no moment can be named: a window of maintenance, flapping


def look_again(
    log: Sequence[LogEntry], signals: Sequence[Signal], policy: Policy, reason: Reason, now: datetime
) -> datetime | None:
    """When to decide again without a new signal; None if only a signal can change anything. Always after
    `now`."""
    found = [_held_until(log, signals, policy, reason, now), _reminder(log, policy)]
    ahead = [moment if moment > now else now + PATIENCE for moment in found if moment is not None]
    return min(ahead, default=None)


def _held_until(
    log: Sequence[LogEntry], signals: Sequence[Signal], policy: Policy, reason: Reason, now: datetime
) -> datetime | None:
    said = telling(signals)
    run = last_run(said)
    if reason in (Reason.FLAPPING, Reason.MAINTENANCE):
        return now + PATIENCE
    if reason is Reason.CONFIRMING_DOWN:
        return _later(run[0].at + policy.confirm_down.length, now)
    if reason is Reason.CONFIRMING_UP:
        return _later(working_run(said)[0].at + policy.confirm_up.length, now)
    if reason is Reason.DWELL:
        return log[-1].at + policy.dwell
    if reason is Reason.WATCHING:
        vouched = next(one for one in run if one.confirms)
        return _watched_from(said, vouched) + policy.watch
    if reason is Reason.DAILY_CAP:
        begun = [one.at for one in log if one.action in (IncidentAction.OPEN, IncidentAction.REOPEN)]
        return min(at for at in begun if now - at < timedelta(days=1)) + timedelta(days=1)
    return None


def _later(moment: datetime, now: datetime) -> datetime | None:
    """The time, if it is after `now`; else None: then reports are missing, not time."""
    return moment if moment > now else None


def _reminder(log: Sequence[LogEntry], policy: Policy) -> datetime | None:
    if current(log) is None or not policy.remind_every:
        return None
    told = [
        one.at for one in log[opened(log) :] if one.announced or one.action is IncidentAction.REMIND
    ]
    return told[-1] + policy.remind_every if told else None
