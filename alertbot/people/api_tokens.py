"""Tokens by which programs act for a person through the API of the desk: made and revoked by that person alone, or asked
for by a machine that shows a code (RFC 8628). Each is in the audit."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Person
from alertbot.core.signs import hidden_place
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import store_api
from alertbot.people.context import Context
from alertbot.people.rules import Scope, scopes_of
from alertbot.people.signing_in import note
from alertbot.people.store_api import CODE_LENGTH, CODE_LETTERS, ApiToken, DeviceRequest
from alertbot.people.store_sign_in import hashed, new_secret

USUAL_DAYS, MOST_DAYS = 90, 366
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class DeviceCodes:
    """What a machine that asks for a token is told: what it keeps to itself, and what it shows."""

    device_code: str
    code: str


async def make(
    service: Context, who: Person, name: str, scopes: Collection[Scope], days: int = USUAL_DAYS
) -> str:
    """A new token of this person, shown only this once. Raises `Misuse` without a name or a scope, `Refused` for a scope
    that the person's roles do not carry."""
    clean = _clean(name)
    if not clean:
        raise Misuse(_("Give the token a name by which you will know it."))
    _require_own(who, scopes)
    if not 1 <= days <= MOST_DAYS:
        raise Misuse(_("A token lasts 1 to {n} days.").format(n=MOST_DAYS))
    token = store_api.new_token()

    async def work(conn: Connection) -> None:
        await _add(service, conn, who, clean, scopes, hashed(token), days, "desk")

    await service.database.transact(work)
    return token


async def _add(
    service: Context,
    conn: Connection,
    who: Person,
    name: str,
    scopes: Collection[Scope],
    token_hash: str,
    days: int,
    way: str,
) -> None:
    now, lasts = service.now, timedelta(days=days)
    number = await store_api.add(
        conn, who, token_hash=token_hash, name=name, scopes=scopes, way=way, lasts=lasts, now=now
    )
    told = {"token": number, "name": name, "scopes": sorted(map(str, scopes)), "way": way}
    await note(service, conn, who.name, "api-token", who, **told)


def _require_own(who: Person, scopes: Collection[Scope]) -> None:
    if not scopes:
        raise Misuse(_("Choose what the token may do."))
    beyond = sorted(set(scopes) - scopes_of(who))
    if beyond:
        sentence = _("{name} cannot give the scope {scope}: {name}'s roles do not carry it.")
        raise Refused(sentence.format(name=who.name, scope=", ".join(beyond)))


def _clean(name: str) -> str:
    """A name on one line. Raises `Misuse` for one with signs that nobody sees, or that is too long."""
    clean = " ".join(name.split())
    if place := hidden_place(clean):
        raise Misuse(
            _("In this name {place}. Type it again instead of pasting it.").format(place=place)
        )
    if len(clean) > LONGEST_NAME or not clean.isprintable():
        raise Misuse(_("A name must have 1 to {n} printable characters.").format(n=LONGEST_NAME))
    return clean


async def tokens_of(service: Context, who: Person) -> tuple[ApiToken, ...]:
    """The person's tokens that count, newest first."""
    return await service.database.read(lambda conn: store_api.tokens_of(conn, who, now=service.now))


async def revoke(service: Context, who: Person, number: int) -> bool:
    """Revoke one of the person's own tokens; False if it was revoked before, or is another's."""

    async def work(conn: Connection) -> bool:
        name = await store_api.revoke(conn, who, number, now=service.now)
        if name is not None:
            await note(service, conn, who.name, "api-token-revoked", who, token=number, name=name)
        return name is not None

    return await service.database.transact(work)


async def bearer(service: Context, token: str) -> ApiToken | None:
    """The token that a program shows, whether it counts or not; the use of one that counts is noted."""
    now = service.now
    found = await service.database.read(lambda conn: store_api.find(conn, token, now=now))
    if found is not None and found.refusal(now) is None and store_api.is_stale(found, now):
        await service.database.transact(lambda conn: store_api.used(conn, found, now=now))
    return found


# --- machines that ask ----------------------------------------------------------------------------


async def ask(
    service: Context, machine: str, scopes: Collection[Scope], address: str
) -> DeviceCodes | None:
    """Keep that a machine asks for a token; None if too many ask at once. Raises `Misuse` for an unusable name."""
    clean = _clean(machine) or _("a machine without a name")
    code = "".join(secrets.choice(CODE_LETTERS) for _letter in range(CODE_LENGTH))
    codes = DeviceCodes(new_secret(), f"{code[:4]}-{code[4:]}")

    async def work(conn: Connection) -> bool:
        return await store_api.ask(
            conn,
            device_code=codes.device_code,
            code=code,
            machine=clean,
            address=address,
            scopes=scopes,
            now=service.now,
        )

    return codes if await service.database.transact(work) else None


def plain_code(typed: str) -> str:
    """A code as it is kept, however a person types it."""
    return "".join(one for one in typed.upper() if one in CODE_LETTERS)[: CODE_LENGTH + 1]


async def asking(service: Context, typed: str) -> DeviceRequest | None:
    """The machine that shows this code, while it waits for an answer."""
    code = plain_code(typed)
    return await service.database.read(lambda conn: store_api.asking(conn, code, now=service.now))


async def answer(
    service: Context, who: Person, typed: str, scopes: Collection[Scope], *, allowed: bool
) -> DeviceRequest:
    """The person's answer to the machine with this code: no, or a token with these of the scopes that it asks for. Raises
    `Refused` if it does not wait any more, or for a scope that it did not ask for or the person does not have."""
    code = plain_code(typed)

    async def work(conn: Connection) -> DeviceRequest:
        now = service.now
        found = await store_api.asking(conn, code, now=now)
        if found is None or not await store_api.decide(conn, code, allowed=allowed, now=now):
            raise Refused(not_asking())
        if not allowed:
            return found
        if set(scopes) - set(found.scopes):
            raise Refused(_("The machine did not ask for that; nothing was allowed."))
        _require_own(who, scopes)
        name, days = found.machine, USUAL_DAYS
        await _add(service, conn, who, name, scopes, found.token_hash, days, "device")
        return found

    return await service.database.transact(work)


def not_asking() -> str:
    return _(
        "No machine waits with this code: it is mistyped, was answered, or is older than ten minutes. Start again on"
        " that machine."
    )


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """What a machine that asked is told: an `error` of RFC 8628, or its token with what it may do until when."""

    error: str = ""
    token: str = ""
    scopes: tuple[Scope, ...] = ()
    expires_at: datetime | None = None


async def poll(service: Context, device_code: str) -> DeviceAnswer:
    """What has become of the request of the machine with this code."""

    async def work(conn: Connection) -> DeviceAnswer:
        now = service.now
        found = await store_api.polled(conn, device_code, now=now)
        if found is None or found[0].expires_at <= now:
            return DeviceAnswer("expired_token")
        asked, soon = found
        if asked.allowed is None:
            return DeviceAnswer("slow_down" if soon else "authorization_pending")
        token = store_api.token_for(device_code)
        made = await store_api.find(conn, token, now=now)
        if not asked.allowed or made is None or made.refusal(now):
            return DeviceAnswer("access_denied")
        return DeviceAnswer("", token, tuple(sorted(made.scopes)), made.expires_at)

    return await service.database.transact(work)
