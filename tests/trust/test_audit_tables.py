"""Case 13: rows changed with the true head kept. `audit verify` compares the tables with what the chain says: every
column, every row that is gone or was added; and after whatever people do, it finds nothing."""

import asyncio
import re
import shlex
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    LargeBinary,
    NullPool,
    Table,
    Update,
    create_engine,
    delete,
    insert,
    select,
    update,
)

from alertbot.app import build
from alertbot.core.model import AlertState, DeliveryState, Picture
from alertbot.db import migrate, tables, tables_register
from alertbot.db.facts import WATCHED, columns_of
from alertbot.db.failures import parse_url
from alertbot.db.tables import Instant, dispatch
from alertbot.db.tables_lists import archived
from alertbot.delivery import store_outbox, store_suppressed
from alertbot.delivery.views import Suppressed
from alertbot.people import accounts, api_tokens, signing_in, store_identity, store_sign_in
from alertbot.people.rules import Scope
from alertbot.watch import store_preapprovals
from alertbot.watch.context import WatchContext
from tests import postgres
from tests.cli.desk import CONFIG, Desk, opened
from tests.cli.test_rules import RULES, WATCH
from tests.effort import examples
from tests.released.test_released import carried_to_postgresql, written

ONCE = ("alert.incident_id", "number_version.number_id", "presignature.preapproval_id")
OF_DELIVERY = ("state", "target", "lang", "part", "remote_id", "url", "settled_by")
OF_DISPATCH = ("alert_id", "digest", "purpose")
DOCS = Path(__file__).parents[2] / "docs" / "how-to"


def verdict(desk: Desk) -> dict[str, Any]:
    answer = desk.run("audit", "verify", "--json")
    found: dict[str, Any] = answer.json
    assert answer.code == (0 if found["sound"] else 1)
    return found


def sound(desk: Desk) -> None:
    found = verdict(desk)
    assert found["problems"] == []
    assert found["before"] == 0


def direct(desk: Desk) -> Engine:
    """A connection of somebody else, behind the program's back."""
    address = parse_url(str(build(desk.folder / "config.yaml").config.database))
    if address.drivername.startswith("sqlite"):
        address = address.set(drivername="sqlite", database=str(desk.folder / "alertbot.db"))
    return create_engine(address, poolclass=NullPool)


# --- a database in which something of everything happened -------------------------------------------


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def busy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("busy"))
    if request.param == "sqlite":
        happened(desk)
        yield desk
        return
    server = request.getfixturevalue("postgres_server")
    url = postgres.clone(server, request.getfixturevalue("postgres_template"))
    with pytest.MonkeyPatch.context() as patch:
        if found := re.match(r"(postgresql://[^:@/]*):([^@/]*)@", url):
            patch.setenv("PGPASSWORD", found[2])
            desk.database = f"{found[1]}@{url[found.end() :]}"
        else:
            desk.database = url
        happened(desk)
        yield desk
    postgres.drop(server, url)


def happened(desk: Desk) -> None:
    """People come and go, numbers are entered and read back, alerts go out, are edited, returned, discarded,
    published alone, taken back; a rule is approved in advance."""
    page = {"type": "page", "folder": "page", "public_url": "https://alerts.example.org"}
    desk.configure(
        watch=WATCH,
        rules=RULES,
        desk={"url": "https://desk.example.org"},
        channels={**CONFIG["channels"], "page": page},  # type: ignore[dict-item]
    )
    desk.gather()
    desk.add("dan", "approver", by="bo")
    desk.does("people", "confirm", "dan", by="cy")
    desk.does("people", "mail", "dan", "dan@example.org", by="dan")
    desk.does("people", "revoke", "dan", by="cy")
    beside(desk)
    register(desk)
    for name in ("bo", "cy"):
        desk.run("rules", "show", "first_word", by=name)
        desk.does("rules", "preapprove", "first_word", by=name)
    desk.does("rules", "revoke", "first_word", "--reason", "works on the line", by="ada")
    published = desk.shown()
    desk.does("edit", published, "--set", "next_update=+45m", by="ada")
    desk.does("submit", published, by="ada")
    desk.does("show", published, by="bo")
    desk.does("approve", published, by="bo")
    desk.does("run", "--once")
    desk.does(
        "record", published, "--channel", "public", "--url", "https://www.example.org/avis/1", by="bo"
    )
    waits(desk, published)
    desk.does("incident", "set", published.split("-", maxsplit=1)[0], "degraded", by="bo")
    for word in ("halt", "resume"):
        desk.does(word, "--channel", "public", by="bo")
        desk.does(word, by="bo")
    desk.does("retract", published, by="ada")
    returned = desk.shown("status")
    desk.does("return", returned, "--reason", "too long", by="bo")
    desk.does("discard", returned, by="ada")
    alone = desk.shown("status")
    digest = str(desk.run("show", alone, "--json").json["digest"])
    glass = ("--break-glass", "--reason", "nobody answers", "--digest", digest)
    desk.does("approve", alone, *glass, by="bo")
    desk.does("countersign", alone, by="cy")
    desk.does("run", "--once")
    in_files(desk)


def in_files(desk: Desk) -> None:
    """As if something of two dispatches stood in files; and some readers get no more mail."""

    async def note(conn: Any) -> None:
        known = (await conn.scalars(select(dispatch.c.id).order_by(dispatch.c.id).limit(2))).all()
        for day, here in enumerate(known, start=1):
            kept = {"dispatch_id": here, "state": "sent", "number": day, "file": f"{day}.gz"}
            at = datetime(2026, 6, day, tzinfo=UTC)
            await conn.execute(insert(archived).values(**kept, sha256="e" * 64, at=at))
            address = f"reader{day}@example.org"
            await store_suppressed.add(conn, address, list(Suppressed)[day], at=at)

    async def go() -> None:
        app = build(desk.folder / "config.yaml")
        try:
            await (await app.open()).database.transact(note)
        finally:
            await app.close()

    asyncio.run(go())


def beside(desk: Desk) -> None:
    """What no command does: the bot links a person, the composer keeps a picture, people sign in at the desk."""
    code = str(desk.run("people", "link", "bo", "--json", by="bo").json["code"])
    card = Picture("c" * 64, "image/png", 1200, 675, b"PNG")

    async def go() -> None:
        app = build(desk.folder / "config.yaml")
        try:
            service = await app.open()
            assert await accounts.redeem(service, code, "1001") is not None
            await service.database.transact(lambda conn: store_outbox.keep(conn, [card]))
            await at_the_desk(service, desk.tokens["bo"], desk.tokens["cy"])
        finally:
            await app.close()

    asyncio.run(go())


async def at_the_desk(service: WatchContext, *tokens: str) -> None:
    """People sign in and give themselves ways to do so again; two of each."""
    for token in tokens:
        who = await accounts.acting(service, token)
        invited = await accounts.invite(service, who, who.name)
        await signing_in.by_invitation(service, invited.code, "phone")
        await signing_in.end(service, who, 1)
        await signing_in.new_codes(service, who)
        await api_tokens.make(service, who, "laptop", [Scope.READ])
        key = {"credential": who.name, "public_key": b"key", "sign_count": 0, "name": "key"}
        await service.database.transact(
            lambda conn, who=who, key=key: store_sign_in.add_passkey(conn, who, now=service.now, **key)
        )
        await service.database.transact(
            lambda conn, who=who: store_identity.link(
                conn, who, "https://id.example.org", who.name, now=service.now
            )
        )


def waits(desk: Desk, alert: str) -> None:
    """The countdown of a rule, which has ended."""

    async def go() -> None:
        app = build(desk.folder / "config.yaml")
        try:
            service = await app.open()
            now = service.now
            details = {"service": "sip", "rule": "first_word", "goes_at": now}
            await service.database.transact(
                lambda conn: store_preapprovals.plan(conn, alert, **details)
            )
            await service.database.transact(
                lambda conn: store_preapprovals.settle(conn, alert, outcome="overtaken", now=now)
            )
        finally:
            await app.close()

    asyncio.run(go())


def register(desk: Desk) -> None:
    """The story of `docs/how-to/numbers.md`, as far as the register goes."""
    page = (DOCS / "numbers.md").read_text("utf-8")
    (rows,) = re.findall(r"^```csv\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    facts = desk.run("kinds", "provisional_number", "--example").out
    bare = re.sub(r"^(numbers|where):\n(?:[- ].*\n)*", "", facts, flags=re.MULTILINE)
    (desk.folder / "facts.yaml").write_text(bare, "utf-8")
    people = {"Ada": "ada", "Bo": "bo", "anybody": None}
    for block in re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        who, *lines = block.strip().splitlines()
        for line in lines:
            command, _arrow, file = line.partition(" > ")
            said = desk.does(*shlex.split(command)[1:], by=people[who.removeprefix("# ")])
            if file:
                (desk.folder / file).write_text(rows if "template" in line else said, "utf-8")


# --- each column ------------------------------------------------------------------------------------


def other(column: Column[Any], value: Any, rows: list[Any]) -> Any:
    """Another value that the column may have."""
    if column.foreign_keys:
        once = f"{column.table.name}.{column.name}" in ONCE
        return strange(value) if once else next(one for one in rows if one != value)
    if column.name == "state":
        words = DeliveryState if column.table.name == "delivery" else AlertState
        return next(str(one) for one in words if one not in (value, *words)[:1] and one != "pending")
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, JSON):
        return ["x"]
    if isinstance(column.type, LargeBinary):
        return (value or b"") + b"x"
    if isinstance(column.type, Integer):
        return (value or 0) + 1000
    if isinstance(column.type, Instant):
        return datetime.now(UTC) if value is None else value + timedelta(seconds=1)
    if isinstance(column.type, Float):
        return (value or 0) + 1
    return f"x{(value or '')[1:]}" if value != "x" else "y"


def tried(desk: Desk, columns: Iterable[Column[Any]]) -> tuple[dict[Column[Any], str], list[str]]:
    """One value of one row is changed in each of these columns, of different tables: the keys of those rows, and what is
    found before they are changed back."""
    engine, keys, before = direct(desk), {}, []
    try:
        with engine.begin() as conn:
            loose(conn)
            for column in columns:
                keys[column], back = _spoilt(conn, column)
                before.append(back)
        try:
            found = verdict(desk)["problems"]
        finally:
            with engine.begin() as conn:
                loose(conn)
                for back in before:
                    conn.execute(back)
    finally:
        engine.dispose()
    return keys, found


def _spoilt(conn: Connection, column: Column[Any]) -> tuple[str, Update]:
    """Change the column in the first row: the row's key, and what puts it right."""
    table = column.table
    assert isinstance(table, Table)
    primary = list(table.primary_key.columns)
    row = conn.execute(select(table).order_by(*primary)).mappings().first()
    assert row is not None, f"nothing happened in {table.name}"
    pointed = [key.column for key in column.foreign_keys]
    used = set(conn.scalars(select(column))) if pointed else set()
    rows = sorted(conn.scalars(select(pointed[0])), key=used.__contains__) if pointed else []
    here = [one == row[one.name] for one in primary]
    fresh = other(column, row[column.name], rows)
    assert fresh != row[column.name]
    conn.execute(update(table).where(*here).values({column.name: fresh}))
    key = "/".join(str(row[one.name]) for one in primary)
    return key, update(table).where(*here).values({column.name: row[column.name]})


EACH = [columns_of(table) for table in WATCHED.values()]
TOGETHER = [[one for one in several if one is not None] for several in zip_longest(*EACH)]
"""Every column of every watched table, one of each table at a time."""


@pytest.mark.thorough
@pytest.mark.parametrize("columns", TOGETHER, ids=lambda columns: f"{columns[0]} and so on")
def test_each_column_that_is_changed_is_named(busy: Desk, columns: list[Column[Any]]) -> None:
    keys, found = tried(busy, columns)
    for column, key in keys.items():
        wanted = (
            rf"Table {column.table.name}, row {re.escape(key)}( \(.*\))?: {column.name} is .* in the audit"
            " and "
        )
        assert any(re.match(wanted, one) for one in found), (str(column), found)


@pytest.mark.parametrize("name", OF_DELIVERY)
def test_each_outcome_that_is_changed_is_named(busy: Desk, name: str) -> None:
    keys, found = tried(busy, [tables.delivery.c[name]])
    (key,) = keys.values()
    assert any(one.startswith(f"Table delivery, row {key}: {name} is ") for one in found), found


@pytest.mark.parametrize("name", OF_DISPATCH)
def test_each_dispatch_that_is_changed_is_named_by_its_deliveries(busy: Desk, name: str) -> None:
    _keys, found = tried(busy, [tables.dispatch.c[name]])
    assert any(
        re.match(rf"Table delivery, row \d+: {name.removesuffix('_id')} is ", one) for one in found
    )


@pytest.mark.parametrize("name", ["channel", "address", "lang"])
def test_each_target_that_is_changed_is_named_by_its_alert(busy: Desk, name: str) -> None:
    _keys, found = tried(busy, [tables.target.c[name]])
    assert any(one.startswith("Tables message and target, ") for one in found), found


def test_nothing_is_left_of_these_changes(busy: Desk) -> None:
    sound(busy)


# --- rows that are gone, and rows that nobody wrote -------------------------------------------------


@pytest.mark.parametrize("table", [*WATCHED.values(), tables.delivery], ids=str)
def test_a_row_that_was_added_or_is_gone_is_named(busy: Desk, table: Table) -> None:
    engine, primary = direct(busy), list(table.primary_key.columns)
    try:
        with engine.begin() as conn:
            loose(conn)
            row = dict(conn.execute(select(table).order_by(*primary)).mappings().all()[-1])
            here = [one == row[one.name] for one in primary]
            conn.execute(delete(table).where(*here))
        found = verdict(busy)["problems"]
        key = "/".join(str(row[one.name]) for one in primary)
        assert f"Table {table.name}, row {key}: the audit knows it, and it is gone." in found
        more = row | {one.name: strange(row[one.name]) for one in primary}
        with engine.begin() as conn:
            loose(conn)
            conn.execute(insert(table).values(**more))
        found = verdict(busy)["problems"]
        key = "/".join(str(more[one.name]) for one in primary)
        assert any(one.startswith(f"Table {table.name}, row {key}") for one in found), found
        with engine.begin() as conn:
            loose(conn)
            conn.execute(delete(table).where(*(one == more[one.name] for one in primary)))
            conn.execute(insert(table).values(**row))
    finally:
        engine.dispose()
    sound(busy)


def loose(conn: Any) -> None:
    """Without foreign keys, as somebody may who owns the database."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SET LOCAL session_replication_role = replica")


def test_a_row_that_was_added_and_that_the_program_then_changes_is_named(busy: Desk) -> None:
    """Somebody puts a code in the table that links their account to bo, and shows it to the bot."""
    engine = direct(busy)
    code = tables_register.link_code
    with engine.begin() as conn:
        row = dict(conn.execute(select(code)).mappings().one())
        now = datetime.now(UTC)
        fresh = {"code_hash": "f" * 64, "made_at": now, "expires_at": now + timedelta(hours=1)}
        conn.execute(insert(code).values(**row | fresh | {"used_at": None}))

    mine = code.c.code_hash == "f" * 64
    through_the_program(busy, update(code).where(mine).values(used_at=now))
    found = verdict(busy)["problems"]
    through_the_program(busy, delete(code).where(mine))
    engine.dispose()
    assert found == [f"Table link_code, row {'f' * 64}: the audit does not know it."]
    sound(busy)


def through_the_program(desk: Desk, statement: Any) -> None:
    async def go() -> None:
        app = build(desk.folder / "config.yaml")
        try:
            await (await app.open()).database.transact(lambda conn: conn.execute(statement))
        finally:
            await app.close()

    asyncio.run(go())


def strange(value: Any) -> Any:
    if isinstance(value, int):
        return value + 5000
    return f"{'Y' if value.startswith('Z') else 'Z'}{value[1:]}"


def test_a_published_alert_without_its_approval_is_a_fault(busy: Desk) -> None:
    draft = busy.draft()
    engine = direct(busy)
    with engine.begin() as conn:
        mine = update(tables.alert).where(tables.alert.c.id == draft)
        conn.execute(mine.values(state="approved"))
    found = verdict(busy)["problems"]
    assert f"Table alert, row {draft}: it is approved, and the audit has 0 of its 1 approvals." in found
    with engine.begin() as conn:
        conn.execute(mine.values(state="draft"))
    engine.dispose()
    sound(busy)


def test_check_says_how_the_audit_stands(busy: Desk) -> None:
    engine = direct(busy)
    mine = update(tables.person).where(tables.person.c.name == "ada")
    with engine.begin() as conn:
        conn.execute(mine.values(roles=["admin", "approver", "author"]))
    told = [one for one in busy.run("check", "--json").json["problems"] if one.startswith("audit: ")]
    raised = '["admin","approver","author"]'
    assert told == [
        f'audit: Table person, row 3 (ada): roles is ["author"] in the audit and {raised} in the table.'
    ]
    with engine.begin() as conn:
        conn.execute(mine.values(roles=["author"]))
    engine.dispose()
    assert not [one for one in busy.run("check", "--json").json["problems"] if one.startswith("audit")]


def test_what_the_program_writes_afterwards_does_not_cover_it_up(busy: Desk) -> None:
    """Somebody raises ada; then she acts, and a notice of it is written in her row."""
    engine = direct(busy)
    with engine.begin() as conn:
        mine = update(tables.person).where(tables.person.c.name == "ada")
        conn.execute(mine.values(roles=["approver", "author"]))
    busy.draft()
    busy.does("people", "mail", "ada", "ada@example.org", by="ada")
    (told,) = verdict(busy)["problems"]
    assert told.startswith("Table person, row 3 (ada): roles is ")
    with engine.begin() as conn:
        conn.execute(mine.values(roles=["author"]))
    engine.dispose()
    sound(busy)


# --- no false alarm ---------------------------------------------------------------------------------


def test_a_released_database_is_sound_after_its_upgrade(
    tmp_path: Path, database_url: str, bare: Desk
) -> None:
    """What is older cannot be compared, which is said once, with the number of rows."""
    if "postgres" in database_url:
        carried_to_postgresql("0.1.0", database_url)
    else:
        (tmp_path / "alertbot.db").unlink()
        with written("0.1.0") as source:
            target = sqlite3.connect(tmp_path / "alertbot.db")
            source.backup(target)
            target.close()
    migrate.upgrade(database_url)
    found = verdict(bare)
    assert found["problems"] == []
    assert found["before"] > 0
    said = bare.run("audit", "verify").out
    assert f"{found['before']} rows are from before the audit was told what rows say" in said
    engine = direct(bare)
    with engine.begin() as conn:
        first = dict(conn.execute(select(tables.person)).mappings().all()[0])
        conn.execute(
            insert(tables.person).values(**first | {"id": 99, "name": "eve", "token_hash": "0"})
        )
    engine.dispose()
    assert verdict(bare)["problems"] == ["Table person, row 99 (eve): the audit does not know it."]


STEPS = (
    ("edit", "{alert}", "--set", "next_update=+50m", "ada"),
    ("submit", "{alert}", "ada"),
    ("show", "{alert}", "bo"),
    ("show", "{alert}", "cy"),
    ("approve", "{alert}", "bo"),
    ("approve", "{alert}", "cy"),
    ("return", "{alert}", "--reason", "trop long", "bo"),
    ("reject", "{alert}", "--reason", "faux", "cy"),
    ("discard", "{alert}", "ada"),
    ("retract", "{alert}", "ada"),
    ("update", "{alert}", "ada"),
    ("halt", "{alert}", "bo"),
    ("resume", "{alert}", "bo"),
    ("test-send", "{alert}", "--to", "team", "ada"),
    ("run", "--once", "bo"),
    ("people", "rotate", "ada", "bo"),
    ("people", "confirm", "ada", "cy"),
    ("people", "mail", "cy", "cy@example.org", "cy"),
    ("numbers", "edit", "N3", "--set", "zone=Lyon", "ada"),
    ("numbers", "withdraw", "N4", "--reason", "fini", "bo"),
)


@pytest.mark.thorough
@settings(max_examples=examples(15), deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=3, max_size=12))
def test_after_whatever_people_do_it_finds_nothing(steps: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = opened(Path(folder))
        register(desk)
        alert = desk.draft()
        for *words, who in steps:
            desk.run(*(word.format(alert=alert) for word in words), by=who)  # it may be refused
        sound(desk)
