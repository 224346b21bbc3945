"""`status` and `deliveries`: the state of everything, and what needs a person. Changes nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from alertbot.alerts import sealing, store_reading, views
from alertbot.alerts.addresses import store_erasing
from alertbot.alerts.hand import giving
from alertbot.alerts.requests import asked
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import RequestView
from alertbot.core.errors import Misuse
from alertbot.core.loops import in_thread
from alertbot.core.model import OPEN_STATES, AlertState, Channel, DeliveryState, Markup
from alertbot.core.words import _
from alertbot.db import audit, comparing
from alertbot.db.audit import AuditRow
from alertbot.db.comparing import Comparison
from alertbot.db.sql import Connection
from alertbot.delivery import store_listing
from alertbot.delivery.store_listing import Summary
from alertbot.delivery.views import DeliveryView
from alertbot.ops import leading
from alertbot.ops.views import (
    AlertLineView,
    AuditHeadView,
    AuditVerdictView,
    ChannelView,
    NeedView,
    ReasonView,
    SightView,
    StatusView,
    WorkerView,
)
from alertbot.pages import truth
from alertbot.people import store_people, tasks
from alertbot.people.context import Context
from alertbot.people.rules import Duty
from alertbot.watch import reminders, store_preapprovals
from alertbot.watch.context import WatchContext
from alertbot.watch.witness import store_looks

RECENT = 20  # alerts that `status` lists
IN_WORDS = 8  # and a chat


async def deliveries(
    service: WatchContext,
    reference: str | None,
    state: str | None,
    limit: int | None,
    *,
    channel: str | None = None,
    before: int | None = None,
) -> list[DeliveryView]:
    """Every delivery, oldest first; with `limit` the newest written before the one `before`. Raises `Misuse` for an
    unknown state."""
    wanted = None if state is None else _state(state)

    async def look(conn: Connection) -> list[DeliveryView]:
        alert = (await store_reading.get(conn, reference)).id if reference else None
        states = (wanted,) if wanted else ()
        return await store_listing.deliveries(
            conn, alert, states=states, limit=limit, channel=channel, before=before
        )

    return await service.database.read(look)


async def status(service: WatchContext, reference: str | None) -> StatusView:
    """What was sent, what waits, what needs a person."""

    async def look(conn: Connection) -> StatusView:
        one = await store_reading.get(conn, reference) if reference else None
        found = (one,) if one else await store_reading.listing(conn, limit=RECENT)
        names = [alert.id for alert in found]
        summary = await store_listing.summary(conn, one.id if one else None, shown=names)
        chores = await tasks.waiting(
            conn, alert=one.id if one else None, incident=one.incident if one else None
        )
        chores = await giving.as_they_stand(conn, chores)
        needs = [
            *await _countdowns(service, conn),
            *await _needs(service, conn, found, summary),
            *await _false_pages(service, conn),
            *tasks.sentences(chores),
        ]
        return StatusView(
            now=service.now,
            halted=summary.halted,
            halted_alerts=summary.halted_alerts,
            worker=WorkerView(alive=summary.alive, watching=await leading.watchers(conn)),
            oldest_waiting_seconds=summary.oldest_pending,
            alerts=await _lines(service, conn, found, summary),
            channels=_channels(service, summary, await store_listing.failing(conn)),
            asked=tuple(await _requests(conn, found)),
            open=tuple(NeedView(message=one) for one in needs),
            tasks=tuple(chores),
        )

    await reminders.look_if_possible(service)
    return await service.database.read(look)


async def in_words(service: WatchContext) -> str:
    """The same in plain text, for a chat."""
    found = await status(service, None)
    lines = [_("EVERYTHING IS HALTED.")] if found.halted else []
    if not found.worker.alive:
        lines.append(_("NO WORKER is running: nothing goes out."))
    lines += filter(None, [found.worker.watching.said])
    lines += [f"{one.id} {one.kind}: {one.state}" for one in found.alerts[:IN_WORDS]]
    if not found.alerts:
        lines.append(_("There are no alerts."))
    lines += [f"• {one.message}" for one in found.open]
    return "\n".join(lines)


async def audit_verify(service: WatchContext, head: str | None) -> AuditVerdictView:
    """The chain of the audit, and every table against it. Raises `Misuse` for a head that is too short."""

    async def look(conn: Connection) -> tuple[Comparison, list[str], int]:
        compared = await comparing.compare(conn, head)
        erased = await store_erasing.sealed(conn)
        return compared, await other_texts(conn, compared.alerts), erased

    found, texts, erased = await service.database.read(look)
    problems = (*found.verdict.problems, *found.problems, *texts)
    return AuditVerdictView(
        sound=not problems,
        count=found.verdict.count,
        head=found.verdict.digest,
        reason=" ".join(problems),
        problems=problems,
        before=found.before,
        erased=erased,
    )


async def other_texts(conn: Connection, ids: Sequence[str]) -> list[str]:
    """Which of these alerts have stored texts and targets that do not make their digest; what somebody has
    written there may be anything."""
    wrong = []
    unreadable = _("Table alert, row {alert}: it cannot be read.")
    different = _(
        "Tables message and target, {alert}: the texts and targets do not make the digest {digest} that the"
        " audit names."
    )
    for name in ids:
        try:
            alert = await store_reading.get(conn, name)
            said = await store_reading.stored_texts(conn, alert.id, alert.channels)
            agreed = await in_thread(partial(sealing.disagreement, alert, said, alert.digest)) is None
        except (ValueError, LookupError, TypeError, AttributeError):
            wrong.append(unreadable.format(alert=name))
            continue
        if not agreed:
            wrong.append(different.format(alert=name, digest=alert.digest[:12]))
    return wrong


async def audit_head(service: WatchContext) -> AuditHeadView:
    found = await service.database.read(audit.head)
    return AuditHeadView(count=found.count, head=found.digest)


async def audit_export(service: WatchContext) -> list[AuditRow]:
    """Every row of the audit, in order."""

    async def look(conn: Connection) -> list[AuditRow]:
        return [row async for row in audit.export(conn)]

    return await service.database.read(look)


def _state(word: str) -> DeliveryState:
    try:
        return DeliveryState(word)
    except ValueError:
        raise Misuse(
            _("There is no state '{word}'; the states are {known}.").format(
                word=word, known=", ".join(DeliveryState)
            )
        ) from None


async def sights(service: WatchContext, alert: str) -> tuple[SightView, ...]:
    """What a stranger saw of an alert, on each channel that has a witness."""

    async def look(conn: Connection) -> tuple[SightView, ...]:
        return tuple(map(_sight, await store_looks.sights(conn, [alert])))

    return await service.database.read(look)


def _sight(one: store_looks.Sight) -> SightView:
    since = None if one.since is None else datetime.fromtimestamp(one.since, UTC)
    return SightView(channel=one.channel, witness=one.verdict, visible_since=since)


async def _lines(
    service: WatchContext, conn: Connection, found: Sequence[Alert], summary: Summary
) -> tuple[AlertLineView, ...]:
    seen: dict[str, list[SightView]] = {}
    for one in await store_looks.sights(conn, [alert.id for alert in found]):
        seen.setdefault(one.alert, []).append(_sight(one))
    lines = [await _line(service, conn, alert, summary) for alert in found]
    return tuple(replace(one, sights=tuple(seen.get(one.id, ()))) for one in lines)


async def _line(
    service: WatchContext, conn: Connection, alert: Alert, summary: Summary
) -> AlertLineView:
    counts = await store_listing.publication(conn, alert.id)
    return AlertLineView(
        id=alert.id,
        kind=alert.kind,
        state=_shown_state(service, alert),
        exercise=alert.exercise,
        since=alert.approved_at or alert.submitted_at or alert.drafted_at,
        reason=alert.reason or _held_back(service, alert),
        reached_all_seconds=await views.reached_all_seconds(conn, alert),
        deliveries={str(state): count for state, count in counts.items() if count},
        reasons=tuple(
            ReasonView(channel=one.channel, state=one.state, reason=one.reason, count=one.number)
            for one in summary.counts
            if one.alert == alert.id and one.reason
        ),
        omitted=alert.omitted,
    )


def _held_back(service: WatchContext, alert: Alert) -> str | None:
    """Why an approved alert is not being sent yet, if that was intended."""
    if alert.state is not AlertState.APPROVED or alert.approved_at is None:
        return None
    starts = max(alert.not_before or alert.approved_at, alert.approved_at + service.publish_delay)
    if starts <= service.now:
        return None
    return _("Goes out no earlier than {time}.").format(time=service.clock(starts))


def _shown_state(service: WatchContext, alert: Alert) -> AlertState:
    """The state to show: a pending alert past its deadline is expired, whether or not a worker has
    recorded it."""
    late = alert.pending_until is not None and alert.pending_until <= service.now
    return AlertState.EXPIRED if late and alert.state is AlertState.PENDING else alert.state


def _channels(
    service: WatchContext, summary: Summary, failing: Mapping[str, str]
) -> tuple[ChannelView, ...]:
    flags = {one.channel: one for one in summary.accounts}
    waiting: Counter[str] = Counter()
    for one in summary.counts:
        waiting[one.channel] += one.number if one.state in OPEN_STATES else 0
    return tuple(
        _channel(channel, flags.get(channel.name), waiting[channel.name], failing.get(channel.name))
        for channel in service.publisher.channels.values()
    )


def _channel(
    channel: Channel, flags: store_listing.Flags | None, waiting: int, failing: str | None
) -> ChannelView:
    return ChannelView(
        name=channel.name,
        type=channel.type,
        audience=channel.audience,
        halted=flags.halted if flags else False,
        paused=flags.paused if flags else None,
        blocked=flags.blocked if flags else None,
        failing=failing,
        blocked_seconds=round(flags.blocked_for, 1) if flags else 0.0,
        waiting=waiting,
    )


async def _needs(
    service: WatchContext, conn: Connection, found: tuple[Alert, ...], summary: Summary
) -> list[str]:
    """What needs a person, the most urgent first."""
    needs = [
        _(
            "BREAK-GLASS: {alert} was published by one person; another approver must countersign"
            " it (`alertbot countersign {alert}`)."
        ).format(alert=alert.id)
        if alert.break_glass_reason
        else _(
            "ALONE: {alert} was written and approved by one person; another approver must"
            " countersign it (`alertbot countersign {alert}`)."
        ).format(alert=alert.id)
        for alert in await store_reading.open_glass(conn)
    ]
    needs += _doubtful(summary)
    needs += _halted(summary)
    needs += [
        _(
            "The channel {channel} is paused: {reason} Fix it, then: alertbot resume --channel {channel}"
        ).format(channel=one.channel, reason=one.paused)
        for one in summary.accounts
        if one.paused
    ]
    needs += [
        _("{alert} needs approval: alertbot show {alert}").format(alert=alert.id)
        for alert in found
        if _shown_state(service, alert) is AlertState.PENDING
    ]
    return needs + await _unanswered(service, conn, found)


async def _countdowns(service: WatchContext, conn: Connection) -> Sequence[str]:
    """What will be published automatically, and how to stop it."""
    running = await store_preapprovals.running(conn, pending=True)
    return [
        _("{alert} goes out by itself at {time}. To stop it: alertbot rules abort {alert}").format(
            alert=one.alert, time=f"{one.goes_at.astimezone(service.publisher.zone):%H:%M:%S (%Z)}"
        )
        for one in running
    ]


async def _false_pages(service: WatchContext, conn: Connection) -> list[str]:
    """Public pages that are no longer true, or lack what was said elsewhere."""
    pages = [one.name for one in service.publisher.channels.values() if one.spec.markup is Markup.PAGE]
    return [told for name in pages if (told := await truth.needs(service, conn, name))]


def _halted(summary: Summary) -> list[str]:
    """What was halted, and how to resume it."""
    needs = [_("Everything is halted. To resume: alertbot resume")] if summary.halted else []
    needs += [
        _("The channel {channel} is halted. To resume: alertbot resume --channel {channel}").format(
            channel=one.channel
        )
        for one in summary.accounts
        if one.halted
    ]
    needs += [
        _("{alert} is halted. To resume: alertbot resume {alert}").format(alert=alert)
        for alert in summary.halted_alerts
    ]
    return needs


def _doubtful(summary: Summary) -> list[str]:
    """One sentence per alert with deliveries that were perhaps sent."""
    doubts: Counter[str | None] = Counter()
    for one in summary.counts:
        doubts[one.alert] += one.number if one.state is DeliveryState.UNCERTAIN else 0
    about_none = _(
        "A notice to the team may have been sent. Check there, then say what became of it"
        " (`alertbot settle DELIVERY`; see `alertbot deliveries --state uncertain`)."
    )
    about_an_alert = _(
        "{alert}: {count} may have been sent. Check on the platform, then say what became of"
        " them (`alertbot settle DELIVERY`; see `alertbot deliveries {alert} --state uncertain`)."
    )
    return [
        (about_an_alert if alert else about_none).format(alert=alert, count=count)
        for alert, count in doubts.items()
        if count
    ]


async def _requests(conn: Connection, found: Sequence[Alert]) -> list[RequestView]:
    """Every request about pending alerts."""
    return [one for alert in _waiting(found) for one in await asked.asked(conn, alert)]


async def _unanswered(service: Context, conn: Connection, found: Sequence[Alert]) -> list[str]:
    """What a person should know or do: who was asked and has not answered, which requests could not be
    sent."""
    if not service.reach.ways:
        return []
    said = []
    for alert in _waiting(found):
        said += await asked.requests_in_words(service, conn, alert)
    return said + await unknown_names(conn, service)


async def unknown_names(conn: Connection, service: Context) -> list[str]:
    """Names in `duty:` that match nobody who may approve."""
    duty = service.reach.duty
    if duty is None:
        return []
    approvers = await store_people.approvers(conn, now=service.now)
    return _unknown(duty, {person.name.casefold() for person in approvers})


def _unknown(duty: Duty, known: Iterable[str]) -> list[str]:
    return [
        _(
            "duty: {name} may not approve, and is never asked. Correct the name, or have an admin add"
            " or confirm this person."
        ).format(name=name)
        for name in duty.names
        if name.casefold() not in known
    ]


def _waiting(found: Sequence[Alert]) -> list[Alert]:
    return [alert for alert in found if alert.state is AlertState.PENDING]
