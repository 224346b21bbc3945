"""Databases for the tests: every test that asks for one can run on SQLite and on PostgreSQL."""

import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect
from sqlalchemy.ext import asyncio as aio

from alertbot.db import engines, migrate
from alertbot.db.database import Database
from tests import effort, postgres

effort.register()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough", action="store_true", help="also what `make test` leaves to `make test-all`"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--thorough"):
        later = [one for one in items if not effort.is_everyday(one)]
        config.hook.pytest_deselected(items=later)
        items[:] = [one for one in items if effort.is_everyday(one)]


@pytest.fixture(scope="session")
def run_id() -> str:
    """One name for all processes of this test run."""
    import os

    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex


@pytest.fixture(scope="session", autouse=True)
def no_power_cut() -> None:
    """What is killed here is a process, never the machine: nothing has to be on the disk for that."""
    engines.SYNCHRONOUS = "OFF"


class Compiled(dict[Any, Any]):
    """What SQLAlchemy made of each statement, for every database of a kind in this process: each test opens one of its
    own, and compiling the same statements again and again was a fifth of what tests cost."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(self._of_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(self._of_kind(key), value)

    @staticmethod
    def _of_kind(key: Any) -> Any:
        """`key` begins with the dialect of one engine."""
        return (type(key[0]), *key[1:])


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Every engine of this process looks its statements up in one place."""
    kept = Compiled()

    def sharing(create: Callable[..., Any]) -> Callable[..., Any]:
        def created(*given: Any, **options: Any) -> Any:
            engine = create(*given, **options)
            getattr(engine, "sync_engine", engine).update_execution_options(compiled_cache=kept)
            return engine

        return created

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "create_engine", sharing(engines.create_engine))
        patch.setattr(aio, "create_async_engine", sharing(aio.create_async_engine))
        yield


def _first_schema() -> Callable[[Connection], None]:
    """What `migrate` does with a database, but on SQLite an empty one gets what the first empty one got: to follow every
    migration since the first version takes a second, and a command that begins with nothing does it each time."""
    statements: list[str] = []
    migrated = migrate._run

    def run(connection: Connection) -> None:
        if connection.dialect.name != "sqlite" or inspect(connection).get_table_names():
            migrated(connection)
        elif statements:
            for statement in statements:
                connection.exec_driver_sql(statement)
        else:
            migrated(connection)
            dump = connection.connection.driver_connection
            assert isinstance(dump, sqlite3.Connection)
            statements.extend([*dump.iterdump()][1:-1])  # less BEGIN and COMMIT

    return run


_MADE = _first_schema()


@pytest.fixture(autouse=True)
def schema_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only tests of the migrations themselves follow them each time."""
    monkeypatch.setattr(migrate, "_run", _MADE)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    postgres.build_schema(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server(run_id: str) -> str:
    return postgres.server_url(run_id)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, run_id: str) -> str:
    return postgres.template(postgres_server, run_id)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "alertbot.db"
    shutil.copyfile(sqlite_template, path)
    path.chmod(0o600)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    url = postgres.clone(postgres_server, postgres_template)
    yield url
    postgres.drop(postgres_server, url)


@pytest.fixture(scope="session")
def postgres_shared(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """One database for all tests of this process, one after the other."""
    url = postgres.clone(postgres_server, postgres_template)
    yield url
    postgres.drop(postgres_server, url)


@pytest.fixture
def postgres_emptied(postgres_shared: str) -> str:
    postgres.empty(postgres_shared)
    return postgres_shared


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated, empty database."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_emptied"
    return str(request.getfixturevalue(name))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database."""
    opened = await Database.open(database_url, migrate=False)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and a.test that nobody vouches for, and its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs the openssl program to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:a.test", "-out", str(cert), "-keyout", str(key)],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key
