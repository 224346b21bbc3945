"""What is to be said of a value while a person types it: whether it can be read, how it is understood, and how
much room it leaves in the shortest form; and the whole alert as it would stand, from what is typed so far."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alertbot.alerts import apart, chains, store_reading, writing
from alertbot.alerts.chains import Chain
from alertbot.alerts.compose import (
    OF_A_PREVIEW,
    DraftRequest,
    compose_kind,
    languages_of,
    load_kind,
    sheet_of,
)
from alertbot.alerts.lists import register
from alertbot.core.frozen import dataclass
from alertbot.core.model import Identity, Message, RawValues
from alertbot.core.words import _, language
from alertbot.db.sql import Connection
from alertbot.people.context import Context
from alertbot.regions.region import Service, Territory
from alertbot.texts import lint
from alertbot.texts.fields import parse
from alertbot.texts.fields.values import Choice, Value
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Kind
from alertbot.texts.preview.phrases import Sheet
from alertbot.texts.publisher import Publisher
from alertbot.texts.wording.phrasing import which_of_two

STAND_IN = "…"  # for a text that is still to be written
JUDGED_WHOLE = frozenset({"missing", "language_missing", "cause_without_certainty"})


@dataclass(frozen=True, slots=True)
class RoomLeft:
    """How many characters the tightest post of a language has left."""

    channel: str
    lang: str
    characters: int


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """`fault`: why the value cannot stay; `understood`: a time or places as read; `warning`: what would stop the
    alert, or a channel of it, as a whole."""

    fault: str = ""
    understood: str = ""
    warning: str = ""
    room: RoomLeft | None = None


def check(
    publisher: Publisher, kind: Kind, wishes: DraftRequest, spec: FieldSpec, lang: str = ""
) -> LiveCheck:
    """Judge the value of `spec` in `wishes.given`; `lang`: the language that is being typed."""
    fault, understood = _read(publisher, kind, wishes, spec, lang)
    if fault or spec.type is FieldType.NUMBERS:
        return LiveCheck(fault, understood)
    warning, room = _room(publisher, kind, wishes, spec, lang)
    return LiveCheck(fault, understood, warning, room)


async def as_typed(service: Context, wishes: DraftRequest, alert: str | None = None) -> Sheet:
    """What the public would see of these values, with the register's rows where they ask for them; nothing is
    stored. Words that are still missing stand as `STAND_IN`, and are faults all the same. `alert`: the one that is
    being edited, whose chain it follows. Raises `Misuse` or `Faulty` for values that cannot be read."""
    kind, now = load_kind(service.publisher, wishes.kind), service.now

    async def look(conn: Connection) -> tuple[DraftRequest, Identity, Chain | None]:
        if alert is None:
            asked = await register.resolve(conn, service, wishes, now=now, incident=None)
            return asked, OF_A_PREVIEW, None
        known = await store_reading.get(conn, alert)
        identity = Identity(known.incident, known.id, known.references)
        stops = chains.stopped_by(known.relation, known.references)
        asked = await register.resolve(
            conn, service, wishes, now=now, incident=known.incident, alert=known.id, stops=stops
        )
        return asked, identity, await writing.chain_of(service, conn, known)

    database = service.database  # a chain is read as for a draft that is written
    asked, identity, chain = await (database.transact(look) if alert else database.read(look))

    def work() -> Sheet:
        made = compose_kind(service.publisher, kind, asked, identity, now, chain=chain)
        if made.composition.messages:
            return sheet_of(service.publisher, made, asked.exercise)
        whole = replace(asked, given=_with_stand_ins(service.publisher, kind, asked))
        likely = compose_kind(service.publisher, kind, whole, identity, now, chain=chain)
        sheet = sheet_of(service.publisher, likely, asked.exercise)
        shown = likely.composition
        told = replace(made.composition, messages=shown.messages, targets=shown.targets)
        return replace(sheet, composition=told)

    return await apart.beside(work)


def _with_stand_ins(publisher: Publisher, kind: Kind, wishes: DraftRequest) -> RawValues:
    """The values, with a stand-in for words that are needed and not given; never for a place, a time or a number."""
    languages = languages_of(publisher, wishes, kind)
    found: RawValues = dict(wishes.given)
    wanted = {*_stand_ins(kind, wishes.given), *wishes.given}
    for spec in kind.fields:
        if spec.type is FieldType.TEXT and spec.name in wanted:
            said = found.get(spec.name) or {}
            texts = said if isinstance(said, Mapping) else dict.fromkeys(languages, said)
            found[spec.name] = {lang: texts.get(lang) or STAND_IN for lang in languages}
    return found


def _read(
    publisher: Publisher, kind: Kind, wishes: DraftRequest, spec: FieldSpec, lang: str
) -> tuple[str, str]:
    parsed = parse.parse(
        kind,
        wishes.given,
        languages=languages_of(publisher, wishes, kind),
        timezone=publisher.zone,
        now=publisher.clock(),
        complete=False,
    )
    for one in (*parsed.faults, *lint.fields(kind, parsed.values)):
        about = one.field == spec.name and one.lang in (None, lang) and not one.acceptable
        if about and one.rule not in JUDGED_WHOLE:
            return one.message.removeprefix(parse.about(spec, "")), ""
    value = parsed.values.get(spec.name)
    return "", "" if value is None else _understood(value, publisher)


def _understood(value: Value, publisher: Publisher) -> str:
    if isinstance(value, datetime):
        local = value.astimezone(publisher.zone)
        time = f"{local:%Y-%m-%d %H:%M}{which_of_two(local, language())}"
        return _("{time} ({zone})").format(time=time, zone=publisher.zone.key)
    if isinstance(value, Choice):
        return value.in_lang(language())
    if isinstance(value, tuple):
        places = [one.name_in(language()) for one in value if isinstance(one, Territory | Service)]
        return ", ".join(places)
    return ""


def _room(
    publisher: Publisher, kind: Kind, wishes: DraftRequest, spec: FieldSpec, lang: str
) -> tuple[str, RoomLeft | None]:
    channels = publisher.choose(wishes.channels, exercise=wishes.exercise)
    limit = min((one.spec.limit for one in channels if one.spec.limit), default=None)
    tight = tuple(one.name for one in channels if one.spec.limit == limit)
    if limit is None:
        return "", None
    given = {**_stand_ins(kind, wishes.given), **wishes.given}
    request = replace(wishes, given=given, channels=tight)
    said = compose_kind(publisher, kind, request, OF_A_PREVIEW, publisher.clock()).composition
    over = [
        one.message
        for one in said.faults
        if one.rule in ("too_long", "too_many_parts") and one.lang in (None, lang or one.lang)
    ]
    posts = [one for one in said.messages if one.limit and one.lang == (lang or one.lang)]
    return next(iter(over), ""), _tightest(_with_value(posts, wishes.given.get(spec.name), lang))


def _stand_ins(kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each field that is needed and not given yet; a text takes no room."""
    found: dict[str, Any] = {}
    needed = {spec.name for spec in kind.fields if spec.required}
    needed |= {names[0] for names in kind.one_of if not any(given.get(name) for name in names)}
    for spec in kind.fields:
        if spec.name in needed and not given.get(spec.name):
            text = spec.type is FieldType.TEXT
            found[spec.name] = STAND_IN if text else kind.example.get(spec.name)
    return found


def _with_value(posts: Sequence[Message], value: Any, lang: str) -> Sequence[Message]:
    """The posts that say this text, else all of them."""
    text = value.get(lang) if isinstance(value, Mapping) else value
    words = " ".join(str(text or "").split()).rstrip(".")
    return [one for one in posts if words and words in " ".join(one.text.split())] or posts


def _tightest(posts: Sequence[Message]) -> RoomLeft | None:
    rooms = [RoomLeft(one.channel, one.lang, (one.limit or 0) - one.length) for one in posts]
    return min(rooms, key=lambda room: room.characters, default=None)
