"""Drafting the alert that a rule asks for: the rule's values, completed with what the program knows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.alerts import chains, following, store_incidents, writing
from alertbot.alerts.compose import DraftRequest, load_kind
from alertbot.alerts.following import END, NO_NEWS, STATUS, FollowRequest
from alertbot.alerts.lists import public_numbers
from alertbot.alerts.rules_area import WHERE
from alertbot.alerts.rules_inherited import BACK_AGAIN, PARTLY, STABILISED, STAGE
from alertbot.alerts.store_reading import Alert
from alertbot.core.frozen import dataclass
from alertbot.core.model import MACHINE, RawValues, Relation
from alertbot.db.sql import Connection
from alertbot.texts.kinds.kind_spec import Kind
from alertbot.texts.wording.phrasing import which_of_two
from alertbot.watch import rules_rule
from alertbot.watch.context import WatchContext
from alertbot.watch.rules_log import State
from alertbot.watch.rules_rule import Rule, RuleMode, Transition, placed

NEXT_UPDATE = "+30m"
SERVICES = "{services}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the trouble. `first`: nothing has been published yet, so nothing is taken over
    from an earlier alert. `since`, `works_since`: when it began and ended, as a source or a person says; `seen`: when it
    was first seen. `confirmed_by`: see R11. `stage`: where the trouble stands, in the words of the field `stage`."""

    first: bool = True
    since: datetime | None = None
    seen: datetime | None = None
    works_since: datetime | None = None
    confirmed_by: str | None = None
    stage: str | None = None


def filled(rule: Rule, kind: Kind, facts: Facts, zone: ZoneInfo) -> RawValues:
    """The rule's values with placeholders kept. Where the rule is silent, the kind's fields for what
    fails, since when, until when, who confirms it and the next update are filled in. Pure."""
    fits = {spec.name for spec in kind.fields} - set(kind.forbidden)
    known: Mapping[str, str | None] = {
        "what_fails": SERVICES if facts.first else None,
        "since": _moment(facts.since, zone),
        "noticed_at": None if facts.since else _moment(facts.seen, zone),
        "restored_at": _moment(facts.works_since, zone),
        "confirmed_by": facts.confirmed_by,
        "next_update": NEXT_UPDATE,
        "stage": facts.stage,
    }
    found = {name: value for name, value in known.items() if value is not None and name in fits}
    return {**found, **rule.values}


def _moment(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat(timespec="minutes")


HOLDING = "holding"
_STAGES: Mapping[Transition, tuple[str, ...]] = {
    Transition.STABILISE: (STABILISED,),
    Transition.RELAPSE: (BACK_AGAIN,),
    Transition.REOPEN: (BACK_AGAIN,),
}
_FROM_BEFORE = frozenset(
    {Transition.REMIND, Transition.LAPSED, Transition.UPDATE, Transition.WORSE, Transition.WIDER}
)


def stages(rule: Rule, transition: Transition | None) -> tuple[str, ...]:
    """The stage that an alert on this transition says; none where it follows from what was said before. A rule's own
    counts."""
    if transition is None or STAGE in rule.values:
        return ()
    if transition is Transition.BETTER and rule.values.get("what_works"):
        return (PARTLY,)
    return _STAGES.get(transition, ())


def possible_stages(rule: Rule, transition: Transition) -> tuple[str | None, ...]:
    """Every stage that an alert on this transition may say; None: the kind's own."""
    if transition in _FROM_BEFORE and STAGE not in rule.values:
        return (None, STABILISED, BACK_AGAIN)
    return stages(rule, transition) or (None,)


DEFAULTS = (
    Rule("default", frozenset({Transition.OPEN, Transition.REOPEN}), HOLDING),
    Rule("default", frozenset({*rules_rule.UPDATES, Transition.UPDATE, Transition.STABILISE}), STATUS),
    Rule("default", frozenset({Transition.RESOLVE}), END),
)
"""What holds where the configuration has no rule that fits: everything is proposed, nothing goes by itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a service. `failing`: the failing members of a group. `since`: when its trouble
    began, as a source or a person says; `seen`: when it was first seen; `works_since`: when it ended, as said. `follows`: the alert whose promised update is overdue."""

    service: str
    incident: str
    transition: Transition | None
    state: State
    failing: tuple[str, ...] = ()
    since: datetime | None = None
    seen: datetime | None = None
    works_since: datetime | None = None
    decision: int | None = None
    follows: Alert | None = None


def rule_for(service: WatchContext, change: Change) -> Rule | None:
    """The rule that applies: a configured one, else the default."""
    if change.transition is None:
        return None
    configured = rules_rule.first(service.watch.rules, change.service, change.transition)
    return configured or rules_rule.first(DEFAULTS, change.service, change.transition)


ONE_STORY = timedelta(minutes=30)  # after the last word to the public


def as_one_story(rule: Rule, change: Change, told: Sequence[Alert], now: datetime) -> Rule:
    """The rule for trouble of which the public knows: people never read a first notice twice, but what happened since,
    or that there is nothing new. Nobody signed that ahead, so it is always proposed. Only where the public was told
    more than `ONE_STORY` ago that it is over, a first notice it is."""
    if rule.kind != HOLDING or not _trouble_told(told):
        return rule
    spoken = max(one.approved_at for one in told if one.approved_at is not None)
    over = told[0].relation is Relation.END
    if over and now - spoken > ONE_STORY:
        return rule
    if change.transition in (Transition.LAPSED, Transition.REMIND):
        kept = {name: one for name, one in rule.values.items() if name not in _OF_A_FIRST_WORD}
        return replace(rule, kind=NO_NEWS, how=RuleMode.PROPOSE, values=kept)
    return replace(rule, kind=STATUS, how=RuleMode.PROPOSE)


_OF_A_FIRST_WORD = ("what_works", "regret")  # fields that `no_news` does not have


def _trouble_told(told: Sequence[Alert]) -> list[Alert]:
    """What the public was told that was no end, newest first."""
    return [one for one in told if one.relation is not Relation.END and one.approved_at is not None]


async def write_draft(
    service: WatchContext, conn: Connection, rule: Rule, change: Change, told: Sequence[Alert]
) -> Alert:
    """Write the draft that a rule asks for, following the incident's earlier alerts if there are any.
    Raises `Faulty`, `Misuse` or `ConfigInvalid` for values or kinds that cannot be read at all."""
    kind = load_kind(service.publisher, rule.kind)
    found = await store_incidents.get(conn, change.incident)
    last = change.follows or next(iter(told), None)
    resumed = change.transition is Transition.REOPEN and rule.kind == STATUS and _trouble_told(told)
    first = last is None or (last.relation is Relation.END and not resumed)
    given = values(service, rule, kind, change, first=first, confirmed_by=found.confirmed_by)
    if last is None or first:
        return await _first(service, conn, rule, change, given, last)
    for moment in ("since", "noticed_at"):
        if last.given.keys() & {"since", "noticed_at"} and moment not in rule.values:
            given.pop(moment, None)  # as it was told before
    places = {WHERE: given.pop(WHERE)} if WHERE in given else {}  # as well as those told before
    if rule.kind == END:
        chain = await chains.read(service, conn, Relation.END, [last])
        words = await public_numbers.of_incident(service, conn, change.incident, exercise=last.exercise)
        return await following.add(
            service, conn, MACHINE, END, FollowRequest(given), chain, below={**places, **words}
        )
    originals = [last]
    if resumed and last.relation is Relation.END:
        originals = [*_trouble_told(told)[:1], last]  # the words of the trouble, not those of its end
    chain = await chains.read(service, conn, Relation.UPDATE, originals)
    return await following.add(
        service, conn, MACHINE, rule.kind, FollowRequest(given), chain, below=places
    )


async def _first(
    service: WatchContext,
    conn: Connection,
    rule: Rule,
    change: Change,
    given: Mapping[str, Any],
    last: Alert | None,
) -> Alert:
    wishes = DraftRequest(
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
    service: WatchContext,
    rule: Rule,
    kind: Kind,
    change: Change,
    *,
    first: bool,
    confirmed_by: str | None = None,
) -> RawValues:
    """The rule's values with placeholders filled in, completed with what the program knows. `first`:
    nothing has been published in this incident yet."""
    stage = next(iter(stages(rule, change.transition)), None)
    facts = Facts(first, change.since, change.seen, change.works_since, confirmed_by, stage)
    words = {lang: _words(service, change, lang) for lang in service.publisher.organisation.languages}
    fits = {spec.name for spec in kind.fields}
    again = change.transition is Transition.REOPEN  # the rule's values may be those of a first notice
    kept = {name: one for name, one in rule.values.items() if name in fits or not again}
    given = filled(replace(rule, values=kept), kind, facts, service.publisher.zone)
    return {name: _in_each(value, words) for name, value in given.items()}


def _words(service: WatchContext, change: Change, lang: str) -> dict[str, str]:
    """The values of the placeholders in one language."""
    group = service.watch.groups.get(change.service)
    named = change.failing or (change.service,)
    whole = group is not None and change.failing == (group.parent,)
    at = change.since or change.seen
    here = at.astimezone(service.publisher.zone) if at else None
    return {
        "service": service.watch.title(change.service, lang),
        "services": ", ".join(service.watch.title(one, lang) for one in named),
        "count": str(len(group.members) if group and whole else len(named)),
        "total": str(len(group.members) if group else 1),
        "since": f"{here:%H:%M}{which_of_two(here, lang)}" if here else "",
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
