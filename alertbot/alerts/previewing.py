"""Previews: what an alert would say, and which kinds there are. Needs no database."""

from dataclasses import replace
from typing import Any

import yaml

from alertbot.alerts.compose import Composed, DraftRequest, compose_kind, load_kind
from alertbot.core.model import Identity
from alertbot.core.words import language
from alertbot.delivery.rules_forecast import cost, forecast
from alertbot.texts.kinds import catalogue
from alertbot.texts.kinds.kind_spec import FieldSpec, Kind
from alertbot.texts.preview.sheet import Sheet
from alertbot.texts.publisher import Publisher

NOT_YET = Identity(incident="XXXX", alert="XXXX-1")  # a preview belongs to no incident yet


def look(publisher: Publisher, wishes: DraftRequest) -> Sheet:
    """What the public would see. Without values, the kind's example is used."""
    kind = load_kind(publisher, wishes.kind)
    if not wishes.given:
        wishes = replace(wishes, given=kind.example)
    composed = compose_kind(publisher, kind, wishes, NOT_YET, publisher.clock())
    return sheet_of(publisher, composed, wishes.exercise)


def sheet_of(publisher: Publisher, composed: Composed, exercise: bool) -> Sheet:
    """A composition with its cost, its forecast and the approvals it needs."""
    return Sheet(
        title=in_words(composed.kind.title),
        composition=composed.composition,
        channels=composed.channels,
        approvals=composed.approvals,
        cost=cost(composed.composition, composed.channels),
        forecast=forecast(composed.composition, composed.channels),
        speaker=publisher.organisation.name,
        exercise=exercise,
    )


def in_words(by_lang: Any) -> str:
    """A text of the catalogue in the reader's language, else in English, else in any."""
    return str(by_lang.get(language()) or by_lang.get("en") or next(iter(by_lang.values()), ""))


def kinds(publisher: Publisher) -> list[dict[str, Any]]:
    """Every kind, in order of priority."""
    found = catalogue.load(*publisher.folders)
    return [_kind(kind) for kind in sorted(found, key=lambda kind: (kind.priority, kind.name))]


def kind_facts(publisher: Publisher, name: str) -> dict[str, Any]:
    """One kind with its fields. Raises `Misuse` for an unknown one."""
    kind = load_kind(publisher, name)
    return _kind(kind) | {
        "fields": [_field(spec) for spec in kind.fields],
        "forbidden": list(kind.forbidden),
    }


def example_yaml(publisher: Publisher, name: str) -> str:
    """The kind's example as YAML, ready for `--vars`."""
    return yaml.safe_dump(example(publisher, name), allow_unicode=True, sort_keys=False, width=100)


def example(publisher: Publisher, name: str) -> dict[str, Any]:
    """The values of the kind's example. Raises `Misuse` for an unknown kind."""
    return dict(load_kind(publisher, name).example)


def _kind(kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "title": in_words(kind.title),
        "purpose": in_words(kind.purpose),
        "languages": list(kind.languages),
        "approvers": kind.approvals.approvers,
        "author_may_approve": kind.approvals.author_may_approve,
        "expires_after": kind.approvals.expires_after.total_seconds(),
        "priority": kind.priority,
        "ttl": kind.ttl.total_seconds(),
        "when_uncertain": str(kind.when_uncertain),
        "final": kind.final,
        "automatic": kind.automatic,
    }


def _field(spec: FieldSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "type": str(spec.type),
        "required": spec.required,
        "label": in_words(spec.label),
        "help": in_words(spec.help) if spec.help else "",
        "choices": {key: in_words(words) for key, words in spec.choices.items()},
        "longest": spec.longest,
        "needs": spec.needs,
    }
