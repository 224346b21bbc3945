"""Tokens, roles, and that nobody becomes approver or admin by one person's word."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.core.errors import AlertbotError, Misuse, Refused
from alertbot.core.model import Person, Role
from alertbot.db.database import Database
from alertbot.db.tables import person
from alertbot.people import store_people

NOW = datetime(2021, 6, 2, 16, 45, tzinfo=UTC)
BOTH = (Role.AUTHOR, Role.APPROVER)


class Desk:
    """The people of one database, with the two first admins."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def open(self) -> "Desk":
        self.ada, self.ada_token = await self.add("Ada", *BOTH, by=None)
        self.ben, self.ben_token = await self.add("Ben", Role.APPROVER, by=self.ada)
        return self

    async def add(self, name: str, *roles: Role, by: Person | None, **more: Any) -> tuple[Person, str]:
        return await self.database.transact(
            lambda conn: store_people.add(conn, name, roles, by=by, now=NOW, **more)
        )

    async def confirm(self, name: str, by: Person) -> Person:
        return await self.database.transact(
            lambda conn: store_people.confirm(conn, name, by=by, now=NOW)
        )

    async def revoke(self, name: str, by: Person) -> Person:
        return await self.database.transact(
            lambda conn: store_people.revoke(conn, name, by=by, now=NOW)
        )

    async def rotate(self, name: str, by: Person, **more: Any) -> tuple[Person, str]:
        return await self.database.transact(
            lambda conn: store_people.rotate(conn, name, by=by, now=NOW, **more)
        )

    async def by_token(self, token: str, now: datetime = NOW) -> Person:
        return await self.database.transact(lambda conn: store_people.by_token(conn, token, now=now))

    async def get(self, name: str, now: datetime = NOW) -> store_people.PersonEntry:
        return await self.database.read(lambda conn: store_people.get(conn, name, now=now))


@pytest.fixture
async def desk(database: Database) -> Desk:
    return await Desk(database).open()


async def test_the_first_two_are_admins_without_confirmation(desk: Desk) -> None:
    assert desk.ada.roles == {Role.AUTHOR, Role.APPROVER, Role.ADMIN}
    assert desk.ben.roles == {Role.APPROVER, Role.ADMIN}
    assert desk.ada.counts
    assert desk.ben.counts


async def test_only_the_first_needs_no_token(database: Database) -> None:
    desk = Desk(database)
    ada, _token = await desk.add("Ada", Role.AUTHOR, by=None)
    with pytest.raises(Refused, match="To add another, give an admin's token"):
        await desk.add("Ben", Role.ADMIN, by=None)
    assert ada.counts


async def test_two_who_come_first_at_once_are_not_both_first(database: Database) -> None:
    desk = Desk(database)
    tries = (desk.add(name, Role.ADMIN, by=None) for name in ("Ada", "Eve"))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(isinstance(result, Refused) for result in results) == [False, True]


@pytest.mark.parametrize("roles", [(Role.AUTHOR,), (Role.APPROVER,), (Role.ADMIN,), BOTH])
async def test_everyone_takes_two_admins(desk: Desk, roles: tuple[Role, ...]) -> None:
    dora, token = await desk.add("Dora", *roles, by=desk.ada)
    assert not dora.counts
    with pytest.raises(Refused, match="people confirm Dora"):
        await desk.by_token(token)
    with pytest.raises(Refused, match="another admin must confirm"):
        await desk.confirm("Dora", desk.ada)
    assert (await desk.confirm("dora", desk.ben)).counts
    assert (await desk.by_token(token)).name == "Dora"
    with pytest.raises(Refused, match="already counts"):
        await desk.confirm("Dora", desk.ben)


async def test_only_admins_manage_people(desk: Desk) -> None:
    await desk.add("Carl", Role.AUTHOR, by=desk.ada)
    carl = await desk.confirm("Carl", desk.ben)
    attempts = [
        desk.add("Eve", Role.AUTHOR, by=carl),
        desk.confirm("Ada", carl),
        desk.revoke("Ben", carl),
        desk.rotate("Ben", carl),
    ]
    for attempt in attempts:
        with pytest.raises(Refused, match="role admin"):
            await attempt


async def test_an_unconfirmed_admin_confirms_nobody(desk: Desk) -> None:
    dora, _token = await desk.add("Dora", Role.ADMIN, by=desk.ada)
    await desk.add("Eve", Role.APPROVER, by=desk.ada)
    for name in ("Eve", "Dora"):
        with pytest.raises(Refused, match="does not count"):
            await desk.confirm(name, dora)


async def test_a_name_is_used_once(desk: Desk) -> None:
    with pytest.raises(Refused, match="is or was in use"):
        await desk.add(" ada ", Role.AUTHOR, by=desk.ada)
    for name in ("", "  ", "a\x00b", "x" * 201, "a\u202eb"):
        with pytest.raises(Misuse, match=r"printable|is invisible"):
            await desk.add(name, Role.AUTHOR, by=desk.ada)
    with pytest.raises(Misuse, match="--role"):
        await desk.add("Carl", by=desk.ada)


async def test_the_token_is_kept_as_a_hash_only(desk: Desk) -> None:
    async def everything(conn: AsyncConnection) -> str:
        return repr((await conn.execute(select(person))).all())

    stored = await desk.database.read(everything)
    assert desk.ada_token not in stored
    assert len(desk.ada_token) >= 40
    assert desk.ada_token not in repr(await desk.get("Ada"))


async def test_an_unknown_token_is_refused(desk: Desk) -> None:
    for token in ("", "x", desk.ada_token[:-1], desk.ada_token.upper(), "é\ud800"):
        with pytest.raises(Refused, match="not known here"):
            await desk.by_token(token)
    assert await desk.by_token(f" {desk.ada_token}\n") == desk.ada


async def test_a_token_shows_when_it_was_last_used(desk: Desk) -> None:
    assert (await desk.get("Ada")).last_used_at is None
    await desk.by_token(desk.ada_token, NOW + timedelta(hours=1))
    assert (await desk.get("Ada")).last_used_at == NOW + timedelta(hours=1)


async def test_a_token_lapses(desk: Desk) -> None:
    _carl, token = await desk.add("Carl", Role.AUTHOR, by=desk.ada, token_lasts=timedelta(days=1))
    await desk.confirm("Carl", desk.ben)
    await desk.by_token(token, NOW + timedelta(hours=23))
    tomorrow = NOW + timedelta(days=1)
    with pytest.raises(Refused, match="has expired"):
        await desk.by_token(token, tomorrow)
    assert not (await desk.get("Carl", tomorrow)).person.counts


async def test_revoking_is_for_good(desk: Desk) -> None:
    assert not (await desk.revoke("Ben", desk.ada)).counts
    with pytest.raises(Refused, match="revoked"):
        await desk.by_token(desk.ben_token)
    for attempt in (
        desk.revoke("Ben", desk.ada),
        desk.rotate("Ben", desk.ada),
        desk.confirm("Ben", desk.ada),
    ):
        with pytest.raises(Refused, match="revoked"):
            await attempt


async def test_the_last_admin_stays(desk: Desk) -> None:
    await desk.revoke("Ben", desk.ada)
    with pytest.raises(Refused, match="last admin"):
        await desk.revoke("Ada", desk.ada)
    assert (await desk.by_token(desk.ada_token)).counts


async def test_of_two_admins_who_revoke_each_other_one_stays(desk: Desk) -> None:
    results = await asyncio.gather(
        desk.revoke("Ben", desk.ada), desk.revoke("Ada", desk.ben), return_exceptions=True
    )
    assert sorted(isinstance(result, Refused) for result in results) == [False, True]


async def test_my_own_new_token_counts_at_once(desk: Desk) -> None:
    same, token = await desk.rotate("Ada", desk.ada)
    assert same.counts
    assert await desk.by_token(token) == desk.ada
    with pytest.raises(Refused, match="not known"):
        await desk.by_token(desk.ada_token)


async def test_a_token_that_an_admin_hands_to_an_approver_takes_another_admin(desk: Desk) -> None:
    await desk.add("Dora", Role.APPROVER, by=desk.ada)
    await desk.confirm("Dora", desk.ben)
    dora, token = await desk.rotate("Dora", desk.ben)
    assert not dora.counts
    with pytest.raises(Refused, match="another admin must confirm"):
        await desk.confirm("Dora", desk.ben)
    await desk.confirm("Dora", desk.ada)
    assert (await desk.by_token(token)).counts


async def test_a_token_that_an_admin_hands_to_an_author_takes_another_admin(desk: Desk) -> None:
    await desk.add("Carl", Role.AUTHOR, by=desk.ada)
    await desk.confirm("Carl", desk.ben)
    carl, token = await desk.rotate("Carl", desk.ada, token_lasts=timedelta(days=30))
    assert not carl.counts
    confirmed = await desk.confirm("Carl", desk.ben)
    assert await desk.by_token(token) == confirmed
    assert (await desk.get("Carl")).token_expires_at == NOW + timedelta(days=30)


async def test_everybody_is_listed(desk: Desk) -> None:
    await desk.add("Dora", Role.APPROVER, by=desk.ada)
    entries = await desk.database.read(lambda conn: store_people.everybody(conn, now=NOW))
    assert [entry.person.name for entry in entries] == ["Ada", "Ben", "Dora"]
    assert [entry.confirmed_at is None for entry in entries] == [False, False, True]
    found = await desk.database.read(lambda conn: store_people.approvers(conn, now=NOW))
    assert [one.name for one in found] == ["Ada", "Ben"]
    with pytest.raises(Misuse, match="no one called 'Zoe'"):
        await desk.get("Zoe")


async def test_one_admin_alone_never_makes_an_approver(desk: Desk) -> None:
    """Every way in that one admin has ends with somebody who does not count."""
    dora, _token = await desk.add("Dora", Role.APPROVER, by=desk.ada)
    await desk.rotate("Dora", desk.ada)
    await desk.rotate("Ben", desk.ada)
    for name, by in (("Dora", desk.ada), ("Ben", desk.ada), ("Dora", dora)):
        with pytest.raises(AlertbotError):
            await desk.confirm(name, by)
    assert not (await desk.get("Dora")).person.counts
    assert not (await desk.get("Ben")).person.counts


@pytest.mark.parametrize("name", ["ada\u3164", "a\u200bda", "ada\ufe0f", "a\u034fda"])
async def test_a_name_has_no_sign_that_nobody_sees(database: Database, name: str) -> None:
    """Two people whose names look the same would be one in the audit."""
    desk = await Desk(database).open()
    with pytest.raises(Misuse, match=r"character \d \(U\+"):
        await desk.add(name, Role.AUTHOR, by=desk.ada)
