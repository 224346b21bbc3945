"""What a release wrote goes on under this program, on both databases: alerts in every state are as they were,
and what was approved or waits for approval still goes out."""

import gzip
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import JSON, Boolean, MetaData, NullPool, create_engine, make_url, text

from alertbot.core.model import AlertState
from alertbot.db import migrate
from alertbot.db.failures import parse_url
from tests.cli.desk import Desk

HERE = Path(__file__).parent
RELEASES = {"0.1.0": "0002"}  # and the version of the tables it had
SEALED = ("audit", "alembic_version", "installation")  # never written again
PEOPLE = ("ada", "bo", "cy")


def written(release: str) -> sqlite3.Connection:
    """The stored database, moved in time to a minute ago; what is sealed stays as it is."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(gzip.decompress((HERE / f"{release}.sql.gz").read_bytes()).decode())
    [last] = connection.execute("SELECT max(drafted_at) FROM alert").fetchone()
    shift = time.time() - 60 - last
    names = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    for name in [name for name in names if name not in SEALED]:
        for column in connection.execute(f"PRAGMA table_info({name})").fetchall():
            if column[2] == "FLOAT":
                moved = f'"{column[1]}" = "{column[1]}" + ? WHERE "{column[1]}" > 1000000000'
                connection.execute(f"UPDATE {name} SET {moved}", (shift,))
    for alert, promised in connection.execute("SELECT id, promised FROM alert").fetchall():
        later = json.dumps([moment + shift for moment in json.loads(promised)])
        connection.execute("UPDATE alert SET promised = ? WHERE id = ?", (later, alert))
    connection.commit()
    return connection


def carried_to_postgresql(release: str, url: str) -> None:
    """The same rows in the tables that the release made there."""
    engine = create_engine(parse_url(url), poolclass=NullPool)
    source = written(release)
    source.row_factory = sqlite3.Row
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.exec_driver_sql(migrate.statements("postgresql", None, to=RELEASES[release]))
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name == "alembic_version":
                continue
            kinds = {column.name: column.type for column in table.columns}
            for row in source.execute(f'SELECT * FROM "{table.name}" ORDER BY rowid'):
                values = {key: _typed(row[key], kinds[key]) for key in row.keys()}  # noqa: SIM118
                connection.execute(table.insert().values(values))
            for column in table.columns:
                if column.name in ("id", "seq") and column.autoincrement is True:
                    highest = f"(SELECT coalesce(max({column.name}), 1) FROM {table.name})"
                    sequence = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
                    connection.execute(text(f"SELECT setval({sequence}, {highest})"))
    source.close()
    engine.dispose()


def _typed(value: object, kind: object) -> object:
    if value is None:
        return None
    if isinstance(kind, Boolean):
        return bool(value)
    return json.loads(str(value)) if isinstance(kind, JSON) else value


@pytest.fixture
def address(database_url: str, tmp_path: Path) -> str:
    """A database as 0.1.0 left it."""
    if not database_url.startswith("sqlite"):
        carried_to_postgresql("0.1.0", database_url)
        return database_url
    path = tmp_path / "old.db"
    source, target = written("0.1.0"), sqlite3.connect(path)
    source.backup(target)
    source.close()
    target.close()
    return f"sqlite:///{path}"


@pytest.fixture
def old(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A team that has just installed this program beside a database of 0.1.0."""
    tokens = {name: sha256(f"{name} of 0.1.0".encode()).hexdigest() for name in PEOPLE}
    desk = Desk(tmp_path, tokens)
    url = make_url(address)
    monkeypatch.setenv("PGPASSWORD", url.password or "")
    desk.configure(database=re.sub(r"(//[^:/@]+):[^@/]*@", r"\1@", address))
    yield desk
    if url.drivername == "postgresql":  # the next test finds the tables of today
        execute(address, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        migrate.upgrade(address)


def execute(address: str, *statements: str) -> None:
    url = parse_url(address)
    plain = url.set(drivername="sqlite") if url.drivername.startswith("sqlite") else url
    engine = create_engine(plain, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def states(desk: Desk) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for alert in desk.run("status", "--json").json["alerts"]:
        found.setdefault(alert["state"], []).append(alert["id"])
    return found


def test_looking_never_migrates_and_says_what_to_do(old: Desk) -> None:
    for command in ("status", "deliveries", "audit verify", "people list", "numbers list"):
        answer = old.run(*command.split(), "--json")
        assert answer.code == 2, command
        assert "alertbot db upgrade" in answer.json["error"]
    assert old.run("db", "upgrade", "--dry-run", "--json").json["pending"]
    assert old.run("halt").code == 0  # halting does, and leaves the version as it is
    assert old.run("db", "upgrade", "--dry-run", "--json").json["pending"]


def test_alerts_in_every_state_go_on_after_the_upgrade(old: Desk) -> None:
    upgraded = old.run("db", "upgrade")
    assert upgraded.code == 0, upgraded.err
    assert old.run("audit", "verify").code == 0
    before = states(old)
    assert set(before) == {str(state) for state in AlertState}
    approved, pending = before["approved"], before["pending"]
    old.run("run", "--once")
    for alert in approved:
        assert old.state(alert) == "published", old.run("deliveries", alert).out
    for alert in pending:
        assert old.run("show", alert, by="cy").code == 0
        answer = old.run("approve", alert, by="cy")
        assert answer.code == 0, answer.err
    old.run("run", "--once")
    for alert in pending:
        assert old.state(alert) == "published", old.run("deliveries", alert).out
    after = states(old)
    for state in (
        "draft",
        "discarded",
        "rejected",
        "returned",
        "expired",
        "failed",
        "partly_published",
    ):
        assert after[state] == before[state]
    assert old.run("audit", "verify").code == 0


def test_what_was_changed_after_an_old_approval_is_still_seen(old: Desk, address: str) -> None:
    """Also where the old digest did not cover it: then there was nothing of it."""
    assert old.run("db", "upgrade").code == 0
    changed = states(old)["approved"]
    texts = ("picture = 'evil.png'", "alt = 'more'", "text = text || ' more'")
    for alert, change in zip(changed, texts, strict=True):
        execute(address, f"UPDATE message SET {change} WHERE alert_id = '{alert}'")
    old.run("run", "--once")
    for alert in changed:
        rows = old.run("deliveries", alert, "--json").json
        said = [row for row in rows if row["purpose"] == "publication"]
        assert {row["state"] for row in said} == {"failed"}
