"""Requests to write an alert: reading the values (`--vars`, `--set`), loading the kind, composing the texts; and
previews, which show the same texts and need no database."""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertbot.config.yaml_reader import in_yaml
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import Approvals, Channel, Composition, Fault, Identity, RawValues
from alertbot.core.words import _
from alertbot.delivery.rules_forecast import cost, forecast
from alertbot.texts.compose import compose
from alertbot.texts.fields import form, parse
from alertbot.texts.fields.parse import Parsed, load_values, merge_sets
from alertbot.texts.kinds import catalogue, kind_spec
from alertbot.texts.kinds.kind_spec import Kind, in_words
from alertbot.texts.preview.phrases import Sheet
from alertbot.texts.publisher import Publisher, effective
from alertbot.texts.request import ComposeRequest

if TYPE_CHECKING:
    from alertbot.alerts.chains import Chain


LARGEST_VALUES_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """An alert as requested. Empty `languages`: each channel's own; empty `channels`: every channel of
    the audience. `doubts`: what the register objects to; `judgements`: what a person may accept with a
    reason; `notes`: what approvers are told of values that were taken over."""

    kind: str
    given: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)
    exercise: bool = False
    doubts: tuple[Fault, ...] = ()
    judgements: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()


def read_values(text: str, name: str) -> RawValues:
    """Field values from a YAML mapping. Raises `Misuse` with the line of the error."""
    return load_values(text, name)


def field_values(sets: list[str] | None, file: Path | None) -> RawValues:
    """The values of `--vars FILE`, overridden by those of `--set`. Raises `Misuse` for a value that
    cannot be read."""
    return merge_sets(sets or [], read_values(text_of(file), str(file)) if file else {})


def text_of(path: Path) -> str:
    """The text of a values file. Raises `Misuse` if it cannot be read, is not text or is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_VALUES_FILE + 1)  # a device or a pipe has no size to ask for
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Misuse(_("{path} is not UTF-8 text; save it as UTF-8.").format(path=path)) from None
    except OSError as error:
        raise Misuse(_("{path} cannot be read: {why}.").format(path=path, why=error.strerror)) from None
    if len(content) > LARGEST_VALUES_FILE:
        raise Misuse(_("{path} is larger than 1 MB. Values must be smaller.").format(path=path))
    return text


QUERY_FIELDS = ("territories", "services")  # what the register is asked for; where, and which


@dataclass(frozen=True, slots=True)
class Composed:
    """The texts, with the kind, channels and values they were made from."""

    kind: Kind
    channels: tuple[Channel, ...]
    parsed: Parsed
    composition: Composition
    approvals: Approvals


def load_kind(publisher: Publisher, name: str) -> Kind:
    """Load one kind. Raises `Misuse` for an unknown name (suggesting the nearest), `ConfigInvalid` for a
    broken file."""
    return catalogue.load_kind(name, *publisher.folders)


def compose_wishes(
    publisher: Publisher,
    wishes: DraftRequest,
    identity: Identity,
    now: datetime,
    base: Path | None = None,
    chain: "Chain | None" = None,
) -> Composed:
    """Compose an alert for its channels, or for the recipients of the `chain` that it follows. Raises
    `Misuse` for an unknown kind, channel or language, `ConfigInvalid` for a broken kind."""
    kind = load_kind(publisher, wishes.kind)
    return compose_kind(publisher, kind, wishes, identity, now, base, chain)


def compose_kind(
    publisher: Publisher,
    kind: Kind,
    wishes: DraftRequest,
    identity: Identity,
    now: datetime,
    base: Path | None = None,
    chain: "Chain | None" = None,
) -> Composed:
    """Compose an alert of a kind that is already loaded. Raises `Misuse` for an unknown channel or
    language."""
    exercise = wishes.exercise
    channels = (
        chain.channels(publisher)
        if chain
        else publisher.choose(wishes.channels, exercise=exercise, audiences=kind.audiences)
    )
    languages = _languages(wishes, channels, kind)
    parsed = parse.parse(
        kind,
        wishes.given,
        languages=languages,
        timezone=publisher.zone,
        now=now,
        base=base,
        complete=True,
    )
    request = _request(publisher, kind, wishes, identity, now, parsed, channels, chain)
    approvals = effective(kind.approvals, publisher.overrides.get(kind.name))
    composition = _doubted(compose(request), wishes.doubts, channels)
    composition = replace(
        composition,
        warnings=(*composition.warnings, *wishes.notes),
        omitted=(*composition.omitted, *(chain.lost if chain else ())),
    )
    return Composed(kind, channels, parsed, composition, approvals)


def _request(
    publisher: Publisher,
    kind: Kind,
    wishes: DraftRequest,
    identity: Identity,
    now: datetime,
    parsed: Parsed,
    channels: tuple[Channel, ...],
    chain: "Chain | None",
) -> ComposeRequest:
    return ComposeRequest(
        kind=kind,
        parsed=parsed,
        channels=channels,
        languages=wishes.languages or None,
        organisation=publisher.organisation,
        identity=identity,
        now=now,
        exercise=wishes.exercise,
        frame=catalogue.load_frame(*publisher.folders) if wishes.exercise else None,
        accepted=wishes.accepted,
        prepared=catalogue.load_prepared(*publisher.folders),
        relation=chain.relation if chain else None,
        originals=chain.messages if chain else (),
        judgements=wishes.judgements,
    )


def asks(kind: Kind, given: Mapping[str, Any]) -> bool:
    """Whether the values query the register instead of giving rows."""
    return any(given.get(name) and kind.field(name) for name in QUERY_FIELDS)


def _doubted(
    composition: Composition, doubts: tuple[Fault, ...], channels: tuple[Channel, ...]
) -> Composition:
    """The composition plus the register's objections, if it reaches the public. Objections to single
    rows replace a general one."""
    if not doubts or not any(channel.audience.outward for channel in channels):
        return composition
    told = {doubt.rule for doubt in doubts} & {"unverified_number"}
    kept = (fault for fault in composition.faults if fault.rule not in told)
    return replace(composition, faults=(*kept, *doubts))


def languages_of(publisher: Publisher, wishes: DraftRequest, kind: Kind) -> tuple[str, ...]:
    """The languages in which such an alert is written. Raises `Misuse` for an unknown channel or language."""
    channels = publisher.choose(wishes.channels, exercise=wishes.exercise)
    spoken = _languages(wishes, channels, kind)
    own = spoken or publisher.organisation.languages  # no channel, as in an exercise without one
    return tuple(lang for lang in own if lang in kind.languages) or kind.languages


def _languages(wishes: DraftRequest, channels: tuple[Channel, ...], kind: Kind) -> tuple[str, ...]:
    """The languages that need values: those to be published for which the kind has a text; the others are left out.
    Raises `Misuse` for one that no channel publishes or no template has."""
    spoken = tuple(dict.fromkeys(lang for channel in channels for lang in channel.languages))
    for lang in wishes.languages:
        if lang not in kind.languages and lang not in spoken:
            raise Misuse(
                _("There is no language '{lang}'; the kind {kind} has: {known}.").format(
                    lang=lang, kind=kind.name, known=", ".join(kind.languages)
                )
            )
    wanted, written = wishes.languages or spoken, {lang for lang, _form in kind.templates}
    return tuple(lang for lang in wanted if lang in written) or wanted


def shift_times(raw: Mapping[str, Any], frozen: Mapping[str, Any], kind: Kind) -> RawValues:
    """The values for composing again (`submit --retime`): future times as typed, everything else as
    resolved.

    Times in the past (`past` fields: since when, noticed at) and numbers stay as they were.
    """
    ahead = {
        spec.name for spec in kind.fields if spec.type is kind_spec.FieldType.DATETIME and not spec.past
    }
    return {
        name: raw[name] if name in ahead and name in raw else value for name, value in frozen.items()
    }


OF_A_PREVIEW = Identity(incident="XXXX", alert="XXXX-1")  # belongs to no incident; never stored or sent


def look(publisher: Publisher, wishes: DraftRequest) -> Sheet:
    """What the public would see. Without values, the kind's example is used."""
    kind = load_kind(publisher, wishes.kind)
    if not wishes.given:
        wishes = replace(wishes, given=kind.example)
    composed = compose_kind(publisher, kind, wishes, OF_A_PREVIEW, publisher.clock())
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
        senders=publisher.senders(composed.channels),
        exercise=exercise,
    )


def kinds(publisher: Publisher) -> list[Kind]:
    """Every kind, in order of priority."""
    found = catalogue.load(*publisher.folders)
    return sorted(found, key=lambda kind: (kind.priority, kind.name))


def example_yaml(publisher: Publisher, name: str) -> str:
    """The kind's example as YAML, ready for `--vars`."""
    return in_yaml(example(publisher, name), width=100)


def example(publisher: Publisher, name: str) -> RawValues:
    """The values of the kind's example. Raises `Misuse` for an unknown kind."""
    return dict(load_kind(publisher, name).example)


def blank_form(publisher: Publisher, name: str) -> str:
    """Every field of the kind with its hint, ready to be filled in for `--vars`. Raises `Misuse` for an unknown
    kind."""
    kind = load_kind(publisher, name)
    languages = languages_of(publisher, DraftRequest(name), kind)
    return form.written(kind, {}, languages, title=f"{kind.name}: {in_words(kind.purpose)}")
