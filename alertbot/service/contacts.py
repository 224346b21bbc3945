"""Where people are reached: linking a Telegram account, noting a mail address. All of it is in the audit.

Only the person asks for a code, and only the person names the address: whoever could do it for another
could approve in the other's name, and four eyes would be two.
"""

import re
from typing import Any

from alertbot.approval import policy
from alertbot.errors import Misuse, Refused
from alertbot.model import Person, Role
from alertbot.service.context import Context
from alertbot.store import audit, people
from alertbot.store import contacts as store
from alertbot.store.connection import Connection
from alertbot.words import _

TELEGRAM = "telegram"
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


async def link(service: Context, actor: Person, name: str) -> dict[str, Any]:
    """A one-time code with which this person's Telegram account is linked. Raises `Refused` for anybody
    else's."""

    async def work(conn: Connection) -> dict[str, Any]:
        person = (await people.get(conn, name, now=service.now)).person
        _require_self(actor, person)
        code = await store.make_code(conn, person, now=service.now)
        await _note(service, conn, actor.name, "people-link-code", person)
        return {"name": person.name, "code": code, "expires_at": service.now + store.CODE_LASTS}

    return await service.database.transact(work)


async def redeem(service: Context, code: str, user: str) -> Person | None:
    """The person whose code this is, linked to the Telegram account from now on; None for a wrong code.
    Raises `Refused` where the account is somebody else's."""

    async def work(conn: Connection) -> Person | None:
        person = await store.redeem(conn, code, platform=TELEGRAM, user=user, now=service.now)
        if person is not None:
            told = await audit.pseudonym(conn, user)
            await _note(service, conn, person.name, "people-link", person, user=told)
        return person

    return await service.database.transact(work)


async def spoil(service: Context, code: str) -> None:
    """Others have seen this code: it no longer links anybody."""
    await service.database.transact(lambda conn: store.void(conn, code))


async def unlink(service: Context, actor: Person, name: str) -> dict[str, Any]:
    """Forget a person's Telegram account and open codes; one's own, or any as an admin."""

    async def work(conn: Connection) -> dict[str, Any]:
        person = (await people.get(conn, name, now=service.now)).person
        _require_self_or_admin(actor, person)
        gone = await store.unlink(conn, person, TELEGRAM)
        await _note(service, conn, actor.name, "people-unlink", person, linked=gone)
        return {"name": person.name, "unlinked": gone}

    return await service.database.transact(work)


async def set_mail(service: Context, actor: Person, name: str, address: str | None) -> dict[str, Any]:
    """Where links to approve are mailed to; None takes the address away, as an admin may for anybody."""
    clean = None if address is None else _address(address)

    async def work(conn: Connection) -> dict[str, Any]:
        person = (await people.get(conn, name, now=service.now)).person
        require = _require_self if clean else _require_self_or_admin
        require(actor, person)
        await store.set_mail(conn, person, clean)
        await _note(service, conn, actor.name, "people-mail", person, given=clean is not None)
        return {"name": person.name, "mail": clean}

    return await service.database.transact(work)


async def of_user(service: Context, user: str) -> Person | None:
    """Who a Telegram account is, as he or she stands now; None for a stranger."""
    return await service.database.read(
        lambda conn: store.of_user(conn, TELEGRAM, user, now=service.now)
    )


def _address(text: str) -> str:
    address = text.strip()
    if not ADDRESS.fullmatch(address) or ".." in address:
        raise Misuse(_("'{address}' is not a mail address.").format(address=address))
    return address


def _require_self(actor: Person, person: Person) -> None:
    if actor.id != person.id:
        raise Refused(
            _(
                "Only {name} can do this for {name}, with {name}'s own token: whoever answers in the name of"
                " another would be two people."
            ).format(name=person.name)
        )


def _require_self_or_admin(actor: Person, person: Person) -> None:
    if actor.id != person.id and Role.ADMIN not in actor.roles:
        policy.require_role("people", actor)


async def _note(
    service: Context, conn: Connection, actor: str, verb: str, person: Person, **detail: object
) -> None:
    detail = {"person": person.name, **detail}
    await audit.append(conn, actor=actor, verb=verb, detail=detail, at=service.now)
