"""One service: its history and its signals in, what to do out. Pure; the same input gives the same answer, and
once the answer is in the log, the same signals give `drop`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from alertbot.incident.flapping import flaps
from alertbot.incident.log import Action, Entry, Reason, State, announced, current, opened
from alertbot.incident.policy import Confirmation, Policy
from alertbot.incident.signals import Observed, Signal, last_run, telling

Decision = tuple[Action, Reason]
_STATES = {Observed.DOWN: State.DOWN, Observed.DEGRADED: State.DEGRADED}
_BEGUN = (Action.OPEN, Action.REOPEN)
_DAY = timedelta(days=1)


def decide(log: Sequence[Entry], signals: Sequence[Signal], policy: Policy, now: datetime) -> Decision:
    """What to do about one service at `now`, and why.

    `log`: its decisions, oldest first, those of earlier incidents too. `signals`: its reports of the last
    day at least, in any order; tests, history and unknown states are ignored. Nothing is concluded from
    silence. Ask again when time has passed: what is held may then be done.
    """
    said = telling(signals)
    if not said:
        return _idle(log, policy, now, Reason.NO_SIGNAL)
    if said[-1].observed is Observed.MAINTENANCE:
        return Action.HOLD, Reason.MAINTENANCE
    state = current(log)
    if state is None:
        return _closed(log, said, policy, now)
    if said[-1].trouble:
        return _in_trouble(log, state, said, policy, now)
    return _works_again(log, state, said, policy, now)


def state_after(state: State | None, action: Action, signals: Sequence[Signal]) -> State | None:
    """The state of the incident once `action` is done; unchanged for what changes nothing."""
    if action is Action.STABILISE:
        return State.STABILISED
    if action is Action.RESOLVE:
        return State.RESOLVED
    if action in (*_BEGUN, Action.UPDATE):
        said = telling(signals)
        return _STATES.get(said[-1].observed, state) if said else state
    return state


def _closed(log: Sequence[Entry], said: Sequence[Signal], policy: Policy, now: datetime) -> Decision:
    newest = said[-1]
    if not newest.trouble:
        return Action.DROP, Reason.NOTHING_OPEN
    if log and newest.known <= log[-1].at:
        return Action.DROP, Reason.UNCHANGED  # closed in full knowledge of it
    if now - newest.at > policy.stale_after and not newest.still_firing:
        return Action.DROP, Reason.STALE
    held = _held(log, said, policy, now)
    if held is not None:
        return Action.HOLD, held
    if log and now - log[-1].at <= policy.reopen_within:
        return Action.REOPEN, Reason.RELAPSE
    return Action.OPEN, Reason.CONFIRMED


def _held(log: Sequence[Entry], said: Sequence[Signal], policy: Policy, now: datetime) -> Reason | None:
    """Why trouble is not announced yet. A critical signal waits for its confirmation alone."""
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
    """Enough reports, or one from a source that waited itself; and long enough since the first."""
    enough = len(run) >= asked.count or any(one.confirmed for one in run)
    return enough and now - run[0].at >= asked.length


def _in_trouble(
    log: Sequence[Entry], state: State, said: Sequence[Signal], policy: Policy, now: datetime
) -> Decision:
    newest, last = said[-1], log[-1]
    if state is State.STABILISED:
        if newest.known <= last.at:
            return _idle(log, policy, now, Reason.UNCHANGED)
        if not _confirmed(last_run(said), policy.confirm_down, now):
            return Action.HOLD, Reason.CONFIRMING_DOWN
        return Action.REOPEN, Reason.RELAPSE_UNDER_WATCH
    if newest.observed is Observed.DOWN and state is State.DEGRADED:
        return Action.UPDATE, Reason.WORSE
    if newest.observed is Observed.DEGRADED and state is State.DOWN:
        if now - last.at < policy.dwell:
            return Action.HOLD, Reason.DWELL
        return Action.UPDATE, Reason.BETTER
    if _wider(log, newest):
        held = now - last.at < policy.dwell
        return (Action.HOLD, Reason.DWELL) if held else (Action.UPDATE, Reason.WIDER)
    return _idle(log, policy, now, Reason.UNCHANGED)


def _wider(log: Sequence[Entry], newest: Signal) -> bool:
    """Whether a service of the group fails of which nothing was said yet in this incident."""
    known = {name for entry in log[opened(log) :] for name in entry.failing}
    return bool(set(newest.failing) - known)


def _works_again(
    log: Sequence[Entry], state: State, said: Sequence[Signal], policy: Policy, now: datetime
) -> Decision:
    if state is State.STABILISED:
        return _under_watch(log, said, policy, now)
    run = last_run(said)
    if run[-1].known <= log[opened(log)].at:
        return _idle(log, policy, now, Reason.UNCHANGED)
    if not _confirmed(run, policy.confirm_up, now):
        return Action.HOLD, Reason.CONFIRMING_UP
    if now - log[-1].at < policy.dwell:
        return Action.HOLD, Reason.DWELL
    if _flapping(said, policy, now):
        return Action.HOLD, Reason.FLAPPING
    return Action.STABILISE, Reason.RECOVERED


def _under_watch(
    log: Sequence[Entry], said: Sequence[Signal], policy: Policy, now: datetime
) -> Decision:
    """Stabilised: "resolved" needs somebody's confirmation and a quiet time after it (R11)."""
    if not announced(log):
        return Action.RESOLVE, Reason.NEVER_ANNOUNCED
    vouched = [one for one in last_run(said) if one.confirms]
    if not vouched:
        return _idle(log, policy, now, Reason.AWAITING_CONFIRMATION)
    if now - vouched[0].at < policy.watch:
        return _idle(log, policy, now, Reason.WATCHING)
    return Action.RESOLVE, Reason.CONFIRMED_AND_WATCHED


def _idle(log: Sequence[Entry], policy: Policy, now: datetime, reason: Reason) -> Decision:
    """Nothing new: a reminder where one is due, else wait or drop."""
    told = [
        entry.at for entry in log[opened(log) :] if entry.announced or entry.action is Action.REMIND
    ]
    due = policy.remind_every is not None and told and now - told[-1] >= policy.remind_every
    if current(log) is not None and due:
        return Action.REMIND, Reason.DUE
    waiting = reason in (Reason.AWAITING_CONFIRMATION, Reason.WATCHING)
    return (Action.HOLD if waiting else Action.DROP), reason
