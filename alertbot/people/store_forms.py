"""Forms of the desk: the keys of those that were sent, so that none counts twice, and what is being typed."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from alertbot.core.model import Person
from alertbot.db.sql import Connection, upsert
from alertbot.db.tables_desk import form_key, typed
from alertbot.people.store_sign_in import hashed


async def claim(conn: Connection, who: Person, key: str, *, now: datetime) -> bool:
    """Whether this form was not sent before; it was from now on."""
    row = upsert(conn, form_key).values(key_hash=hashed(key), person_id=who.id, at=now)
    once = row.on_conflict_do_nothing(index_elements=[form_key.c.key_hash])
    return await conn.scalar(once.returning(form_key.c.key_hash)) is not None


async def release(conn: Connection, key: str) -> None:
    """The form did nothing, and may be sent again."""
    await conn.execute(delete(form_key).where(form_key.c.key_hash == hashed(key)))


async def answer(conn: Connection, key: str, place: str) -> None:
    """Where the form led."""
    await conn.execute(update(form_key).where(form_key.c.key_hash == hashed(key)).values(answer=place))


async def answer_of(conn: Connection, who: Person, key: str) -> str | None:
    """Where a form that this person sent led; None while that is not known."""
    mine = (form_key.c.key_hash == hashed(key)) & (form_key.c.person_id == who.id)
    found = await conn.scalar(select(form_key.c.answer).where(mine))
    return None if found is None else str(found)


async def keep(
    conn: Connection, who: Person, place: str, fields: Mapping[str, str], *, now: datetime
) -> None:
    """Keep what this person is typing in one place; it replaces what they typed there before."""
    await forget(conn, who, place)
    row = {"person_id": who.id, "place": place, "fields": dict(fields), "at": now}
    await conn.execute(insert(typed).values(**row))


async def kept(conn: Connection, who: Person, place: str) -> tuple[Mapping[str, str], datetime] | None:
    mine = (typed.c.person_id == who.id) & (typed.c.place == place)
    row = (await conn.execute(select(typed.c.fields, typed.c.at).where(mine))).one_or_none()
    return None if row is None else (row.fields, row.at)


async def forget(conn: Connection, who: Person, place: str) -> None:
    mine = (typed.c.person_id == who.id) & (typed.c.place == place)
    await conn.execute(delete(typed).where(mine))
