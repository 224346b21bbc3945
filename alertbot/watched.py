"""From settings to what deciding works with: policies, windows, rules, as plain values."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alertbot.incident.policy import Confirmation, Flapping, Policy, Window
from alertbot.incident.rules import How, Rule, Transition
from alertbot.settings.approvals_by import DAYS
from alertbot.settings.rules import RuleSettings
from alertbot.settings.watching import ConfirmSettings, MaintenanceSettings, PolicySettings

AS_THEY_ARE = ("dwell", "reopen_within", "watch", "daily_cap", "stale_after", "critical_bypass")


def policy_of(below: Policy, given: PolicySettings) -> Policy:
    """`below`, with what is given laid over it."""
    changed: dict[str, Any] = {
        name: getattr(given, name) for name in AS_THEY_ARE if getattr(given, name) is not None
    }
    for name in ("confirm_down", "confirm_up"):
        if (asked := getattr(given, name)) is not None:
            changed[name] = _confirmation(asked)
    if given.flapping is not None:
        changed["flapping"] = Flapping(**given.flapping.model_dump())
    if given.remind_every is not None:
        changed["remind_every"] = given.remind_every or None
    if given.stale is not None:
        changed["propose_stale"] = given.stale == "propose"
    if given.maintenance is not None:
        changed["maintenance"] = tuple(map(_window, given.maintenance))
    return replace(below, **changed)


def texts_of(given: str | Mapping[str, str] | None) -> Mapping[str, str]:
    """By language; one for all under ""."""
    if given is None:
        return {}
    return {"": given} if isinstance(given, str) else dict(given)


def rule_of(name: str, given: RuleSettings) -> Rule:
    """The rule of this name. A wait before it goes out makes it automatic."""
    return Rule(
        name=name,
        on=frozenset(map(Transition, given.when)),
        kind=given.kind,
        how=How.AUTO if given.auto_after is not None else How(given.policy),
        services=frozenset(given.services),
        after=given.auto_after or timedelta(),
        values=given.set,
        languages=given.languages or (),
        channels=given.channels or (),
        exercise=given.exercise,
    )


def _confirmation(given: ConfirmSettings) -> Confirmation:
    return Confirmation(given.count, given.length)


def _window(given: MaintenanceSettings) -> Window:
    return Window(
        starts=datetime.fromisoformat(given.starts) if given.starts else None,
        ends=datetime.fromisoformat(given.ends) if given.ends else None,
        days=tuple(map(DAYS.index, given.days)),
        from_=given.start,
        until=given.end,
    )
