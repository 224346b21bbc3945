"""The register as it is kept: order, versions, readings back, withdrawals, and which alerts carry what."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.core.errors import Refused
from alertbot.core.model import Person, Role
from alertbot.db.database import Database
from alertbot.db.tables import alert, incident
from alertbot.numbers import store_changes, store_numbers
from alertbot.numbers.rules_changes import ChangePlan
from alertbot.numbers.rules_entry import Entry, NumberRow
from alertbot.numbers.store_numbers import NumberInAlert, ReadBackCheck
from alertbot.people import store_people
from alertbot.regions.facts import find

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def row(
    code: str = "69", service: str = "samu", number: str = "04 65 71 00 15", **more: Any
) -> NumberRow:
    place = find(code)
    assert place
    return NumberRow(place, service, number, **more)


class Book:
    """A register with two people."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def open(self) -> "Book":
        self.ada = await self._add("ada")
        self.bo = await self._add("bo", self.ada)
        return self

    async def _add(self, name: str, by: Person | None = None) -> Person:
        added, _token = await self.database.transact(
            lambda conn: store_people.add(conn, name, [Role.APPROVER], by=by, now=NOW)
        )
        return added

    async def take_in(
        self, *rows: NumberRow, verb: str = "import"
    ) -> tuple[ChangePlan, tuple[int, ...]]:
        return await self.database.transact(
            lambda conn: store_changes.take_in(conn, rows, verb=verb, by=self.ada, at=NOW)
        )

    async def entries(self, **which: Any) -> tuple[Entry, ...]:
        return await self.database.read(lambda conn: store_numbers.entries(conn, **which))

    async def verify(self, entry: Entry) -> None:
        check = ReadBackCheck(entry.row.version, "bo", NOW, True, NOW, "answered", None)
        await self.database.transact(
            lambda conn: store_changes.note_check(conn, entry, check, by=self.bo, verified=True)
        )

    async def change(self, entry: Entry, fresh: NumberRow) -> int:
        return await self.database.transact(
            lambda conn: store_changes.change(conn, entry, fresh, verb="edit", by=self.ada, at=NOW)
        )

    async def withdraw(self, *ids: int) -> tuple[int, ...]:
        return await self.database.transact(
            lambda conn: store_changes.withdraw(conn, ids, by=self.bo, reason="over", at=NOW)
        )


@pytest.fixture
async def book(database: Database) -> Book:
    return await Book(database).open()


async def test_entries_stand_in_the_order_of_the_directory_then_of_services(book: Book) -> None:
    await book.take_in(
        row("974", number="06 39 98 74 15"),
        row("2A", number="04 65 71 02 15"),
        row("01", "pompiers", "04 65 71 01 18"),
        row("01", "samu", "04 65 71 01 15", zone={"": "Bourg"}),
        row("01", "samu", "04 65 71 01 16"),
        row("01", "samu", "", place={"fr": "la caserne"}),
    )
    said = [str(one.row) for one in await book.entries()]
    assert said == [
        "01 samu 04 65 71 01 16",
        "01 samu la caserne",
        "01 samu Bourg 04 65 71 01 15",
        "01 pompiers 04 65 71 01 18",
        "2A samu 04 65 71 02 15",
        "974 samu 06 39 98 74 15",
    ]
    assert [one.row.territory.code for one in await book.entries(territories=["974", "2A"])] == [
        "2A",
        "974",
    ]
    assert [one.id for one in await book.entries(ids=[3, 99])] == [3]


async def test_a_row_comes_back_as_it_was_kept(book: Book) -> None:
    kept = row(
        "974",
        number="06 39 98 74 15",
        replaces="15",
        zone={"fr": "Saint-Denis", "en": "Saint-Denis town"},
        condition={"": "from a mobile"},
        capacity=15,
        valid_from=NOW,
        valid_until=NOW + timedelta(days=2),
        sources=("https://www.example.org/974",),
        published_at="2026-03",
    )
    await book.take_in(kept)
    (found,) = await book.entries()
    assert found.row == replace(kept, entry="N1", version=1)
    assert (found.entered_by, found.entered_at) == ("ada", NOW)


async def test_a_file_with_a_hundred_numbers_has_a_hundred_entries_and_versions(book: Book) -> None:
    rows = [row(number=f"04 65 71 {place // 100:02} {place % 100:02}") for place in range(150)]
    _plan, ids = await book.take_in(*rows)
    assert ids == tuple(range(1, 151))
    decided, none = await book.take_in(*rows)
    assert (len(decided.same), none) == (150, ())


async def test_a_change_is_a_version_and_loses_the_verification(book: Book) -> None:
    await book.take_in(row())
    (first,) = await book.entries()
    await book.verify(first)
    (verified,) = await book.entries()
    assert verified.row.verified_by == "bo"
    assert verified.row.verified
    await book.change(verified, row(number="04 65 71 00 16"))
    (after,) = await book.entries()
    assert (after.row.version, after.row.number, after.row.verified) == (2, "04 65 71 00 16", False)
    versions, checks = await book.database.read(lambda conn: store_numbers.history(conn, 1))
    assert [(one.version, one.verb, one.row.number) for one in versions] == [
        (1, "import", "04 65 71 00 15"),
        (2, "edit", "04 65 71 00 16"),
    ]
    assert [(one.version, one.by, one.matched, one.call_result) for one in checks] == [
        (1, "bo", True, "answered")
    ]


async def test_a_source_more_keeps_version_and_verification(book: Book) -> None:
    await book.take_in(row(sources=("https://a.example.org",)))
    await book.verify((await book.entries())[0])
    await book.take_in(row(sources=("https://b.example.org",)))
    (after,) = await book.entries()
    assert after.row.sources == ("https://a.example.org", "https://b.example.org")
    assert (after.row.version, after.row.verified) == (1, True)


async def test_an_import_that_changes_an_entry_makes_a_version(book: Book) -> None:
    await book.take_in(row(capacity=15))
    await book.verify((await book.entries())[0])
    await book.take_in(row(capacity=60))
    (after,) = await book.entries()
    assert (after.row.version, after.row.capacity, after.row.verified) == (2, 60, False)


async def test_two_entries_cannot_say_the_same(book: Book) -> None:
    await book.take_in(row(), row(number="04 65 71 00 16"))
    first, second = await book.entries()
    with pytest.raises(Refused, match="N1"):
        await book.change(second, first.row)


async def test_of_two_who_change_an_entry_at_once_one_is_told(book: Book) -> None:
    await book.take_in(row())
    (entry,) = await book.entries()
    outcomes = await asyncio.gather(
        book.change(entry, row(capacity=5)), book.change(entry, row(capacity=6)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["Refused", "int"]
    assert (await book.entries())[0].row.version == 2


async def test_a_reading_back_of_an_older_version_verifies_nothing(book: Book) -> None:
    await book.take_in(row())
    (entry,) = await book.entries()
    await book.change(entry, row(capacity=5))
    with pytest.raises(Refused):
        await book.verify(entry)
    assert not (await book.entries())[0].row.verified


async def test_withdrawing_names_only_what_was_there(book: Book) -> None:
    await book.take_in(row(), row(number="04 65 71 00 16"))
    assert await book.withdraw(1) == (1,)
    assert await book.withdraw(1, 2, 3) == (2,)
    first = (await book.entries())[0]
    assert (first.withdrawn_at, first.withdrawn_by, first.withdrawn_reason) == (NOW, "bo", "over")


async def test_two_files_at_once_make_each_entry_once(book: Book) -> None:
    rows = [row(number=f"04 65 71 00 {place:02}") for place in range(10, 30)]
    outcomes = await asyncio.gather(book.take_in(*rows), book.take_in(*rows))
    assert sorted(len(ids) for _plan, ids in outcomes) == [0, 20]
    assert len(await book.entries()) == 20


# --- alerts that carry numbers --------------------------------------------------------------------


async def _alert(conn: AsyncConnection, number: int, state: str = "published", **more: Any) -> str:
    name = f"BKRT-{number}"
    plain: dict[str, Any] = {
        key: [] for key in ("languages", "channels", "promised", "faults", "warnings")
    }
    await conn.execute(
        insert(alert).values(
            {
                "id": name,
                "incident_id": "BKRT",
                "number": number,
                "kind": "status",
                "state": state,
                "exercise": False,
                "given": {},
                "raw": {},
                "accepted": {},
                "omitted": [],
                "references": [],
                "revision": 1,
                "drafted_at": NOW + timedelta(minutes=number),
                "composed_at": NOW,
                "digest": "0" * 64,
                "approvers": 1,
                "author_may_approve": False,
                "expires_after_seconds": 60.0,
                "priority": 20,
                "ttl_seconds": 60.0,
                "when_uncertain": "ask",
            }
            | plain
            | more
        )
    )
    return name


async def _story(book: Book, *alerts: dict[str, Any]) -> None:
    async def work(conn: AsyncConnection) -> None:
        await conn.execute(insert(incident).values(id="BKRT", opened_at=NOW))
        for number, one in enumerate(alerts, start=1):
            told, struck = one.pop("told", ()), one.pop("struck", ())
            name = await _alert(conn, number, **one)
            await store_numbers.carry(conn, name, told, struck=False)
            await store_numbers.carry(conn, name, struck, struck=True)

    await book.database.transact(work)


async def _rows(book: Book) -> Sequence[NumberRow]:
    await book.take_in(row(), row(number="04 65 71 00 16"))
    return [one.row for one in await book.entries()]


async def _published(book: Book, *, still: bool = False) -> dict[int, tuple[str, ...]]:
    return await book.database.read(lambda conn: store_numbers.published_in(conn, [1, 2], still=still))


async def test_alerts_that_went_out_are_told_apart_from_those_that_did_not(book: Book) -> None:
    first, second = await _rows(book)
    await _story(
        book,
        {"told": [first, second]},
        {"told": [first], "state": "draft"},
        {"told": [first], "exercise": True},
        {"told": [first], "state": "approved"},
    )
    assert await _published(book) == {1: ("BKRT-1", "BKRT-4"), 2: ("BKRT-1",)}


async def test_what_was_taken_back_stands_no_more(book: Book) -> None:
    first, second = await _rows(book)
    await _story(book, {"told": [first, second]}, {"struck": [first]})
    assert await _published(book) == {1: ("BKRT-1",), 2: ("BKRT-1",)}
    assert await _published(book, still=True) == {1: (), 2: ("BKRT-1",)}
    last = await book.database.read(
        lambda conn: store_numbers.last_of_incident(conn, "BKRT", exercise=False)
    )
    assert last == (NumberInAlert(1, 1, True), NumberInAlert(2, 1, False))


async def test_what_was_told_again_after_it_was_taken_back_stands(book: Book) -> None:
    first, _second = await _rows(book)
    await _story(book, {"told": [first]}, {"struck": [first]}, {"told": [first]})
    assert (await _published(book, still=True))[1] == ("BKRT-3",)


async def test_what_an_alert_carries_is_written_anew_with_its_texts(book: Book) -> None:
    first, second = await _rows(book)
    await _story(book, {"told": [first, second], "struck": [first, replace(first, entry="")]})

    async def again(conn: AsyncConnection) -> None:
        await store_numbers.carry(conn, "BKRT-1", [replace(second, version=3)], struck=False)
        await store_numbers.carry(conn, "BKRT-1", [first], struck=True)

    carried = await book.database.read(lambda conn: store_numbers.carried(conn, ["BKRT-1", "BKRT-9"]))
    assert carried == {"BKRT-1": (NumberInAlert(1, 1, False), NumberInAlert(2, 1, False)), "BKRT-9": ()}
    await book.database.transact(again)
    carried = await book.database.read(lambda conn: store_numbers.carried(conn, ["BKRT-1"]))
    assert carried["BKRT-1"] == (NumberInAlert(1, 1, True), NumberInAlert(2, 3, False))


async def test_a_form_is_found_as_it_was(book: Book) -> None:
    await book.take_in(row())
    await book.change((await book.entries())[0], row(number="04 65 71 00 16"))
    forms = await book.database.read(lambda conn: store_numbers.forms(conn, [(1, 1), (1, 2), (1, 9)]))
    assert {key: one.number for key, one in forms.items()} == {
        (1, 1): "04 65 71 00 15",
        (1, 2): "04 65 71 00 16",
    }


async def test_an_alert_posted_by_hand_counts_as_gone_out(book: Book) -> None:
    from alertbot.db.tables import record

    first, _second = await _rows(book)
    await _story(book, {"told": [first], "state": "draft"})
    assert (await _published(book))[1] == ()

    async def by_hand(conn: AsyncConnection) -> None:
        await conn.execute(
            insert(record).values(
                alert_id="BKRT-1", channel="x", url="https://www.example.org/1", person_id=1, at=NOW
            )
        )
        await conn.execute(update(alert).values(state="rejected"))

    await book.database.transact(by_hand)
    assert (await _published(book))[1] == ("BKRT-1",)
