"""Procrastinate's tables, in a namespace of their own beside ours.

Jobs are only calls to look: losing them all loses nothing. So each version of procrastinate has its own namespace,
nothing in them is ever migrated, and workers of two versions run side by side while a cluster is upgraded.
"""

from importlib.metadata import version
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.schema import SchemaManager
from psycopg import sql
from sqlalchemy.engine import make_url

from alertbot.core.errors import StoreFailed, safe
from alertbot.core.words import _
from alertbot.db.engines import server_arguments
from alertbot.db.failures import place

PREFIX = "alertbot_jobs_"
FORGOTTEN = "1 day"  # since the last sign of life in a namespace of another version
_LOCK = 7_205_111  # any number: the advisory lock around making the tables


def namespace() -> str:
    """The name of the namespace of the installed version."""
    return PREFIX + version("procrastinate").replace(".", "_")


async def prepare(url: str) -> None:
    """Make the tables if they are missing, and drop those of versions that nobody uses any more. Raises
    `StoreFailed`."""
    where = place(make_url(url))
    try:
        async with await psycopg.AsyncConnection.connect(**server_arguments(url)) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            known = await _namespaces(connection)
            if namespace() not in known:
                await _make(connection)
            for other in known - {namespace()}:
                if await _forgotten(connection, other):
                    await connection.execute(
                        sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(other))
                    )
    except psycopg.errors.InsufficientPrivilege:
        sentence = _(
            "The tables for `runner: procrastinate` cannot be made in {place}: this user may not create a schema there."
            " As its owner run: GRANT CREATE ON DATABASE … TO …; or take `runner: local`."
        )
        raise StoreFailed(sentence.format(place=where)) from None
    except psycopg.Error as error:
        sentence = _("The jobs in the database {place} cannot be used: {reason}")
        raise StoreFailed(sentence.format(place=where, reason=safe(str(error)))) from None


def app(url: str, connections: int) -> App:
    """Procrastinate on this database, not opened yet."""
    kwargs = server_arguments(url)
    return App(
        connector=PsycopgConnector(
            kwargs=kwargs, min_size=1, max_size=connections, configure=_configure, timeout=10.0
        )
    )


async def _configure(connection: "psycopg.AsyncConnection[Any]") -> None:
    """Use the tables of our namespace."""
    await connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(namespace())))
    await connection.commit()


async def _namespaces(connection: "psycopg.AsyncConnection[Any]") -> set[str]:
    query = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)"
    found = await connection.execute(query, (PREFIX,))
    return {str(name) for (name,) in await found.fetchall()}


async def _make(connection: "psycopg.AsyncConnection[Any]") -> None:
    mine = sql.Identifier(namespace())
    await connection.execute(sql.SQL("CREATE SCHEMA {}").format(mine))
    await connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(mine))
    await connection.execute(SchemaManager.get_schema())


async def _forgotten(connection: "psycopg.AsyncConnection[Any]", name: str) -> bool:
    query = sql.SQL(
        "SELECT count(*) FROM {}.procrastinate_workers WHERE last_heartbeat > now() - interval {}"
    )
    found = await connection.execute(query.format(sql.Identifier(name), sql.Literal(FORGOTTEN)))
    (alive,) = await found.fetchone() or (0,)
    return not alive
