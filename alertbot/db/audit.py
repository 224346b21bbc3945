"""The audit: one row for every verb and every delivery outcome, in a hash chain.

A row's hash covers the previous hash and everything in the row, so that changed, removed, inserted or
moved rows show. A chain that was truncated or completely rebuilt shows only against a head that someone
kept (`verify(head=…)`): approval notices include it. The audit never contains addresses, only their
`pseudonym`s.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import Any, TypedDict, cast

from sqlalchemy import func, insert, select, text

from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.db import facts
from alertbot.db.facts import Group
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.db.tables import APPROVING, audit

GENESIS = "0" * 64  # what the first row follows
SHORTEST_HEAD = 12
_PAGE_ROWS = 1000
_SUGGESTED_FROM = 5000  # rows
_PATIENCE = "3s"  # for the turn at the audit, where the row matters less than what it is about
MACHINE = "alertbot"
ROWS = "rows"  # the verb of what is told of rows and belongs to no verb of a person


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """The content of one row. `actor` is a person's name, or `alertbot` for the program. `detail` holds
    anything JSON can, and never a secret or an address."""

    actor: str
    verb: str
    at: datetime
    alert: str | None = None
    digest: str | None = None
    remote_id: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


class AuditRow(TypedDict):
    """One row as it is stored, hashed and exported. `at` is ISO 8601, UTC. `facts`: what was written in the
    tables, see `db.facts`."""

    seq: int
    at: str
    actor: str
    verb: str
    alert: str | None
    digest: str | None
    remote_id: str | None
    detail: Mapping[str, Any]
    facts: Sequence[Group] | None
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The end of the chain: the number of rows, and the last row's hash."""

    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """The result of `verify`; `problems` are sentences, empty if the chain is intact."""

    count: int
    digest: str
    problems: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.problems


async def append(
    conn: Connection,
    *,
    actor: str,
    verb: str,
    at: datetime,
    alert: str | None = None,
    digest: str | None = None,
    remote_id: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> str:
    """Add one row; returns the new head's hash."""
    entry = AuditEntry(
        actor=actor,
        verb=verb,
        at=at,
        alert=alert,
        digest=digest,
        remote_id=remote_id,
        detail=detail or {},
    )
    return await append_many(conn, [entry])


async def append_many(conn: Connection, entries: Sequence[AuditEntry]) -> str:
    """Add rows in order, in one statement; returns the new head's hash. The last one also tells what the
    transaction has written so far. Other writers wait until this transaction ends."""
    await take_lock(conn, AUDIT)
    end = await head(conn)
    rows = list(_chained(end, entries, await facts.gather(conn) if entries else []))
    if not rows:
        return end.digest
    await conn.execute(insert(audit), rows)
    return rows[-1]["hash"]


async def complete(conn: Connection) -> None:
    """Before a transaction is committed: tell the audit what was written and belongs to no row of it yet."""
    if facts.waiting(conn):
        await append_many(conn, [AuditEntry(actor=MACHINE, verb=ROWS, at=datetime.now(UTC))])


async def append_if_possible(conn: Connection, entry: AuditEntry) -> Exception | None:
    """Add one row, unless the audit cannot be written or is locked for long: then the rest of the
    transaction stands, and the audit is not told of it. Returns the error, or None if it was written. For
    actions that matter more than their own row."""
    try:
        async with conn.begin_nested():
            if conn.dialect.name == "postgresql":
                await conn.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
            await append_many(conn, [entry])
    except Exception as error:  # noqa: BLE001 - handed to the caller
        facts.forget(conn)
        return error
    return None


async def head(conn: Connection) -> AuditHead:
    """The end of the chain; for an empty one, no rows and `GENESIS`."""
    last = select(audit.c.hash).order_by(audit.c.seq.desc()).limit(1).scalar_subquery()
    row = (await conn.execute(select(func.coalesce(func.max(audit.c.seq), 0), last))).one()
    return AuditHead(int(row[0]), GENESIS if row[1] is None else str(row[1]))


async def approving(conn: Connection, alert: str) -> list[AuditRow]:
    """The rows in which this alert was approved or the glass broken for it, of any digest, in order; only
    those whose hash is that of their content."""
    wanted = select(audit).where(audit.c.alert == alert, APPROVING).order_by(audit.c.seq)
    rows = (cast(AuditRow, dict(row)) for row in (await conn.execute(wanted)).mappings())
    return [row for row in rows if row_hash(row) == row["hash"]]


async def renewed(conn: Connection, person: str, since: datetime) -> bool:
    """Whether this person got a new token after this moment."""
    start = since.astimezone(UTC).isoformat(timespec="microseconds")
    wanted = select(audit.c.detail).where(audit.c.verb == "people-rotate", audit.c.at >= start)
    return any(detail.get("person") == person for detail in await conn.scalars(wanted))


async def of_verb(conn: Connection, verb: str) -> list[AuditRow]:
    """The rows of this verb, newest first; only those whose hash is that of their content."""
    wanted = select(audit).where(audit.c.verb == verb).order_by(audit.c.seq.desc())
    rows = (cast(AuditRow, dict(row)) for row in (await conn.execute(wanted)).mappings())
    return [row for row in rows if row_hash(row) == row["hash"]]


async def verify(
    conn: Connection, head: str | None = None, hear: Callable[[AuditRow], None] | None = None
) -> AuditVerdict:
    """Read the whole chain and name every row that was changed, removed, inserted or moved. `hear` is given
    every row on the way.

    `head` is the hash of an earlier head, or at least its first 12 digits: a chain without it was
    truncated or rebuilt. Raises `Misuse` for fewer digits.
    """
    kept = _kept_head(head)
    check = Check(kept)
    async for row in export(conn):
        check.row(row)
        if hear is not None:
            hear(row)
    return check.verdict()


async def export(conn: Connection) -> AsyncIterator[AuditRow]:
    """Every row in order, page by page."""
    statement = select(audit).order_by(audit.c.seq).limit(_PAGE_ROWS)
    after: int | None = None
    while True:
        page = statement if after is None else statement.where(audit.c.seq > after)
        rows = (await conn.execute(page)).mappings().all()
        for row in rows:
            yield cast(AuditRow, dict(row))
        if len(rows) < _PAGE_ROWS:
            return
        after = rows[-1]["seq"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which rows: by this actor or about this person, about this alert, of this verb, from `since` until before
    `until`. None: any."""

    person: str | None = None
    alert: str | None = None
    verb: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def search(
    conn: Connection,
    query: AuditQuery,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int,
) -> list[AuditRow]:
    """The rows that fit, newest first, those before row `before`; or, from row `after`, oldest first."""
    c = audit.c
    wanted = select(audit).where(*_fitting(query))
    if before is not None:
        wanted = wanted.where(c.seq < before)
    order = c.seq.desc()
    if after is not None:
        wanted, order = wanted.where(c.seq > after), c.seq.asc()
    rows = (await conn.execute(wanted.order_by(order).limit(limit))).mappings()
    return [cast(AuditRow, dict(row)) for row in rows]


def _fitting(query: AuditQuery) -> Iterator[Any]:
    c = audit.c
    if query.person is not None:
        yield (c.actor == query.person) | (c.detail["person"].as_string() == query.person)
    if query.alert is not None:
        yield c.alert == query.alert
    if query.verb is not None:
        yield c.verb == query.verb
    if query.since is not None:
        yield c.at >= query.since.astimezone(UTC).isoformat(timespec="microseconds")
    if query.until is not None:
        yield c.at < query.until.astimezone(UTC).isoformat(timespec="microseconds")


async def row_at(conn: Connection, seq: int) -> AuditRow | None:
    """The row with this number."""
    found = (await conn.execute(select(audit).where(audit.c.seq == seq))).mappings().one_or_none()
    return None if found is None else cast(AuditRow, dict(found))


async def recent_verbs(conn: Connection) -> list[str]:
    """The verbs of the latest rows, for a form that suggests them."""
    latest = select(audit.c.verb).order_by(audit.c.seq.desc()).limit(_SUGGESTED_FROM).subquery()
    return sorted(map(str, await conn.scalars(select(latest.c.verb).distinct())))


async def pseudonym(conn: Connection, address: str) -> str:
    """The keyed hash that replaces an address. The same for the same address in this database."""
    return (await pseudonyms(conn, [address]))[address]


async def pseudonyms(conn: Connection, addresses: Iterable[str]) -> dict[str, str]:
    """`pseudonym` for many addresses, reading the key once. Needs a write transaction the first time in
    a database's life."""
    key = await facts.pseudonym_key(conn)
    return {address: facts.keyed_hash(key, address) for address in addresses}


def _chained(
    end: AuditHead, entries: Sequence[AuditEntry], told: Sequence[list[Group]] = ()
) -> Iterable[AuditRow]:
    """The rows of the entries, the last with the first part of what is told; more rows for more of it."""
    last = entries[-1] if entries else None
    more = [AuditEntry(actor=one.actor, verb=ROWS, at=one.at) for one in [last] if one] * len(told[1:])
    parts: list[list[Group] | None] = [None] * (len(entries) - 1)
    parts += told or [None]
    previous, seq = end.digest, end.count
    for entry, part in zip([*entries, *more], parts, strict=False):
        seq += 1
        row: AuditRow = {
            "seq": seq,
            "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": entry.actor,
            "verb": entry.verb,
            "alert": entry.alert,
            "digest": entry.digest,
            "remote_id": entry.remote_id,
            "detail": json.loads(_canonical(entry.detail)),
            "facts": part,
            "previous": previous,
            "hash": "",
        }
        previous = row["hash"] = row_hash(row)
        yield row


def row_hash(row: AuditRow) -> str:
    """The hash of a row: over everything in it except the hash itself; `previous` links it to the row
    before. Rows without facts are hashed as before there were any."""
    bare = {"hash"} if row["facts"] is not None else {"hash", "facts"}
    signed = {name: value for name, value in row.items() if name not in bare}
    return hashlib.sha256(_canonical(signed).encode()).hexdigest()


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=_plain
)


def _canonical(value: object) -> str:
    """Canonical JSON: keys sorted, no spaces, ASCII only, no NaN."""
    return _ENCODER.encode(value)


def _kept_head(head: str | None) -> str | None:
    if head is None:
        return None
    kept = head.strip().lower()
    if len(kept) < SHORTEST_HEAD:
        raise Misuse(_("Give at least the first {n} characters of the head.").format(n=SHORTEST_HEAD))
    return kept


class Check:
    """Walks along the chain and continues after each fault, so that it can name all of them."""

    def __init__(self, kept: str | None) -> None:
        self._kept = kept
        self._met = kept is None or GENESIS.startswith(kept)
        self._seq = 0
        self._previous = GENESIS
        self._sound = True  # whether the row before is what it was: else its hash says nothing
        self._count = 0
        self._problems: list[str] = []

    def row(self, row: AuditRow) -> None:
        seq, after = row["seq"], self._seq
        if seq != after + 1:
            self._missing(after + 1, seq - 1)
        sound = row_hash(row) == row["hash"]
        if not sound:
            self._say(_("Row {seq} of the audit was changed or moved."), seq=seq)
        elif self._sound and seq == after + 1 and row["previous"] != self._previous:
            self._say(_("Row {seq} of the audit does not follow row {before}."), seq=seq, before=after)
        self._met = self._met or row["hash"].startswith(str(self._kept))
        self._seq, self._previous, self._sound = seq, row["hash"], sound
        self._count += 1

    def verdict(self) -> AuditVerdict:
        if not self._met:
            self._say(
                _("The head {head} is not in the audit: the audit was cut or rebuilt since."),
                head=str(self._kept)[:SHORTEST_HEAD],
            )
        return AuditVerdict(self._count, self._previous, tuple(self._problems))

    def _missing(self, first: int, last: int) -> None:
        if first == last:
            self._say(_("Row {seq} of the audit is missing."), seq=first)
        elif last < first:
            self._say(_("Row {seq} of the audit was inserted."), seq=last + 1)
        else:
            self._say(_("Rows {first} to {last} of the audit are missing."), first=first, last=last)

    def _say(self, sentence: str, **values: object) -> None:
        self._problems.append(sentence.format(**values))
