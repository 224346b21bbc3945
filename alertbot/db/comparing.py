"""Whether the tables are as the audit says: rows changed, removed or added beside the program, with the chain left
as it was.

What the chain says of each row is kept in a temporary file while the tables are read page by page, so that a
million deliveries need no more memory than a thousand. What is compared: every watched row, column by column
(`db.facts`); every delivery with its recorded outcome; every approval with its row in the audit; that nothing is out
without an approval. Older rows, of which the audit was told less, are compared as far as it goes, and counted.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Select, Table, select, tuple_

from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.model import OPEN_STATES, AlertState, DeliveryState
from alertbot.core.words import _
from alertbot.db import audit, facts
from alertbot.db.audit import AuditRow, AuditVerdict
from alertbot.db.facts import WATCHED, columns_of
from alertbot.db.sql import Connection
from alertbot.db.tables import account, alert, approval, delivery, dispatch, person

MOST_TOLD = 1000  # differences that are named one by one
_PAGE = 1000
Seal = Callable[[Column[Any], Any], Json]
_GONE = "null"
ARCHIVE = "archive"  # a verb of the audit
_NOBODY = audit.MACHINE
_LONGEST = 60
_OUT = frozenset(
    {
        AlertState.APPROVED,
        AlertState.PUBLISHING,
        AlertState.PUBLISHED,
        AlertState.PARTLY_PUBLISHED,
    }
)
_OUTCOMES = frozenset(str(one) for one in DeliveryState)
_STATES = frozenset(str(one) for one in AlertState)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`problems`: one sentence per difference, naming table and row, what the audit says and what the table
    says. `alerts`: the ids of all alerts, whose texts remain to be compared with their digest. `before`: how many rows are older than what the audit is told, so that they could not be compared."""

    verdict: AuditVerdict
    problems: tuple[str, ...]
    alerts: tuple[str, ...]
    before: int


async def compare(conn: Connection, head: str | None = None) -> Comparison:
    """Check the chain (`audit.verify`) and the tables against it. Raises `Misuse` for a head that is too
    short."""
    said = ChainSaid()
    try:
        verdict = await audit.verify(conn, head, said.row)
        found = Differences()
        for table in WATCHED.values():
            await _rows(conn, table, said, found)
        await _deliveries(conn, said, found)
        await _approvals(conn, said, found)
        await _published(conn, said, found)
        for kind, key in said.left():
            found.gone(kind, key)
    finally:
        said.close()
    alerts = tuple(await conn.scalars(select(alert.c.id).order_by(alert.c.id)))
    return Comparison(verdict, found.sentences(), alerts, found.before)


class Differences:
    def __init__(self) -> None:
        self.before = 0
        self._told: list[str] = []
        self._more = 0

    def say(self, sentence: str, table: str, row: str, **values: object) -> None:
        if len(self._told) < MOST_TOLD:
            self._told.append(sentence.format(table=table, row=row, **values))
        else:
            self._more += 1

    def gone(self, table: str, row: str) -> None:
        self.say(_("Table {table}, row {row}: the audit knows it, and it is gone."), table, row)

    def differs(self, table: str, row: str, column: str, said: object, found: object) -> None:
        self.say(
            _("Table {table}, row {row}: {column} is {said} in the audit and {found} in the table."),
            table,
            row,
            column=column,
            said=_shown(said),
            found=_shown(found),
        )

    def sentences(self) -> tuple[str, ...]:
        more = _("{n} more differences are not listed.").format(n=self._more)
        return (*self._told, more) if self._more else tuple(self._told)


def _shown(value: object) -> str:
    if value is None:
        return _("empty")
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class ChainSaid:
    """What the chain says, heard row by row; in a file that is gone when it is closed. `keeps_archived`: also of
    deliveries that left the tables for a file."""

    def __init__(self, *, keeps_archived: bool = False) -> None:
        self.keeps_archived = keeps_archived
        self._file = sqlite3.connect("", check_same_thread=False)  # used by one thread after the other
        self._file.execute(
            "CREATE TABLE said (kind TEXT, key TEXT, told TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        self._file.execute("CREATE TABLE moves (alert TEXT PRIMARY KEY, states TEXT) WITHOUT ROWID")
        self._file.execute(
            "CREATE TABLE approved (alert TEXT, digest TEXT, actor TEXT, verb TEXT, signed INTEGER DEFAULT 0,"
            " PRIMARY KEY (alert, digest, actor)) WITHOUT ROWID"
        )
        self._older: dict[str, int | frozenset[str]] = {}  # by table, the rows from before
        self._untold: bool | None = None  # whether people were added before rows were told

    def close(self) -> None:
        self._file.close()

    def row(self, row: AuditRow) -> None:
        if row["verb"] == "upgrade":
            for table, one in row["detail"].get("before", {}).items():
                self._older.setdefault(table, one if isinstance(one, int) else frozenset(one))
        if row["verb"] == ARCHIVE:
            self._archived(row["detail"].get("ids", ()))
        if row["verb"] == "people-add" and self._untold is None:
            self._untold = row["facts"] is None
        for kind, key, values in facts.unpacked(row["facts"] or ()):
            self._put(kind, key, values)
        if row["verb"] in _OUTCOMES and "delivery" in row["detail"]:
            self._put("delivery", str(row["detail"]["delivery"]), _outcome(row))
        elif row["alert"]:
            self._alert(row)

    def _archived(self, ranges: Iterable[Sequence[int]]) -> None:
        """These deliveries left the tables for a file, which is checked by itself (`ops.archive`)."""
        if not self.keeps_archived:
            within = "CAST(key AS INTEGER) BETWEEN ? AND ?"
            forget = f"DELETE FROM said WHERE kind = 'delivery' AND {within}"  # noqa: S608 - fixed words
            self._file.executemany(forget, [tuple(one) for one in ranges])

    def _alert(self, row: AuditRow) -> None:
        name, verb = str(row["alert"]), row["verb"]
        if verb in ("approve", "break-glass"):
            given = (name, str(row["digest"]), row["actor"], verb)
            self._file.execute(
                "INSERT OR REPLACE INTO approved (alert, digest, actor, verb) VALUES (?, ?, ?, ?)",
                given,
            )
        state = row["detail"].get("state") or (verb if verb in _STATES else None)
        if verb == "expire":
            state = str(AlertState.EXPIRED)
        if state:
            states = sorted({str(state), *([str(AlertState.APPROVED)] if verb == "approve" else [])})
            self._file.execute("INSERT OR REPLACE INTO moves VALUES (?, ?)", (name, json.dumps(states)))

    def moved(self, alert: str) -> list[str]:
        """The states that the last row about this alert leaves it in; none if nothing is said of it."""
        found = self._file.execute("SELECT states FROM moves WHERE alert = ?", (alert,)).fetchone()
        return list(json.loads(found[0])) if found else []

    def signed(self, alert: str, digest: str, actor: str) -> bool:
        """Whether this person approved these texts; noted, so that `unsigned` leaves it out."""
        key = (alert, digest, actor)
        where = "WHERE alert = ? AND digest = ? AND actor = ?"
        done = self._file.execute(f"UPDATE approved SET signed = 1 {where}", key)  # noqa: S608 - fixed words
        return done.rowcount == 1

    def unsigned(self) -> Iterable[tuple[str, str]]:
        """Alert and person of every approval whose signature was not met."""
        yield from self._file.execute(
            "SELECT alert, actor FROM approved WHERE verb = 'approve' AND actor <> ? AND NOT signed",
            (_NOBODY,),
        )

    def approvals(self, alert: str, digest: str) -> dict[str, str]:
        """Who let these texts out, and by which verb."""
        wanted = "SELECT actor, verb FROM approved WHERE alert = ? AND digest = ?"
        return dict(self._file.execute(wanted, (alert, digest)))

    def _put(self, kind: str, key: str, values: Mapping[str, Json] | None) -> None:
        if values is not None and kind != "delivery":
            values = {**(self.get(kind, key) or {}), **values}
        told = _GONE if values is None else json.dumps(values)
        self._file.execute("INSERT OR REPLACE INTO said VALUES (?, ?, ?)", (kind, key, told))

    def get(self, kind: str, key: str) -> dict[str, Json] | None:
        """What is said of a row; None if nothing, or that it was deleted."""
        wanted = "SELECT told FROM said WHERE kind = ? AND key = ?"
        found = self._file.execute(wanted, (kind, key)).fetchone()
        told: dict[str, Json] | None = json.loads(found[0]) if found else None
        return told

    def met(self, kind: str, key: str) -> None:
        """The row is in its table."""
        self._file.execute("DELETE FROM said WHERE kind = ? AND key = ?", (kind, key))

    def left(self) -> Iterable[tuple[str, str]]:
        """What is said to be there and was not met."""
        yield from self._file.execute("SELECT kind, key FROM said WHERE told <> ?", (_GONE,))

    def after(self, place: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """The next of the same, in order."""
        wanted = "SELECT kind, key FROM said WHERE told <> ? AND (kind, key) > (?, ?) ORDER BY kind, key LIMIT ?"
        return list(self._file.execute(wanted, (_GONE, *place, limit)))

    def from_before(self, kind: str, key: str) -> bool:
        """Whether a row is older than what the audit is told. Where nothing says which ones are, in a database
        that was upgraded by hand, all those are that it was told nothing of."""
        older = self._older.get(kind)
        if older is None:
            return bool(self._untold)
        return int(key) <= older if isinstance(older, int) else key in older


def _outcome(row: AuditRow) -> dict[str, Json]:
    detail = row["detail"]
    told = {name: detail.get(name) for name in ("channel", "purpose", "target", "lang", "part", "url")}
    told |= {"state": row["verb"], "alert": row["alert"], "digest": row["digest"]}
    told |= {"remote_id": row["remote_id"], "bare": bool(detail.get("bare")), "actor": row["actor"]}
    return told


async def _pages(conn: Connection, query: Any, *key: Any) -> AsyncIterator[list[Any]]:
    """The rows of a query in portions, ordered by `key`, whose columns are among those it asks for."""
    after: Any = None
    place = key[0] if len(key) == 1 else tuple_(*key)
    while True:
        page = query.order_by(*key).limit(_PAGE)
        if after is not None:
            page = page.where(place > after)
        rows = (await conn.execute(page)).mappings().all()
        if rows:
            yield list(rows)
        if len(rows) < _PAGE:
            return
        last = tuple(rows[-1][one.name] for one in key)
        after = last[0] if len(key) == 1 else tuple_(*last)


async def _rows(conn: Connection, table: Table, said: ChainSaid, found: Differences) -> None:
    async for page in _pages(conn, select(table), *table.primary_key.columns):
        seal = await facts.sealer(conn, table, page, make=False)
        for key in compare_rows(table, page, seal, said, found):
            said.met(table.name, key)


def compare_rows(
    table: Table, page: Iterable[Any], seal: Seal, said: ChainSaid, found: Differences
) -> Iterator[str]:
    """Compare whole rows of a watched table, column by column; their keys."""
    primary, columns = list(table.primary_key.columns), columns_of(table)
    needed = {one.name for one in columns if not one.nullable and one.server_default is None}
    for row in page:
        key = facts.key_text(tuple(row[one.name] for one in primary))
        told = said.get(table.name, key)
        name = f"{key} ({row['name']})" if table is person else key
        whole = told is not None and told.keys() >= needed
        if not whole and not said.from_before(table.name, key):
            found.say(_("Table {table}, row {row}: the audit does not know it."), table.name, name)
        elif told is None:
            found.before += 1
        else:
            values = {one.name: seal(one, row[one.name]) for one in columns}
            for column in values:
                if column in told and told[column] != values[column]:
                    found.differs(table.name, name, column, told[column], values[column])
        if table is alert and (told is None or "state" not in told):
            _moved(said, found, row)
        yield key


def _moved(said: ChainSaid, found: Differences, row: Any) -> None:
    """The state of an alert from before, against the last row about it."""
    states = said.moved(row["id"])
    if states and row["state"] not in states:
        found.differs("alert", row["id"], "state", " / ".join(states), row["state"])


def deliveries() -> Select[Any]:
    """The deliveries as `compare_outcomes` takes them."""
    d = delivery.c
    names = ("id", "state", "target", "lang", "part", "remote_id", "url", "message_id", "settled_by")
    return (
        select(*(d[name] for name in names), dispatch.c.purpose, dispatch.c.digest)
        .add_columns(dispatch.c.alert_id.label("alert"), account.c.name.label("channel"))
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
    )


async def _deliveries(conn: Connection, said: ChainSaid, found: Differences) -> None:
    key = await facts.pseudonym_key(conn, make=False)
    async for page in _pages(conn, deliveries(), delivery.c.id):
        compare_outcomes(page, key, said, found)
        for row in page:
            said.met("delivery", str(row["id"]))


def compare_outcomes(page: Iterable[Any], key: bytes, said: ChainSaid, found: Differences) -> None:
    """Compare deliveries with what the audit says became of them. `key`: of the pseudonyms."""
    for row in page:
        told = said.get("delivery", str(row["id"]))
        if told is not None:
            _outcome_differs(row, told, key, found)
        elif row["state"] in OPEN_STATES or row["message_id"] is None:
            continue
        elif said.from_before("delivery", str(row["id"])):
            found.before += 1
        else:
            found.say(
                _("Table {table}, row {row}: it is {state}, and the audit has no outcome of it."),
                "delivery",
                str(row["id"]),
                state=row["state"],
            )


def _outcome_differs(row: Any, told: Mapping[str, Json], key: bytes, found: Differences) -> None:
    again = told["state"] == DeliveryState.UNCERTAIN and row["state"] in OPEN_STATES
    if again:
        return
    compared = ["state", "alert", "channel", "digest", "remote_id"]
    compared += [] if told["bare"] else ["purpose", "target", "lang", "part", "url"]
    for name in compared:
        value = row[name]
        if name == "target" and told[name] != value:
            value = facts.pseudonym_of(key, str(value))
        if told[name] != value:
            found.differs("delivery", str(row["id"]), name, told[name], value)
    if row["settled_by"] is not None and told["actor"] == _NOBODY:
        found.differs("delivery", str(row["id"]), "settled_by", None, row["settled_by"])


def approvals() -> Select[Any]:
    """The signatures as `compare_approvals` takes them."""
    query = select(approval.c.id, approval.c.alert_id, approval.c.digest, person.c.name)
    return query.join_from(approval, person, person.c.id == approval.c.person_id)


async def _approvals(conn: Connection, said: ChainSaid, found: Differences) -> None:
    async for page in _pages(conn, approvals(), approval.c.id):
        compare_approvals(page, said, found)
    for name, actor in said.unsigned():
        unsigned(name, actor, found)


def compare_approvals(page: Iterable[Any], said: ChainSaid, found: Differences) -> None:
    """Signatures without their row in the audit."""
    for row in page:
        if not said.signed(row["alert_id"], row["digest"], row["name"]):
            found.say(
                _(
                    "Table {table}, row {row}: {name} approved {alert}, of which the audit says nothing."
                ),
                "approval",
                str(row["id"]),
                name=row["name"],
                alert=row["alert_id"],
            )


def unsigned(name: str, actor: str, found: Differences) -> None:
    """A row of the audit without its signature."""
    found.say(
        _("Table {table}: the audit says that {name} approved {row}, and the table has no such row."),
        "approval",
        name,
        name=actor,
    )


def published() -> Select[Any]:
    """The alerts that are out, as `compare_published` takes them."""
    query = select(alert.c.id, alert.c.state, alert.c.digest, alert.c.approvers)
    return query.where(alert.c.state.in_(sorted(_OUT)))


async def _published(conn: Connection, said: ChainSaid, found: Differences) -> None:
    async for page in _pages(conn, published(), alert.c.id):
        compare_published(page, said, found)


def compare_published(page: Iterable[Any], said: ChainSaid, found: Differences) -> None:
    """Alerts that are out without their approvals."""
    for row in page:
        by = said.approvals(row["id"], row["digest"])
        alone = _NOBODY in by or "break-glass" in by.values()
        if not alone and len(by) < max(1, row["approvers"]):
            found.say(
                _(
                    "Table {table}, row {row}: it is {state}, and the audit has {n} of its {needed} approvals."
                ),
                "alert",
                row["id"],
                state=row["state"],
                n=len(by),
                needed=max(1, row["approvers"]),
            )
