"""What the audit is told of rows: which rows of the watched tables a transaction wrote, and with what values.

Every insertion, change and deletion through the program's own connections is noticed as it is executed, column by
column. The next row of the audit in the same transaction carries the values (`audit.facts`); what is left at the
end gets a row of its own. So what the chain says of a row is what the program itself wrote, and nothing that
somebody else wrote beside it.

The form, as it is stored: a list of groups of rows of one table that were written with the same columns, each
`{"table", "keys": […], "same": {column: value}, "each": {column: [value, …]}}`; a group of deleted rows has
`"gone": true` instead of values. Long values are hashed; tokens and addresses appear as fingerprints only.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

import sqlalchemy
from sqlalchemy import Column, Delete, Insert, Table, Update, event, func, insert, select, tuple_
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList

from alertbot.core.json import Json
from alertbot.core.target_list import ERASED, is_erased
from alertbot.db import tables, tables_desk, tables_lists, tables_page, tables_register, tables_watch
from alertbot.db.sql import AUDIT, Connection, take_lock

Key: TypeAlias = tuple[Any, ...]
Group: TypeAlias = Mapping[str, Any]

WATCHED: Mapping[str, Table] = {
    one.name: one
    for one in (
        tables.person,
        tables.incident,
        tables.alert,
        tables.message,
        tables.picture,
        tables.approval,
        tables.record,
        tables.account,
        tables.halt,
        tables.dispatch,
        tables_register.number,
        tables_register.number_version,
        tables_register.number_check,
        tables_register.alert_number,
        tables_register.contact,
        tables_register.link_code,
        tables_register.task,
        tables_watch.preapproval,
        tables_watch.presignature,
        tables_watch.decision,
        tables_watch.planned,
        tables_page.page_edition,
        tables_desk.desk_session,
        tables_desk.invitation,
        tables_desk.passkey,
        tables_desk.recovery_code,
        tables_desk.api_token,
        tables_desk.identity,
        tables_lists.suppression,
        tables_lists.archived,
    )
}
UNWATCHED = {
    "person": frozenset({"last_used_at"}),
    "account": frozenset(one.name for one in tables.account.c) - {"name", "halted", "paused"},
    "dispatch": frozenset({"started", "closed", "turn"}),
    "link_code": frozenset({"attempts"}),
    "desk_session": frozenset({"seen_at", "lang"}),
    "passkey": frozenset({"sign_count", "last_used_at"}),
    "api_token": frozenset({"last_used_at"}),
}
"""What changes with every call, and decides nothing alone."""
SECRET = frozenset(
    {("person", "mail"), ("person", "token_hash"), ("contact", "user"), ("suppression", "address")}
)
_LONGEST = 64  # characters of a value that is told as it is
_ROWS = 1000  # per row of the audit
_ASKED = 500  # keys per statement
_SUM_DIGITS = 32
_ALL = None  # every column: the row is new


@dataclass(slots=True)
class _Written:
    """What a transaction has written and the audit has not been told yet; and what it was told, in case that is
    rolled back to a savepoint. Columns None: all of them."""

    rows: dict[tuple[str, Key], set[str] | None] = field(default_factory=dict)
    above: dict[str, int] = field(
        default_factory=dict
    )  # table: the highest id before its first new row
    told: dict[tuple[str, Key], set[str] | None] = field(default_factory=dict)

    def add(self, table: str, key: Key, columns: set[str] | None) -> None:
        known = self.rows.setdefault((table, key), set())
        whole = known is None or columns is None
        self.rows[table, key] = None if whole else {*(known or ()), *(columns or ())}


def columns_of(table: Table) -> tuple[Column[Any], ...]:
    """The columns that the audit is told, without the key."""
    left_out = UNWATCHED.get(table.name, frozenset())
    return tuple(one for one in table.columns if not one.primary_key and one.name not in left_out)


def watch(engine: Any) -> None:
    """Notice what is written through this (synchronous) engine."""
    event.listen(engine, "before_execute", _before)
    event.listen(engine, "rollback_savepoint", _taken_back)


def begin(conn: Connection) -> None:
    """A transaction begins: nothing is written yet."""
    _info(conn)["written"] = _Written()


def waiting(conn: Connection) -> bool:
    """Whether something was written that the audit has not been told."""
    written = _info(conn).get("written")
    return isinstance(written, _Written) and bool(written.rows or written.above)


def forget(conn: Connection) -> None:
    """What was written so far is told to nobody: the audit cannot be written, and the rest must stand."""
    begin(conn)


async def gather(conn: Connection) -> list[list[Group]]:
    """What was written and not told yet, for one row of the audit each. For the holder of the audit's lock: what
    others wrote is committed then, and was told. Empty if there is nothing."""
    written = _info(conn).get("written")
    if not isinstance(written, _Written) or not (written.rows or written.above):
        return []
    for table, highest in list(written.above.items()):
        fresh = select(WATCHED[table].c.id).where(WATCHED[table].c.id > highest)
        for number in await conn.scalars(fresh):
            written.add(table, (number,), _ALL)
    groups: list[list[Group]] = []
    by_table: dict[str, list[Key]] = {}
    for table, key in written.rows:
        by_table.setdefault(table, []).append(key)
    for table in sorted(by_table):
        for start in range(0, len(by_table[table]), _ROWS):
            keys = by_table[table][start : start + _ROWS]
            groups.append(await _groups(conn, WATCHED[table], keys, written))
    written.told |= written.rows
    written.rows, written.above = {}, {}
    return _packed(groups)


def _packed(groups: Sequence[list[Group]]) -> list[list[Group]]:
    """Groups put together up to so many rows."""
    packed: list[list[Group]] = []
    room = 0
    for one in groups:
        size = sum(len(group["keys"]) for group in one)
        if not packed or size > room:
            packed.append([])
            room = _ROWS
        packed[-1] += one
        room -= size
    return packed


async def _groups(
    conn: Connection, table: Table, keys: Sequence[Key], written: _Written
) -> list[Group]:
    found = {key: row async for key, row in _rows(conn, table, keys)}
    seal = await sealer(conn, table, found.values())
    alike: dict[tuple[str, ...], list[tuple[Key, list[Json]]]] = {}
    gone = [key for key in keys if key not in found]
    for key, row in found.items():
        asked = written.rows[table.name, key]
        columns = [one for one in columns_of(table) if asked is None or one.name in asked]
        values = [seal(one, row[one.name]) for one in columns]
        alike.setdefault(tuple(one.name for one in columns), []).append((key, values))
    groups = [_group(table.name, names, rows) for names, rows in alike.items()]
    if gone:
        groups.append({"table": table.name, "keys": [key_text(key) for key in gone], "gone": True})
    return groups


def _group(table: str, names: Sequence[str], rows: Sequence[tuple[Key, list[Json]]]) -> Group:
    same: dict[str, Json] = {}
    each: dict[str, Json] = {}
    for place, name in enumerate(names):
        values = [row[place] for _key, row in rows]
        if all(one == values[0] for one in values):
            same[name] = values[0]
        else:
            each[name] = values
    group: dict[str, Any] = {
        "table": table,
        "keys": [key_text(key) for key, _row in rows],
        "same": same,
    }
    return group | ({"each": each} if each else {})


async def _rows(conn: Connection, table: Table, keys: Sequence[Key]) -> Any:
    primary = list(table.primary_key.columns)
    for start in range(0, len(keys), _ASKED):
        part = keys[start : start + _ASKED]
        if len(primary) == 1:
            wanted = primary[0].in_([key[0] for key in part])
        else:
            wanted = tuple_(*primary).in_(part)
        for row in (await conn.execute(select(table).where(wanted))).mappings():
            yield tuple(row[one.name] for one in primary), row


def unpacked(facts: Iterable[Group]) -> Iterator[tuple[str, str, dict[str, Json] | None]]:
    """Table, key and values of every row that is told; no values for one that was deleted."""
    for group in facts:
        for place, key in enumerate(group["keys"]):
            if group.get("gone"):
                yield group["table"], key, None
            else:
                each = {name: values[place] for name, values in group.get("each", {}).items()}
                yield group["table"], key, {**group["same"], **each}


def key_text(key: Key) -> str:
    """A key as the audit and its findings name it: `12`, `BKRT-1`, `BKRT-1/12`."""
    return "/".join(str(part) for part in key)


async def sealer(
    conn: Connection, table: Table, rows: Iterable[Mapping[str, Any]], *, make: bool = True
) -> Callable[[Column[Any], Any], Json]:
    """The function from a column and its value to what the audit says of it. `make`: as for `pseudonym_key`."""
    hidden = [name for kind, name in SECRET if kind == table.name]
    needed = any(row[name] is not None for row in rows for name in hidden)
    return partial(_sealed, await pseudonym_key(conn, make=make) if needed else b"")


def _sealed(key: bytes, column: Column[Any], value: Any) -> Json:
    if value is None or isinstance(value, bool | int | float):
        return value
    if (column.table.name, column.name) in SECRET:
        return keyed_hash(key, str(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else _sum(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return _sum(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    plain = isinstance(value, list) and len(text) <= _LONGEST
    return text if plain else _sum(text.encode())


def _sum(value: bytes) -> str:
    return "sha256:" + hashlib.sha256(value).hexdigest()[:_SUM_DIGITS]


# --- the key of the pseudonyms --------------------------------------------------------------------


async def pseudonym_key(conn: Connection, *, make: bool = True) -> bytes:
    """The installation's key, made when it is first asked for: that needs a write transaction. Without `make`
    it is empty where there is none yet, and nothing was named by it."""
    table = tables.installation
    question = select(table.c.pseudonym_key).where(table.c.id == 1)
    found = await conn.scalar(question)
    if found is None and not make:
        return b""
    if found is None:
        await take_lock(conn, AUDIT)
        found = await conn.scalar(question)
    if found is None:
        found = secrets.token_hex(32)
        await conn.execute(insert(table).values(id=1, pseudonym_key=found))
    return bytes.fromhex(found)


def keyed_hash(key: bytes, address: str) -> str:
    """32 hexadecimal digits, the same for the same address in any case."""
    plain = address.strip().casefold().encode("utf-8", "surrogatepass")
    return hmac.digest(key, plain, "sha256").hex()[:_SUM_DIGITS]


def pseudonym_of(key: bytes, address: str) -> str:
    """The pseudonym of an address as a table has it: one that was erased has left only that."""
    return address.removeprefix(ERASED) if is_erased(address) else keyed_hash(key, address)


# --- noticing -------------------------------------------------------------------------------------


def _info(conn: Connection) -> dict[Any, Any]:
    assert conn.sync_connection is not None
    return conn.sync_connection.info


def _taken_back(conn: sqlalchemy.engine.Connection, _name: str, _context: None) -> None:
    """Rows of the audit may be gone with the savepoint: what they told is to be told again."""
    written = conn.info.get("written")
    if isinstance(written, _Written):
        for (table, key), columns in written.told.items():
            written.add(table, key, columns)


def _before(
    conn: sqlalchemy.engine.Connection,
    statement: Any,
    many: Sequence[Mapping[str, Any]],
    one: Mapping[str, Any],
    _o: Any,
) -> None:
    if not isinstance(statement, Insert | Update | Delete):
        return
    table, written = statement.table, conn.info.get("written")
    if not isinstance(table, Table) or table.name not in WATCHED or not isinstance(written, _Written):
        return
    sets = list(many) or [one or {}]
    if isinstance(statement, Insert):
        _inserted(conn, statement, table, sets, written)
        return
    columns = _set_columns(statement, sets) if isinstance(statement, Update) else set()
    if isinstance(statement, Update):
        columns &= {column.name for column in columns_of(table)}
        if not columns:
            return
    for key in _keys(conn, statement, table, sets):
        written.add(table.name, key, columns)


def _inserted(
    conn: sqlalchemy.engine.Connection,
    statement: Insert,
    table: Table,
    sets: Sequence[Any],
    written: _Written,
) -> None:
    primary = [column.name for column in table.primary_key.columns]
    fixed = _values(statement)
    keys = [tuple((fixed | dict(each)).get(name) for name in primary) for each in sets]
    if statement.select is None and all(None not in key for key in keys):
        for key in keys:
            written.add(table.name, key, _ALL)
    elif table.name not in written.above:
        highest = conn.scalar(select(func.max(table.c.id)))
        written.above[table.name] = int(highest or 0)


def _values(statement: Insert | Update) -> dict[str, Any]:
    """What a statement itself says to write, by column."""
    given: Mapping[Any, Any] = statement._values or {}  # there is no public way to ask a statement
    return {
        str(getattr(name, "key", name)): value.value if isinstance(value, BindParameter) else value
        for name, value in given.items()
    }


def _set_columns(statement: Update, sets: Sequence[Mapping[str, Any]]) -> set[str]:
    return {*_values(statement), *(name for each in sets[:1] for name in each)}


def _keys(
    conn: sqlalchemy.engine.Connection,
    statement: Update | Delete,
    table: Table,
    sets: Sequence[Mapping[str, Any]],
) -> Iterable[Key]:
    """The keys of the rows that a change is about; more than it will change do no harm."""
    primary = list(table.primary_key.columns)
    if len(primary) == 1:
        for condition in _conditions(statement.whereclause):
            bound = condition.right if isinstance(condition, BinaryExpression) else None
            named = isinstance(condition, BinaryExpression) and condition.left is primary[0]
            if named and isinstance(bound, BindParameter) and isinstance(bound.value, str | int | None):
                return [(each.get(bound.key, bound.value),) for each in sets]
    found = select(*primary)
    if statement.whereclause is not None:
        found = found.where(statement.whereclause)
    return [tuple(row) for each in sets for row in conn.execute(found, each or None)]


def _conditions(clause: Any) -> Iterator[Any]:
    if isinstance(clause, BooleanClauseList) and clause.operator.__name__ == "and_":
        for part in clause.clauses:
            yield from _conditions(part)
    elif clause is not None:
        yield clause
