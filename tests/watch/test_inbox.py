"""Reports that come at the same time, more than fit one statement of either database."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from alertbot.db.database import Database
from alertbot.db.tables_register import task
from alertbot.db.tables_watch import signal, watched
from alertbot.watch.context import UNHEEDED
from alertbot.watch.rules_log import Reason
from alertbot.watch.rules_signals import Observed, Signal
from tests.team import START, gather

SENDERS, REPORTS = 3, 2500  # 7500 rows of nine values: PostgreSQL takes 65,535 values, SQLite half


def reports(sender: int) -> list[Signal]:
    return [
        Signal("am", f"line-{sender}-{number}", Observed.DOWN, START, key=f"{sender}-{number}")
        for number in range(REPORTS)
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("is_named", [True, False])
async def test_however_many_reports_come_at_once_all_are_stored(
    database: Database, is_named: bool
) -> None:
    """Every service that the configuration names is decided about; of so many others none, and the team
    is told so once."""
    service = (await gather(database)).service
    sent = [reports(sender) for sender in range(SENDERS)]
    named = frozenset(one.service for each in sent for one in each) if is_named else frozenset()
    service = replace(service, watch=replace(service.watch, named=named))
    first = await asyncio.gather(*(service.inbox.add((service, each)) for each in sent))
    assert [len(new) for new in first] == [REPORTS] * SENDERS
    again = await asyncio.gather(*(service.inbox.add((service, each)) for each in sent))
    assert [len(new) for new in again] == [0] * SENDERS

    every = SENDERS * REPORTS
    twice = select(func.count()).select_from(signal).where(signal.c.repeats == 1)
    unnamed = select(func.count()).select_from(signal).where(signal.c.reason == Reason.UNNAMED)
    assert await database.read(lambda conn: conn.scalar(twice)) == every
    assert await database.read(lambda conn: conn.scalar(unnamed)) == (0 if is_named else every)
    decided = select(func.count(watched.c.service))
    assert await database.read(lambda conn: conn.scalar(decided)) == (every if is_named else 0)
    raised = select(func.count()).select_from(task).where(task.c.kind == UNHEEDED)
    assert await database.read(lambda conn: conn.scalar(raised)) == (0 if is_named else 1)
