"""When time alone may change what is decided about a service. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from alertbot.incident.log import Action, Entry, Reason, current, opened
from alertbot.incident.policy import Policy
from alertbot.incident.signals import Signal, last_run, telling

PATIENCE = timedelta(minutes=1)  # where no moment can be named: a window of maintenance, flapping


def look_again(
    log: Sequence[Entry], signals: Sequence[Signal], policy: Policy, reason: Reason, now: datetime
) -> datetime | None:
    """The moment to decide again without a new signal; None where only a signal can change anything.
    Always after `now`."""
    found = [_held_until(log, signals, policy, reason, now), _reminder(log, policy)]
    ahead = [moment if moment > now else now + PATIENCE for moment in found if moment is not None]
    return min(ahead, default=None)


def _held_until(
    log: Sequence[Entry], signals: Sequence[Signal], policy: Policy, reason: Reason, now: datetime
) -> datetime | None:
    run = last_run(telling(signals))
    if reason in (Reason.FLAPPING, Reason.MAINTENANCE):
        return now + PATIENCE
    if reason is Reason.CONFIRMING_DOWN:
        return _later(run[0].at + policy.confirm_down.length, now)
    if reason is Reason.CONFIRMING_UP:
        return _later(run[0].at + policy.confirm_up.length, now)
    if reason is Reason.DWELL:
        return log[-1].at + policy.dwell
    if reason is Reason.WATCHING:
        return next(one.at for one in run if one.confirms) + policy.watch
    if reason is Reason.DAILY_CAP:
        begun = [one.at for one in log if one.action in (Action.OPEN, Action.REOPEN)]
        return min(at for at in begun if now - at < timedelta(days=1)) + timedelta(days=1)
    return None


def _later(moment: datetime, now: datetime) -> datetime | None:
    """What lacks more reports than time waits for those."""
    return moment if moment > now else None


def _reminder(log: Sequence[Entry], policy: Policy) -> datetime | None:
    if current(log) is None or not policy.remind_every:
        return None
    told = [one.at for one in log[opened(log) :] if one.announced or one.action is Action.REMIND]
    return told[-1] + policy.remind_every if told else None
