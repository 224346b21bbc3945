"""The migrations make what the tables say, on both databases, and never more."""

import ast
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from alertbot.core.errors import StoreFailed
from alertbot.db import migrate, tables
from alertbot.db.database import Database
from alertbot.db.failures import parse_url
from alertbot.db.tables import metadata
from alertbot.delivery.runners import LocalRunner
from tests.delivery.scene import NullAdapter, channel, put

assert tables.metadata is tables.metadata is metadata


HEAD, OLDEST = migrate.HEAD, migrate.OLDEST


@pytest.fixture
def engine(database_url: str) -> Any:
    address = parse_url(database_url)
    if address.drivername.startswith("sqlite"):
        address = address.set(drivername="sqlite")
    made = create_engine(address, poolclass=NullPool)
    yield made
    as_it_is = f"UPDATE alembic_version SET version_num = '{HEAD}', oldest = '{OLDEST}'"
    with made.begin() as connection:  # on PostgreSQL the next test has the same database
        connection.execute(text(as_it_is))
    made.dispose()


FROZEN = {
    "r0001_people_alerts_audit.py": "7b6db8bac338a9fa",
    "r0002_outbox.py": "67d62904e80e1f27",
    "r0003_register_and_what_follows.py": "248a1c0fa98d7a98",
    "r0004_what_is_watched.py": "e8b85554b1b346bb",
    "r0005_what_is_uncertain.py": "fe89c3f00e4ae5c9",
    "r0006_who_edited.py": "5defff49fa5cfe00",
    "r0007_salt.py": "b705ea8cf3af742c",
    "r0008_repeats_of_the_last.py": "ff2a0ad60d0a2a61",
    "r0009_what_is_signed_besides.py": "49f92cd55ae4f2cf",
    "r0010_hands.py": "d881c768b38a4b8e",
    "r0011_what_rows_say.py": "f304b5290c1e47e8",
    "r0012_accounts_of_rules.py": "9ab8fd3874b51d8b",
    "r0013_more_that_rows_say.py": "d69cc02910501606",
    "r0014_public_page.py": "97f668b9dbd852bc",
    "r0015_when_first_called.py": "f4f217b2c2d18356",
    "r0016_what_is_seen.py": "9b566c42b2af8750",
    "r0017_the_desk.py": "a2fdc5274099fb6d",
    "r0018_the_api.py": "c7c12e9b6e0b53d7",
    "r0019_organisations.py": "20c75c43ee40e9e3",
    "r0020_who_reads_back.py": "71c1e6e2d0e6c702",
    "r0021_the_assistant.py": "de64563cc4827402",
    "r0022_who_leads.py": "3a6bcd82473be6b4",
    "r0023_large_lists.py": "b11e5b762e16dce9",
    "r0024_who_may_stay.py": "e25da529a382f30e",
    "r0025_archived.py": "36e16e6a1015c1ff",
    "r0026_erased.py": "5b96d89759ec8ac1",
    "r0029_returned.py": "9788e72d7dce67ee",
}

A_DELIVERY = """
INSERT INTO incident (id, opened_at) VALUES ('BKRT', 1.5);
INSERT INTO alert (id, incident_id, number, kind, state, exercise, languages, channels, given, raw,
  accepted, revision, drafted_at, composed_at, digest, approvers, author_may_approve,
  expires_after_seconds, priority, ttl_seconds, when_uncertain, promised, faults, warnings, omitted,
  "references")
VALUES ('BKRT-1', 'BKRT', 1, 'status', 'published', 0, '[]', '[]', '{}', '{}', '{}', 1, 1.5, 1.5, 'd', 1,
  0, 60, 40, 60, 'ask', '[]', '[]', '[]', '[]', '[]');
INSERT INTO account (id, name, gap, chat_gap, windows, booked_to, halted, blocked_until)
VALUES (1, 'x', 0, 0, '[]', 0, 0, 0);
INSERT INTO message VALUES (7, 'BKRT-1', 1, 'publication', 'x', 'x', 'fr', 1, 1, 't', NULL, NULL, 1, 280,
  'weighted', 0);
INSERT INTO dispatch VALUES (5, 'BKRT-1', 1, 'publication', 'd', 40, 1, 2, 0, NULL, 1, 1, 0, 'ask');
INSERT INTO delivery (id, dispatch_id, message_id, target, part, state, attempts, resent, retry_at, cost)
VALUES (9, 5, 7, 'x', 1, 'sent', 1, 0, 1, 0);
"""


def test_the_revisions_named_are_the_revisions_there() -> None:
    scripts = ScriptDirectory.from_config(migrate.alembic_config())
    found = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(found)) == migrate.REVISIONS
    assert scripts.get_heads() == [migrate.HEAD]


def test_migrations_that_landed_are_frozen() -> None:
    """Databases out there have been through them as they are: what is to change goes into a new one."""
    folder = Path(migrate.__file__).parent / "migrations" / "versions"
    found = {
        path.name: sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(folder.glob("r*.py"))
    }
    assert set(found) >= set(FROZEN), "a migration is gone"
    assert {name: found[name] for name in FROZEN} == FROZEN, "a migration that landed was changed"
    assert set(found) == set(FROZEN), "freeze the new migration here"


def test_autogenerate_finds_nothing_to_do(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_schema_is_the_one_the_tables_make(engine: Engine) -> None:
    """Column by column, index by index, constraints and partial conditions included."""
    with engine.begin() as connection:
        migrated = schema(connection)
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert schema(connection) == migrated
        assert len(migrated) > len(metadata.tables)


def schema(connection: Connection) -> list[Any]:
    if connection.dialect.name == "sqlite":
        query = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version'"
        return sorted(
            (kind, name, parts(sql or "")) for kind, name, sql in connection.execute(text(query))
        )
    columns = (
        "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default,"
        " character_maximum_length FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name <> 'alembic_version'"
    )
    queries = (
        columns,
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype <> 'n'",
    )
    return sorted(str(tuple(row)) for query in queries for row in connection.execute(text(query)))


def parts(sql: str) -> list[str]:
    """The definitions in a statement: SQLite keeps it as it was written, with quotes once renamed."""
    return sorted(part.strip(" ()") for part in " ".join(sql.replace('"', "").split()).split(", "))


def test_upgrading_twice_is_harmless(database_url: str) -> None:
    migrate.upgrade(database_url)
    assert migrate.pending(database_url) == ()
    assert migrate.sql(database_url) == ""


def test_a_dry_run_says_what_would_be_done_and_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "100% new.db"
    url = f"sqlite:///{path}"
    steps = migrate.pending(url)
    assert [step.revision for step in steps] == list(migrate.REVISIONS)
    assert steps[0].description == "The first tables: people, incidents, alerts, the audit."
    assert "CREATE TABLE alert (" in migrate.sql(url)
    assert not path.exists()


def test_the_printed_statements_make_the_schema(tmp_path: Path) -> None:
    by_hand, by_program = tmp_path / "hand.db", tmp_path / "program.db"
    connection = sqlite3.connect(by_hand)
    connection.executescript(migrate.sql(f"sqlite:///{by_program}"))
    connection.close()
    migrate.upgrade(f"sqlite:///{by_program}")
    assert migrate.pending(f"sqlite:///{by_hand}") == ()
    assert _tables(by_hand) == _tables(by_program)


def _tables(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    return [row[0] for row in rows]


def test_statements_are_printed_for_postgresql_too() -> None:
    """Offline: nothing is asked of a server for a database that has no version yet."""
    printed = migrate.statements("postgresql", None)
    assert "CREATE TABLE alert (" in printed
    assert "WHERE NOT closed" in printed


def test_from_one_version_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(migrate.statements("sqlite", None, to="0001"))
    connection.close()
    url = f"sqlite:///{path}"
    assert tuple(step.revision for step in migrate.pending(url)) == migrate.REVISIONS[1:]
    migrate.upgrade(url)
    assert migrate.pending(url) == ()


def test_what_was_there_is_still_there_after_the_tables_were_copied(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(migrate.statements("sqlite", None, to="0002"))
    connection.executescript(A_DELIVERY)
    before = [
        connection.execute(f"SELECT * FROM {name}").fetchall() for name in ("message", "dispatch")
    ]
    connection.close()
    migrate.upgrade(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    messages, dispatches = (
        connection.execute(f"SELECT * FROM {name}").fetchall() for name in ("message", "dispatch")
    )
    assert [row[: len(before[0][0])] for row in messages] == before[0]
    assert [row[: len(before[1][0])] for row in dispatches] == before[1]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.execute("UPDATE dispatch SET alert_id = NULL")
    connection.close()


def test_a_failed_upgrade_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE delivery (x)")  # in the way
    connection.commit()
    connection.close()
    with pytest.raises(StoreFailed, match="already exists"):
        migrate.upgrade(f"sqlite:///{path}")
    assert _tables(path) == ["delivery"]


def test_a_database_of_the_future_is_refused(database_url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999', oldest = '9998'"))
    for attempt in (migrate.upgrade, migrate.pending, migrate.sql):
        with pytest.raises(StoreFailed, match=r"newer than this program .*9999.*Update this machine"):
            attempt(database_url)


def test_migrations_name_their_tables_themselves() -> None:
    """A migration that read the tables would change its meaning with them."""
    folder = Path(migrate.__file__).parent / "migrations" / "versions"
    for path in folder.glob("r*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in imports if name and name.startswith("alertbot")], path


def test_programs_that_start_at_once_make_one_schema(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, [database_url] * 4))
    assert migrate.pending(database_url) == ()


def test_a_database_out_of_reach_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database at all" * 100)
    for url in (f"sqlite:///{path}", "postgresql://nobody@127.0.0.1:1/none"):
        with pytest.raises(StoreFailed):
            migrate.pending(url)


# --- two versions side by side -------------------------------------------------------------------

ADDITIONS = {"create_table", "create_index", "add_column", "f"}


def test_migrations_only_add_to_what_an_older_program_may_still_use() -> None:
    """It neither reads a new column nor fills it. Whoever has to change more moves `migrate.OLDEST`."""
    folder = Path(migrate.__file__).parent / "migrations" / "versions"
    for revision in migrate.REVISIONS[migrate.REVISIONS.index(migrate.OLDEST) + 1 :]:
        [path] = folder.glob(f"r{revision}_*.py")
        calls = [one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Call)]
        operations = [one for one in calls if _called_on(one) == "op"]
        assert {one.func.attr for one in operations} <= ADDITIONS, path  # type: ignore[attr-defined]
        for added in (one for one in operations if one.func.attr == "add_column"):  # type: ignore[attr-defined]
            column = added.args[1]
            assert isinstance(column, ast.Call)
            free = {word.arg: ast.unparse(word.value) for word in column.keywords}
            assert free.get("nullable", "True") == "True" or "server_default" in free, path


def _called_on(call: ast.Call) -> str | None:
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    return on.id if isinstance(on, ast.Name) else None


def _older(monkeypatch: pytest.MonkeyPatch, oldest: str) -> None:
    """From here on this is the program of the version before, for which a newer database is as it says."""
    monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, "0999"))
    monkeypatch.setattr(migrate, "HEAD", "0999")
    monkeypatch.setattr(migrate, "OLDEST", oldest)


@pytest.fixture
def upgraded(engine: Engine) -> str:
    """What a newer program made of the database."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    return "0999"


async def test_a_program_of_the_version_before_goes_on_with_a_newer_database(
    database_url: str, upgraded: str, caplog: pytest.LogCaptureFixture
) -> None:
    for opening in (Database.open, Database.open_to_read):
        caplog.clear()
        database = await opening(database_url)
        assert [row.levelname for row in caplog.records] == ["WARNING"]
        assert upgraded in caplog.text
        await put(database, 1)
        tally = await LocalRunner(database, {"null": NullAdapter(channel())}).run_once()
        assert (tally.sent, tally.waiting) == (1, 0)
        await database.close()
        await _emptied(database_url)
    assert migrate.pending(database_url) == ()
    migrate.upgrade(database_url)  # and leaves it as it is


async def _emptied(url: str) -> None:
    database = await Database.open(url)
    for table in ("delivery", "dispatch", "message", "alert"):
        await database.transact(lambda conn, name=table: conn.exec_driver_sql(f"DELETE FROM {name}"))
    await database.close()


async def test_a_program_that_is_too_old_says_what_to_do(database_url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999', oldest = '0998'"))
    with pytest.raises(StoreFailed, match="no longer works with it"):
        await Database.open(database_url)


async def test_a_newer_program_says_whether_the_older_may_go_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = migrate.HEAD
    _older(monkeypatch, before)
    with pytest.raises(StoreFailed, match="workers of the older version may go on"):
        await Database.open_to_read(database_url)
    monkeypatch.setattr(migrate, "OLDEST", "0999")
    with pytest.raises(StoreFailed, match="Stop everything that uses it"):
        await Database.open_to_read(database_url)


def test_what_may_stay_is_written_by_an_upgrade_and_in_its_sql(
    engine: Engine, database_url: str
) -> None:
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT oldest FROM alembic_version")) == migrate.OLDEST
    assert f"SET oldest = '{migrate.OLDEST}'" in migrate.statements("postgresql", None)
    assert "oldest =" not in migrate.statements("postgresql", None, to="0002")
