"""Reports that come at the same time, more than fit one statement of either database."""

import asyncio

from sqlalchemy import func, select

from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.tables_watch import signal, watched
from alertbot.watch.rules_signals import Observed, Signal
from tests.team import START, gather

SENDERS, REPORTS = 3, 2500  # 7500 rows of nine values: PostgreSQL takes 65,535 values, SQLite half


def reports(sender: int) -> list[Signal]:
    return [
        Signal("am", f"line-{sender}-{number}", Observed.DOWN, START, key=f"{sender}-{number}")
        for number in range(REPORTS)
    ]


async def test_however_many_reports_come_at_once_all_are_stored(database: Database) -> None:
    service = (await gather(database)).service
    sent = [reports(sender) for sender in range(SENDERS)]
    first = await asyncio.gather(*(service.inbox.add((service, each)) for each in sent))
    assert [len(new) for new in first] == [REPORTS] * SENDERS
    again = await asyncio.gather(*(service.inbox.add((service, each)) for each in sent))
    assert [len(new) for new in again] == [0] * SENDERS

    async def counts(conn: Connection) -> list[int | None]:
        twice = select(func.count()).select_from(signal).where(signal.c.repeats == 1)
        return [await conn.scalar(twice), await conn.scalar(select(func.count(watched.c.service)))]

    assert await database.read(counts) == [SENDERS * REPORTS, SENDERS * REPORTS]
