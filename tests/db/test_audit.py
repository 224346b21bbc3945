"""The chain shows every tampering that a chain can show."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.core.errors import Misuse
from alertbot.db import audit
from alertbot.db.audit import AuditRow
from alertbot.db.database import Database

AT = datetime(2021, 6, 2, 16, 45, 30, 123456, tzinfo=UTC)


def entries(number: int, verb: str = "sent") -> list[audit.AuditEntry]:
    return [
        audit.AuditEntry(
            actor="alertbot",
            verb=verb,
            at=AT + timedelta(seconds=n),
            alert="BKRT-2",
            remote_id=str(n),
            detail={"channel": "press", "n": n, "cost": 0.1 * n, "word": "é\u2028😀", "none": None},
        )
        for n in range(number)
    ]


async def fill(database: Database, number: int = 6) -> None:
    await database.transact(lambda conn: audit.append_many(conn, entries(number)))


async def tamper(database: Database, *statements: str) -> None:
    async def work(conn: AsyncConnection) -> None:
        for statement in statements:
            await conn.execute(text(statement))

    await database.transact(work)


async def verify(database: Database, head: str | None = None) -> audit.AuditVerdict:
    return await database.read(lambda conn: audit.verify(conn, head))


async def test_an_empty_chain_is_whole(database: Database) -> None:
    verdict = await verify(database)
    assert verdict == audit.AuditVerdict(0, audit.GENESIS, ())
    assert await database.read(audit.head) == audit.AuditHead(0, audit.GENESIS)
    assert (await verify(database, audit.GENESIS)).whole


async def test_rows_form_a_chain_that_head_and_export_show(database: Database) -> None:
    async def work(conn: AsyncConnection) -> list[str]:
        first = await audit.append(conn, actor="Awa", verb="draft", at=AT, detail={"a": (1, 2)})
        return [first, await audit.append_many(conn, entries(2)), await audit.append_many(conn, [])]

    async def rows(conn: AsyncConnection) -> list[AuditRow]:
        return [row async for row in audit.export(conn)]

    heads = await database.transact(work)
    exported = await database.read(rows)
    assert [row["seq"] for row in exported] == [1, 2, 3]
    assert exported[0]["previous"] == audit.GENESIS
    assert exported[1]["previous"] == exported[0]["hash"] == heads[0]
    assert exported[0]["at"] == "2021-06-02T16:45:30.123456+00:00"
    assert exported[0]["detail"] == {"a": [1, 2]}
    assert heads[1] == heads[2] == exported[2]["hash"]
    assert await database.read(audit.head) == audit.AuditHead(3, heads[1])
    assert await verify(database) == audit.AuditVerdict(3, heads[1], ())


async def test_moments_are_written_in_utc(database: Database) -> None:
    paris = AT.astimezone(timezone(timedelta(hours=2)))
    one = await database.transact(lambda c: audit.append(c, actor="a", verb="v", at=paris))
    assert one
    assert (await verify(database)).whole


class TakeBack(Exception):
    """Rolls a tampering back, so that the next one starts from a whole chain."""


async def found_after(database: Database, statement: str) -> tuple[str, ...]:
    """The problems that this statement makes, which is undone afterwards."""
    problems: list[str] = []

    async def work(conn: AsyncConnection) -> None:
        await conn.execute(text(statement))
        problems.extend((await audit.verify(conn)).problems)
        raise TakeBack

    with pytest.raises(TakeBack):
        await database.transact(work)
    return tuple(problems)


async def test_a_changed_row_is_named(database: Database) -> None:
    await fill(database)
    for change in (
        "actor = 'somebody else'",
        "verb = 'failed'",
        "at = '2021-06-02T16:45:30.000000+00:00'",
        "alert = NULL",
        "digest = ''",
        "remote_id = '99'",
        """detail = '{"channel" : "press", "n" : 1}'""",
        "hash = 'abc'",
        "previous = 'abc'",
    ):
        problems = await found_after(database, f"UPDATE audit SET {change} WHERE seq = 3")
        assert problems == ("Row 3 of the audit was changed or moved.",), change
    assert (await verify(database)).whole


async def test_a_missing_row_is_named(database: Database) -> None:
    await fill(database)
    for gone, sentence in (
        ("seq = 1", "Row 1 of the audit is missing."),
        ("seq = 3", "Row 3 of the audit is missing."),
        ("seq IN (2, 3, 4)", "Rows 2 to 4 of the audit are missing."),
    ):
        assert await found_after(database, f"DELETE FROM audit WHERE {gone}") == (sentence,)


async def test_closing_the_gap_does_not_hide_it(database: Database) -> None:
    await fill(database)
    await tamper(
        database,
        "DELETE FROM audit WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = 5",
        "UPDATE audit SET seq = 5 WHERE seq = 6",
    )
    problems = (await verify(database)).problems
    assert [f"Row {n} of the audit was changed or moved." for n in (3, 4, 5)] == list(problems)


async def test_exchanged_rows_are_named(database: Database) -> None:
    await fill(database)
    await tamper(
        database,
        "UPDATE audit SET seq = 1000 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = 1000",
    )
    problems = (await verify(database)).problems
    assert [f"Row {n} of the audit was changed or moved." for n in (3, 4)] == list(problems)


async def test_a_row_with_a_right_hash_and_a_wrong_place_is_named(database: Database) -> None:
    """Somebody who knows how hashes are made changes one row and makes its hash anew."""
    await fill(database)
    forged = await _forged(database, 3)
    await tamper(database, f"UPDATE audit SET actor = 'forger', hash = '{forged}' WHERE seq = 3")
    assert (await verify(database)).problems == ("Row 4 of the audit does not follow row 3.",)


async def _forged(database: Database, seq: int) -> str:
    async def work(conn: AsyncConnection) -> AuditRow:
        return [row async for row in audit.export(conn)][seq - 1]

    row = await database.read(work)
    return audit.row_hash(row | {"actor": "forger"})


async def test_a_cut_tail_shows_against_a_kept_head(database: Database) -> None:
    await fill(database)
    kept = (await database.read(audit.head)).digest
    await tamper(database, "DELETE FROM audit WHERE seq > 4")
    assert (await verify(database)).whole  # a chain alone cannot show it
    assert (await verify(database, kept)).problems == (
        f"The head {kept[:12]} is not in the audit: the audit was cut or rebuilt since.",
    )


async def test_a_chain_built_anew_shows_against_a_kept_head(database: Database) -> None:
    await fill(database)
    kept = (await database.read(audit.head)).digest
    await tamper(database, "DELETE FROM audit")
    await database.transact(lambda conn: audit.append_many(conn, entries(6, "never sent")))
    assert (await verify(database)).whole
    assert not (await verify(database, kept)).whole


async def test_a_kept_head_holds_while_the_chain_grows(database: Database) -> None:
    await fill(database, 3)
    kept = (await database.read(audit.head)).digest
    await fill(database, 3)
    assert (await verify(database, kept)).whole
    assert (await verify(database, f" {kept[:12].upper()}")).whole
    with pytest.raises(Misuse, match="12"):
        await verify(database, kept[:11])


async def test_a_long_chain_is_read_page_by_page(database: Database) -> None:
    await fill(database, 2345)
    assert (await verify(database)).count == 2345
    await tamper(database, "UPDATE audit SET verb = 'x' WHERE seq = 2001")
    assert (await verify(database)).problems == ("Row 2001 of the audit was changed or moved.",)


async def test_writers_at_the_same_time_make_one_chain(database: Database) -> None:
    def add(number: int) -> Callable[[AsyncConnection], Awaitable[str]]:
        return lambda conn: audit.append(conn, actor=f"p{number}", verb="v", at=AT)

    await asyncio.gather(*(database.transact(add(n)) for n in range(20)))
    assert (await verify(database)).count == 20
    assert (await verify(database)).whole


async def test_addresses_become_pseudonyms(database: Database) -> None:
    async def work(conn: AsyncConnection) -> list[str]:
        one = await audit.pseudonym(conn, "Redaction@example.org")
        many = await audit.pseudonyms(conn, ["redaction@example.org", "desk@example.org"])
        return [one, *many.values()]

    first, same, other = await database.transact(work)
    assert first == same
    assert first != other
    assert len(first) == 32
    assert "example" not in first
    assert [first, same, other] == await database.read(work)  # the key lasts


async def test_two_who_need_the_key_first_get_the_same(database: Database) -> None:
    async def work(conn: AsyncConnection) -> str:
        return await audit.pseudonym(conn, "desk@example.org")

    assert len(set(await asyncio.gather(*(database.transact(work) for _ in range(5))))) == 1
