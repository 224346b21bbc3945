"""Whether the tables are as the audit says: rows changed, removed or added beside the program, with the chain left
as it was.

What the chain says of each row is kept in a temporary file while the tables are read page by page, so that a
million deliveries need no more memory than a thousand. What is compared: every watched row, column by column
(`db.facts`); every delivery with its recorded outcome; every approval with its row in the audit; that nothing is out
without an approval. Older rows, of which the audit was told less, are compared as far as it goes, and counted.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.core.json import Json
from alertbot.core.model import OPEN_STATES, AlertState, DeliveryState
from alertbot.core.words import _
from alertbot.db import audit, facts
from alertbot.db.audit import AuditRow, AuditVerdict
from alertbot.db.facts import WATCHED, columns_of
from alertbot.db.tables import account, alert, approval, delivery, dispatch, person

MOST_TOLD = 1000  # differences that are named one by one
_PAGE = 1000
_GONE = "null"
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


async def compare(conn: AsyncConnection, head: str | None = None) -> Comparison:
    """Check the chain (`audit.verify`) and the tables against it. Raises `Misuse` for a head that is too
    short."""
    said = _Said()
    try:
        verdict = await audit.verify(conn, head, said.row)
        found = _Differences()
        for table in WATCHED.values():
            await _rows(conn, table, said, found)
        await _deliveries(conn, said, found)
        await _approvals(conn, said, found)
        await _published(conn, said, found)
        for kind, key in said.left():
            found.say(_("Table {table}, row {row}: the audit knows it, and it is gone."), kind, key)
    finally:
        said.close()
    alerts = tuple(await conn.scalars(select(alert.c.id).order_by(alert.c.id)))
    return Comparison(verdict, found.sentences(), alerts, found.before)


class _Differences:
    def __init__(self) -> None:
        self.before = 0
        self._told: list[str] = []
        self._more = 0

    def say(self, sentence: str, table: str, row: str, **values: object) -> None:
        if len(self._told) < MOST_TOLD:
            self._told.append(sentence.format(table=table, row=row, **values))
        else:
            self._more += 1

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


class _Said:
    """What the chain says, heard row by row; in a file that is gone when it is closed."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("")
        self._file.execute(
            "CREATE TABLE said (kind TEXT, key TEXT, told TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        self.approved: dict[tuple[str, str], dict[str, str]] = {}  # alert, digest: verb by actor
        self.moves: dict[str, frozenset[str]] = {}  # alert: the states that its last row leaves it in
        self._older: Mapping[str, Any] | None = None  # by table, the rows from before
        self._untold: bool | None = None  # whether people were added before rows were told

    def close(self) -> None:
        self._file.close()

    def row(self, row: AuditRow) -> None:
        if row["verb"] == "upgrade" and self._older is None and "before" in row["detail"]:
            self._older = {
                table: one if isinstance(one, int) else frozenset(one)
                for table, one in row["detail"]["before"].items()
            }
        if row["verb"] == "people-add" and self._untold is None:
            self._untold = row["facts"] is None
        for kind, key, values in facts.unpacked(row["facts"] or ()):
            self._put(kind, key, values)
        if row["verb"] in _OUTCOMES and "delivery" in row["detail"]:
            self._put("delivery", str(row["detail"]["delivery"]), _outcome(row))
        elif row["alert"]:
            self._alert(row)

    def _alert(self, row: AuditRow) -> None:
        name, verb = str(row["alert"]), row["verb"]
        if verb in ("approve", "break-glass"):
            self.approved.setdefault((name, str(row["digest"])), {})[row["actor"]] = verb
        state = row["detail"].get("state") or (verb if verb in _STATES else None)
        if verb == "expire":
            state = str(AlertState.EXPIRED)
        if state:
            more = {str(AlertState.APPROVED)} if verb == "approve" else set[str]()
            self.moves[name] = frozenset({str(state)} | more)

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

    def from_before(self, kind: str, key: str) -> bool:
        """Whether a row is older than what the audit is told. Where nothing says which ones are, in a database
        that was upgraded by hand, all those are that it was told nothing of."""
        if self._older is None:
            return bool(self._untold)
        older = self._older.get(kind, frozenset())
        return int(key) <= older if isinstance(older, int) else key in older


def _outcome(row: AuditRow) -> dict[str, Json]:
    detail = row["detail"]
    told = {name: detail.get(name) for name in ("channel", "purpose", "target", "lang", "part", "url")}
    told |= {"state": row["verb"], "alert": row["alert"], "digest": row["digest"]}
    told |= {"remote_id": row["remote_id"], "bare": bool(detail.get("bare")), "actor": row["actor"]}
    return told


async def _pages(conn: AsyncConnection, query: Any, *key: Any) -> AsyncIterator[list[Any]]:
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


async def _rows(conn: AsyncConnection, table: Table, said: _Said, found: _Differences) -> None:
    primary, columns = list(table.primary_key.columns), columns_of(table)
    async for page in _pages(conn, select(table), *primary):
        seal = await facts.sealer(conn, table, page, make=False)
        for row in page:
            key = facts.key_text(tuple(row[one.name] for one in primary))
            told = said.get(table.name, key)
            said.met(table.name, key)
            name = f"{key} ({row['name']})" if table is person else key
            if told is None and said.from_before(table.name, key):
                found.before += 1
            elif told is None:
                found.say(_("Table {table}, row {row}: the audit does not know it."), table.name, name)
            else:
                for one in columns:
                    value = seal(one, row[one.name])
                    if one.name in told and told[one.name] != value:
                        found.differs(table.name, name, one.name, told[one.name], value)
            if table is alert and (told is None or "state" not in told):
                _moved(said, found, row)


def _moved(said: _Said, found: _Differences, row: Any) -> None:
    """The state of an alert from before, against the last row about it."""
    states = said.moves.get(row["id"])
    if states and row["state"] not in states:
        found.differs("alert", row["id"], "state", " / ".join(sorted(states)), row["state"])


async def _deliveries(conn: AsyncConnection, said: _Said, found: _Differences) -> None:
    d = delivery.c
    names = ("id", "state", "target", "lang", "part", "remote_id", "url", "message_id", "settled_by")
    query = (
        select(*(d[name] for name in names), dispatch.c.purpose, dispatch.c.digest)
        .add_columns(dispatch.c.alert_id.label("alert"), account.c.name.label("channel"))
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
    )
    key = await facts.pseudonym_key(conn, make=False)
    async for page in _pages(conn, query, d.id):
        for row in page:
            told = said.get("delivery", str(row["id"]))
            said.met("delivery", str(row["id"]))
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


def _outcome_differs(row: Any, told: Mapping[str, Json], key: bytes, found: _Differences) -> None:
    again = told["state"] == DeliveryState.UNCERTAIN and row["state"] in OPEN_STATES
    if again:
        return
    compared = ["state", "alert", "channel", "digest", "remote_id"]
    compared += [] if told["bare"] else ["purpose", "target", "lang", "part", "url"]
    for name in compared:
        value = row[name]
        if name == "target" and told[name] != value:
            value = facts.keyed_hash(key, str(value))
        if told[name] != value:
            found.differs("delivery", str(row["id"]), name, told[name], value)
    if row["settled_by"] is not None and told["actor"] == _NOBODY:
        found.differs("delivery", str(row["id"]), "settled_by", None, row["settled_by"])


async def _approvals(conn: AsyncConnection, said: _Said, found: _Differences) -> None:
    """Signatures without their row in the audit, and rows of it without the signature."""
    query = select(approval.c.id, approval.c.alert_id, approval.c.digest, person.c.name)
    query = query.join_from(approval, person, person.c.id == approval.c.person_id)
    signed: set[tuple[str, str, str]] = set()
    async for page in _pages(conn, query, approval.c.id):
        for row in page:
            signed.add((row["alert_id"], row["digest"], row["name"]))
            if row["name"] not in said.approved.get((row["alert_id"], row["digest"]), {}):
                found.say(
                    _(
                        "Table {table}, row {row}: {name} approved {alert}, of which the audit says nothing."
                    ),
                    "approval",
                    str(row["id"]),
                    name=row["name"],
                    alert=row["alert_id"],
                )
    for (name, digest), by in said.approved.items():
        for actor, verb in by.items():
            if verb == "approve" and actor != _NOBODY and (name, digest, actor) not in signed:
                found.say(
                    _(
                        "Table {table}: the audit says that {name} approved {row}, and the table has no such row."
                    ),
                    "approval",
                    name,
                    name=actor,
                )


async def _published(conn: AsyncConnection, said: _Said, found: _Differences) -> None:
    query = select(alert.c.id, alert.c.state, alert.c.digest, alert.c.approvers)
    async for page in _pages(conn, query.where(alert.c.state.in_(sorted(_OUT))), alert.c.id):
        for row in page:
            by = said.approved.get((row["id"], row["digest"]), {})
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
