"""What is offered when a person presses Tab, by the name that `parsing.offered` is given: ids from the database, names
from the configuration.

Only looks: it never asks for the database's write lock, never creates or migrates one. Whatever cannot be read is not
offered; the command itself says what is wrong.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

import typer

from alertbot.alerts import rules_moves, store_incidents, store_reading
from alertbot.app import build_partly
from alertbot.cli.completing import MOST
from alertbot.config.partly import database_settings
from alertbot.core.model import DeliveryState
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_listing
from alertbot.numbers import store_numbers
from alertbot.people import tasks
from alertbot.texts.kinds.catalogue import kind_names
from alertbot.texts.publisher import unconfigured_publisher

T = TypeVar("T")
Offers = list[tuple[str, str]]


def alerts(context: typer.Context, incomplete: str) -> Offers:
    found = _look(context, lambda conn: store_reading.listing(conn, limit=MOST))
    named = ((one.id, f"{one.kind}, {rules_moves.state_word(one.state)}") for one in found)
    return _that_begin(named, incomplete)


def incidents(context: typer.Context, incomplete: str) -> Offers:
    found = _look(context, store_incidents.listing)
    named = ((one.id, one.title or one.service or "") for one in found)
    return _that_begin(named, incomplete)


def uncertain(context: typer.Context, incomplete: str) -> Offers:
    """Deliveries that somebody has to settle."""

    async def look(conn: Connection) -> Offers:
        rows = await store_listing.deliveries(conn, None, states=(DeliveryState.UNCERTAIN,))
        return [(str(one.id), " ".join(filter(None, (one.alert, one.channel)))) for one in rows]

    return _that_begin(_look(context, look), incomplete)


def entries(context: typer.Context, incomplete: str) -> Offers:
    """Entries of the register; of several with commas between them, the last."""
    before, comma, last = incomplete.rpartition(",")
    found = _look(context, store_numbers.entries)
    named = (
        (f"{before}{comma}{one.name}", f"{one.row.territory} {one.row.service}")
        for one in found
        if one.withdrawn_at is None
    )
    return _that_begin(named, f"{before}{comma}{last}")


def open_tasks(context: typer.Context, incomplete: str) -> Offers:
    found = _look(context, tasks.waiting)
    return _that_begin(((str(one.id), one.text) for one in found), incomplete)


def kinds(context: typer.Context, incomplete: str) -> Offers:
    path = _config(context)
    publisher = build_partly(path)[0].publisher if path.exists() else unconfigured_publisher()
    return _that_begin(((name, "") for name in kind_names(*publisher.folders)), incomplete)


def channels(context: typer.Context, incomplete: str) -> Offers:
    found = build_partly(_config(context))[0].publisher.channels.values()
    return _that_begin(((one.name, str(one.audience)) for one in found), incomplete)


def _that_begin(offers: Iterable[tuple[str, str]], typed: str) -> Offers:
    return [one for one in offers if one[0].startswith(typed)][:MOST]


def _config(context: typer.Context) -> Path:
    """As `Session.config_path`, of a line that was not carried out."""
    given = context.find_root().params.get("config")
    return Path(given or os.environ.get("ALERTBOT_CONFIG") or "config.yaml")


def _look(context: typer.Context, work: Callable[[Connection], Awaitable[T]]) -> T:
    async def go() -> T:
        database = await Database.open_as_it_is(database_settings(_config(context)).database_url)
        try:
            return await database.read(work)
        finally:
            await database.close()

    return asyncio.run(go())
