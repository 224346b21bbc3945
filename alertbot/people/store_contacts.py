"""People's accounts on platforms, their one-time codes, and their mail addresses.

A code links a person to an account. It is stored as a hash, expires, works once, and becomes invalid
after a few wrong codes were tried by anyone while it was open.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db.sql import PEOPLE, Connection, take_lock
from alertbot.db.tables import person
from alertbot.db.tables_register import contact, link_code
from alertbot.people.store_people import person_of

CODE_LASTS = timedelta(minutes=15)
MOST_WRONG_CODES = 10
LETTERS = "BCDFGHJKMNPQRSTVWXZ23456789"  # none that looks like another
GROUPS, GROUP_LETTERS = 3, 4


@dataclass(frozen=True, slots=True)
class ContactPoints:
    """How one person is reached: the user id on each platform, and the mail address."""

    users: dict[str, str]
    mail: str | None

    @property
    def ways(self) -> list[str]:
        """The platforms with an account, and `mail`."""
        return [*sorted(self.users), *(["mail"] if self.mail else [])]

    def address(self, way: str) -> str | None:
        """The person's address on this way: a mail address, else a user id."""
        return self.mail if way == "mail" else self.users.get(way)


async def make_code(conn: Connection, who: Person, *, now: datetime) -> str:
    """A new code for this person; earlier ones become invalid."""
    await take_lock(conn, PEOPLE)
    await _void(conn, who)
    code = "-".join(
        "".join(secrets.choice(LETTERS) for _letter in range(GROUP_LETTERS)) for _group in range(GROUPS)
    )
    await conn.execute(
        insert(link_code).values(
            code_hash=_hash(code),
            person_id=who.id,
            made_at=now,
            expires_at=now + CODE_LASTS,
            attempts=0,
        )
    )
    return code


async def redeem(
    conn: Connection, code: str, *, platform: str, user: str, now: datetime
) -> Person | None:
    """Link this account to the person who owns the code, replacing their earlier account on the
    platform.

    None if no open code matches; the attempt then counts against every open code. Raises `Refused` if
    the account belongs to someone else: one account cannot be two people.
    """
    await take_lock(conn, PEOPLE)
    query = select(link_code.c.code_hash, person).join_from(link_code, person)
    found = (
        await conn.execute(query.where(_open(now), link_code.c.code_hash == _hash(code)))
    ).one_or_none()
    if found is None:
        counted = update(link_code).where(_open(now)).values(attempts=link_code.c.attempts + 1)
        await conn.execute(counted)
        return None
    who = person_of(found, now)
    await _require_free(conn, who, platform, user, now)
    used = update(link_code).where(link_code.c.code_hash == _hash(code)).values(used_at=now)
    await conn.execute(used)
    await unlink(conn, who, platform)
    await conn.execute(
        insert(contact).values(person_id=who.id, platform=platform, user=user, linked_at=now)
    )
    return who


async def void(conn: Connection, code: str) -> None:
    """Invalidate this code."""
    unused = link_code.c.used_at.is_(None)
    await conn.execute(delete(link_code).where(link_code.c.code_hash == _hash(code), unused))


async def unlink(conn: Connection, who: Person, platform: str) -> bool:
    """Remove the person's account on this platform and every open code. Returns whether there was an
    account."""
    await _void(conn, who)
    gone = await conn.execute(
        delete(contact).where(contact.c.person_id == who.id, contact.c.platform == platform)
    )
    return bool(gone.rowcount)


async def of_user(conn: Connection, platform: str, user: str, *, now: datetime) -> Person | None:
    """The person with this account, with their current status; None for a stranger."""
    query = select(person).join_from(person, contact)
    mine = (contact.c.platform == platform) & (contact.c.user == user)
    row = (await conn.execute(query.where(mine))).one_or_none()
    return None if row is None else person_of(row, now)


async def reaches(conn: Connection) -> dict[int, ContactPoints]:
    """How everyone is reached, by person id."""
    found = {
        row.id: ContactPoints({}, row.mail)
        for row in await conn.execute(select(person.c.id, person.c.mail))
    }
    for row in await conn.execute(select(contact).order_by(contact.c.id)):
        found[row.person_id].users[row.platform] = row.user
    return found


async def set_mail(conn: Connection, who: Person, address: str | None) -> None:
    """Set where approval links are mailed to; None: nowhere."""
    await conn.execute(update(person).where(person.c.id == who.id).values(mail=address))


async def _require_free(conn: Connection, who: Person, platform: str, user: str, now: datetime) -> None:
    other = await of_user(conn, platform, user, now=now)
    if other is not None and other.id != who.id:
        raise Refused(
            _(
                "This account is already linked to {name}. First run `alertbot people unlink {name}`."
            ).format(name=other.name)
        )


async def _void(conn: Connection, who: Person) -> None:
    unused = link_code.c.used_at.is_(None)
    await conn.execute(delete(link_code).where(link_code.c.person_id == who.id, unused))


def _open(now: datetime) -> Any:
    return (
        link_code.c.used_at.is_(None)
        & (link_code.c.expires_at > now)
        & (link_code.c.attempts < MOST_WRONG_CODES)
    )


def _hash(code: str) -> str:
    """The hash of the code's letters only: people type hyphens, spaces and lower case."""
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(letters.encode("utf-8", "surrogatepass")).hexdigest()
