"""Sessions at the desk, and the ways to begin one: invitations, passkeys, recovery codes. All secrets are stored as
hashes. Each row has the bond of its day: once the person's token is renewed, nothing that was given before it holds,
and neither for a person who no longer counts."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.db.sql import PEOPLE, ColumnValues, Connection, take_lock
from alertbot.db.tables import person
from alertbot.db.tables_desk import (
    challenge,
    desk_session,
    form_key,
    invitation,
    passkey,
    recovery_code,
    typed,
)
from alertbot.people.store_people import person_of

IDLE = timedelta(minutes=30)
LONGEST_SESSION = timedelta(hours=16)
SEEN_EVERY = timedelta(seconds=30)  # how exactly it is known when a session was last used
INVITATION_LASTS = timedelta(hours=24)
CHALLENGE_LASTS = timedelta(minutes=5)
KEPT = timedelta(days=2)  # forms that were sent
KEPT_TYPED = timedelta(days=7)
_BYTES = 32


@dataclass(frozen=True, slots=True)
class DeskSession:
    """A session that counts now. `person` with their current status."""

    id: int
    person: Person
    way: str
    device: str
    lang: str | None
    started_at: datetime
    seen_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When it ends unless it is used before."""
        return min(self.seen_at + IDLE, self.started_at + LONGEST_SESSION)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of a person, whose bond holds."""

    id: int
    person: Person
    credential: str
    public_key: bytes
    sign_count: int
    name: str
    added_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecoveryHash:
    """A recovery code that was not used: its row and its hash."""

    id: int
    person: Person
    code_hash: str


def new_secret() -> str:
    return secrets.token_urlsafe(_BYTES)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.strip().encode("utf-8", "surrogatepass")).hexdigest()


def _bond(token_hash: str) -> str:
    return hashlib.sha256(f"desk\0{token_hash}".encode()).hexdigest()


async def bond_of(conn: Connection, who: Person) -> str:
    """What binds a row to the person's token of now."""
    return _bond(str(await conn.scalar(select(person.c.token_hash).where(person.c.id == who.id))))


def bond_holds(row: Row[Any]) -> bool:
    """Whether the person of the row has still the token of the day on which it was made."""
    return hmac.compare_digest(row.bond, _bond(row.token_hash))


# --- sessions -------------------------------------------------------------------------------------


async def start(
    conn: Connection, who: Person, *, way: str, device: str, now: datetime, lang: str | None = None
) -> str:
    """Begin a session; returns the secret of its cookie. It has the language of the person's last session."""
    secret = new_secret()
    s = desk_session.c
    if lang is None:
        last = select(s.lang).where(s.person_id == who.id, s.lang.is_not(None))
        lang = await conn.scalar(last.order_by(s.id.desc()).limit(1))
    await conn.execute(
        insert(desk_session).values(
            token_hash=hashed(secret),
            person_id=who.id,
            bond=await bond_of(conn, who),
            way=way,
            device=device,
            lang=lang,
            started_at=now,
            seen_at=now,
        )
    )
    await conn.execute(delete(form_key).where(form_key.c.at < now - KEPT))
    await conn.execute(delete(typed).where(typed.c.at < now - KEPT_TYPED))
    return secret


_SESSIONS = select(
    person,
    desk_session.c.id.label("session_id"),
    desk_session.c.bond,
    desk_session.c.way,
    desk_session.c.device,
    desk_session.c.lang,
    desk_session.c.started_at,
    desk_session.c.seen_at,
).join_from(desk_session, person, person.c.id == desk_session.c.person_id)


def _session(row: Row[Any], now: datetime, *, idle: bool = False) -> DeskSession | None:
    """The session if it holds now; with `idle` also if only nobody used it."""
    found = DeskSession(
        row.session_id,
        person_of(row, now),
        row.way,
        row.device,
        row.lang,
        row.started_at,
        row.seen_at,
    )
    ends_at = found.started_at + LONGEST_SESSION if idle else found.ends_at
    return found if found.person.counts and bond_holds(row) and now < ends_at else None


async def find(
    conn: Connection, secret: str, *, now: datetime, idle: bool = False
) -> DeskSession | None:
    """The session of this cookie, if it holds now; with `idle` also if only nobody used it."""
    s = desk_session.c
    wanted = _SESSIONS.where(s.token_hash == hashed(secret), s.ended_at.is_(None))
    row = (await conn.execute(wanted)).one_or_none()
    return None if row is None else _session(row, now, idle=idle)


async def sessions_of(conn: Connection, who: Person, *, now: datetime) -> tuple[DeskSession, ...]:
    """The sessions of a person that hold now, newest first."""
    s = desk_session.c
    wanted = _SESSIONS.where(s.person_id == who.id, s.ended_at.is_(None), s.seen_at > now - IDLE)
    rows = await conn.execute(wanted.order_by(s.id.desc()))
    return tuple(one for row in rows if (one := _session(row, now)))


async def touch(conn: Connection, session: int, *, now: datetime) -> None:
    """The session was used."""
    await conn.execute(update(desk_session).where(desk_session.c.id == session).values(seen_at=now))


async def speak(conn: Connection, session: int, lang: str) -> None:
    await conn.execute(update(desk_session).where(desk_session.c.id == session).values(lang=lang))


async def end(conn: Connection, who: Person, session: int, *, now: datetime) -> bool:
    """End a session of this person; False if it had ended."""
    s = desk_session.c
    mine = (s.id == session) & (s.person_id == who.id) & s.ended_at.is_(None)
    done = await conn.execute(update(desk_session).where(mine).values(ended_at=now))
    return done.rowcount == 1


async def end_all(conn: Connection, who: Person, *, now: datetime) -> int:
    """End every session of this person that holds now; returns how many."""
    holding = await sessions_of(conn, who, now=now)
    for one in holding:
        await end(conn, who, one.id, now=now)
    return len(holding)


# --- invitations ----------------------------------------------------------------------------------


async def invite(conn: Connection, who: Person, *, by: Person, now: datetime) -> str:
    """A new code to sign in with once; earlier ones become invalid. Whoever else issues it could use it, and counts
    as one hand with the person from now on."""
    await take_lock(conn, PEOPLE)
    i = invitation.c
    await conn.execute(
        update(invitation).where(i.person_id == who.id, i.used_at.is_(None)).values(used_at=now)
    )
    code = new_secret()
    await conn.execute(
        insert(invitation).values(
            code_hash=hashed(code),
            person_id=who.id,
            issued_by=by.id,
            bond=await bond_of(conn, who),
            made_at=now,
            expires_at=now + INVITATION_LASTS,
        )
    )
    if by.id != who.id:
        known = await conn.scalar(select(person.c.seen_by).where(person.c.id == who.id))
        seen: ColumnValues = {"seen_by": sorted({*(known or ()), *by.hands} - {who.id})}
        # a token that was renewed before this says nothing any more about who can sign in
        await conn.execute(update(person).where(person.c.id == who.id).values(**seen, renewed_at=None))
    return code


async def invited(conn: Connection, code: str, *, now: datetime) -> Person | None:
    """Whom this code invites, if it can still be used."""
    i = invitation.c
    wanted = select(person, i.bond).join_from(invitation, person, person.c.id == i.person_id)
    open_ = wanted.where(i.code_hash == hashed(code), i.used_at.is_(None), i.expires_at > now)
    row = (await conn.execute(open_)).one_or_none()
    return person_of(row, now) if row is not None and bond_holds(row) else None


async def invitations(conn: Connection, *, now: datetime) -> dict[int, datetime]:
    """Until when the open invitation of each person works."""
    i = invitation.c
    wanted = select(person, i.bond, i.expires_at.label("until")).join_from(
        invitation, person, person.c.id == i.person_id
    )
    rows = await conn.execute(wanted.where(i.used_at.is_(None), i.expires_at > now))
    return {row.id: row.until for row in rows if bond_holds(row)}


async def use_invitation_of(conn: Connection, code_hash: str, *, now: datetime) -> Person | None:
    """Whom this invitation invites; it is used up. None if it cannot be used."""
    i = invitation.c
    wanted = select(person, i.bond).join_from(invitation, person, person.c.id == i.person_id)
    open_ = (i.code_hash == code_hash) & i.used_at.is_(None) & (i.expires_at > now)
    row = (await conn.execute(wanted.where(open_))).one_or_none()
    if row is None or not bond_holds(row):
        return None
    used = await conn.execute(update(invitation).where(open_).values(used_at=now))
    return person_of(row, now) if used.rowcount == 1 else None


async def use_invitation(conn: Connection, code: str, *, now: datetime) -> bool:
    """Use it up; of two who do so at once one gets True."""
    i = invitation.c
    unused = (i.code_hash == hashed(code)) & i.used_at.is_(None)
    return (await conn.execute(update(invitation).where(unused).values(used_at=now))).rowcount == 1


# --- passkeys -------------------------------------------------------------------------------------


async def ask(conn: Connection, value: bytes, *, now: datetime, session: int | None) -> None:
    """Keep what a passkey has to answer. `session`: the one whose person adds a passkey; None: to sign in."""
    await conn.execute(delete(challenge).where(challenge.c.expires_at < now))
    row = {"value_hash": _challenge(value), "session_id": session, "expires_at": now + CHALLENGE_LASTS}
    await conn.execute(insert(challenge).values(**row))


async def answered(conn: Connection, value: bytes, *, now: datetime, session: int | None) -> bool:
    """Whether this was asked, and not answered before; it cannot be answered again."""
    c = challenge.c
    mine = c.session_id.is_(None) if session is None else c.session_id == session
    asked = (c.value_hash == _challenge(value)) & mine & (c.expires_at > now)
    return (await conn.execute(delete(challenge).where(asked))).rowcount == 1


def _challenge(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


_PASSKEYS = select(
    person,
    passkey.c.id.label("passkey_id"),
    passkey.c.bond,
    passkey.c.credential,
    passkey.c.public_key,
    passkey.c.sign_count,
    passkey.c.name.label("passkey_name"),
    passkey.c.added_at.label("passkey_added_at"),
    passkey.c.last_used_at.label("passkey_used_at"),
).join_from(passkey, person, person.c.id == passkey.c.person_id)


def _passkey(row: Row[Any], now: datetime) -> Passkey:
    return Passkey(
        row.passkey_id,
        person_of(row, now),
        row.credential,
        row.public_key,
        row.sign_count,
        row.passkey_name,
        row.passkey_added_at,
        row.passkey_used_at,
    )


async def add_passkey(
    conn: Connection,
    who: Person,
    *,
    credential: str,
    public_key: bytes,
    sign_count: int,
    name: str,
    now: datetime,
) -> None:
    await conn.execute(
        insert(passkey).values(
            credential=credential,
            person_id=who.id,
            bond=await bond_of(conn, who),
            public_key=public_key,
            sign_count=sign_count,
            name=name,
            added_at=now,
        )
    )


async def passkey_of(conn: Connection, credential: str, *, now: datetime) -> Passkey | None:
    """The passkey with this id, if its bond holds."""
    row = (await conn.execute(_PASSKEYS.where(passkey.c.credential == credential))).one_or_none()
    return _passkey(row, now) if row is not None and bond_holds(row) else None


async def passkeys_of(conn: Connection, who: Person, *, now: datetime) -> tuple[Passkey, ...]:
    rows = await conn.execute(_PASSKEYS.where(passkey.c.person_id == who.id).order_by(passkey.c.id))
    return tuple(_passkey(row, now) for row in rows if bond_holds(row))


async def passkey_used(conn: Connection, one: Passkey, count: int, *, now: datetime) -> None:
    changed = update(passkey).where(passkey.c.id == one.id)
    await conn.execute(changed.values(sign_count=count, last_used_at=now))


async def drop_passkey(conn: Connection, who: Person, number: int) -> bool:
    mine = (passkey.c.id == number) & (passkey.c.person_id == who.id)
    return (await conn.execute(delete(passkey).where(mine))).rowcount == 1


# --- recovery codes -------------------------------------------------------------------------------


async def set_codes(
    conn: Connection, who: Person, codes: list[tuple[str, str]], *, now: datetime
) -> None:
    """Replace the person's recovery codes; each is its beginning and its hash."""
    await conn.execute(delete(recovery_code).where(recovery_code.c.person_id == who.id))
    bond = await bond_of(conn, who)
    for beginning, code_hash in codes:
        await conn.execute(
            insert(recovery_code).values(
                person_id=who.id, bond=bond, beginning=beginning, code_hash=code_hash, made_at=now
            )
        )


async def codes_left(conn: Connection, who: Person) -> int:
    r = recovery_code.c
    mine = select(r.bond).where(r.person_id == who.id, r.used_at.is_(None))
    bond = await bond_of(conn, who)
    return sum(1 for found in await conn.scalars(mine) if found == bond)


async def code_of(
    conn: Connection, who: Person, beginning: str, *, now: datetime
) -> RecoveryHash | None:
    """The unused code of this person that begins so."""
    r = recovery_code.c
    wanted = select(person, r.id.label("code_id"), r.bond, r.code_hash).join_from(recovery_code, person)
    mine = wanted.where(r.person_id == who.id, r.beginning == beginning, r.used_at.is_(None))
    row = (await conn.execute(mine.limit(1))).one_or_none()
    if row is None or not bond_holds(row):
        return None
    return RecoveryHash(row.code_id, person_of(row, now), row.code_hash)


async def use_code(conn: Connection, number: int, *, now: datetime) -> bool:
    r = recovery_code.c
    unused = (r.id == number) & r.used_at.is_(None)
    return (await conn.execute(update(recovery_code).where(unused).values(used_at=now))).rowcount == 1
