"""Previews: what an alert would say, and which kinds there are. Needs no database."""

from dataclasses import replace

import yaml

from alertbot.alerts.compose import Composed, DraftRequest, compose_kind, load_kind
from alertbot.core.model import Identity, RawValues
from alertbot.delivery.rules_forecast import cost, forecast
from alertbot.texts.kinds import catalogue
from alertbot.texts.kinds.kind_spec import Kind, in_words
from alertbot.texts.preview.phrases import Sheet
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


def kinds(publisher: Publisher) -> list[Kind]:
    """Every kind, in order of priority."""
    found = catalogue.load(*publisher.folders)
    return sorted(found, key=lambda kind: (kind.priority, kind.name))


def example_yaml(publisher: Publisher, name: str) -> str:
    """The kind's example as YAML, ready for `--vars`."""
    return yaml.safe_dump(example(publisher, name), allow_unicode=True, sort_keys=False, width=100)


def example(publisher: Publisher, name: str) -> RawValues:
    """The values of the kind's example. Raises `Misuse` for an unknown kind."""
    return dict(load_kind(publisher, name).example)
