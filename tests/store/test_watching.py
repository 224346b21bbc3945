"""Signals, decisions and what was put aside, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from alertbot.errors import StoreFailed
from alertbot.incident.log import Action, Entry, Reason, State
from alertbot.incident.signals import Observed, Signal
from alertbot.store import decisions, incidents, signals
from alertbot.store.connection import Connection
from alertbot.store.database import Database

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
ONE = Signal("am", "112", Observed.DOWN, NOW, key="a", title="calls", received=NOW, still_firing=True)


async def test_a_repeat_is_counted_and_not_stored(database: Database) -> None:
    two = replace(ONE, key="b", at=NOW + timedelta(minutes=1))

    async def work(conn: Connection) -> list[list[Signal]]:
        return [
            await signals.keep(conn, [ONE], now=NOW),
            await signals.keep(conn, [ONE, two], now=NOW),
        ]

    assert await database.transact(work) == [[ONE], [two]]
    stored = await database.read(lambda conn: signals.listing(conn))
    assert [(one.signal, one.repeats) for one in stored] == [(two, 0), (ONE, 1)]
    of_service = await database.read(lambda conn: signals.of_service(conn, "112", since=NOW))
    assert of_service == (ONE, two)


async def test_what_nobody_understood_is_kept_and_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "MOST_QUARANTINED", 2)

    async def work(conn: Connection) -> None:
        for body in (b"1", b"22", b"333"):
            await signals.put_aside(conn, "am", body, why="shape", keys=["x"], now=NOW)

    await database.transact(work)
    kept = await database.read(lambda conn: signals.aside(conn))
    assert [one.size for one in kept] == [3, 2]
    assert kept[0].keys == ("x",)


async def test_a_log_reads_back_and_moves_its_incident(database: Database) -> None:
    opened = Entry(NOW, Action.OPEN, Reason.CONFIRMED, State.DOWN)
    closed = Entry(
        NOW + timedelta(hours=3), Action.RESOLVE, Reason.CONFIRMED_AND_WATCHED, State.RESOLVED
    )

    async def work(conn: Connection) -> str:
        incident = await incidents.start(conn, by=None, now=NOW)
        number = await decisions.append(conn, "112", incident.id, opened, before=None, by="alertbot")
        await decisions.led_to(conn, number, "BKRT-1")
        return incident.id

    incident = await database.transact(work)
    assert await database.read(lambda conn: decisions.log_of(conn, "112")) == (opened,)
    shown = await database.read(lambda conn: incidents.get(conn, incident))
    assert (shown.state, shown.closed_at) == ("down", None)
    await database.transact(
        lambda conn: decisions.append(conn, "112", incident, closed, before=State.DOWN, by="Ada")
    )
    shown = await database.read(lambda conn: incidents.get(conn, incident))
    assert (shown.state, shown.closed_at) == ("resolved", None)  # until the public is told
    lines = await database.read(lambda conn: decisions.lines(conn, incident_id=incident))
    assert [(line.by, line.before, line.alert) for line in lines] == [
        ("Ada", "down", None),
        ("alertbot", None, "BKRT-1"),
    ]


async def test_a_service_has_one_open_incident(database: Database) -> None:
    from sqlalchemy import update

    from alertbot.store.tables import incident

    async def work(conn: Connection) -> None:
        for _n in range(2):
            begun = await incidents.start(conn, by=None, now=NOW)
            await conn.execute(update(incident).where(incident.c.id == begun.id).values(service="112"))

    with pytest.raises((StoreFailed, IntegrityError)):
        await database.transact(work)


async def test_what_is_held_is_looked_at_again(database: Database) -> None:
    later = NOW + timedelta(minutes=5)

    async def work(conn: Connection) -> None:
        await decisions.remember(
            conn, "112", incident_id=None, action=Action.HOLD, reason=Reason.CONFIRMING_DOWN,
            now=NOW, look_again_at=later,
        )  # fmt: skip

    await database.transact(work)
    await database.transact(work)
    assert await database.read(lambda conn: decisions.to_look_at(conn, NOW)) == ()
    assert await database.read(lambda conn: decisions.to_look_at(conn, later)) == ("112",)
    assert len(await database.read(decisions.standing)) == 1


async def test_silence_of_a_source(database: Database) -> None:
    async def work(conn: Connection) -> None:
        await signals.heard(conn, ["am"], now=NOW)
        await signals.note_silence(conn, "am", now=NOW + timedelta(hours=1))

    await database.transact(work)
    assert (await database.read(signals.silent))["am"] == (NOW, NOW + timedelta(hours=1))
    await database.transact(lambda conn: signals.heard(conn, ["am"], now=NOW + timedelta(hours=2)))
    assert (await database.read(signals.silent))["am"] == (NOW + timedelta(hours=2), None)
