"""Showing a stored alert: exactly the texts that were composed, with their cost."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from alertbot.alerts import (
    conflicts,
    sealing,
    store_alerts,
    store_following,
    store_reading,
    verdicts,
    views,
)
from alertbot.alerts.addresses import erasing
from alertbot.alerts.compose import DraftRequest, languages_of, load_kind
from alertbot.alerts.requests import asked
from alertbot.alerts.rules_moves import OUT
from alertbot.alerts.store_following import KnownPost
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import (
    ActedUponPost,
    AlertView,
    CarriedNumberView,
    ChannelProgress,
    ShownAlertView,
)
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Composition, DeliveryState, Fault, Person, Purpose
from alertbot.core.words import _, told
from alertbot.db.sql import Connection
from alertbot.delivery import store_archive, store_listing, store_outbox
from alertbot.delivery.rules_forecast import cost, forecast
from alertbot.delivery.store_archive import ArchivedView
from alertbot.delivery.store_listing import Summary
from alertbot.numbers import store_numbers
from alertbot.numbers.rules_entry import standing
from alertbot.people import confirming, store_people
from alertbot.people.context import Context
from alertbot.texts.kinds.kind_spec import in_words
from alertbot.texts.preview.differences import ComparedText, compared
from alertbot.texts.preview.phrases import Sheet, when_reached
from alertbot.texts.preview.plain import plain_copy
from alertbot.texts.views import ForecastView, message_view


async def show(
    service: Context, reference: str, reader: str | Person | None, *, whole: bool = True
) -> ShownAlertView:
    """An alert with its texts. With a `reader` (a person's token, or a person who is signed in), what is shown is
    noted: `approve` then needs no digest. `whole`: whether the person is shown all that they would sign; else
    nothing is noted."""
    alert, view = await service.database.read(lambda conn: _look(service, conn, reference, reader))
    if isinstance(reader, str) or (reader and whole):
        await service.database.transact(
            lambda conn: _note_shown(service, conn, alert, reader, whole=whole)
        )
    return view


async def _note_shown(
    service: Context, conn: Connection, alert: Alert, reader: str | Person, *, whole: bool
) -> None:
    """Note the digest that was looked at, which may be an older one by now: `approve` then refuses it. With many
    readers looking takes seconds, in which others have to be able to write."""
    now = service.now
    if isinstance(reader, str):
        reader = await store_people.by_token(conn, reader, now=now)
    if whole:
        await store_alerts.note_shown(conn, reader, alert, now=now)


async def _look(
    service: Context, conn: Connection, reference: str, given: str | Person | None
) -> tuple[Alert, ShownAlertView]:
    now = service.now
    reader = await _reader(conn, given, now)
    alert = await store_reading.get(conn, reference)
    sheet = await _with_doubts(conn, alert, await stored_sheet(service, conn, alert))
    said = sheet.composition
    conflicting = await conflicts.beside(conn, alert, now)
    view = replace(
        await views.full(conn, alert, now),
        contradictions=conflicting,
        warnings=tuple(map(views.fault, said.warnings)),
        verdict=await verdicts.of(service, conn, alert, reader),
        asked=await asked.asked(conn, alert),
    )
    carried = await _numbers(conn, alert, now)
    archived = await store_archive.of_alert(conn, alert.id)
    gone = await erasing.of_alert(conn, alert, service.publisher.zone)
    record = (*_record(service, view, carried, archived), *gone)
    sheet = replace(sheet, verdict=view.verdict, record=record)
    return alert, ShownAlertView(
        **views.carried_over(view),
        values=alert.given,
        messages=tuple(map(message_view, said.messages)),
        retraction=tuple(map(message_view, said.retraction)),
        targets={name: len({one.address for one in group}) for name, group in said.targets.items()},
        cost=sheet.cost,
        forecast=ForecastView(seconds=round(sheet.forecast.seconds, 3)),
        posts=await _acted_upon(service, conn, alert),
        records=await store_reading.records_of(conn, alert.id),
        numbers=carried,
        archived=archived or None,
        follows=await views.followed(conn, alert),
        followed_by=await views.followers(conn, alert),
        reached_all_seconds=await views.reached_all_seconds(conn, alert),
        plain=plain_copy(said.messages),
        sheet=sheet,
        zone=service.publisher.zone,
    )


async def _reader(conn: Connection, given: str | Person | None, now: datetime) -> Person | None:
    if isinstance(given, str):
        return await store_people.reading_with(conn, given, now=now) if given else None
    return given


async def _with_doubts(conn: Connection, alert: Alert, sheet: Sheet) -> Sheet:
    """The sheet of what is still to be decided, with the warning that nobody has confirmed the country's facts."""
    open_ = alert.state in (AlertState.DRAFT, AlertState.PENDING)
    unread = await confirming.warning(conn) if open_ else None
    if unread is None:
        return sheet
    doubt = Fault("country_unconfirmed", unread)
    said = sheet.composition
    return replace(sheet, composition=replace(said, warnings=(doubt, *said.warnings)))


async def _numbers(conn: Connection, alert: Alert, now: datetime) -> tuple[CarriedNumberView, ...]:
    """The register's entries that the alert carries, and who verified each in the carried version."""
    carried = (await store_numbers.carried(conn, [alert.id]))[alert.id]
    if not carried:
        return ()
    ids = [one.entry for one in carried]
    present = {one.id: one for one in await store_numbers.entries(conn, ids=ids)}
    forms = await store_numbers.forms(conn, [(one.entry, one.version) for one in carried])
    checks = await store_numbers.checks_of(conn, ids)
    found = []
    for one in carried:
        entry, key = present[one.entry], (one.entry, one.version)
        read_back = [check for check in checks.get(key, ()) if check.matched]
        last = read_back[-1] if read_back else None
        row = entry.row if entry.row.version == one.version else None
        found.append(
            CarriedNumberView(
                entry=entry.name,
                version=one.version,
                row=str(forms.get(key, entry.row)),
                struck=one.struck,
                standing=str(standing(entry, now)),
                entered_by=entry.entered_by,
                verified_by=last.by if last else (row.verified_by or None) if row else None,
                verified_at=last.at if last else row.verified_at if row else None,
                call=last.call_result if last else None,
                called_at=last.call_at if last else None,
                note=last.note if last else None,
            )
        )
    return tuple(found)


def number_in_words(one: CarriedNumberView, zone: ZoneInfo) -> str:
    """Who verified a number, when and with which result, in one line."""
    named = f"{one.entry} {one.row}"
    if one.struck:
        return _("{row}: no longer to be called").format(row=named)
    if not one.verified_by or one.verified_at is None:
        return _("{row}: NOT VERIFIED (entered by {name})").format(row=named, name=one.entered_by)
    said = _("{row}: verified by {name} at {time}; {call}").format(
        row=named,
        name=one.verified_by,
        time=told(one.verified_at, zone),
        call=call_in_words(one.call),
    )
    return f"{said} ({one.note})" if one.note else said


def call_in_words(call: str | None) -> str:
    """How a test call went."""
    results = {
        "answered": _("the service answered the test call"),
        "no-answer": _("nobody answered the test call"),
        "busy": _("the test call was busy"),
        "wrong-service": _("another service answered the test call"),
    }
    return results.get(call or "", _("no test call"))


def _record(
    service: Context,
    view: AlertView,
    carried: Sequence[CarriedNumberView],
    archived: Sequence[ArchivedView],
) -> Iterator[tuple[str, str]]:
    """Who did what with a stored alert, for a page."""
    zone = service.publisher.zone
    yield _("Alert"), view.id
    yield _("Drafted"), _who(service, view.author, view.drafted_at)
    if view.assistant:
        yield _("Written by"), view.written_by
    if view.last_editor not in (None, view.author):
        yield _("Last edited by"), str(view.last_editor)
    if view.submitted_at:
        yield _("Submitted"), _who(service, view.submitter, view.submitted_at)
    count = _("{given} of {needed} given")
    approvals = view.approvals
    given = [_who(service, one.person, one.at) for one in approvals.given]
    said = count.format(given=len(given), needed=approvals.needed)
    yield _("Approvals"), "\n".join([said, *given])
    if view.approved_at:
        yield _("Approved"), service.clock(view.approved_at)
    if view.break_glass:
        yield _("Break-glass"), f"{view.break_glass.by}: {view.break_glass.reason}"
    if view.references:
        yield _("Follows"), ", ".join(view.references)
    if carried:
        yield _("Numbers"), "\n".join(number_in_words(one, zone) for one in carried)
    if archived:
        yield _("Archived"), "\n".join(archived_in_words(archived, zone).values())


def archived_in_words(archived: Sequence[ArchivedView], zone: ZoneInfo) -> dict[datetime, str]:
    """Where deliveries are that left the database: by the moment, a line for each channel and file."""
    sentence = _("{time}: {n} deliveries on {channel} are in the file {file}")
    counts: Counter[tuple[datetime, str, str]] = Counter()
    for one in archived:
        counts[one.at, one.channel, one.file] += one.number
    lines: dict[datetime, list[str]] = {}
    for (at, channel, file), number in counts.items():
        line = sentence.format(time=told(at, zone), n=number, channel=channel, file=file)
        lines.setdefault(at, []).append(line)
    return {at: "\n".join(some) for at, some in lines.items()}


def _who(service: Context, person: str | None, moment: datetime) -> str:
    said = service.clock(moment)
    return _("{time} by {person}").format(time=said, person=person) if person else said


async def outlook(service: Context, view: AlertView) -> AlertView:
    """The same alert after a verb, with how it stands, who was asked and what happens next."""

    async def look(conn: Connection) -> AlertView:
        alert = await store_reading.get(conn, view.id)
        verdict = await verdicts.of(service, conn, alert)
        if alert.state in (AlertState.PENDING, AlertState.APPROVED):
            sheet = await stored_sheet(service, conn, alert)
            reached = _("Last recipient reached: {when}").format(
                when=when_reached(sheet.forecast.seconds)
            )
            verdict = replace(verdict, further=(*verdict.further, reached))
        return replace(view, verdict=verdict, asked=await asked.asked(conn, alert))

    return await service.database.read(look)


async def begun(service: Context, view: AlertView) -> AlertView:
    """What follows an alert, as it was begun: a draft as it is, what was submitted with how it stands."""
    return view if view.state is AlertState.DRAFT else await outlook(service, view)


@dataclass(frozen=True, slots=True)
class Passing:
    """How far the deliveries of an approved alert have got. `over`: all are out, in doubt or given up; `stuck`: why
    nothing more goes out until somebody acts."""

    alert: AlertView
    over: bool
    stuck: tuple[str, ...]


async def passing(service: Context, reference: str) -> Passing:
    """How far an approved alert has got, channel by channel. Raises `Misuse` for an unknown alert."""

    async def look(conn: Connection) -> Passing:
        alert = await store_reading.get(conn, reference)
        found = await store_listing.summary(conn, alert.id)
        rates = await store_listing.rates(conn, alert.id)
        rows = tuple(_progress(found, name, rates.get(name)) for name in alert.channels)
        verdict = await verdicts.of(service, conn, alert)
        view = replace(await views.full(conn, alert, service.now), verdict=verdict, delivered=rows)
        over = alert.state not in (AlertState.APPROVED, AlertState.PUBLISHING)
        waiting = [one.channel for one in rows if one.waiting]
        return Passing(view, over, () if over else tuple(verdicts.stuck(alert, found, waiting)))

    return await service.database.read(look)


def _progress(found: Summary, channel: str, rate: float | None) -> ChannelProgress:
    failed: Counter[str] = Counter()
    for one in found.counts:
        if one.channel == channel and one.state is DeliveryState.FAILED:
            failed[one.reason or ""] += one.number
    plain = ChannelProgress(
        channel=channel, deliveries=_by_state(found, channel), failed=dict(failed) or None
    )
    if rate is None or not plain.left:
        return plain
    return replace(plain, per_second=round(rate, 1), seconds_left=round(plain.left / rate, 1))


def _by_state(found: Summary, channel: str) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for one in found.counts:
        if one.channel == channel:
            counted[str(one.state)] += one.number
    return dict(counted)


async def stored_sheet(service: Context, conn: Connection, alert: Alert) -> Sheet:
    """The sheet of an alert, its prepared retraction and its pictures included."""
    kind = load_kind(service.publisher, alert.kind)
    channels = tuple(
        channel
        for name in alert.channels
        if (channel := service.publisher.channels.get(name)) is not None
    )
    said = await _stored_composition(conn, alert)
    return Sheet(
        title=in_words(kind.title),
        composition=said,
        channels=channels,
        approvals=alert.approvals,
        cost=cost(said, channels),
        forecast=forecast(said, channels),
        speaker=service.publisher.organisation.name,
        senders=service.publisher.senders(channels),
        exercise=alert.exercise,
        acts_upon=_by_channel(await _acted_upon(service, conn, alert)),
    )


async def _acted_upon(service: Context, conn: Connection, alert: Alert) -> tuple[ActedUponPost, ...]:
    """The earlier posts that this alert may answer, edit or delete: those that are signed with it, of a draft
    those known now."""
    if alert.terms is None:
        posts = await sealing.known_posts(service, conn, alert)
    else:
        posts = tuple(KnownPost(*one) for one in alert.terms["posts"])
    if not posts:
        return ()
    urls = await store_following.urls(
        conn, [one.alert for one in posts], [one.channel for one in posts]
    )
    return tuple(
        ActedUponPost(
            channel=one.channel,
            alert=one.alert,
            address=one.url or urls.get((one.channel, one.remote_id)) or one.remote_id,
        )
        for one in posts
    )


def _by_channel(posts: Sequence[ActedUponPost]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in posts:
        found.setdefault(one.channel, []).append(f"{one.address} ({one.alert})")
    return found


async def _stored_composition(conn: Connection, alert: Alert) -> Composition:
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


@dataclass(frozen=True, slots=True)
class TextDifferences:
    """What differs in the texts of an alert. `public`: from what stands in public, which `standing` told; `seen`:
    from the `revision` that the reader was shown."""

    standing: str | None
    public: tuple[ComparedText, ...]
    revision: int | None
    seen: tuple[ComparedText, ...]


async def differences(
    service: Context, reference: str, reader: Person, *, since: int | None = None
) -> TextDifferences:
    """What differs in an alert's texts from what stands in public, and from what this person saw last (`since`:
    instead from that revision). To be asked before it is shown again. Raises `Misuse` for an unknown alert."""

    async def look(conn: Connection) -> TextDifferences:
        alert = await store_reading.get(conn, reference)
        texts = tuple((await store_reading.messages_of(conn, alert.id)).values())
        standing = await _standing_before(conn, alert)
        public = tuple((await store_reading.messages_of(conn, standing)).values()) if standing else ()
        seen = since or await store_reading.seen_revision(conn, reader.id, alert.id)
        changed = seen is not None and seen != alert.revision
        old = (
            (await store_reading.messages_of(conn, alert.id, revision=seen)).values() if changed else ()
        )
        return TextDifferences(
            standing,
            compared(public, texts) if standing else (),
            seen if changed else None,
            compared(tuple(old), texts) if changed else (),
        )

    return await service.database.read(look)


async def _standing_before(conn: Connection, alert: Alert) -> str | None:
    """The alert that this one follows, else the last of its incident that is out."""
    if alert.original:
        return alert.original
    out = await store_reading.listing(conn, states=OUT, incident=alert.incident)
    others = (one.id for one in out if one.id != alert.id and one.exercise == alert.exercise)
    return next(others, None)


async def brief(service: Context, reference: str) -> AlertView:
    """The state of one alert, without its texts. Raises `Misuse` for an unknown alert."""

    async def look(conn: Connection) -> AlertView:
        return await views.full(conn, await store_reading.get(conn, reference), service.now)

    return await service.database.read(look)


async def opened(service: Context, reference: str) -> views.OpenedAlert:
    """The alert's kind and resolved values, ready to be edited by hand. Raises `Misuse` if there is none."""
    alert = await service.database.read(lambda conn: store_reading.get(conn, reference))
    kind = load_kind(service.publisher, alert.kind)
    wishes = DraftRequest(alert.kind, {}, alert.languages, alert.channels, exercise=alert.exercise)
    languages = languages_of(service.publisher, wishes, kind)
    return views.OpenedAlert(alert.id, kind, dict(alert.given), languages, alert.revision)
