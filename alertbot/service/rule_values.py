"""The values of what a rule writes: its own, over what the program knows by itself. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.compose.kinds import Kind
from alertbot.incident.rules import Rule

NEXT_UPDATE = "+30m"
SERVICES = "{services}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the trouble. `first`: nothing was said of it yet, so no earlier alert's words are
    taken over. `since`, `works_since`: when it began and ended. `confirmed_by`: R11."""

    first: bool = True
    since: datetime | None = None
    works_since: datetime | None = None
    confirmed_by: str | None = None


def filled(rule: Rule, kind: Kind, facts: Facts, zone: ZoneInfo) -> dict[str, Any]:
    """The rule's values, its placeholders as they stand; where it is silent: what fails, since when, until
    when, who confirms it, and when we speak again, for the kinds that have such a field."""
    fits = {spec.name for spec in kind.fields} - set(kind.forbidden)
    known: Mapping[str, str | None] = {
        "what_fails": SERVICES if facts.first else None,
        "since": _moment(facts.since, zone),
        "restored_at": _moment(facts.works_since, zone),
        "confirmed_by": facts.confirmed_by,
        "next_update": NEXT_UPDATE,
    }
    found = {name: value for name, value in known.items() if value is not None and name in fits}
    return {**found, **rule.values}


def _moment(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat(timespec="minutes")
