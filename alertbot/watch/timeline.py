"""An incident from the first report to its end, in the order in which things happened: what sources said, what was
decided and why, what was written, approved and sent, and whether the next word came when it was promised."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from alertbot.alerts import store_following, store_incidents, store_reading
from alertbot.alerts.compose import load_kind
from alertbot.alerts.rules_moves import OUT
from alertbot.alerts.showing import archived_in_words
from alertbot.alerts.store_incidents import Incident
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.words import _, ngettext
from alertbot.db.sql import Connection
from alertbot.delivery import store_archive
from alertbot.people import store_people
from alertbot.texts.kinds.kind_spec import in_words
from alertbot.texts.preview.phrases import stated
from alertbot.watch import store_decisions, store_signals
from alertbot.watch.context import WatchContext
from alertbot.watch.rules_log import decided, incident_word, observed_word
from alertbot.watch.store_decisions import DecisionLine
from alertbot.watch.store_signals import StoredSignal

MOST_SIGNALS = 300  # of one incident


class Happening(StrEnum):
    """What a line of a timeline is about, in the order in which it comes within a second."""

    INCIDENT = "incident"
    SIGNAL = "signal"
    DECISION = "decision"
    WRITING = "writing"
    APPROVAL = "approval"
    DELIVERY = "delivery"
    PROMISE = "promise"
    END = "end"


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One thing that happened. `missed`: a promise that was not kept; `ahead`: a moment that is still to come."""

    at: datetime
    what: Happening
    said: str
    by: str | None = None
    alert: str | None = None
    missed: bool = False
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class _Spoken:
    """An alert with when it reached somebody first and last, and its title."""

    alert: Alert
    title: str
    first: datetime | None
    last: datetime | None

    @property
    def heard(self) -> datetime | None:
        """When the public heard of it; approved counts where no channel says when."""
        return self.first or (self.alert.approved_at if self.alert.state in OUT else None)


async def of_incident(service: WatchContext, reference: str) -> tuple[TimelineLine, ...]:
    """The timeline of one incident, oldest first. Raises `Misuse` if there is none."""

    async def look(conn: Connection) -> tuple[TimelineLine, ...]:
        found = await store_incidents.get(conn, reference)
        persons = await store_people.persons(conn, now=service.now)
        names = {one.id: one.name for one in persons}
        spoken = [
            await _spoken(service, conn, one)
            for one in (await store_reading.listing(conn, incident=found.id))[::-1]
        ]
        reports = await store_signals.of_incident(conn, found.id, limit=MOST_SIGNALS)
        log = await store_decisions.lines(conn, incident_id=found.id)
        lines = [
            *_of_incident(found, names),
            *map(_signal, reports),
            *map(_decision, log[::-1]),
            *_promises(spoken, service.now, closed=found.closed_at),
        ]
        for one in spoken:
            lines += [line async for line in _of_alert(service, conn, one, names)]
        order = {what: place for place, what in enumerate(Happening)}
        return tuple(
            sorted(lines, key=lambda one: (one.at.replace(microsecond=0), order[one.what], one.at))
        )

    return await service.database.read(look)


async def _spoken(service: WatchContext, conn: Connection, alert: Alert) -> _Spoken:
    first = await store_following.first_reached(conn, alert.id)
    last = await store_following.last_reached(conn, alert.id)
    try:
        title = in_words(load_kind(service.publisher, alert.kind).title)
    except AlertbotError:  # a kind that is not there any more
        title = alert.kind
    exercise = " ◆ " + _("exercise") if alert.exercise else ""
    return _Spoken(alert, title + exercise, first, last)


def _of_incident(found: Incident, names: Mapping[int, str]) -> Iterator[TimelineLine]:
    about = " · ".join(filter(None, (found.service, found.title)))
    opened = _("The incident was opened: {about}.") if about else _("The incident was opened.")
    by = names.get(found.opened_by or 0, "alertbot")
    yield TimelineLine(found.opened_at, Happening.INCIDENT, opened.format(about=about), by)
    if found.confirmed_at:
        said = _("{who} confirmed that it works again.").format(who=found.confirmed_by)
        yield TimelineLine(found.confirmed_at, Happening.END, said)
    if found.closed_at:
        yield TimelineLine(found.closed_at, Happening.END, _("The incident was closed."))


def _signal(one: StoredSignal) -> TimelineLine:
    said = stated(one.signal.service, observed_word(str(one.signal.observed)))
    if one.signal.title:
        said += f" · {one.signal.title}"
    if one.repeats:
        said += " · " + ngettext("repeated once", "repeated {n} times", one.repeats).format(
            n=one.repeats
        )
    return TimelineLine(one.received_at, Happening.SIGNAL, said, one.signal.source)


def _decision(one: DecisionLine) -> TimelineLine:
    said = f"{incident_word(str(one.entry.state))} · {decided(one.entry.action, one.entry.reason)}"
    if one.note:
        said += f" ({one.note})"
    return TimelineLine(one.entry.at, Happening.DECISION, said, one.by, one.alert)


async def _of_alert(
    service: WatchContext, conn: Connection, one: _Spoken, names: Mapping[int, str]
) -> AsyncIterator[TimelineLine]:
    alert = one.alert

    def line(at: datetime, what: Happening, said: str, by: str | None = None) -> TimelineLine:
        return TimelineLine(at, what, said.format(title=one.title), by, alert.id)

    author = names.get(alert.author_id or 0, "alertbot")
    yield line(alert.drafted_at, Happening.WRITING, _("Drafted: {title}."), author)
    if alert.submitted_at:
        who = names.get(alert.submitter_id or 0)
        yield line(alert.submitted_at, Happening.WRITING, _("Submitted for approval."), who)
    for given in await store_reading.approvals_of(conn, alert.id, now=service.now):
        said = _("Approved; void since, because the text changed.") if given.void else _("Approved.")
        yield line(given.at, Happening.APPROVAL, said, given.person.name)
    if alert.break_glass_by and alert.approved_at:
        who = names.get(alert.break_glass_by)
        yield line(alert.approved_at, Happening.APPROVAL, _("Published by one person alone."), who)
    if one.first:
        yield line(one.first, Happening.DELIVERY, _("The first delivery arrived: {title}."))
    if one.last and one.last != one.first:
        yield line(one.last, Happening.DELIVERY, _("The last delivery arrived so far."))
    for record in await store_reading.records_of(conn, alert.id):
        said = _("Posted by hand on {channel}.").format(channel=record.channel)
        yield TimelineLine(record.at, Happening.DELIVERY, said, names.get(record.person_id), alert.id)
    archived = await store_archive.of_alert(conn, alert.id)
    for at, said in archived_in_words(archived, service.publisher.zone).items():
        yield TimelineLine(at, Happening.DELIVERY, said, None, alert.id)


def _promises(
    spoken: Sequence[_Spoken], now: datetime, *, closed: datetime | None
) -> Iterator[TimelineLine]:
    """Each promise of a next word, and what came of it."""
    heard = sorted(
        ((one.heard, one) for one in spoken if one.heard and not one.alert.exercise),
        key=lambda one: one[0],
    )
    for at, one in heard:
        text = str(one.alert.given.get("next_update") or "")
        if not text:
            continue
        promised = datetime.fromisoformat(text)
        after = [(moment, other.alert.id) for moment, other in heard if moment > at]
        said, missed = outcome(promised, after, now=now, closed=closed)
        yield TimelineLine(
            promised, Happening.PROMISE, said, alert=one.alert.id, missed=missed, ahead=promised > now
        )


def outcome(
    promised: datetime,
    after: Sequence[tuple[datetime, str]],
    *,
    now: datetime,
    closed: datetime | None,
) -> tuple[str, bool]:
    """What came of a promise of a next word, in words, and whether it was missed. `after`: when the public heard
    which alerts after the promise was made; `closed`: when the incident was closed."""
    if after:
        moment, alert = after[0]
        late = -(-(moment - promised).total_seconds() // 60)
        if late <= 0:
            return _("Promised: a next word. Kept by {alert}.").format(alert=alert), False
        said = _("Promised: a next word. {alert} came {n} min late.")
        return said.format(alert=alert, n=int(late)), True
    if promised > now:
        return _("Promised: a next word."), False
    if closed is not None and closed <= promised:
        return _("Promised: a next word. The incident was closed before."), False
    return _("Promised: a next word. NOTHING FOLLOWED."), True
