"""Signing in at the desk: by an invitation, the person's token or a recovery code (`passkeys` has the other way); the
session that follows; and the ways in that a person has. Every sign-in and every new way in is in the audit."""

import secrets
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.people import store_people, store_sign_in
from alertbot.people.context import Context
from alertbot.people.rules import require_role
from alertbot.people.store_contacts import LETTERS
from alertbot.people.store_sign_in import SEEN_EVERY, DeskSession, Passkey
from alertbot.people.views import SessionView

CODES = 8
GROUPS, GROUP_LETTERS = 3, 4
LONGEST_DEVICE = 100
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # codes are drawn at random


class SignInRefused(Refused):
    """The code, token or passkey does not open a session."""


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How a person can sign in, and where they are signed in now."""

    passkeys: tuple[Passkey, ...]
    codes_left: int
    sessions: tuple[DeskSession, ...]
    seen_by: tuple[str, ...]


async def invited(service: Context, code: str) -> Person:
    """Whom this code invites; it stays usable. Raises `SignInRefused`."""
    found = await service.database.read(lambda conn: store_sign_in.invited(conn, code, now=service.now))
    return _required(found)


async def by_invitation(service: Context, code: str, device: str) -> str:
    """Use up the invitation; returns the secret of the new session. Raises `SignInRefused`."""

    async def work(conn: Connection) -> str:
        who = _required(await store_sign_in.invited(conn, code, now=service.now))
        require_counts(who)
        if not await store_sign_in.use_invitation(conn, code, now=service.now):
            raise SignInRefused(no_invitation())
        return await begin(service, conn, who, "link", device)

    return await service.database.transact(work)


async def by_token(service: Context, token: str, device: str) -> str:
    """Sign in with the person's token; returns the secret of the new session. Raises `SignInRefused`."""

    async def work(conn: Connection) -> str:
        try:
            who = await store_people.by_token(conn, token, now=service.now)
        except store_people.UnknownToken:
            raise SignInRefused(
                _("This token does not work. Check that you copied all of it.")
            ) from None
        except Refused as why:  # only who has the token reads it
            raise SignInRefused(str(why)) from None
        return await begin(service, conn, who, "token", device)

    return await service.database.transact(work)


async def by_recovery_code(service: Context, name: str, code: str, device: str) -> str:
    """Sign in with a recovery code, which works once; returns the secret of the new session. Raises
    `SignInRefused`."""
    typed = "".join(one for one in code.upper() if one in LETTERS)
    wrong = SignInRefused(
        _("This name and recovery code do not belong together, or the code was used.")
    )

    async def look(conn: Connection) -> store_sign_in.RecoveryHash | None:
        everybody = await store_people.persons(conn, now=service.now)
        known = name.strip().casefold()
        who = next((one for one in everybody if one.name.casefold() == known), None)
        if who is None:
            return None
        return await store_sign_in.code_of(conn, who, typed[:GROUP_LETTERS], now=service.now)

    found = await service.database.read(look)
    if found is None or not await in_thread(partial(_verified, found.code_hash, typed)):
        raise wrong
    require_counts(found.person)

    async def work(conn: Connection) -> str:
        if not await store_sign_in.use_code(conn, found.id, now=service.now):
            raise wrong
        return await begin(service, conn, found.person, "recovery", device)

    return await service.database.transact(work)


def _verified(code_hash: str, typed: str) -> bool:
    try:
        return _HASHER.verify(code_hash, typed)
    except (Argon2Error, InvalidHashError):
        return False


async def begin(service: Context, conn: Connection, who: Person, way: str, device: str) -> str:
    """A new session, with a secret that nobody could have known before."""
    device = device[:LONGEST_DEVICE]
    secret = await store_sign_in.start(conn, who, way=way, device=device, now=service.now)
    await note(service, conn, who.name, "sign-in", who, way=way, device=device)
    return secret


async def session(
    service: Context, secret: str, *, used: bool = True, idle: bool = False
) -> DeskSession | None:
    """The session of this secret if it holds now. `used`: by a person, so that it lasts longer; a page that looks
    for news by itself keeps nobody signed in. `idle`: also one that ended only because nobody used it."""
    now = service.now
    found = await service.database.read(
        lambda conn: store_sign_in.find(conn, secret, now=now, idle=idle)
    )
    if found is None or not used or now - found.seen_at < SEEN_EVERY:
        return found
    await service.database.transact(lambda conn: store_sign_in.touch(conn, found.id, now=now))
    return await service.database.read(lambda conn: store_sign_in.find(conn, secret, now=now))


async def speak(service: Context, here: DeskSession, lang: str) -> None:
    """Remember the language that the person reads."""
    await service.database.transact(lambda conn: store_sign_in.speak(conn, here.id, lang))


async def end(service: Context, who: Person, number: int) -> bool:
    """End one of the person's sessions; False if it had ended."""

    async def work(conn: Connection) -> bool:
        ended = await store_sign_in.end(conn, who, number, now=service.now)
        if ended:
            await note(service, conn, who.name, "sign-out", who)
        return ended

    return await service.database.transact(work)


async def sessions(service: Context, actor: Person, name: str) -> tuple[DeskSession, ...]:
    """Where a person is signed in now: your own, or anyone's as an admin."""

    async def look(conn: Connection) -> tuple[DeskSession, ...]:
        who = await _concerning(service, conn, actor, name)
        return await store_sign_in.sessions_of(conn, who, now=service.now)

    return await service.database.read(look)


def view(one: DeskSession) -> SessionView:
    """A session as it is printed."""
    return SessionView(one.id, one.way, one.device, one.started_at, one.seen_at)


async def end_sessions(service: Context, actor: Person, name: str, number: int | None = None) -> int:
    """End one session of a person, or all of them: your own, or anyone's as an admin. Returns how many ended."""

    async def work(conn: Connection) -> int:
        now, who = service.now, await _concerning(service, conn, actor, name)
        if number is None:
            ended = await store_sign_in.end_all(conn, who, now=now)
        else:
            ended = int(await store_sign_in.end(conn, who, number, now=now))
        if ended:
            await note(service, conn, actor.name, "sign-out", who, sessions=ended)
        return ended

    return await service.database.transact(work)


async def _concerning(service: Context, conn: Connection, actor: Person, name: str) -> Person:
    who = (await store_people.get(conn, name, now=service.now)).person
    if actor.id != who.id:
        require_role("people", actor)
    return who


async def ways_in(service: Context, who: Person) -> WaysIn:
    async def look(conn: Connection) -> WaysIn:
        now = service.now
        everybody = {one.id: one.name for one in await store_people.persons(conn, now=now)}
        return WaysIn(
            await store_sign_in.passkeys_of(conn, who, now=now),
            await store_sign_in.codes_left(conn, who),
            await store_sign_in.sessions_of(conn, who, now=now),
            tuple(everybody.get(one, "?") for one in sorted(who.seen_by)),
        )

    return await service.database.read(look)


async def new_codes(service: Context, who: Person) -> tuple[str, ...]:
    """Replace the person's recovery codes; they are stored as hashes, and shown only this once."""
    codes = tuple(_code() for _each in range(CODES))
    plain = [code.replace("-", "") for code in codes]
    hashes = [(one[:GROUP_LETTERS], await in_thread(partial(_HASHER.hash, one))) for one in plain]

    async def work(conn: Connection) -> None:
        await store_sign_in.set_codes(conn, who, hashes, now=service.now)
        await note(service, conn, who.name, "recovery-codes", who)

    await service.database.transact(work)
    return codes


def _code() -> str:
    groups = ("".join(secrets.choice(LETTERS) for _l in range(GROUP_LETTERS)) for _g in range(GROUPS))
    return "-".join(groups)


def _required(who: Person | None) -> Person:
    if who is None:
        raise SignInRefused(no_invitation())
    return who


def no_invitation() -> str:
    """That an invitation does not work."""
    return _("This invitation does not exist, was used, or is over. Ask an admin for a new one.")


def require_counts(who: Person) -> None:
    """Raises `SignInRefused` for somebody who was revoked, or is not confirmed."""
    if not who.counts:
        sentence = _("{name} does not count yet, or no longer does. Ask an admin.")
        raise SignInRefused(sentence.format(name=who.name))


async def note(
    service: Context, conn: Connection, actor: str, verb: str, who: Person, **detail: object
) -> None:
    detail = {"person": who.name, **detail}
    await audit.append(conn, actor=actor, verb=verb, detail=detail, at=service.now)


async def drop_passkey(service: Context, here: DeskSession, number: int) -> bool:
    """Remove one of the person's passkeys; False if there is none of this number."""

    async def work(conn: Connection) -> bool:
        gone = await store_sign_in.drop_passkey(conn, here.person, number)
        if gone:
            await note(service, conn, here.person.name, "passkey-remove", here.person)
        return gone

    return await service.database.transact(work)
