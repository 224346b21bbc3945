"""Changing the register by hand: add, edit, withdraw. Each in one transaction, each in the audit.

Nothing here verifies a number: that is another person's, in `verifying`; whole files come in by `importing`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.approval import policy
from alertbot.compose import moments
from alertbot.errors import Faulty, Misuse, Refused
from alertbot.model import AlertState, Fault, Person
from alertbot.register.changes import bare, with_end
from alertbot.register.entry import Entry, NumberRow, entry_id, entry_name
from alertbot.register.frozen import frozen_row
from alertbot.register.rows import BadRow, number_row
from alertbot.register.standing import standing
from alertbot.service import register, settling, tasks
from alertbot.service.context import Context
from alertbot.service.tasks import Chore
from alertbot.service.vouching import said
from alertbot.store import audit, number_writing, numbers, reading
from alertbot.store import settling as outbox
from alertbot.store.connection import Connection
from alertbot.words import _

ON_ITS_WAY = (AlertState.APPROVED.value, AlertState.PUBLISHING.value)

Document = dict[str, Any]


async def add(service: Context, actor: Person, cells: Mapping[str, Any]) -> Document:
    """One new entry. One that was withdrawn comes back as a new version. Raises `Faulty` for cells that
    make no row, `Refused` where the register says the same already."""
    policy.require_role("numbers_enter", actor)
    now = service.now
    row = _row(service, cells)

    async def work(conn: Connection) -> Document:
        plan, ids = await number_writing.take_in(conn, [row], verb="add", by=actor, at=now)
        if plan.same:
            raise Refused(_("{entry} says the same already.").format(entry=said(plan.same[0])))
        if plan.withdrawn:
            entry = plan.withdrawn[0]
            fresh = with_end(row, now)
            await number_writing.change(conn, entry, fresh, verb="add", by=actor, at=now)
        known = (*plan.withdrawn, *(entry for entry, _row in (*plan.changed, *plan.sourced)))
        return await _told(service, conn, actor, "numbers-add", (*ids, *(one.id for one in known))[0])

    return await service.database.transact(work)


async def edit(service: Context, actor: Person, name: str, changes: Mapping[str, Any]) -> Document:
    """Give an entry other cells: a new version, which has to be verified anew. An empty cell takes the old
    one away. Raises `Faulty`, and `Refused` where nothing changes or the entry was withdrawn."""
    policy.require_role("numbers_enter", actor)
    now = service.now

    async def work(conn: Connection) -> Document:
        entry = await one(conn, name)
        if entry.withdrawn_at is not None:
            raise Refused(
                _("{entry} was withdrawn; enter it anew with `alertbot numbers add`.").format(
                    entry=said(entry)
                )
            )
        row = with_end(_row(service, _laid_over(entry.row, changes)), now)
        if row == bare(entry.row):
            raise Refused(_("Nothing was changed in {entry}.").format(entry=said(entry)))
        await number_writing.change(conn, entry, row, verb="edit", by=actor, at=now)
        return await _told(service, conn, actor, "numbers-edit", entry.id)

    return await service.database.transact(work)


async def withdraw(
    service: Context, actor: Person, query: str, reason: str, *, but: str = ""
) -> Document:
    """Take entries out of the register. Alerts that carry them and are on their way send nothing more from
    then on. It tells the public nothing: `published` names the alerts that still carry them, with how many
    calls were `stopped`. Raises `Misuse`, and `Refused` where nothing is left to withdraw."""
    policy.require_role("numbers_withdraw", actor)
    why = reason.strip()
    if not why:
        raise Misuse(_("Say why: withdrawing numbers needs --reason TEXT."))
    now = service.now

    async def work(conn: Connection) -> Document:
        asked, found = await register.matching(conn, query, but=but)
        idle = [part.text for part in asked.idle(entry.row for entry in found)]
        if idle and not but:
            raise Refused(_("The register holds nothing for {parts}.").format(parts=", ".join(idle)))
        left = [entry for entry in found if entry.withdrawn_at is None]
        if not found:
            raise Refused(
                _("The register holds nothing for {query} without {but}.").format(query=query, but=but)
            )
        if not left:
            raise Refused(_already(found, service))
        published = await _stopped(service, conn, await _still_told(conn, left))
        await number_writing.withdraw(conn, [entry.id for entry in left], by=actor, reason=why, at=now)
        names = {entry.name: entry.row.version for entry in left}
        await note(conn, actor, "numbers-withdraw", now, {"entries": names, "reason": why})
        await tasks.raise_all(service, conn, [_chore(told) for told in _public(published)])
        return {
            "withdrawn": [view(entry, now) for entry in left],
            "reason": why,
            "published": published,
        }

    return await service.database.transact(work)


async def one(conn: Connection, name: str) -> Entry:
    """The entry of this name. Raises `Misuse`."""
    number = entry_id(name)
    found = await numbers.entries(conn, ids=[number]) if number else ()
    if not found:
        raise Misuse(
            _("There is no entry '{name}'; `alertbot numbers list` shows them.").format(
                name=name.strip()
            )
        )
    return found[0]


def view(entry: Entry, now: datetime) -> Document:
    """An entry as plain values; moments are datetimes in UTC."""
    row = entry.row
    return {
        "entry": entry.name,
        "version": row.version,
        "standing": str(standing(entry, now)),
        "territory": row.territory.code,
        "territory_name": row.territory.name_in("fr"),
        "service": row.service,
        "zone": dict(row.zone),
        "condition": dict(row.condition),
        "replaces": row.replaces,
        "number": row.number,
        "place": dict(row.place),
        "capacity": row.capacity,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "review_at": row.review_at,
        "sources": list(row.sources),
        "published_at": row.published_at,
        "entered_by": entry.entered_by,
        "entered_at": entry.entered_at,
        "verified_by": row.verified_by or None,
        "verified_at": row.verified_at,
        "withdrawn_by": entry.withdrawn_by,
        "withdrawn_at": entry.withdrawn_at,
        "withdrawn_reason": entry.withdrawn_reason,
        "said": str(row),
    }


# --- rows -----------------------------------------------------------------------------------------


def _row(service: Context, cells: Mapping[str, Any]) -> NumberRow:
    """The row that these cells make. Raises `Faulty`."""
    now = service.now

    def at(given: object, zone: ZoneInfo) -> datetime:
        return moments.moment(given, now=now, zone=zone)

    strangers = {"entry", "version", "verified_by", "verified_at"} & cells.keys()
    if strangers:
        raise Misuse(
            _("{cells} cannot be set: the register writes them itself.").format(
                cells=", ".join(sorted(strangers))
            )
        )
    try:
        return number_row(cells, at)
    except BadRow as bad:
        raise Faulty(_("This makes no row of the register."), [Fault(bad.rule, str(bad))]) from None


def _laid_over(row: NumberRow, changes: Mapping[str, Any]) -> dict[str, Any]:
    cells = frozen_row(bare(row))
    for name, value in changes.items():
        cells[name] = _worded_over(cells.get(name), value) if isinstance(value, Mapping) else value
    return {name: value for name, value in cells.items() if value not in ("", None, {})}


def _worded_over(before: Any, words: Mapping[str, str]) -> dict[str, str]:
    known = before if isinstance(before, Mapping) else {}
    return {lang: text for lang, text in {**known, **words}.items() if text}


# --- telling --------------------------------------------------------------------------------------


async def _told(service: Context, conn: Connection, actor: Person, verb: str, key: int) -> Document:
    """The entry after the change, which the audit keeps with its version."""
    entry = await one(conn, entry_name(key))
    detail = {"entries": {entry.name: entry.row.version}, "row": str(entry.row)}
    await note(conn, actor, verb, service.now, detail)
    return view(entry, service.now)


def _already(found: Sequence[Entry], service: Context) -> str:
    first = found[0]
    assert first.withdrawn_at is not None
    when = first.withdrawn_at.astimezone(service.voice.zone)
    return _("{entry} was withdrawn already, on {when} by {who}: {why}").format(
        entry=said(first),
        when=f"{when:%Y-%m-%d %H:%M}",
        who=first.withdrawn_by,
        why=first.withdrawn_reason,
    )


async def _still_told(conn: Connection, entries: Sequence[Entry]) -> list[Document]:
    """The alerts in which the public can still read these numbers, by entry."""
    found = await numbers.published_in(conn, [entry.id for entry in entries], still=True)
    told = []
    for entry in entries:
        for alert in found[entry.id]:
            state = (await reading.get(conn, alert)).state
            told.append(
                {"entry": entry.name, "row": str(entry.row), "alert": alert, "state": str(state)}
            )
    return told


async def _stopped(service: Context, conn: Connection, told: Sequence[Document]) -> list[Document]:
    """Let no call start any more that would tell the public a number which is withdrawn; a whole message
    falls with one number of it."""
    counts: dict[str, int] = {}
    for alert in sorted({one["alert"] for one in told if one["state"] in ON_ITS_WAY}):
        entries = ", ".join(one["entry"] for one in told if one["alert"] == alert)
        reason = _("Not sent: {entries} left the register.").format(entries=entries)
        outcomes = await outbox.cancel(conn, alert, reason)
        await settling.note_outcomes(service, conn, outcomes)
        await settling.advance(service, conn, alert)
        counts[alert] = len(outcomes)
    return [{**one, "stopped": counts.get(one["alert"], 0)} for one in told]


def _public(published: Sequence[Document]) -> Iterable[Document]:
    """One per entry: the last alert in which the public reads it."""
    out = (one for one in published if one["state"] != AlertState.APPROVED)
    return {one["entry"]: one for one in out}.values()


def _chore(told: Document) -> Chore:
    sentence = _(
        "{entry} is withdrawn in the register and still stands in public, in {alert}: {row}. Tell the"
        " public: alertbot withdraw --numbers {entry}"
    )
    return Chore(
        key=f"withdrawn:{told['entry']}",
        kind="withdrawn_number",
        text=sentence.format(**told),
        alert=told["alert"],
        number=entry_id(told["entry"]),
    )


async def note(
    conn: Connection, actor: Person, verb: str, now: datetime, detail: Mapping[str, object]
) -> None:
    """A row of the audit about the register."""
    await audit.append(conn, actor=actor.name, verb=verb, at=now, detail=detail)
