"""Looking into the audit: who did what, to which alert, when; one row by itself; and handing it over as a file."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time, timedelta

from alertbot.core.errors import Misuse, safe
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.db import audit, facts
from alertbot.db.audit import GENESIS, AuditQuery, AuditRow
from alertbot.db.sql import Connection
from alertbot.numbers.rules_rows import quoted
from alertbot.watch.context import WatchContext

PAGE = 50
PORTION = 1000  # rows of a file that are read at once
COLUMNS = ("seq", "at", "actor", "verb", "alert", "digest", "remote_id", "detail", "previous", "hash")
LONGEST = 200
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPageView:
    """Rows that fit, newest first; `before`: what to give to `search` for older ones, None if there are none."""

    rows: tuple[AuditRow, ...]
    before: int | None
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRow:
    """A row of a table that a row of the audit tells of. `values`: None for one that was deleted."""

    table: str
    key: str
    values: dict[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntryView:
    """One row. `sound`: its hash is that of its content; `follows`: it names the hash of the row before."""

    row: AuditRow
    sound: bool
    follows: bool
    written: tuple[WrittenRow, ...]


def query(
    service: WatchContext, *, person: str, alert: str, verb: str, since: str, until: str
) -> AuditQuery:
    """The question as people type it; empty: any. Days are the organisation's, `until` with that day. Raises `Misuse`
    for a day that is none."""
    return AuditQuery(
        person=_short(person),
        alert=(_short(alert) or "").upper() or None,
        verb=_short(verb),
        since=_day(service, since),
        until=_day(service, until, further=1),
    )


def _short(text: str) -> str | None:
    return text.strip()[:LONGEST] or None


def _day(service: WatchContext, text: str, further: int = 0) -> datetime | None:
    """The beginning of a day of the organisation, or of one so many days later."""
    given = text.strip()
    if not given:
        return None
    try:
        day = date.fromisoformat(given if DAY.fullmatch(given) else "") + timedelta(days=further)
        return datetime.combine(day, time(), service.publisher.zone)
    except (ValueError, OverflowError):
        sentence = _("'{day}' is not a day; write it like 2026-06-02.")
        raise Misuse(sentence.format(day=safe(given[:LONGEST]))) from None


async def search(
    service: WatchContext, asked: AuditQuery, *, before: int | None = None, limit: int = PAGE
) -> AuditPageView:
    """A page of the rows that fit. `before`: what the page before it gave."""

    async def look(conn: Connection) -> AuditPageView:
        rows = await audit.search(conn, asked, before=before, limit=limit + 1)
        shown = tuple(rows[:limit])
        more = shown[-1]["seq"] if len(rows) > limit else None
        return AuditPageView(rows=shown, before=more, verbs=tuple(await audit.recent_verbs(conn)))

    return await service.database.read(look)


async def entry(service: WatchContext, seq: int) -> AuditEntryView:
    """One row of the audit. Raises `Misuse` if there is none with this number."""

    async def look(conn: Connection) -> AuditEntryView:
        row = await audit.row_at(conn, seq)
        if row is None:
            raise Misuse(_("There is no row {seq} in the audit.").format(seq=seq))
        before = await audit.row_at(conn, seq - 1)
        expected = GENESIS if before is None else before["hash"]
        written = [
            WrittenRow(
                table=table,
                key=key,
                values=None if values is None else {name: _told(one) for name, one in values.items()},
            )
            for table, key, values in facts.unpacked(row["facts"] or ())
        ]
        return AuditEntryView(
            row=row,
            sound=audit.row_hash(row) == row["hash"],
            follows=row["previous"] == expected,
            written=tuple(written),
        )

    return await service.database.read(look)


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


async def portions(service: WatchContext, asked: AuditQuery) -> AsyncIterator[Sequence[AuditRow]]:
    """Every row that fits, oldest first, some at a time: an audit may be larger than the memory."""
    after = 0
    while True:
        rows = await _portion(service, asked, after)
        if rows:
            yield rows
            after = rows[-1]["seq"]
        if len(rows) < PORTION:
            return


async def _portion(service: WatchContext, asked: AuditQuery, after: int) -> list[AuditRow]:
    return await service.database.read(
        lambda conn: audit.search(conn, asked, after=after, limit=PORTION)
    )


async def as_csv(service: WatchContext, asked: AuditQuery) -> AsyncIterator[str]:
    """A table for a spreadsheet, which runs no cell of it: see `numbers.rules_rows.quoted`."""
    yield _lines([COLUMNS])
    async for rows in portions(service, asked):
        yield _lines([_cells(row) for row in rows])


def _cells(row: AuditRow) -> list[str]:
    detail = json.dumps(row["detail"], ensure_ascii=False, sort_keys=True)
    known = {**row, "detail": detail}
    return [quoted(str(known[name] if known[name] is not None else "")) for name in COLUMNS]


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


async def as_json(service: WatchContext, asked: AuditQuery) -> AsyncIterator[str]:
    """One JSON list of whole rows, as they were hashed."""
    lead = "["
    async for rows in portions(service, asked):
        for row in rows:
            yield lead + json.dumps(row, ensure_ascii=False)
            lead = ",\n"
    yield "]\n" if lead != "[" else "[]\n"
