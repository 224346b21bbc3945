"""Schema versions: what this program needs, what a database has, and how to upgrade. Alembic is slow to
load, so it is loaded only if there is something to do."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect, text

from alertbot.core.errors import StoreFailed
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.db.failures import MAPPED, explain, parse_url, place

if TYPE_CHECKING:
    from alembic.config import Config


REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
    "0017",
    "0018",
    "0019",
    "0020",
    "0021",
    "0022",
    "0023",
    "0024",
    "0025",
    "0026",
    "0029",
)  # every one that this program knows, oldest first
HEAD = REVISIONS[-1]
OLDEST = "0024"
"""The oldest program, by the last revision that it knows, that works on a database of `HEAD`. It stays while migrations
only add, and moves to the revision before one that does not."""
_FOLDER = Path(__file__).parent / "migrations"
_WAIT_SECONDS = 30
_ALEMBIC = threading.Lock()  # its context is the whole process's
VERSION = "SELECT * FROM alembic_version"  # with `oldest`, from 0024
_MAY_STAY = f"UPDATE alembic_version SET oldest = '{OLDEST}'"  # noqa: S608 - our own
_LOCK = 7_205_110  # any number: PostgreSQL's advisory lock around migrating


@dataclass(frozen=True, slots=True)
class MigrationStep:
    """One migration still to be run."""

    revision: str
    description: str


def upgrade(url: str) -> None:
    """Upgrade the database to `HEAD` in one transaction; of several programs that start at once, one
    does it. Raises `StoreFailed`, also for a database newer than the program.

    `Database.open` calls it after creating SQLite's file with the right mode.
    """
    with _engine(url) as engine:
        if engine.dialect.name == "sqlite":
            event.listen(engine, "begin", _begin_immediate)
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if _missing(_current(connection), url):
                _run(connection)


def pending(url: str) -> tuple[MigrationStep, ...]:
    """What `upgrade` would do; changes nothing. For a missing database, everything. Raises
    `StoreFailed`, also for a database newer than the program."""
    from alembic.script import ScriptDirectory

    missing = _missing(_revision(url), url)
    if not missing:
        return ()
    scripts = ScriptDirectory.from_config(alembic_config())
    found = ((name, scripts.get_revision(name)) for name in missing)
    return tuple(MigrationStep(name, (script.doc if script else "") or name) for name, script in found)


def sql(url: str) -> str:
    """The statements that `upgrade` would run; changes nothing."""
    current = _revision(url)
    dialect = "sqlite" if _is_sqlite(url) else "postgresql"
    return statements(dialect, current) if _missing(current, url) else ""


def statements(dialect: str, current: str | None, *, to: str = HEAD) -> str:
    """The SQL from one revision (None: empty) to another, without a database."""
    buffer = io.StringIO()
    _upgrade(f"{current or 'base'}:{to}", sql=True, output=buffer, dialect=dialect)
    return buffer.getvalue() + (f"\n{_MAY_STAY};\n" if to == HEAD else "")


def as_known(version: str, oldest: str | None) -> str:
    """The revision as this program may take it: its own, if the database is newer and says that it may go on with it."""
    newer = version not in REVISIONS
    return HEAD if newer and oldest in REVISIONS else version


def other_version(url: str, version: str) -> StoreFailed:
    """The error for a database of an older or newer alertbot, with what to do."""
    where = place(parse_url(url))
    if version in REVISIONS and REVISIONS.index(version) >= REVISIONS.index(OLDEST):
        before = _(
            "The database {place} was made by an older alertbot (version {version}; this program needs"
            " {head}); nothing was changed. Make a backup, then run `alertbot db upgrade`: workers of the older"
            " version may go on meanwhile."
        )
        return StoreFailed(before.format(place=where, version=version, head=HEAD))
    if version in REVISIONS:
        older = _(
            "The database {place} was made by an older alertbot (version {version}; this program needs"
            " {head}); nothing was changed. Stop everything that uses it, make a backup, then run"
            " `alertbot db upgrade`."
        )
        return StoreFailed(older.format(place=where, version=version, head=HEAD))
    newer = _(
        "The database {place} is newer than this program (version {version}; this program knows"
        " {head}) and no longer works with it. Update this machine; nothing was changed."
    )
    return StoreFailed(newer.format(place=where, version=version, head=HEAD))


def _missing(current: str | None, url: str) -> tuple[str, ...]:
    """The revisions between the database and the program."""
    if current is None:
        return REVISIONS
    if current not in REVISIONS:
        raise other_version(url, current)
    return REVISIONS[REVISIONS.index(current) + 1 :]


def _revision(url: str) -> str | None:
    path = Path(parse_url(url).database or "")
    if _is_sqlite(url) and not path.exists():  # looking must not make the file
        _require_folder(path)
        return None
    with _engine(url) as engine, engine.connect() as connection:
        return _current(connection)


def _require_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise StoreFailed(
            _("The database {path} cannot be created: there is no folder {folder}.").format(
                path=path, folder=path.parent
            )
        )


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text(VERSION)).mappings().one_or_none()
    return None if found is None else as_known(found["version_num"], found.get("oldest"))


def _run(connection: Connection) -> None:
    _upgrade(HEAD, connection=connection)
    connection.execute(text(_MAY_STAY))


def _upgrade(
    to: str, *, sql: bool = False, output: io.StringIO | None = None, **attributes: object
) -> None:
    from alembic import command

    config = alembic_config()
    config.attributes.update(attributes)
    if output is not None:
        config.output_buffer = output
    with _ALEMBIC:
        command.upgrade(config, to, sql=sql)


def alembic_config() -> "Config":
    """The Alembic configuration to find the migrations in an installed package; there is no alembic.ini."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _is_sqlite(url: str) -> bool:
    return parse_url(url).drivername.startswith("sqlite")


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    """A plain synchronous engine; its errors are raised as `StoreFailed`."""
    parsed, options = parse_url(url), {}
    if _is_sqlite(url):
        options = {"connect_args": {"isolation_level": None, "timeout": _WAIT_SECONDS}}
        parsed = parsed.set(drivername="sqlite")
    engine = create_engine(parsed, poolclass=NullPool, **options)
    try:
        yield engine
    except MAPPED as error:
        raise explain(error, parse_url(url)) from error
    finally:
        engine.dispose()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
