"""Sample alerts of a rule: composed for fixed times, to be shown and approved in advance (R33). Also
what may never be published automatically."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from alertbot.alerts.compose import (
    OF_A_PREVIEW,
    QUERY_FIELDS,
    Composed,
    DraftRequest,
    asks,
    compose_wishes,
    load_kind,
)
from alertbot.alerts.following import NO_NEWS
from alertbot.alerts.rules_area import WHERE
from alertbot.alerts.rules_inherited import STAGE
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.writing import plain
from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.loops import in_thread
from alertbot.core.model import Channel, Identity, RawValues
from alertbot.core.words import _, language
from alertbot.texts.kinds.kind_spec import FieldType, Kind
from alertbot.texts.kinds.layers import fingerprint
from alertbot.texts.publisher import Publisher, effective
from alertbot.texts.request import TAKEN_BACK_WITH
from alertbot.texts.wording.language import phrase
from alertbot.watch.context import Watch, WatchContext
from alertbot.watch.preapproval import rules_ahead
from alertbot.watch.preapproval.rules_ahead import Accounts
from alertbot.watch.proposing import SERVICES, Facts, filled, possible_stages
from alertbot.watch.rules_rule import Rule, Transition, placed

FORMAT = 2  # a change of what is covered is a new number
ISSUED = datetime(2021, 6, 2, 14, 50, tzinfo=UTC)  # the moment at which every specimen is composed
BEGUN = timedelta(minutes=5)  # before it
BEGINNINGS = frozenset({Transition.OPEN, Transition.HISTORY})
FIRST = OF_A_PREVIEW  # samples belong to no incident; their names are shown, and never published
LATER = Identity(FIRST.incident, f"{FIRST.incident}-2", (FIRST.alert,))
NAMES = ("{service}", "{services}")  # stand for what the public calls services
MOST_KEPT = 64

_kept: dict[str, "RuleSample"] = {}  # by everything that goes into it


@dataclass(frozen=True, slots=True)
class Sample:
    """What is published on these transitions."""

    on: tuple[Transition, ...]
    composed: Composed


@dataclass(frozen=True, slots=True)
class RuleSample:
    """What alerts of a rule say. `digest` changes with everything that could change their words,
    recipients or timing. `people`: how many must approve it in advance. `accounts`: which each channel is here; no
    part of the digest, since who signs often cannot read the secrets that some facts depend on."""

    rule: Rule
    kind: Kind
    samples: tuple[Sample, ...]
    digest: str
    people: int
    accounts: Accounts = field(default_factory=dict)


async def template(service: WatchContext, rule: Rule) -> RuleSample:
    """Compose the rule's sample alerts in a thread, so that the event loop is not blocked. Raises as
    `compose_template` does."""
    return await in_thread(partial(compose_template, service.publisher, service.watch, rule))


def forbidden(rule: Rule, kind: Kind) -> str | None:
    """Why no alert of this rule is ever published automatically; None if it may be."""
    if not kind.automatic:
        return _("An alert of kind {kind} never goes out by itself.").format(kind=kind.name)
    return carries(kind, rule.values)


def carries(kind: Kind, given: Mapping[str, Any]) -> str | None:
    """Why an alert with these values is never published automatically: register numbers and figures are
    left to people. None if it may be."""
    for spec in kind.fields:
        if not given.get(spec.name) and spec.default is None:
            continue
        if spec.type is FieldType.NUMBERS:
            return _("{field}: provisional numbers never go out by themselves.").format(field=spec.name)
        if spec.type is FieldType.FIGURE:
            return _("{field}: figures never go out by themselves.").format(field=spec.name)
    if asks(kind, given):
        fields = ", ".join(name for name in QUERY_FIELDS if given.get(name))
        return _("{field}: provisional numbers never go out by themselves.").format(field=fields)
    return None


def beyond(made: RuleSample, alert: Alert) -> str | None:
    """Why this alert is not published automatically although its rule may be: it says more, or reaches
    more, than was approved in advance. A follow-up takes over values and recipients of the earlier
    alert."""
    if why := carries(made.kind, alert.given):
        return why
    if alert.author_id is not None or alert.last_editor_id is not None:
        return _("someone wrote or changed it by hand.")
    more = (
        *_more_fields(made, alert),
        *_more_stages(made, alert),
        *_more_channels(made, alert),
        *_more_languages(made, alert),
    )
    if more:
        return _("it says more than was preapproved: {what}.").format(what=", ".join(more))
    return None


def untitled(rule: Rule, watch: Watch, services: frozenset[str] | None = None) -> str | None:
    """Why the rule's texts need a person for these services (else the rule's own): they would be named
    to the public by their source's name. None if they do not."""
    asked = rule.services if services is None else services
    bare = sorted(name for name in asked if not watch.titles.get(name))
    if not bare or not _names(rule):
        return None
    return _(
        "the public would read {services}; give it a name with `title:` under `watch:`. Until then its"
        " alerts wait for approval."
    ).format(services=", ".join(bare))


def placeholders(publisher: Publisher) -> dict[str, str]:
    """What stands for unknown values in a sample. The services keep their braces."""
    since = (ISSUED - BEGUN).astimezone(publisher.zone)
    return {"count": "3", "total": "12", "since": f"{since:%H:%M}"}


def _more_fields(made: RuleSample, alert: Alert) -> list[str]:
    covered = {name for one in made.samples for name in one.composed.parsed.frozen}
    if covered & _BEGUN:
        covered |= _BEGUN
    if made.kind.name == NO_NEWS:
        covered |= {"line", *TAKEN_BACK_WITH}  # repeated with the rest
    return [name for name in alert.given if name not in covered]


_BEGUN = {"since", "noticed_at"}  # one or the other, as the source says when it began or not


def _more_stages(made: RuleSample, alert: Alert) -> list[str]:
    covered = {one.composed.parsed.frozen.get(STAGE) for one in made.samples}
    stage = alert.given.get(STAGE)
    return [] if stage in covered else [f"{STAGE}={stage}"]


def _more_channels(made: RuleSample, alert: Alert) -> list[str]:
    covered = {channel.name for one in made.samples for channel in one.composed.channels}
    return [name for name in alert.channels if name not in covered]


def _more_languages(made: RuleSample, alert: Alert) -> list[str]:
    """The alert's languages that the sample does not have. An alert without any is published in every
    language of its channels (`*`)."""
    allowed = made.rule.languages
    return [lang for lang in alert.languages or ("*",) if lang not in allowed] if allowed else []


def compose_template(publisher: Publisher, watch: Watch, rule: Rule) -> RuleSample:
    """Compose the rule's sample alerts, or take them from memory if nothing has changed since.
    `{service}` and `{services}` are kept; times, counts and the alert's name are fixed, so that the
    same rule always gives the same digest.

    Raises `Misuse` for an unknown kind, channel or language, `ConfigInvalid` for broken files of a kind.
    Anything missing from the texts is a fault in the compositions.
    """
    channels = publisher.choose(rule.channels, exercise=rule.exercise)
    said = _covered(publisher, watch, rule, channels)
    asked = repr((channels, publisher.overrides.get(rule.kind), language()))
    key = _digest({**said, "besides": asked})
    made = _kept.get(key)
    if made is None:
        made = _composed(publisher, rule, said)
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[key] = made
    accounts = {one.name: publisher.identity(one.name) for one in channels}
    return replace(made, rule=rule, accounts=accounts)  # `how` is no part of what is said


def _composed(publisher: Publisher, rule: Rule, covered: Mapping[str, Any]) -> RuleSample:
    kind = load_kind(publisher, rule.kind)
    samples = tuple(_samples(publisher, rule))
    texts = [[*one.on, one.composed.composition.digest] for one in samples]
    people = rules_ahead.people_needed(effective(kind.approvals, publisher.overrides.get(kind.name)))
    digest = _digest({**covered, "texts": texts, "people": people})
    return RuleSample(rule, kind, samples, digest, people)


def _samples(publisher: Publisher, rule: Rule) -> Iterator[Sample]:
    """The first alert of an incident, and a follow-up. A follow-up must be complete in itself: nobody
    has approved what it could take over from another alert."""
    kind = load_kind(publisher, rule.kind)
    for identity in (FIRST, LATER):
        on: dict[str | None, list[Transition]] = {}
        for one in Transition:
            if one in rule.on and (one in BEGINNINGS) is (identity is FIRST):
                for stage in possible_stages(rule, one) if kind.field(STAGE) else (None,):
                    on.setdefault(stage, []).append(one)
        for stage, transitions in on.items():
            wishes = _wishes(publisher, rule, kind, first=identity is FIRST, stage=stage)
            yield Sample(tuple(transitions), compose_wishes(publisher, wishes, identity, ISSUED))


def _wishes(
    publisher: Publisher, rule: Rule, kind: Kind, *, first: bool, stage: str | None
) -> DraftRequest:
    facts = Facts(first, ISSUED - BEGUN, None, ISSUED, "{confirmed_by}", stage)
    given = placed(filled(rule, kind, facts, publisher.zone), placeholders(publisher))
    return DraftRequest(
        kind=rule.kind,
        given={**_as_said(publisher, kind), **given} if kind.name == NO_NEWS else given,
        languages=rule.languages,
        channels=rule.channels,
        exercise=rule.exercise,
    )


def _as_said(publisher: Publisher, kind: Kind) -> RawValues:
    """What stands in a sample of `no_news` for the words that it repeats: those of a published alert, which people
    approved."""
    languages = publisher.organisation.languages
    words = {lang: phrase("as_said", lang) for lang in languages}
    repeated: RawValues = {"what_fails": words, "what_to_do": words, WHERE: kind.example.get(WHERE)}
    return {name: value for name, value in repeated.items() if kind.field(name)}


def _covered(
    publisher: Publisher, watch: Watch, rule: Rule, channels: tuple[Channel, ...]
) -> dict[str, Json]:
    """Everything, besides the texts, that an advance approval covers."""
    return {
        "format": FORMAT,
        "rule": _plain_rule(rule),
        "files": fingerprint(rule.kind, *publisher.folders),
        "organisation": asdict(publisher.organisation),
        "channels": {one.name: [one.type, str(one.audience)] for one in channels},
        "titles": _titles(rule, watch),
        "groups": {
            name: [list(one.members), one.parent]
            for name, one in watch.groups.items()
            if not rule.services or name in rule.services
        },
    }


def _plain_rule(rule: Rule) -> dict[str, Json]:
    return {
        "name": rule.name,
        "on": sorted(rule.on),
        "services": sorted(rule.services),
        "kind": rule.kind,
        "after": rule.after.total_seconds(),
        "values": plain(rule.values),
        "languages": list(rule.languages),
        "channels": list(rule.channels),
        "exercise": rule.exercise,
    }


def _titles(rule: Rule, watch: Watch) -> dict[str, Json]:
    """The service names that may appear in the texts; for a group, any member's."""
    used = _names(rule)
    if "{services}" in used or (used and not rule.services):
        return {name: dict(words) for name, words in watch.titles.items()}
    return {name: dict(watch.titles.get(name, {})) for name in sorted(rule.services) if used}


def _names(rule: Rule) -> frozenset[str]:
    words = json.dumps([plain(rule.values), rule.values.get("what_fails", SERVICES)], default=str)
    return frozenset(name for name in NAMES if name in words)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
