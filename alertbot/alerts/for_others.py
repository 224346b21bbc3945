"""What others than the public get, made from the values of a public alert: a release for the press, a text for the radio,
a poster, a brief for those who answer the public, and the next shift's handover. To a file, or as an alert of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alertbot.alerts import store_incidents, store_reading, writing
from alertbot.alerts.compose import DraftRequest, load_kind
from alertbot.alerts.lists import public_numbers
from alertbot.alerts.lists.rules_lists import NUMBERS
from alertbot.alerts.requests import asked
from alertbot.alerts.rules_moves import state_word
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Faulty, Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Fault, Identity, Person, RawValues, Relation
from alertbot.core.words import _, spoken
from alertbot.db.sql import Connection
from alertbot.people import store_tasks
from alertbot.people.context import Context
from alertbot.texts import compose
from alertbot.texts.fields import parse
from alertbot.texts.kinds import catalogue
from alertbot.texts.kinds.kind_spec import Kind
from alertbot.texts.posts import pieces
from alertbot.texts.posts.pieces import Edition
from alertbot.texts.request import ComposeFindings, ComposeRequest
from alertbot.texts.wording.markup import Block

FORMS = {  # by name: the kind and which of its texts
    "press": ("press", "long"),
    "radio": ("press", "radio"),
    "poster": ("press", "poster"),
    "relay": ("relay", "long"),
    "handover": ("handover", "long"),
}
HANDOVER = "handover"
WAITING = (AlertState.DRAFT, AlertState.PENDING, AlertState.RETURNED, AlertState.APPROVED)


@dataclass(frozen=True, slots=True)
class OtherText:
    """One language of such a text. `notes`: what its reader must know who hands it on."""

    lang: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class OtherTexts:
    """Such a text in every language asked for."""

    texts: tuple[OtherText, ...]
    notes: tuple[str, ...] = ()


async def made(
    service: Context, reference: str, form: str, languages: Sequence[str], given: Mapping[str, object]
) -> OtherTexts:
    """This alert's text for others. `given`: values laid over those of the alert, such as a quote. Raises `Misuse` for
    an unknown form or language, `Faulty` for a value that cannot be read, `Refused` if the text cannot be made."""
    if form not in FORMS:
        known = ", ".join(FORMS)
        raise Misuse(_("There is no text “{form}”; use one of {known}.").format(form=form, known=known))
    name, which = FORMS[form]
    kind = load_kind(service.publisher, name)

    async def look(conn: Connection) -> tuple[Alert, RawValues]:
        alert = await store_reading.get(conn, reference)
        return alert, await values(service, conn, alert, kind)

    alert, said = await service.database.read(look)
    ours = service.publisher.organisation.languages
    lacking = [lang for lang in ours if not languages and (lang, which) not in kind.templates]
    wanted = languages or [lang for lang in ours if lang not in lacking] or ours
    issued = service.now if form == HANDOVER else alert.composed_at
    texts = tuple(
        _text(service, alert, kind, which, lang, {**said, **given}, frozenset(given), issued)
        for lang in wanted
    )
    left_out = [_no_text(kind, which, lang) for lang in lacking]
    return OtherTexts(texts, (*_notes(service, alert, form, wanted), *left_out))


def _no_text(kind: Kind, form: str, lang: str) -> str:
    sentence = _("{kind} has no text in “{lang}”: {file} is missing in your messages folder.")
    return sentence.format(kind=kind.name, lang=lang, file=f"{kind.name}/{lang}/{form}.md.j2")


def _text(
    service: Context,
    alert: Alert,
    kind: Kind,
    form: str,
    lang: str,
    said: Mapping[str, object],
    typed: frozenset[str],
    issued: datetime,
) -> OtherText:
    template = kind.templates.get((lang, form))
    if template is None:
        raise Misuse(_no_text(kind, form, lang))
    desk = _desk(service, alert, kind, said, (lang,), issued)
    unread = [one for one in desk.request.parsed.faults if one.field and one.field in typed]
    if unread:
        raise Faulty(_("Some values could not be read; nothing was written."), unread)
    one = compose.edition(
        desk, template, lang, kind.title.get(lang, kind.name), contact=_contact(service, lang)
    )
    if one is None:
        raise _impossible(alert, desk.faults)
    (whole,) = pieces.long_text(one, None, parts=False, anchors=False).posts
    return OtherText(lang, one.subject, whole.blocks)


def _impossible(alert: Alert, faults: Sequence[Fault]) -> Refused:
    why = " ".join(one.message for one in faults[:3])
    return Refused(_("This text of {alert} cannot be made: {why}").format(alert=alert.id, why=why))


def _desk(
    service: Context,
    alert: Alert,
    kind: Kind,
    given: Mapping[str, object],
    languages: Sequence[str],
    issued: datetime,
) -> ComposeFindings:
    publisher = service.publisher
    parsed = parse.parse(
        kind, given, languages=languages, timezone=publisher.zone, now=service.now, complete=True
    )
    return ComposeFindings(
        ComposeRequest(
            kind=kind,
            parsed=parsed,
            channels=(),
            languages=tuple(languages),
            organisation=publisher.organisation,
            identity=Identity(alert.incident, alert.id, alert.references),
            now=issued,
            exercise=alert.exercise,
            frame=catalogue.load_frame(*publisher.folders) if alert.exercise else None,
        )
    )


def _contact(service: Context, lang: str) -> str:
    """Whom the press may ask: the first contact that a channel has in this language."""
    found = (one.contact.get(lang, "") for one in service.publisher.channels.values())
    return next(filter(None, found), "")


def _notes(service: Context, alert: Alert, form: str, languages: Sequence[str]) -> Iterable[str]:
    if alert.state not in (*_OUT, AlertState.APPROVED) and form != HANDOVER:
        sentence = _("{alert} is {state}: nobody has approved what it says.")
        yield sentence.format(alert=alert.id, state=state_word(alert.state))
    if form == "press" and not all(_contact(service, lang) for lang in languages):
        yield _("The release names no press contact: set `contact` on a channel.")


_OUT = (AlertState.PUBLISHING, AlertState.PUBLISHED, AlertState.PARTLY_PUBLISHED)


async def add(
    service: Context, conn: Connection, actor: Person, about: Alert, kind: Kind, said: DraftRequest
) -> Alert:
    """Write a draft of a kind that is not public, about a public alert. It goes to the channels of its own audience and
    leaves the public alert as it is."""
    given = writing.overlay(await values(service, conn, about, kind), said.given)
    wishes = replace(said, given=given, languages=about.languages, exercise=about.exercise)
    return await writing.add(
        service, conn, actor, wishes, incident=about.incident, references=(about.id,)
    )


# --- the values of a public alert, for a kind that is not public ------------------------------------


async def values(service: Context, conn: Connection, alert: Alert, kind: Kind) -> RawValues:
    """What this alert says, in the fields of a kind for others: its headline, its facts, its promise; for the next
    shift also the state of its incident."""
    source = alert
    if alert.relation is Relation.RETRACTION and alert.original:
        source = await store_reading.get(conn, alert.original)
    found: RawValues = {}
    if source is alert:
        found = {one.name: alert.given[one.name] for one in kind.fields if one.name in alert.given}
    else:
        names = ("no_danger", "you_may", "where")
        found = {name: source.given[name] for name in names if name in source.given}
    found["headline"] = _headline(service, alert, source)
    found["update_due"] = alert.given.get("next_update")
    if kind.name == HANDOVER:
        found |= await _state(service, conn, alert)
    known = {one.name for one in kind.fields}
    return {name: value for name, value in found.items() if name in known and value}


def _headline(service: Context, alert: Alert, source: Alert) -> dict[str, str]:
    """The subject of the public text in each language, without the reference. `source`: whose values it has."""
    kind, languages = (
        load_kind(service.publisher, source.kind),
        service.publisher.organisation.languages,
    )
    desk = _desk(service, source, kind, source.given, languages, source.composed_at)
    prepared = catalogue.load_prepared(*service.publisher.folders)
    templates = kind.templates if source is alert else prepared.retraction
    found = {}
    for lang in languages:
        template, title = templates.get((lang, "long")), kind.title.get(lang, kind.name)
        if template is None:
            continue
        one: Edition | None = compose.edition(desk, template, lang, title, fields=source is alert)
        subject = replace(one, marks=None).text.subject() if one else title
        found[lang] = (subject or title).removesuffix(f"[{source.id}]").strip()
    return found


async def _state(service: Context, conn: Connection, alert: Alert) -> RawValues:
    """What the next shift must know of the incident besides its last alert."""
    incident = await store_incidents.get(conn, alert.incident)
    told = await public_numbers.by_incident(conn, incident.id, service.now, exercise=alert.exercise)
    every = await store_reading.listing(conn, incident=incident.id)
    waiting = [one for one in every if one.state in WAITING and one.exercise is alert.exercise]
    requests = [line for one in waiting for line in await asked.requests_in_words(service, conn, one)]
    tasks = [one for one in await store_tasks.open_tasks(conn) if one.incident in (None, incident.id)]
    open_ones = [f"{one.id} ({one.kind}): {state_word(one.state)}" for one in waiting]
    open_ones += [f"{one.id}: {one.text}" for one in tasks]
    languages = service.publisher.organisation.languages
    return {
        NUMBERS: public_numbers.frozen(told.in_force),
        "state": {lang: _state_words(service, incident, lang) for lang in languages},
        "asked": "\n".join(requests),
        "open_tasks": "\n".join(open_ones),
    }


def _state_words(service: Context, incident: store_incidents.Incident, lang: str) -> str:
    with spoken(lang):
        if incident.closed_at is not None:
            return _("closed since {time}").format(time=service.clock(incident.closed_at))
        if incident.state is None or incident.state_since is None:
            return _("open since {time}").format(time=service.clock(incident.opened_at))
        said = _("{state} since {time}")
        return said.format(state=_in_words(incident.state), time=service.clock(incident.state_since))


def _in_words(state: str) -> str:
    """The state of an incident, for people who read no status pages."""
    return {
        "investigating": _("being looked into"),
        "identified": _("cause found, not repaired yet"),
        "degraded": _("working in part"),
        "down": _("not working"),
        "stabilised": _("stable, not yet confirmed"),
        "resolved": _("confirmed as restored"),
        "maintenance": _("maintenance"),
    }.get(state, state)
