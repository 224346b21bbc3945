"""Entries of the register that change or leave it while the public still reads them: what is on its way is
stopped, and the team is told to tell the public. Nothing here tells the public itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from alertbot.alerts import progress
from alertbot.alerts.lists.public_numbers import TASKS
from alertbot.core.errors import Misuse, Refused, one_line
from alertbot.core.model import AlertState, Person
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery import store_settle
from alertbot.numbers import changing, lookup, rules_changes, store_changes, store_numbers, verifying
from alertbot.numbers.changing import note
from alertbot.numbers.lookup import said
from alertbot.numbers.reading import ImportReading, RowsRead
from alertbot.numbers.rules_changes import RowFate
from alertbot.numbers.rules_entry import Entry, NumberRow, entry_id, entry_name
from alertbot.numbers.verifying import Verification
from alertbot.numbers.views import (
    ImportPlanView,
    ImportView,
    NumberChanged,
    NumbersTold,
    NumbersWithdrawn,
    NumberView,
    RowOutcome,
    StillPublic,
)
from alertbot.people import rules, tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask

ON_ITS_WAY = (AlertState.APPROVED, AlertState.PUBLISHING)
WITHDRAWN = "withdrawn_number"


async def edit(service: Context, actor: Person, name: str, changes: Mapping[str, Any]) -> NumberChanged:
    """Change cells of an entry: a new version, to be verified again. If the public was told another number,
    place, zone or condition, `published` lists the alerts, calls still to come are cancelled, and a task
    asks for a correction. Raises as `numbers.changing.edit` does."""
    return await changing.edit(service, actor, name, changes, partial(_changed, service))


async def import_(
    service: Context, actor: Person, read: RowsRead, name: str, *, keep_valid: bool = False
) -> ImportView:
    """Import the rows of a file (`numbers.changing.import_`); entries that it changes are treated as by
    `edit`."""
    told = partial(_changed, service)
    return await changing.import_(service, actor, read, name, keep_valid=keep_valid, told=told)


async def would_import(service: Context, read: ImportReading, name: str) -> ImportPlanView:
    """What importing the rows of a file would do, row by row; changes nothing."""

    async def look(conn: Connection) -> ImportPlanView:
        made, translated = await store_changes.planned(conn, read.rows, at=service.now)
        fates = rules_changes.fates(made)
        known = {
            row.identity: fates[other.identity]
            for row, other in zip(read.rows, translated, strict=True)
        }
        notes = _notes(read)
        rows = [
            RowOutcome(count, *_fate(known[row.identity], str(row)), tuple(notes.get(count, ())))
            for count, row in read.numbered
        ]
        wrong = {one.row for one in read.faults if one.row}
        rows += [RowOutcome(count, RowFate.WRONG, "", "", tuple(notes[count])) for count in wrong]
        other = [entry for entry, row in made.changed if _acted_on(entry.row) != _acted_on(row)]
        return ImportPlanView(
            file=name,
            rows=tuple(sorted(rows, key=lambda one: one.row)),
            faults=tuple(one.message for one in read.faults if not one.row),
            warnings=tuple(one.message for one in read.warnings if not one.row),
            published=tuple(await _still_told(conn, other)),
        )

    return await service.database.read(look)


def _fate(found: tuple[RowFate, str], said: str) -> tuple[RowFate, str, str]:
    return found[0], said, found[1]


def _notes(read: ImportReading) -> dict[int, list[str]]:
    """What is to be said of each row."""
    found: dict[int, list[str]] = {}
    for one in (*read.faults, *read.warnings, *read.information):
        if one.row:
            found.setdefault(one.row, []).append(one.message)
    return found


async def verify(service: Context, actor: Person, name: str, given: Verification) -> NumberView:
    """Read an entry back (`numbers.verifying.verify`). If a number that the public was told reaches the
    wrong service, calls still to come are cancelled and a task asks for a correction."""
    return await verifying.verify(service, actor, name, given, partial(_wrong_service, service))


async def withdraw(
    service: Context, actor: Person, query: str, reason: str, *, but: str = ""
) -> NumbersWithdrawn:
    """Withdraw entries from the register and cancel deliveries that carry them. Tells the public
    nothing: `published` lists the alerts that still show them, `stopped` the cancelled calls of each.
    Raises `Misuse` for a query that cannot be read, `Refused` if nothing is left to withdraw."""
    rules.require_role("numbers_withdraw", actor)
    why = one_line(reason)
    if not why:
        raise Misuse(_("Withdrawing numbers needs a reason (--reason TEXT)."))
    now = service.now

    async def work(conn: Connection) -> NumbersWithdrawn:
        left = await _left(service, conn, query, but)
        why_not = _("Not sent: {entries} was withdrawn from the register.")
        published = await _stopped(service, conn, await _still_told(conn, left), why_not)
        await store_changes.withdraw(conn, [entry.id for entry in left], by=actor, reason=why, at=now)
        names = {entry.name: entry.row.version for entry in left}
        await note(conn, actor, "numbers-withdraw", now, {"entries": names, "reason": why})
        sentence = _(
            "{entry} is withdrawn from the register but still public, in {alert}: {row}. Tell the public:"
            " alertbot withdraw --numbers {entry}"
        )
        await _ask(service, conn, published, sentence, WITHDRAWN)
        return NumbersWithdrawn(
            withdrawn=tuple(NumberView.of(entry, now) for entry in left),
            reason=why,
            published=published,
        )

    return await service.database.transact(work)


async def told(service: Context, query: str, *, but: str = "") -> NumbersTold:
    """What `withdraw` would take out of the register, and where the public can read it; changes nothing. Entries
    that were withdrawn before are listed too. Raises as `withdraw` does."""

    async def look(conn: Connection) -> NumbersTold:
        _asked, found = await lookup.matching(conn, query, but=but)
        if not found:
            raise Refused(_("The register has nothing for {query}.").format(query=query))
        entries = tuple(NumberView.of(entry, service.now) for entry in found)
        return NumbersTold(entries, tuple(await _still_told(conn, found)))

    return await service.database.read(look)


async def _left(service: Context, conn: Connection, query: str, but: str) -> list[Entry]:
    """The entries that the query finds and that are not withdrawn. Raises `Refused` if there are none."""
    asked, found = await lookup.matching(conn, query, but=but)
    idle = [part.text for part in asked.idle(entry.row for entry in found)]
    if idle and not but:
        raise Refused(_("The register has nothing for {parts}.").format(parts=", ".join(idle)))
    if not found:
        raise Refused(
            _("The register has nothing for {query} without {but}.").format(query=query, but=but)
        )
    left = [entry for entry in found if entry.withdrawn_at is None]
    if not left:
        raise Refused(_already(found, service))
    return left


def _already(found: Sequence[Entry], service: Context) -> str:
    first = found[0]
    assert first.withdrawn_at is not None
    return _("{entry} was already withdrawn, on {when} by {who}: {why}").format(
        entry=said(first),
        when=service.clock(first.withdrawn_at),
        who=first.withdrawn_by,
        why=first.withdrawn_reason,
    )


async def _still_told(conn: Connection, entries: Sequence[Entry]) -> list[StillPublic]:
    """The alerts in which the public can still read these numbers, by entry."""
    found = await store_numbers.published_in(conn, [entry.id for entry in entries], still=True)
    states = await store_numbers.states_of(
        conn, {alert for alerts in found.values() for alert in alerts}
    )
    return [
        StillPublic(entry.name, str(entry.row), alert, states[alert])
        for entry in entries
        for alert in found[entry.id]
    ]


async def _changed(
    service: Context, conn: Connection, changed: Sequence[tuple[Entry, NumberRow]]
) -> tuple[StillPublic, ...]:
    """What the public can still read of entries whose number, place, zone or condition is different now."""
    other = [entry for entry, row in changed if _acted_on(entry.row) != _acted_on(row)]
    why_not = _("Not sent: {entries} has changed in the register.")
    published = await _stopped(service, conn, await _still_told(conn, other), why_not)
    sentence = _(
        "{entry} has changed in the register; the public still reads {row}, in {alert}. Tell the public:"
        " alertbot correct {alert} --wrong {entry} --right {entry}"
    )
    await _ask(service, conn, published, sentence, "changed_number")
    return published


async def _wrong_service(service: Context, conn: Connection, entry: Entry) -> None:
    why_not = _("Not sent: {entries} reaches the wrong service.")
    published = await _stopped(service, conn, await _still_told(conn, [entry]), why_not)
    sentence = _(
        "{entry} reaches the wrong service and the public still reads it, in {alert}: {row}. Tell the"
        " public: alertbot correct {alert} --wrong {entry}"
    )
    await _ask(service, conn, published, sentence, "wrong_service")


def _acted_on(row: NumberRow) -> tuple[object, ...]:
    """What callers act on."""
    return (row.number, dict(row.place), dict(row.zone), dict(row.condition))


async def _stopped(
    service: Context, conn: Connection, told: Sequence[StillPublic], why_not: str
) -> tuple[StillPublic, ...]:
    """Cancel every pending call that carries one of these numbers; one such number cancels the whole
    message."""
    counts: dict[str, int] = {}
    for alert in sorted({one.alert for one in told if one.state in ON_ITS_WAY}):
        entries = ", ".join(one.entry for one in told if one.alert == alert)
        outcomes = await store_settle.cancel(conn, alert, why_not.format(entries=entries))
        await progress.note_outcomes(service, conn, outcomes)
        await progress.advance(service, conn, alert)
        counts[alert] = len(outcomes)
    return tuple(replace(one, stopped=counts.get(one.alert, 0)) for one in told)


async def _ask(
    service: Context, conn: Connection, published: Sequence[StillPublic], sentence: str, kind: str
) -> None:
    """Raise the tasks to tell the public, and those about what a stopped alert was to tell it."""
    chores = [_chore(told, sentence, kind) for told in _public(published)]
    for alert in sorted({one.alert for one in published if one.stopped}):
        others = [one.entry for one in published if one.alert == alert]
        chores += await _untold(conn, alert, others)
    await tasks.raise_all(service, conn, list({one.key: one for one in chores}.values()))


async def _untold(conn: Connection, alert: str, others: Sequence[str]) -> list[NewTask]:
    """The tasks about numbers that this stopped alert was to take back and that still stand somewhere."""
    carried = (await store_numbers.carried(conn, [alert]))[alert]
    struck = [one for one in carried if one.struck and entry_name(one.entry) not in others]
    told = await store_numbers.published_in(conn, [one.entry for one in struck], still=True)
    forms = await store_numbers.forms(conn, [(one.entry, one.version) for one in struck])
    sentence = _(
        "{alert} was stopped before it had arrived everywhere. {entry} ({row}) must not be called and still stands in"
        " {told}. What you publish about {others} names it too: see the task about {others}."
    )
    return [
        NewTask(
            key=f"{TASKS[WITHDRAWN]}:{entry_name(one.entry)}",
            kind=WITHDRAWN,
            text=sentence.format(
                alert=alert,
                entry=entry_name(one.entry),
                row=forms[one.entry, one.version],
                told=", ".join(told[one.entry]),
                others=", ".join(others),
            ),
            alert=alert,
            number=one.entry,
        )
        for one in struck
        if told[one.entry]
    ]


def _public(published: Sequence[StillPublic]) -> Iterable[StillPublic]:
    """For each entry, the last alert in which the public can read it."""
    out = (one for one in published if one.state is not AlertState.APPROVED)
    return {one.entry: one for one in out}.values()


def _chore(told: StillPublic, sentence: str, kind: str) -> NewTask:
    return NewTask(
        key=f"{TASKS[kind]}:{told.entry}",
        kind=kind,
        text=sentence.format(entry=told.entry, alert=told.alert, row=told.row),
        alert=told.alert,
        number=entry_id(told.entry),
    )
