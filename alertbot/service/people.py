"""People's verbs: who acts, who is added, confirmed, revoked, given a new token."""

from datetime import datetime, timedelta
from typing import Any

from alertbot.errors import Misuse, Refused
from alertbot.model import Person, Role
from alertbot.service.context import Context
from alertbot.store import audit, contacts
from alertbot.store import people as store
from alertbot.store.connection import Connection
from alertbot.words import _


async def acting(service: Context, token: str | None) -> Person:
    """The person whose token this is. Raises `Refused` without one, or for one that does not count."""
    if not token:
        raise Refused(
            _("This needs a person: put your token in ALERTBOT_TOKEN, or give --token-file FILE.")
        )
    return await service.database.transact(lambda conn: store.by_token(conn, token, now=service.now))


async def add(
    service: Context, token: str | None, name: str, roles: list[str], expires_days: int | None
) -> dict[str, Any]:
    """Add a person; the answer holds the token, which is stored only as a hash."""
    wanted = [_role(word) for word in roles]

    async def work(conn: Connection) -> dict[str, Any]:
        by = await store.by_token(conn, token, now=service.now) if token else None
        person, fresh = await store.add(
            conn, name, wanted, by=by, now=service.now, token_lasts=_days(expires_days)
        )
        await _note(service, conn, by.name if by else person.name, "people-add", person)
        return _view(person) | {"token": fresh}

    return await service.database.transact(work)


async def everybody(service: Context) -> list[dict[str, Any]]:
    async def look(conn: Connection) -> tuple[tuple[store.Entry, ...], dict[int, contacts.Reach]]:
        return await store.everybody(conn, now=service.now), await contacts.reaches(conn)

    entries, reaches = await service.database.read(look)
    return [
        _view(entry.person)
        | {
            "standing": _standing(entry, service.now),
            "added_at": entry.added_at,
            "confirmed_at": entry.confirmed_at,
            "revoked_at": entry.revoked_at,
            "token_expires_at": entry.token_expires_at,
            "last_used_at": entry.last_used_at,
            "reached_by": reaches[entry.person.id].ways,
        }
        for entry in entries
    ]


async def confirm(service: Context, actor: Person, name: str) -> dict[str, Any]:
    async def work(conn: Connection) -> dict[str, Any]:
        person = await store.confirm(conn, name, by=actor, now=service.now)
        await _note(service, conn, actor.name, "people-confirm", person)
        return _view(person)

    return await service.database.transact(work)


async def revoke(service: Context, actor: Person, name: str) -> dict[str, Any]:
    async def work(conn: Connection) -> dict[str, Any]:
        person = await store.revoke(conn, name, by=actor, now=service.now)
        await _note(service, conn, actor.name, "people-revoke", person)
        return _view(person)

    return await service.database.transact(work)


async def rotate(
    service: Context, actor: Person, name: str, expires_days: int | None
) -> dict[str, Any]:
    async def work(conn: Connection) -> dict[str, Any]:
        person, fresh = await store.rotate(
            conn, name, by=actor, now=service.now, token_lasts=_days(expires_days)
        )
        await _note(service, conn, actor.name, "people-rotate", person)
        return _view(person) | {"token": fresh}

    return await service.database.transact(work)


async def _note(service: Context, conn: Connection, actor: str, verb: str, person: Person) -> None:
    detail = {"person": person.name, "roles": sorted(person.roles)}
    await audit.append(conn, actor=actor, verb=verb, detail=detail, at=service.now)


def _view(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "roles": sorted(str(role) for role in person.roles),
        "counts": person.counts,
    }


def _standing(entry: store.Entry, now: datetime) -> str:
    """Why somebody does not count, in words; empty where they do."""
    if entry.revoked_at is not None:
        return _("revoked")
    if entry.token_expires_at is not None and entry.token_expires_at <= now:
        return _("the token has lapsed")
    return "" if entry.person.counts else _("waits for another admin to confirm")


def _role(word: str) -> Role:
    try:
        return Role(word.strip().lower())
    except ValueError:
        raise Misuse(
            _("There is no role '{word}'; roles are {known}.").format(word=word, known=", ".join(Role))
        ) from None


def _days(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(days=count)
