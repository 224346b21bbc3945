"""Tokens of the API, machines that ask for one, and the answers that requests with a key were given. Secrets are stored
as hashes. A token has the bond of its day, as everything that opens a person's account: see `store_sign_in`."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from alertbot.core.model import Person
from alertbot.db import audit
from alertbot.db.audit import AuditRow
from alertbot.db.sql import Connection, upsert
from alertbot.db.tables import person
from alertbot.db.tables_desk import api_answer, api_token, device_request
from alertbot.people.rules import Scope
from alertbot.people.store_people import person_of
from alertbot.people.store_sign_in import SEEN_EVERY, bond_holds, bond_of, hashed

ANSWERS_KEPT = timedelta(hours=24)
LOST_AFTER = timedelta(minutes=1)  # without an answer: whoever did it was killed
MOST_TOLD = 5  # of what a person has done since
DEVICE_LASTS = timedelta(minutes=10)
MOST_DEVICES = 100  # that wait for an answer at once
POLL_EVERY = timedelta(seconds=5)
CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so that no code is a word
CODE_LENGTH = 8
_PREFIX = "abt_"  # by which scanners for leaked secrets know it


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token of a person, with their current status. It never contains the token itself."""

    id: int
    person: Person
    name: str
    scopes: frozenset[Scope]
    way: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    holds: bool

    def refusal(self, now: datetime) -> str | None:
        """Why it opens nothing: `revoked` (also with the person, or their own token), `expired`; None if it does."""
        if self.revoked_at is not None or not self.holds or not self.person.counts:
            return "revoked"
        return "expired" if self.expires_at <= now else None


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A machine that asks for a token. `allowed`: None while nobody has answered."""

    machine: str
    address: str
    scopes: tuple[Scope, ...]
    asked_at: datetime
    expires_at: datetime
    allowed: bool | None
    token_hash: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a request was answered; `status` None while it is under way."""

    request_hash: str
    at: datetime
    status: int | None
    headers: Mapping[str, str]
    body: str


def new_token() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def token_for(device_code: str) -> str:
    """The token that the machine with this code gets once a person has said yes. The desk never sees the code."""
    return _PREFIX + hashed(f"token\0{device_code}")


# --- tokens ---------------------------------------------------------------------------------------


async def add(
    conn: Connection,
    who: Person,
    *,
    token_hash: str,
    name: str,
    scopes: Iterable[Scope],
    way: str,
    lasts: timedelta,
    now: datetime,
) -> int:
    """Store a token of this person; returns its number."""
    row = insert(api_token).values(
        token_hash=token_hash,
        person_id=who.id,
        bond=await bond_of(conn, who),
        name=name,
        scopes=sorted(scopes),
        way=way,
        made_at=now,
        expires_at=now + lasts,
    )
    return int(await conn.scalar(row.returning(api_token.c.id)) or 0)


_TOKENS = select(
    person,
    api_token.c.id.label("token_id"),
    api_token.c.bond,
    api_token.c.name.label("token_name"),
    api_token.c.scopes,
    api_token.c.way,
    api_token.c.made_at.label("token_made_at"),
    api_token.c.expires_at.label("token_ends_at"),
    api_token.c.revoked_at.label("token_revoked_at"),
    api_token.c.last_used_at.label("token_used_at"),
).join_from(api_token, person, person.c.id == api_token.c.person_id)


def _token(row: Row[Any], now: datetime) -> ApiToken:
    return ApiToken(
        row.token_id,
        person_of(row, now),
        row.token_name,
        frozenset(map(Scope, row.scopes)),
        row.way,
        row.token_made_at,
        row.token_ends_at,
        row.token_revoked_at,
        row.token_used_at,
        bond_holds(row),
    )


async def find(conn: Connection, token: str, *, now: datetime) -> ApiToken | None:
    """The row of this token, whether it counts or not."""
    row = (await conn.execute(_TOKENS.where(api_token.c.token_hash == hashed(token)))).one_or_none()
    return None if row is None else _token(row, now)


async def tokens_of(conn: Connection, who: Person, *, now: datetime) -> tuple[ApiToken, ...]:
    """The person's tokens that count, newest first."""
    rows = await conn.execute(
        _TOKENS.where(api_token.c.person_id == who.id).order_by(api_token.c.id.desc())
    )
    found = (_token(row, now) for row in rows)
    return tuple(one for one in found if one.refusal(now) is None)


async def used(conn: Connection, one: ApiToken, *, now: datetime) -> None:
    await conn.execute(update(api_token).where(api_token.c.id == one.id).values(last_used_at=now))


def is_stale(one: ApiToken, now: datetime) -> bool:
    """Whether the note of its last use is to be renewed."""
    return one.last_used_at is None or now - one.last_used_at >= SEEN_EVERY


async def revoke(conn: Connection, who: Person, number: int, *, now: datetime) -> str | None:
    """Revoke one of this person's tokens; returns its name, None if there is none that counts."""
    t = api_token.c
    mine = (t.id == number) & (t.person_id == who.id) & t.revoked_at.is_(None)
    row = update(api_token).where(mine).values(revoked_at=now)
    found = await conn.scalar(row.returning(t.name))
    return None if found is None else str(found)


# --- machines that ask ----------------------------------------------------------------------------


async def ask(
    conn: Connection,
    *,
    device_code: str,
    code: str,
    machine: str,
    address: str,
    scopes: Iterable[Scope],
    now: datetime,
) -> bool:
    """Keep what a machine asks for; False if too many ask at once."""
    d = device_request.c
    await conn.execute(delete(device_request).where(d.expires_at <= now))
    waiting = await conn.scalar(select(func.count()).select_from(device_request))
    if int(waiting or 0) >= MOST_DEVICES:
        return False
    await conn.execute(
        insert(device_request).values(
            device_hash=hashed(device_code),
            code_hash=hashed(code),
            token_hash=hashed(token_for(device_code)),
            scopes=sorted(scopes),
            machine=machine,
            address=address,
            asked_at=now,
            expires_at=now + DEVICE_LASTS,
        )
    )
    return True


def _request(row: Row[Any]) -> DeviceRequest:
    scopes = tuple(map(Scope, row.scopes))
    times = (row.asked_at, row.expires_at)
    return DeviceRequest(row.machine, row.address, scopes, *times, row.allowed, row.token_hash)


async def asking(conn: Connection, code: str, *, now: datetime) -> DeviceRequest | None:
    """The machine that shows this code, while it waits for an answer."""
    d = device_request.c
    open_ = (d.code_hash == hashed(code)) & (d.expires_at > now) & d.allowed.is_(None)
    row = (await conn.execute(select(device_request).where(open_))).one_or_none()
    return None if row is None else _request(row)


async def decide(conn: Connection, code: str, *, allowed: bool, now: datetime) -> bool:
    """A person's answer; False if there was one before, or the time is over."""
    d = device_request.c
    open_ = (d.code_hash == hashed(code)) & (d.expires_at > now) & d.allowed.is_(None)
    done = await conn.execute(update(device_request).where(open_).values(allowed=allowed))
    return done.rowcount == 1


async def polled(
    conn: Connection, device_code: str, *, now: datetime
) -> tuple[DeviceRequest, bool] | None:
    """The request of the machine with this code, and whether it asks again too soon; None if there is none. One that
    was answered is told once."""
    mine = device_request.c.device_hash == hashed(device_code)
    row = (await conn.execute(select(device_request).where(mine))).one_or_none()
    if row is None:
        return None
    if row.allowed is not None or row.expires_at <= now:
        gone = await conn.execute(delete(device_request).where(mine))
        return (_request(row), False) if gone.rowcount == 1 else None
    await conn.execute(update(device_request).where(mine).values(polled_at=now))
    return _request(row), row.polled_at is not None and now - row.polled_at < POLL_EVERY


# --- answers by key -------------------------------------------------------------------------------


async def claim(conn: Connection, who: Person, key: str, request_hash: str, *, now: datetime) -> bool:
    """Whether no request of this person has had this key within `ANSWERS_KEPT`; this one has it from now on."""
    await forget_answers(conn, now=now)
    a = api_answer.c
    row = upsert(conn, api_answer).values(
        person_id=who.id, key_hash=hashed(key), request_hash=request_hash, at=now
    )
    once = row.on_conflict_do_nothing(index_elements=[a.person_id, a.key_hash])
    return await conn.scalar(once.returning(a.key_hash)) is not None


async def forget_answers(conn: Connection, *, now: datetime) -> None:
    """Answers are kept for a day: they say what the request was about, addresses too."""
    await conn.execute(delete(api_answer).where(api_answer.c.at <= now - ANSWERS_KEPT))


async def keep(
    conn: Connection, who: Person, key: str, *, status: int, headers: Mapping[str, str], body: str
) -> None:
    """What the request with this key was answered."""
    a = api_answer.c
    mine = (a.person_id == who.id) & (a.key_hash == hashed(key))
    said = {"status": status, "headers": dict(headers), "body": body}
    await conn.execute(update(api_answer).where(mine).values(**said))


async def kept(conn: Connection, who: Person, key: str) -> KeptAnswer | None:
    a = api_answer.c
    mine = (a.person_id == who.id) & (a.key_hash == hashed(key))
    row = (await conn.execute(select(api_answer).where(mine))).one_or_none()
    if row is None:
        return None
    return KeptAnswer(row.request_hash, row.at, row.status, row.headers or {}, row.body or "")


async def reclaim(
    conn: Connection, who: Person, key: str, since: datetime, *, now: datetime
) -> list[AuditRow] | None:
    """What this person has done since a request began whose answer was lost: whatever it did is among that, because
    nothing is done that the audit does not tell. None: it did nothing, and the key is this request's from now on."""
    query = audit.AuditQuery(person=who.name, since=since)
    done = [one for one in await audit.search(conn, query, limit=50) if one["actor"] == who.name]
    if told := [one for one in done if one["verb"] != "sign-in"][:MOST_TOLD]:
        return told
    a = api_answer.c
    mine = (a.person_id == who.id) & (a.key_hash == hashed(key)) & (a.at == since)
    again = await conn.execute(update(api_answer).where(mine, a.status.is_(None)).values(at=now))
    return None if again.rowcount == 1 else []
