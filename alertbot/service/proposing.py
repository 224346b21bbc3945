"""What a rule writes: which rule fits a change, its values in every language, and the draft that follows what
was said before. Nothing of it comes from the text of a source: names are the configuration's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alertbot.compose.catalogue import Kind
from alertbot.incident import rules
from alertbot.incident.log import State
from alertbot.incident.rules import Rule, Transition, placed
from alertbot.model import MACHINE, Relation
from alertbot.service import chains, following, withdrawing, writing
from alertbot.service.composing import load_kind
from alertbot.service.context import Context
from alertbot.service.following import END, STATUS, Said
from alertbot.service.rule_values import Facts, filled
from alertbot.service.wishes import Wishes
from alertbot.store import incidents
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert

HOLDING = "holding"
DEFAULTS = (
    Rule("default", frozenset({Transition.OPEN, Transition.REOPEN}), HOLDING),
    Rule("default", frozenset({*rules.UPDATES, Transition.UPDATE, Transition.STABILISE}), STATUS),
    Rule("default", frozenset({Transition.RESOLVE}), END),
)
"""What holds where the configuration has no rule that fits: everything is proposed, nothing goes by itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a service. `failing`: of a group. `since`: when its trouble began; `works_since`:
    when it ended. `follows`: the alert whose promised update did not come."""

    service: str
    incident: str
    transition: Transition | None
    state: State
    failing: tuple[str, ...] = ()
    since: datetime | None = None
    works_since: datetime | None = None
    decision: int | None = None
    follows: Alert | None = None


def rule_for(service: Context, change: Change) -> Rule | None:
    """The rule that fits: a configured one, else the default."""
    if change.transition is None:
        return None
    configured = rules.first(service.watch.rules, change.service, change.transition)
    return configured or rules.first(DEFAULTS, change.service, change.transition)


async def write(
    service: Context, conn: Connection, rule: Rule, change: Change, told: Sequence[Alert]
) -> Alert:
    """The draft that a rule asks for: in the line of what was said in this incident, where anything was.
    Raises `Faulty`, `Misuse` or `ConfigInvalid` for values or kinds that cannot be read at all."""
    kind = load_kind(service.voice, rule.kind)[0]
    found = await incidents.get(conn, change.incident)
    last = change.follows or next(iter(told), None)
    first = last is None or last.relation is Relation.END
    given = values(service, rule, kind, change, first=first, confirmed_by=found.confirmed_by)
    if last is None or first:
        return await _first(service, conn, rule, change, given, last)
    if "since" in last.given and "since" not in rule.values:
        given.pop("since", None)  # as it was told before
    if rule.kind == END:
        chain = await chains.read(service, conn, Relation.END, [last])
        words = await withdrawing.of_incident(service, conn, change.incident, exercise=last.exercise)
        said = Said(given)
        return await following.add(service, conn, MACHINE, END, said, chain, below=words)
    chain = await chains.read(service, conn, Relation.UPDATE, [last])
    return await following.add(service, conn, MACHINE, rule.kind, Said(given), chain)


async def _first(
    service: Context,
    conn: Connection,
    rule: Rule,
    change: Change,
    given: Mapping[str, Any],
    last: Alert | None,
) -> Alert:
    wishes = Wishes(
        kind=rule.kind,
        given=given,
        languages=rule.languages,
        channels=rule.channels,
        exercise=rule.exercise,
    )
    references = () if last is None else (last.id,)
    return await writing.add(
        service, conn, MACHINE, wishes, incident=change.incident, references=references
    )


def values(
    service: Context,
    rule: Rule,
    kind: Kind,
    change: Change,
    *,
    first: bool,
    confirmed_by: str | None = None,
) -> dict[str, Any]:
    """The rule's values with its placeholders filled in, and what the program knows by itself where the
    rule is silent. `first`: nothing was said in this incident yet."""
    facts = Facts(first, change.since, change.works_since, confirmed_by)
    words = {lang: _words(service, change, lang) for lang in service.voice.organisation.languages}
    given = filled(rule, kind, facts, service.voice.zone)
    return {name: _in_each(value, words) for name, value in given.items()}


def _words(service: Context, change: Change, lang: str) -> dict[str, str]:
    """What the placeholders stand for in one language."""
    group = service.watch.groups.get(change.service)
    named = change.failing or (change.service,)
    whole = group is not None and change.failing == (group.parent,)
    begun = change.since.astimezone(service.voice.zone).strftime("%H:%M") if change.since else ""
    return {
        "service": service.watch.title(change.service, lang),
        "services": ", ".join(service.watch.title(one, lang) for one in named),
        "count": str(len(group.members) if group and whole else len(named)),
        "total": str(len(group.members) if group else 1),
        "since": begun,
    }


def _in_each(value: Any, words: Mapping[str, Mapping[str, str]]) -> Any:
    """A value with its placeholders filled in; a text that then differs between languages is given in
    each."""
    if isinstance(value, Mapping):
        return {key: placed(one, words.get(key, _any(words))) for key, one in value.items()}
    each = {lang: placed(value, known) for lang, known in words.items()}
    first = next(iter(each.values()), value)
    same = all(one == first for one in each.values())
    return first if same else each


def _any(words: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    return next(iter(words.values()), {})
