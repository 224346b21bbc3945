"""Shared SQL: the connection that every store function takes first (other rooms only pass it on), the
database's clock, statements for many rows, and advisory locks.

With a lock, one transaction at a time does what two would disturb each other in. Transactions that take the same
locks in different orders deadlock. So everyone takes them in this order, leaving out those not needed:

1. `PEOPLE`: who may act;
2. `AUDIT`, which every change ends with: before any row lock, and before the fence is closed;
3. `rule:…` or `service:…`: a rule approved in advance, or a watched service;
4. `SIGNALS`: the reports;
5. the fence (`store_deliveries.fence`): intents pass it shared; halt, pause and cancel close it;
6. rows: accounts before deliveries, reports before their services, each kind by id.

Intents take `AUDIT` only if they will write to it (the first call of an alert on a channel), and then
before the fence, so that many workers need not wait for each other."""

import json
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    ColumnElement,
    Float,
    FromClause,
    Insert,
    Integer,
    String,
    Table,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    Connection: TypeAlias = AsyncConnection
else:
    Connection = (
        object  # SQLite goes without that library, which brings the ORM: a tenth of a short command
    )

PEOPLE = "people"
AUDIT = "audit"
SIGNALS = "signals"


async def take_lock(conn: Connection, what: str) -> None:
    """Wait until no other open transaction holds the same lock; it is released when this transaction
    ends.

    SQLite needs nothing: its write transactions begin with the only write lock.
    """
    if conn.dialect.name == "postgresql":
        key = zlib.crc32(f"alertbot {what}".encode())
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


ColumnValues: TypeAlias = dict[str, Any]  # what a statement writes, by column


@asynccontextmanager
async def savepoint(conn: Connection) -> AsyncIterator[None]:
    """Writes inside are rolled back if it raises; earlier ones stay."""
    async with conn.begin_nested():
        yield


class _Now(FunctionElement[float]):
    """Epoch seconds when the statement runs (not when its transaction began).

    A function element, because a statement with a plain `ColumnElement` is compiled again at every
    execution.
    """

    type = Float(53)
    inherit_cache = True


@compiles(_Now, "sqlite")
def _sqlite_now(_element: _Now, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(_Now, "postgresql")
def _postgresql_now(_element: _Now, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


NOW = _Now()


MOST_PARAMETERS = 32_766  # of one statement: SQLite's limit; PostgreSQL's is 65,535
INSERTED = 1000  # rows per statement; between two the event loop gets its turn
LINKED = 10_000  # the same, where a row costs the loop nothing
TYPES: dict[type, TypeEngine[Any]] = {
    int: Integer(),
    float: Float(53),
    str: String(),
    bool: Boolean(),
}

Row = TypeVar("Row")


def portions(rows: Sequence[Row], parameters: int) -> Iterator[Sequence[Row]]:
    """The rows in portions that both databases accept in one statement with this many bound `parameters`
    per row."""
    most = MOST_PARAMETERS // parameters
    for start in range(0, len(rows), most):
        yield rows[start : start + most]


def upsert(conn: Connection, into: Table) -> Any:
    """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`: of two transactions that
    write one key at once, neither fails."""
    dialect = import_module(
        f"sqlalchemy.dialects.{conn.dialect.name}"
    )  # the other one is not even loaded
    return dialect.insert(into)


def among(conn: Connection, ids: Sequence[int], key: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that `key` is one of `ids`."""
    if conn.dialect.name == "postgresql":
        return key == any_(literal(list(ids), ARRAY(Integer)))
    each = func.json_each(json.dumps(list(ids))).table_valued("value")
    return key.in_(select(each.c.value))


def one_of(dialect: str, key: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """As `among`, for a statement that is built once: its parameter `name` takes what `ids_for` gives."""
    if dialect == "postgresql":
        return key == any_(cast(bindparam(name, type_=String()), ARRAY(Integer)))
    each = func.json_each(bindparam(name, type_=String())).table_valued("value")
    return key.in_(select(each.c.value))


def ids_for(dialect: str, ids: Sequence[int]) -> str:
    """The parameter of `one_of`: as text, since psycopg takes longer over a list than the server."""
    told = ",".join(map(str, ids))
    return f"{{{told}}}" if dialect == "postgresql" else f"[{told}]"


def given(dialect: str, columns: Mapping[str, type]) -> FromClause:
    """As `table`, for a statement that is built once: its parameters are what `rows_for` gives."""
    if dialect == "postgresql":
        values = (
            cast(bindparam(f"given_{name}", type_=String()), ARRAY(TYPES[kind]))
            for name, kind in columns.items()
        )
        named = (column(name, TYPES[kind]) for name, kind in columns.items())
        return func.unnest(*values).table_valued(*named, name="given").render_derived()
    each = func.json_each(bindparam("given_rows", type_=String())).table_valued("value")
    return _extracted(each.c.value, columns)


def rows_for(
    dialect: str, columns: Mapping[str, type], rows: Sequence[tuple[Any, ...]]
) -> dict[str, str]:
    """The parameters of `given`."""
    if dialect == "postgresql":
        arrays = zip(*rows, strict=True)
        return {f"given_{name}": _array(array) for name, array in zip(columns, arrays, strict=True)}
    return {"given_rows": json.dumps(rows)}


def _array(values: Iterable[Any]) -> str:
    """A PostgreSQL array as text."""
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _extracted(value: Any, columns: Mapping[str, type]) -> FromClause:
    parts = (
        func.json_extract(value, f"$[{place}]", type_=TYPES[kind]).label(name)
        for place, (name, kind) in enumerate(columns.items())
    )
    return select(*parts).subquery("given")


def table(conn: Connection, columns: Mapping[str, type], rows: Sequence[tuple[Any, ...]]) -> FromClause:
    """A derived table with these columns and rows, to update from."""
    if conn.dialect.name == "postgresql":
        arrays = zip(*rows, strict=True)
        values = (
            literal(list(array), ARRAY(TYPES[kind]))
            for array, kind in zip(arrays, columns.values(), strict=True)
        )
        named = (column(name, TYPES[kind]) for name, kind in columns.items())
        return func.unnest(*values).table_valued(*named, name="given").render_derived()
    each = func.json_each(json.dumps(rows)).table_valued("value")
    return _extracted(each.c.value, columns)


async def fresh_ids(conn: Connection, into: Table, count: int) -> Sequence[int]:
    """So many ids, ascending, that no row of the table has or will get from another transaction: rows that
    name each other can then be added in bulk. For a write transaction."""
    if conn.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(into.name, "id")
        each = func.generate_series(1, count).table_valued("n")
        found = await conn.scalars(select(func.nextval(sequence)).select_from(each))
        return sorted(int(one) for one in found)
    last = int(await conn.scalar(select(func.max(into.c.id))) or 0)  # the write lock is ours
    return range(last + 1, last + 1 + count)


async def add(conn: Connection, into: Table, rows: Sequence[Mapping[str, Any]], **same: Any) -> None:
    """Insert these rows, which have the same columns, in order; `same` gives values or expressions for
    all of them."""
    for start in range(0, len(rows), INSERTED):
        chunk = rows[start : start + INSERTED]
        if conn.dialect.name == "postgresql":
            await conn.execute(_from_arrays(into, chunk, same))
        else:
            await conn.execute(insert(into).values(**same), list(chunk))


async def add_linked(
    conn: Connection,
    into: Table,
    rows: Sequence[tuple[Any, ...]],
    columns: Mapping[str, str],
    **same: float,
) -> None:
    """Insert rows that name each other, in order: as `add`, at a third of its cost on SQLite, where nobody else
    can write meanwhile. `columns`: the names, each with what stands in the row: "value", "place" (of a row of
    the same list, or None) or "least" (a number, or the one in `same` if that is more)."""
    ids = await fresh_ids(conn, into, len(rows))
    names = [*columns, *(name for name in same if name not in columns)]
    if conn.dialect.name == "postgresql":
        for start in range(0, len(rows), INSERTED):
            chunk = rows[start : start + INSERTED]
            resolved = [_resolved(row, columns, ids, same) for row in chunk]
            await add(conn, into, [dict(zip(names, row, strict=True)) for row in resolved])
        return
    first = ids[0] if ids else 0
    asked = {"value": "?", "place": f"? + {first}"}
    values = [asked.get(what, f"max(?, {same.get(name)!r})") for name, what in columns.items()]
    values += [repr(same[name]) for name in names[len(columns) :]]
    statement = f"INSERT INTO {into.name} ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608 - ours
    for start in range(0, len(rows), LINKED):
        await conn.exec_driver_sql(statement, list(rows[start : start + LINKED]))


def _resolved(
    row: Sequence[Any], columns: Mapping[str, str], ids: Sequence[int], same: Mapping[str, float]
) -> list[Any]:
    """The row as PostgreSQL gets it: places as ids, then what all rows have in common."""
    found = []
    for (name, what), value in zip(columns.items(), row, strict=True):
        if what == "place":
            found.append(None if value is None else ids[value])
        else:
            found.append(max(value, same[name]) if what == "least" else value)
    return found + [value for name, value in same.items() if name not in columns]


def _from_arrays(into: Table, rows: Sequence[Mapping[str, Any]], same: Mapping[str, Any]) -> Insert:
    """One statement for all rows: one per row costs PostgreSQL four times as much."""
    names = list(rows[0])
    kinds = {name: into.c[name].type for name in names}
    plain: dict[str, TypeEngine[Any]] = {
        name: String() if isinstance(kind, JSON) else kind for name, kind in kinds.items()
    }
    arrays = [
        literal(
            [json.dumps(row[name]) if isinstance(kinds[name], JSON) else row[name] for row in rows],
            ARRAY(plain[name]),
        )
        for name in names
    ]
    columns = (column(name, plain[name]) for name in names)
    given = func.unnest(*arrays).table_valued(*columns, name="given").render_derived().c
    picked: list[ColumnElement[Any]] = [cast(given[name], kinds[name]) for name in names]
    picked += [
        value if isinstance(value, ColumnElement) else literal(value, into.c[name].type)
        for name, value in same.items()
    ]
    return insert(into).from_select([*names, *same], select(*picked))
