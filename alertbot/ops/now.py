"""What the desk shows first: what waits, and for whom; what is uncertain, overdue, held back; the open incidents.
Changes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alertbot.alerts import rules_area, rules_policy, store_following, store_incidents, store_reading
from alertbot.alerts.compose import load_kind
from alertbot.alerts.hand import giving
from alertbot.alerts.rules_policy import Approval
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.model import OPEN_STATES, AlertState, DeliveryState, Person
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.delivery import store_listing
from alertbot.delivery.store_listing import Flags, Summary
from alertbot.ops import leading
from alertbot.ops.views import WatchersView
from alertbot.people import store_people, tasks
from alertbot.people.views import TaskView
from alertbot.texts.kinds.kind_spec import in_words
from alertbot.watch import reminders, store_preapprovals, store_reminders
from alertbot.watch.context import WatchContext

RECENT, MANY = 12, 100  # alerts
UNDER_WAY = (
    AlertState.PENDING,
    AlertState.APPROVED,
    AlertState.PUBLISHING,
    AlertState.PUBLISHED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingAlert:
    """An alert that waits for approval until `until`. `mine`: this person's approval would count."""

    id: str
    title: str
    exercise: bool
    since: datetime
    until: datetime | None
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StripView:
    """What stands on every page of the desk."""

    waiting: tuple[WaitingAlert, ...]
    halted: bool
    worker: bool
    uncertain: int
    head: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncidentView:
    """An open incident: its state and since when, what the public was told last, when the next word is promised.
    `overdue`: that moment is over. `exercise`: all its alerts are of an exercise."""

    id: str
    exercise: bool
    about: str
    places: str
    state: str | None
    since: datetime
    last_alert: str | None
    last_title: str
    told_at: datetime | None
    next_at: datetime | None
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentAlert:
    """An alert in one line. `counts`: its deliveries by state."""

    id: str
    title: str
    state: AlertState
    exercise: bool
    since: datetime
    author: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingByItself:
    """An alert of a rule approved ahead that counts down to `at`."""

    alert: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NowView:
    """Everything that an officer has to know first. `returned`: this person's alerts that came back. `stuck`: why an
    alert that waits will never be approved, by its id."""

    at: datetime
    strip: StripView
    glass: tuple[str, ...]
    stuck: Mapping[str, str]
    uncertain: Mapping[str, int]
    countdowns: tuple[GoingByItself, ...]
    halted_alerts: tuple[str, ...]
    channels: tuple[Flags, ...]
    failing: Mapping[str, str]
    waiting_calls: int
    watching: WatchersView
    incidents: tuple[OpenIncidentView, ...]
    tasks: tuple[TaskView, ...]
    returned: tuple[RecentAlert, ...]
    recent: tuple[RecentAlert, ...]


@dataclass(frozen=True, slots=True)
class DeskGlance:
    """What the desk shows, in short. `all`: another text whenever something has changed; `strip`: the same of what
    stands on every page. `head`: how long the audit was, by which earlier is told from later. `waiting`: alerts that
    wait for approval, with who approved."""

    head: int
    all: str
    strip: str
    waiting: tuple[tuple[Alert, tuple[Approval, ...]], ...]
    halted: bool
    worker: bool
    uncertain: int


async def glance(service: WatchContext) -> DeskGlance:
    """One cheap look for everybody."""

    async def look(conn: Connection) -> DeskGlance:
        return await _glance(service, conn, await store_listing.summary(conn))

    return await service.database.read(look)


async def _glance(service: WatchContext, conn: Connection, found: Summary) -> DeskGlance:
    head = await audit.head(conn)
    pending = await store_reading.listing(conn, states=[AlertState.PENDING])
    waiting = tuple(
        [(one, await store_reading.approvals_of(conn, one.id, now=service.now)) for one in pending]
    )
    flags = [(one.channel, one.halted, one.paused) for one in found.accounts]
    counts = [(one.alert, one.channel, one.state, one.number) for one in found.counts]
    doubt, awaited = sum(_uncertain(found).values()), [(one.id, one.revision) for one in pending]
    given = [[str(approval) for approval in approvals] for _alert, approvals in waiting]
    return DeskGlance(
        head.count,
        f"{head.count} {found.alive} {found.halted} {flags} {counts}",
        f"{awaited} {given} {found.halted} {found.alive} {doubt}",
        waiting,
        found.halted,
        found.alive,
        doubt,
    )


async def strip(service: WatchContext, person: Person | None) -> StripView:
    """What stands on every page."""
    return strip_of(service, await glance(service), person)


async def beside_the_other(service: WatchContext, *, exercise: bool) -> bool:
    """Whether, beside an alert of an exercise (or a real one), alerts of the other kind were under way within a day: a
    person who decides may take one for the other."""

    async def look(conn: Connection) -> bool:
        recent = await store_reading.listing(conn, states=UNDER_WAY, limit=MANY)
        since = service.now - timedelta(days=1)
        return any(one.exercise is not exercise and one.drafted_at > since for one in recent)

    return await service.database.read(look)


def strip_of(service: WatchContext, found: DeskGlance, person: Person | None) -> StripView:
    """What stands on every page, as this person sees it."""
    waiting = [_waiting(service, one, given, person) for one, given in reversed(found.waiting)]
    return StripView(
        waiting=tuple(one for one in waiting if one.until is None or one.until > service.now),
        halted=found.halted,
        worker=found.worker,
        uncertain=found.uncertain,
        head=found.head,
    )


async def now(service: WatchContext, person: Person | None) -> NowView:
    """Everything at once, as this person sees it; None: somebody who did not say who they are."""
    return seen_by(service, await for_all(service), person)


@dataclass(frozen=True, slots=True)
class NowForAll:
    """Everything at once, whoever looks. `back`: the alerts that came back, each with who worked on it."""

    glance: DeskGlance
    view: NowView
    back: tuple[tuple[Alert, RecentAlert], ...]


def seen_by(service: WatchContext, found: NowForAll, person: Person | None) -> NowView:
    """The same as this person sees it."""
    mine = (
        one
        for alert, one in found.back
        if person and person.id in (alert.author_id, alert.last_editor_id)
    )
    strip = strip_of(service, found.glance, person)
    return replace(found.view, strip=strip, returned=tuple(mine))


async def for_all(service: WatchContext) -> NowForAll:
    """Everything at once, in the language that is spoken."""

    async def look(conn: Connection) -> NowForAll:
        found = await store_listing.summary(conn)
        recent = await store_reading.listing(conn, limit=RECENT)
        people = await store_people.persons(conn, now=service.now)
        names, about = {one.id: one.name for one in people}, await _glance(service, conn, found)
        back = await store_reading.listing(conn, states=[AlertState.RETURNED], limit=RECENT)
        running = await store_preapprovals.running(conn, pending=True)
        view = NowView(
            at=service.now,
            strip=StripView(waiting=(), halted=found.halted, worker=found.alive, uncertain=0),
            glass=tuple([one.id for one in await store_reading.open_glass(conn)]),
            stuck=_stuck(service, about, people),
            uncertain=_uncertain(found),
            countdowns=tuple(GoingByItself(alert=one.alert, at=one.goes_at) for one in running),
            halted_alerts=found.halted_alerts,
            channels=tuple(one for one in found.accounts if one.halted or one.paused or one.blocked),
            failing=await store_listing.failing(conn),
            waiting_calls=sum(one.number for one in found.counts if one.state in OPEN_STATES),
            watching=await leading.watchers(conn),
            incidents=tuple(await _incidents(service, conn)),
            tasks=tuple(await giving.as_they_stand(conn, await tasks.waiting(conn))),
            returned=(),
            recent=tuple([await _recent(service, conn, one, names) for one in recent]),
        )
        came = tuple([(one, await _recent(service, conn, one, names)) for one in back])
        return NowForAll(about, view, came)

    await reminders.look_if_possible(service)
    return await service.database.read(look)


def _stuck(service: WatchContext, found: DeskGlance, people: Sequence[Person]) -> dict[str, str]:
    """The alerts that wait for more approvals than this team can give."""
    now = service.now
    said = {
        alert.id: rules_policy.too_few(alert, given, people, now)
        for alert, given in found.waiting
        if alert.pending_until is None or alert.pending_until > now
    }
    return {alert: why for alert, why in said.items() if why}


def _waiting(
    service: WatchContext, alert: Alert, given: Sequence[Approval], person: Person | None
) -> WaitingAlert:
    return WaitingAlert(
        id=alert.id,
        title=_title(service, alert.kind),
        exercise=alert.exercise,
        since=alert.submitted_at or alert.drafted_at,
        until=alert.pending_until,
        mine=bool(person and rules_policy.able(alert, [person], given, service.now)),
    )


def _uncertain(found: Summary) -> dict[str, int]:
    """How many deliveries of each alert may have been sent; of notices under an empty name."""
    counted: Counter[str] = Counter()
    for one in found.counts:
        if one.state is DeliveryState.UNCERTAIN:
            counted[one.alert or ""] += one.number
    return dict(counted)


def _title(service: WatchContext, kind: str) -> str:
    try:
        return in_words(load_kind(service.publisher, kind).title)
    except AlertbotError:  # a kind that is not there any more
        return kind


async def _recent(
    service: WatchContext, conn: Connection, alert: Alert, names: Mapping[int, str]
) -> RecentAlert:
    counts = await store_listing.publication(conn, alert.id)
    late = alert.pending_until is not None and alert.pending_until <= service.now
    gone = late and alert.state is AlertState.PENDING
    return RecentAlert(
        id=alert.id,
        title=_title(service, alert.kind),
        state=AlertState.EXPIRED if gone else alert.state,
        exercise=alert.exercise,
        since=alert.approved_at or alert.submitted_at or alert.drafted_at,
        author=names.get(alert.author_id or 0, "alertbot"),
        counts={str(state): count for state, count in counts.items() if count},
    )


async def _incidents(service: WatchContext, conn: Connection) -> Sequence[OpenIncidentView]:
    """The open incidents, those whose promise is over first."""
    standing = reminders.standing_promises(await store_reminders.promises(conn, now=service.now))
    promised = {one.incident: reminders.promised_at(one) for one in standing if not one.exercise}
    said = await store_incidents.told_by_open(conn)
    found = []
    for one in await store_incidents.listing(conn):
        if one.closed_at is not None:
            continue
        alerts = await store_reading.listing(conn, incident=one.id)
        out = [alert for alert in alerts if alert.state in store_reminders.OUT]
        last = next((alert for alert in out if not alert.exercise), out[0] if out else None)
        next_at = promised.get(one.id)
        found.append(
            OpenIncidentView(
                id=one.id,
                exercise=bool(alerts) and all(alert.exercise for alert in alerts),
                about=" · ".join(filter(None, (one.service, one.title))),
                places=rules_area.in_words(rules_area.area(said.get(one.id, [])).places),
                state=one.state,
                since=one.state_since or one.opened_at,
                last_alert=last.id if last else None,
                last_title=_title(service, last.kind) if last else "",
                told_at=await store_following.last_reached(conn, last.id) if last else None,
                next_at=next_at,
                overdue=next_at is not None and next_at <= service.now,
            )
        )
    return sorted(
        found, key=lambda one: (not one.overdue, one.next_at is None, one.next_at or one.since)
    )
