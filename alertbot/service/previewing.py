"""Preview and kinds: what there would be to see. Nothing is stored."""

from typing import Any

from alertbot.compose import catalogue
from alertbot.compose.catalogue import Kind
from alertbot.delivery.forecast import cost, forecast
from alertbot.model import Identity
from alertbot.preview.sheet import Sheet
from alertbot.service.composing import Composed, compose_wishes, load_kind
from alertbot.service.voice import Voice
from alertbot.service.wishes import Wishes
from alertbot.words import language

NOT_YET = Identity(incident="XXXX", alert="XXXX-1")  # a preview belongs to no incident yet


def look(voice: Voice, wishes: Wishes) -> Sheet:
    """What the public would see. With no values given, the kind's example."""
    if not wishes.given:
        kind, _frame = load_kind(voice, wishes.kind)
        wishes = Wishes(
            kind.name, kind.example, wishes.languages, wishes.channels, wishes.accepted, wishes.exercise
        )
    return sheet_of(voice, compose_wishes(voice, wishes, NOT_YET, voice.clock()), wishes.exercise)


def sheet_of(voice: Voice, composed: Composed, exercise: bool) -> Sheet:
    """The composition with its cost, its forecast and who must approve."""
    return Sheet(
        title=in_words(composed.kind.title),
        composition=composed.composition,
        channels=composed.channels,
        approvals=composed.approvals,
        cost=cost(composed.composition, composed.channels),
        forecast=forecast(composed.composition, composed.channels),
        speaker=voice.organisation.name,
        exercise=exercise,
    )


def in_words(by_lang: Any) -> str:
    """A text of the catalogue in the reader's language, else in English, else in any."""
    return str(by_lang.get(language()) or by_lang.get("en") or next(iter(by_lang.values()), ""))


def kinds(voice: Voice) -> list[dict[str, Any]]:
    """Every kind, in order of priority."""
    found = catalogue.load(*voice.folders)
    return [_kind(kind) for kind in sorted(found, key=lambda kind: (kind.priority, kind.name))]


def kind_facts(voice: Voice, name: str) -> dict[str, Any]:
    """One kind with its fields. Raises `Misuse` for an unknown one."""
    kind, _frame = load_kind(voice, name)
    return _kind(kind) | {
        "fields": [_field(spec) for spec in kind.fields],
        "forbidden": list(kind.forbidden),
    }


def example_yaml(voice: Voice, name: str) -> str:
    """The kind's example as YAML, ready for `--vars`."""
    import yaml

    return yaml.safe_dump(example(voice, name), allow_unicode=True, sort_keys=False, width=100)


def example(voice: Voice, name: str) -> dict[str, Any]:
    """The values of the kind's example. Raises `Misuse` for an unknown kind."""
    return dict(load_kind(voice, name)[0].example)


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


def _field(spec: catalogue.FieldSpec) -> dict[str, Any]:
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
