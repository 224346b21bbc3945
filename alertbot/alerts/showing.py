"""A stored alert as a reader is shown it: exactly the texts that were composed, with what they cost."""

from dataclasses import asdict
from typing import Any

from alertbot.alerts import conflicts, store_alerts, store_reading, views
from alertbot.alerts.compose import Composed, DraftRequest, compose_wishes, load_kind
from alertbot.alerts.store_reading import Alert
from alertbot.core.model import Composition, Fault, Identity, Purpose
from alertbot.core.words import language
from alertbot.db.sql import Connection
from alertbot.delivery import store_outbox
from alertbot.delivery.rules_forecast import cost, forecast
from alertbot.people import store_people
from alertbot.people.context import Context
from alertbot.texts.kinds import catalogue, kind_spec
from alertbot.texts.kinds.kind_spec import Kind
from alertbot.texts.preview.plain import plain_copy
from alertbot.texts.preview.sheet import Sheet
from alertbot.texts.publisher import Publisher

Document = dict[str, Any]


NOT_YET = Identity(incident="XXXX", alert="XXXX-1")  # a preview belongs to no incident yet


def look(publisher: Publisher, wishes: DraftRequest) -> Sheet:
    """What the public would see. With no values given, the kind's example."""
    if not wishes.given:
        kind, _frame = load_kind(publisher, wishes.kind)
        wishes = DraftRequest(
            kind.name, kind.example, wishes.languages, wishes.channels, wishes.accepted, wishes.exercise
        )
    return sheet_of(
        publisher, compose_wishes(publisher, wishes, NOT_YET, publisher.clock()), wishes.exercise
    )


def sheet_of(publisher: Publisher, composed: Composed, exercise: bool) -> Sheet:
    """The composition with its cost, its forecast and who must approve."""
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
    kind, _frame = load_kind(publisher, name)
    return _kind(kind) | {
        "fields": [_field(spec) for spec in kind.fields],
        "forbidden": list(kind.forbidden),
    }


def example_yaml(publisher: Publisher, name: str) -> str:
    """The kind's example as YAML, ready for `--vars`."""
    import yaml

    return yaml.safe_dump(example(publisher, name), allow_unicode=True, sort_keys=False, width=100)


def example(publisher: Publisher, name: str) -> dict[str, Any]:
    """The values of the kind's example. Raises `Misuse` for an unknown kind."""
    return dict(load_kind(publisher, name)[0].example)


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


def _field(spec: kind_spec.FieldSpec) -> dict[str, Any]:
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


async def show(service: Context, reference: str, token: str | None) -> dict[str, Any]:
    """An alert with its texts. With a token, what is shown is noted: `approve` then needs no digest.

    Keys that begin with `_` hold objects for the terminal and the page, not for JSON.
    """
    now = service.now

    async def look(conn: Connection) -> dict[str, Any]:
        alert = await store_reading.get(conn, reference)
        sheet = await stored_sheet(service, conn, alert)
        said = sheet.composition
        records = [asdict(one) for one in await store_reading.records_of(conn, alert.id)]
        return await views.full(conn, alert, now) | {
            "contradictions": await conflicts.beside(conn, alert, now),
            "values": alert.given,
            "messages": [views.message(one) for one in said.messages],
            "retraction": [views.message(one) for one in said.retraction],
            "targets": {name: len(group) for name, group in said.targets.items()},
            "cost": asdict(sheet.cost),
            "forecast": {"seconds": round(sheet.forecast.seconds, 3)},
            "records": records,
            **await views.around(conn, alert),
            "plain": plain_copy(said.messages),
            "_sheet": sheet,
            "_zone": service.publisher.zone,
        }

    async def look_and_note(conn: Connection) -> dict[str, Any]:
        person = await store_people.by_token(conn, token or "", now=now)
        await store_alerts.note_shown(conn, person, await store_reading.get(conn, reference), now=now)
        return await look(conn)

    if token:
        return await service.database.transact(look_and_note)
    return await service.database.read(look)


async def stored_sheet(service: Context, conn: Connection, alert: Alert) -> Sheet:
    """The sheet of an alert, its prepared retraction and its pictures included."""
    kind, _frame = load_kind(service.publisher, alert.kind)
    channels = tuple(
        channel
        for name in alert.channels
        if (channel := service.publisher.channels.get(name)) is not None
    )
    said = await _said(conn, alert)
    return Sheet(
        title=in_words(kind.title),
        composition=said,
        channels=channels,
        approvals=alert.approvals,
        cost=cost(said, channels),
        forecast=forecast(said, channels),
        speaker=service.publisher.organisation.name,
        exercise=alert.exercise,
    )


async def _said(conn: Connection, alert: Alert) -> Composition:
    texts = tuple((await store_reading.messages_of(conn, alert.id)).values())
    prepared = await store_reading.messages_of(conn, alert.id, Purpose.RETRACTION)
    shown = await store_outbox.get(conn, {one.picture for one in texts if one.picture})
    return Composition(
        kind=alert.kind,
        digest=alert.digest,
        messages=texts,
        targets=await store_reading.targets_of(conn, alert.id),
        faults=alert.faults,
        warnings=alert.warnings,
        accepted=tuple(Fault(rule, reason) for rule, reason in alert.accepted.items()),
        omitted=alert.omitted,
        promised=alert.promised,
        retraction=tuple(prepared.values()),
        pictures=tuple(shown.values()),
    )


async def brief(service: Context, reference: str) -> Document:
    """Where one alert stands, without its texts."""

    async def look(conn: Connection) -> Document:
        return await views.full(conn, await store_reading.get(conn, reference), service.now)

    return await service.database.read(look)
