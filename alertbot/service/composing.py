"""From what somebody asked for to the finished texts. No database, no clock: `now` comes in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertbot.approval.policy import effective
from alertbot.compose import catalogue, fields
from alertbot.compose.catalogue import Frame, Kind
from alertbot.compose.compose import Request, compose
from alertbot.compose.fields import Parsed
from alertbot.errors import Misuse
from alertbot.model import Approvals, Audience, Channel, Composition, Fault, Identity
from alertbot.service.voice import Voice
from alertbot.service.wishes import Wishes
from alertbot.words import _

if TYPE_CHECKING:
    from alertbot.service.chains import Chain

QUERY_FIELDS = ("territories", "services")  # what the register is asked for; where, and which


@dataclass(frozen=True, slots=True)
class Composed:
    """The texts, with the kind, channels and values they came from."""

    kind: Kind
    channels: tuple[Channel, ...]
    parsed: Parsed
    composition: Composition
    approvals: Approvals


def load_kind(voice: Voice, name: str) -> tuple[Kind, Frame]:
    """One kind and the exercise frame. Raises `Misuse` (nearest name) or `ConfigInvalid`."""
    return catalogue.load_kind(name, *voice.folders), catalogue.load_frame(*voice.folders)


def compose_wishes(
    voice: Voice,
    wishes: Wishes,
    identity: Identity,
    now: datetime,
    base: Path | None = None,
    chain: "Chain | None" = None,
) -> Composed:
    """Compose an alert for its channels, or for whom the `chain` reached that it follows. Raises `Misuse`
    for an unknown kind, channel or language."""
    kind, frame = load_kind(voice, wishes.kind)
    channels = (
        chain.channels(voice) if chain else voice.choose(wishes.channels, exercise=wishes.exercise)
    )
    languages = _languages(wishes, channels, kind)
    parsed = fields.parse(
        kind,
        wishes.given,
        languages=languages,
        timezone=voice.zone,
        now=now,
        base=base,
        complete=True,
    )
    request = Request(
        kind=kind,
        parsed=parsed,
        channels=channels,
        languages=wishes.languages or None,
        organisation=voice.organisation,
        identity=identity,
        now=now,
        exercise=wishes.exercise,
        frame=frame,
        accepted=wishes.accepted,
        prepared=catalogue.load_prepared(*voice.folders),
        relation=chain.relation if chain else None,
        originals=chain.messages if chain else (),
    )
    approvals = effective(kind.approvals, voice.overrides.get(kind.name))
    composition = _doubted(compose(request), wishes.doubts, channels)
    if chain:
        composition = replace(composition, omitted=(*composition.omitted, *chain.lost))
    return Composed(kind, channels, parsed, composition, approvals)


def asks(kind: Kind, given: Mapping[str, Any]) -> bool:
    """Whether the values ask the register for its rows instead of giving them."""
    return any(given.get(name) and kind.field(name) for name in QUERY_FIELDS)


def _doubted(
    composition: Composition, doubts: tuple[Fault, ...], channels: tuple[Channel, ...]
) -> Composition:
    """With what the register says against it, where it reaches the public. Where the register names each
    row, a sum of them says nothing more."""
    if not doubts or not any(channel.audience is Audience.LIVE for channel in channels):
        return composition
    told = {doubt.rule for doubt in doubts} & {"unverified_number"}
    kept = (fault for fault in composition.faults if fault.rule not in told)
    return replace(composition, faults=(*kept, *doubts))


def _languages(wishes: Wishes, channels: tuple[Channel, ...], kind: Kind) -> tuple[str, ...]:
    """The languages that go out. Raises `Misuse` for one that no channel speaks or no template knows."""
    spoken = tuple(dict.fromkeys(lang for channel in channels for lang in channel.languages))
    for lang in wishes.languages:
        if lang not in kind.languages and lang not in spoken:
            raise Misuse(
                _("There is no language '{lang}' here; the kind {kind} has: {known}.").format(
                    lang=lang, kind=kind.name, known=", ".join(kind.languages)
                )
            )
    return wishes.languages or spoken


def shift_times(raw: Mapping[str, Any], frozen: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """Values for rendering anew (`submit --retime`): as typed for times ahead, as resolved for the rest.

    A time that has been (`past` fields: since when, noticed at) stays where it was; numbers stay as they
    were loaded.
    """
    ahead = {
        spec.name for spec in kind.fields if spec.type is catalogue.FieldType.DATETIME and not spec.past
    }
    return {
        name: raw[name] if name in ahead and name in raw else value for name, value in frozen.items()
    }
