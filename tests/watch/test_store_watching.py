"""Signals, decisions and what was put aside, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from alertbot.alerts import store_incidents
from alertbot.core.errors import StoreFailed
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.watch import store_decisions, store_signals
from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State
from alertbot.watch.rules_signals import Observed, Signal

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
ONE = Signal("am", "112", Observed.DOWN, NOW, key="a", title="calls", received=NOW, still_firing=True)


async def test_a_repeat_is_counted_and_not_stored(database: Database) -> None:
    two = replace(ONE, key="b", at=NOW + timedelta(minutes=1))

    async def work(conn: Connection) -> list[list[Signal]]:
        return [
            await store_signals.keep(conn, [ONE], now=NOW),
            await store_signals.keep(conn, [ONE, two], now=NOW),
        ]

    assert await database.transact(work) == [[ONE], [two]]
    stored = await database.read(lambda conn: store_signals.listing(conn))
    assert [(one.signal, one.repeats) for one in stored] == [(two, 0), (ONE, 1)]
    of_service = await database.read(lambda conn: store_signals.of_service(conn, "112", since=NOW))
    assert of_service == (ONE, two)


async def test_what_nobody_understood_is_kept_and_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_signals, "MOST_QUARANTINED", 2)

    async def work(conn: Connection) -> None:
        for body in (b"1", b"22", b"333"):
            await store_signals.put_aside(conn, "am", body, why="shape", keys=["x"], now=NOW)

    await database.transact(work)
    kept = await database.read(lambda conn: store_signals.aside(conn))
    assert [one.size for one in kept] == [3, 2]
    assert kept[0].keys == ("x",)


async def test_a_log_reads_back_and_moves_its_incident(database: Database) -> None:
    opened = LogEntry(NOW, IncidentAction.OPEN, Reason.CONFIRMED, State.DOWN)
    closed = LogEntry(
        NOW + timedelta(hours=3), IncidentAction.RESOLVE, Reason.CONFIRMED_AND_WATCHED, State.RESOLVED
    )

    async def work(conn: Connection) -> str:
        incident = await store_incidents.start(conn, by=None, now=NOW)
        number = await store_decisions.append(
            conn, "112", incident.id, opened, before=None, by="alertbot"
        )
        await store_decisions.led_to(conn, number, "BKRT-1")
        return incident.id

    incident = await database.transact(work)
    assert await database.read(lambda conn: store_decisions.log_of(conn, "112")) == (opened,)
    shown = await database.read(lambda conn: store_incidents.get(conn, incident))
    assert (shown.state, shown.closed_at) == ("down", None)
    await database.transact(
        lambda conn: store_decisions.append(conn, "112", incident, closed, before=State.DOWN, by="Ada")
    )
    shown = await database.read(lambda conn: store_incidents.get(conn, incident))
    assert (shown.state, shown.closed_at) == ("resolved", None)  # until the public is told
    lines = await database.read(lambda conn: store_decisions.lines(conn, incident_id=incident))
    assert [(line.by, line.before, line.alert) for line in lines] == [
        ("Ada", "down", None),
        ("alertbot", None, "BKRT-1"),
    ]


async def test_a_service_has_one_open_incident(database: Database) -> None:
    from sqlalchemy import update

    from alertbot.db.tables import incident

    async def work(conn: Connection) -> None:
        for _n in range(2):
            begun = await store_incidents.start(conn, by=None, now=NOW)
            await conn.execute(update(incident).where(incident.c.id == begun.id).values(service="112"))

    with pytest.raises((StoreFailed, IntegrityError)):
        await database.transact(work)


async def test_what_is_held_is_looked_at_again(database: Database) -> None:
    later = NOW + timedelta(minutes=5)

    async def work(conn: Connection) -> None:
        await store_decisions.remember(
            conn, "112", incident_id=None, action=IncidentAction.HOLD, reason=Reason.CONFIRMING_DOWN,
            now=NOW, look_again_at=later,
        )  # fmt: skip

    await database.transact(work)
    await database.transact(work)
    assert await database.read(lambda conn: store_decisions.to_look_at(conn, NOW)) == ()
    assert await database.read(lambda conn: store_decisions.to_look_at(conn, later)) == (("112", None),)
    await database.transact(
        lambda conn: store_signals.keep(
            conn, [Signal("am", "112", Observed.DOWN, NOW, key="1")], now=NOW
        )
    )
    due = await database.read(lambda conn: store_decisions.to_look_at(conn, later))
    assert due == (("112", "am"),)
    assert len(await database.read(store_decisions.standing)) == 1


async def test_what_was_decided_is_noted_of_more_services_than_fit_one_statement(
    database: Database,
) -> None:
    await database.transact(
        lambda conn: store_signals.keep(
            conn, [Signal("am", "112", Observed.DOWN, NOW, key="1")], now=NOW
        )
    )
    names = ["112", *(f"line-{number}" for number in range(70_000))]

    async def work(conn: Connection) -> None:
        await store_signals.note(
            conn, names, incident=None, action=IncidentAction.HOLD, reason=Reason.UNNAMED
        )

    await database.transact(work)
    [one] = await database.read(store_signals.listing)
    assert one.reason == Reason.UNNAMED


async def test_silence_of_a_source(database: Database) -> None:
    async def work(conn: Connection) -> None:
        await store_signals.heard(conn, ["am"], now=NOW)
        await store_signals.note_silence(conn, "am", now=NOW + timedelta(hours=1))

    await database.transact(work)
    assert (await database.read(store_signals.silent))["am"] == (NOW, NOW + timedelta(hours=1))
    await database.transact(
        lambda conn: store_signals.heard(conn, ["am"], now=NOW + timedelta(hours=2))
    )
    assert (await database.read(store_signals.silent))["am"] == (NOW + timedelta(hours=2), None)
