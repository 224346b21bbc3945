"""People and their tokens. A token is shown once and stored as a hash.

The first two people in an empty database become admins. After that nobody is added, or given a new token, on
one person's word: they count only after another admin confirms. Keep three admins, so that one lost token
leaves two.

Whoever adds a person or renews their token sees the token, and could act with it: `seen_by` holds them, and
the two count as one hand. They are two again once the person has renewed the token and another admin has
vouched for it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Row, func, insert, select, update

from alertbot.core.errors import Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import MACHINE, Person, Role
from alertbot.core.signs import hidden_place, shown
from alertbot.core.words import _, way_out
from alertbot.db.sql import PEOPLE, ColumnValues, Connection, take_lock
from alertbot.db.tables import person
from alertbot.people.rules import require_role

FIRST_ADMINS = 2
_TOKEN_BYTES = 32
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """One line of `people list`. Never contains the token or its hash."""

    person: Person
    added_at: datetime
    added_by: int | None
    confirmed_at: datetime | None
    confirmed_by: int | None
    revoked_at: datetime | None
    token_expires_at: datetime | None
    last_used_at: datetime | None
    roles_asked: frozenset[Role] = frozenset()  # further ones, which wait for another admin
    roles_asked_by: int | None = None


async def add(
    conn: Connection,
    name: str,
    roles: Iterable[Role],
    *,
    by: Person | None,
    now: datetime,
    token_lasts: timedelta | None = None,
) -> tuple[Person, str]:
    """Add a person; returns the person and the token, which cannot be retrieved later.

    `by` may be None only for the first person. Raises `Refused` without the right to add people,
    `Misuse` for an unusable or taken name.
    """
    await take_lock(conn, PEOPLE)
    clean = _clean_name(name)
    present = int(await conn.scalar(select(func.count()).select_from(person)) or 0)
    held = frozenset(roles) | ({Role.ADMIN} if present < FIRST_ADMINS else set())
    if not held:
        sentence = way_out(_("Give a role: --role {roles}."), _("Give a role: {roles}."))
        raise Misuse(sentence.format(roles=" / ".join(sorted(Role))))
    if present:
        await _require_adder(conn, by, now)
    await _require_new_name(conn, clean)
    token = _new_token()
    counts = present < FIRST_ADMINS
    await conn.execute(
        insert(person).values(
            name=clean,
            roles=sorted(held),
            token_hash=_hash(token),
            token_expires_at=now + token_lasts if token_lasts else None,
            added_at=now,
            added_by=by.id if by else None,
            confirmed_at=now if counts else None,
            seen_by=[] if counts or by is None else sorted(by.hands),
        )
    )
    return (await get(conn, clean, now=now)).person, token


class UnknownToken(Refused):
    """Nobody here has this token."""


async def by_token(conn: Connection, token: str, *, now: datetime) -> Person:
    """The person with this token; records its use, so it needs a write transaction.

    Raises `UnknownToken`, or `Refused` with the reason for a person who is revoked, expired or not confirmed.
    """
    found = await reading_with(conn, token, now=now)
    await conn.execute(update(person).where(person.c.id == found.id).values(last_used_at=now))
    return found


async def reading_with(conn: Connection, token: str, *, now: datetime) -> Person:
    """The person with this token, without recording its use. Raises as `by_token` does."""
    given = _hash("".join(token.split()))  # a mail may have broken the line
    row = (await conn.execute(select(person).where(person.c.token_hash == given))).one_or_none()
    if row is None or not hmac.compare_digest(row.token_hash, given):
        raise UnknownToken(
            _(
                "This token is not known here. Check ALERTBOT_TOKEN or --token-file, or have an admin"
                " run `alertbot people rotate NAME`."
            )
        )
    _require_valid(row, now)
    return person_of(row, now)


async def get(conn: Connection, name: str, *, now: datetime) -> PersonEntry:
    """The person with this name, in any case. Raises `Misuse` if there is none."""
    row = await _find(conn, name)
    if row is None:
        command = _("There is no one called '{name}'; `alertbot people list` shows everyone.")
        desk = _("There is no one called '{name}'.")
        raise Misuse(way_out(command, desk).format(name=name.strip()))
    return _entry(row, now)


async def everybody(conn: Connection, *, now: datetime) -> tuple[PersonEntry, ...]:
    """All people, including revoked ones, in the order added."""
    rows = await conn.execute(select(person).order_by(person.c.id))
    return tuple(_entry(row, now) for row in rows)


async def persons(conn: Connection, *, now: datetime) -> tuple[Person, ...]:
    """As `everybody`, without what only a list of people shows."""
    c = person.c
    needed: tuple[Column[Any], ...] = (
        *(c.id, c.name, c.roles, c.seen_by),
        *(c.confirmed_at, c.revoked_at, c.token_expires_at),
    )
    return tuple(person_of(row, now) for row in await conn.execute(select(*needed).order_by(c.id)))


async def approvers(conn: Connection, *, now: datetime) -> tuple[Person, ...]:
    """Everyone who may approve now."""
    entries = await everybody(conn, now=now)
    return tuple(e.person for e in entries if e.person.counts and Role.APPROVER in e.person.roles)


async def confirm(
    conn: Connection, name: str, *, by: Person, now: datetime, own_token: bool = False
) -> Person:
    """Confirm a new person, one with a new token, or further roles. `own_token`: also that only this person knows the
    token. Raises `Refused` unless `by` is another admin than those who have seen the token, and, with
    `own_token`, unless the person has renewed it since."""
    await _lock_admins(conn, by, now)
    entry = await get(conn, name, now=now)
    if entry.roles_asked and entry.confirmed_at is not None and not own_token:
        await _require_other_hand(conn, entry, by, now)
        roles = sorted(entry.person.roles | entry.roles_asked)
        await _set(conn, entry, roles=roles, roles_asked=None, roles_asked_by=None)
        return (await get(conn, name, now=now)).person
    _require_other_admin(entry, by, own_token=own_token)
    if entry.confirmed_at is None:
        await _set(conn, entry, confirmed_at=now, confirmed_by=by.id)
    if own_token:
        await _require_renewed(conn, entry)
        await _set(conn, entry, seen_by=[], renewed_at=None)
    return (await get(conn, name, now=now)).person


async def revoke(conn: Connection, name: str, *, by: Person, now: datetime) -> Person:
    """Remove the token and the rights, permanently. Raises `Refused` for a person already revoked and
    for the last admin who counts."""
    await _lock_admins(conn, by, now)
    entry = await get(conn, name, now=now)
    if entry.revoked_at is not None:
        raise Refused(_("{name} has already been revoked.").format(name=entry.person.name))
    if await _is_last_admin(conn, entry.person, now):
        raise Refused(
            _("{name} is the last admin. Add another admin before revoking this one.").format(
                name=entry.person.name
            )
        )
    await _set(conn, entry, revoked_at=now)
    return (await get(conn, name, now=now)).person


async def change_roles(
    conn: Connection, name: str, roles: Iterable[Role], *, by: Person, now: datetime
) -> PersonEntry:
    """Give a person exactly these roles. Those that go, go at once; further ones wait for another admin's `confirm`.
    Raises `Refused` unless `by` is an admin, for a revoked person and for the last admin's role as admin; `Misuse`
    for none."""
    await _lock_admins(conn, by, now)
    entry = await get(conn, name, now=now)
    wanted, held = frozenset(roles), entry.person.roles
    if not wanted:
        raise Misuse(_("Give a role: {roles}.").format(roles=" / ".join(sorted(Role))))
    if entry.revoked_at is not None:
        raise Refused(_("{name} has been revoked. Add a new person.").format(name=entry.person.name))
    if Role.ADMIN not in wanted and await _is_last_admin(conn, entry.person, now):
        raise Refused(_("{name} is the last admin.").format(name=entry.person.name))
    if entry.confirmed_at is None:  # whoever confirms the person confirms these
        await _set(conn, entry, roles=sorted(wanted))
        return await get(conn, name, now=now)
    further = sorted(wanted - held) or None
    asker = by.id if further else None
    await _set(conn, entry, roles=sorted(held & wanted), roles_asked=further, roles_asked_by=asker)
    return await get(conn, name, now=now)


async def _require_other_hand(conn: Connection, entry: PersonEntry, by: Person, now: datetime) -> None:
    """Raises `Refused` unless `by` is another hand than the person and whoever asked for the roles."""
    asker = next((one for one in await persons(conn, now=now) if one.id == entry.roles_asked_by), None)
    name = entry.person.name
    if asker is not None and by.hands & asker.hands:
        sentence = _("{admin} asked for the roles of {name}; another admin must confirm them.")
        raise Refused(sentence.format(admin=asker.name, name=name))
    if by.hands & entry.person.hands:
        raise Refused(_one_hand(by, name))


def _one_hand(by: Person, name: str) -> str:
    sentence = _(
        "{admin} and {name} count as one hand, because one person has seen the tokens of both;"
        " another admin must confirm."
    )
    own = _("Nobody confirms themselves: another admin must confirm {name}.")
    return (own if by.name == name else sentence).format(admin=by.name, name=name)


async def rotate(
    conn: Connection,
    name: str,
    *,
    by: Person,
    now: datetime,
    token_lasts: timedelta | None = None,
) -> tuple[Person, str]:
    """Issue a new token; the old one is invalid at once.

    People may rotate their own token, and an admin anyone's; the person then counts again only after another
    admin confirms, because whoever issues a token could keep it. Raises `Refused` for someone else's token
    without being an admin, for a revoked person, and for the last admin.
    """
    await take_lock(conn, PEOPLE)
    entry = await get(conn, name, now=now)
    own = entry.person.id == by.id
    if not own:
        await _lock_admins(conn, by, now)
    if entry.revoked_at is not None:
        raise Refused(_("{name} has been revoked. Add a new person.").format(name=entry.person.name))
    if not own and await _is_last_admin(conn, entry.person, now):
        raise Refused(_("{name} is the last admin.").format(name=entry.person.name))
    token = _new_token()
    changes: ColumnValues = {
        "token_hash": _hash(token),
        "token_expires_at": now + token_lasts if token_lasts else None,
        "renewed_at": now if own else None,
    }
    if not own:
        changes |= {"added_by": by.id, "confirmed_at": None, "confirmed_by": None}
        changes["seen_by"] = sorted(by.hands)
    await _set(conn, entry, **changes)
    return (await get(conn, name, now=now)).person, token


async def _lock_admins(conn: Connection, by: Person, now: datetime) -> None:
    """Lock the management of people; then `by` must still be an admin. Raises `Refused` otherwise."""
    await take_lock(conn, PEOPLE)
    require_role("people", (await get(conn, by.name, now=now)).person)


async def _require_new_name(conn: Connection, clean: str) -> None:
    if await _find(conn, clean) is not None:
        raise Refused(
            _(
                "The name {name} is or was in use. Choose another, so that the audit stays clear."
            ).format(name=clean)
        )


async def _require_adder(conn: Connection, by: Person | None, now: datetime) -> None:
    if by is None:
        raise Refused(
            _(
                "People have already been added. To add another, give an admin's token in"
                " ALERTBOT_TOKEN or --token-file."
            )
        )
    await _lock_admins(conn, by, now)


def _require_valid(row: Row[Any], now: datetime) -> None:
    name = row.name
    if row.revoked_at is not None:
        raise Refused(_("{name} has been revoked and can no longer act.").format(name=name))
    if row.token_expires_at is not None and row.token_expires_at <= now:
        command = _(
            "The token of {name} has expired. Have an admin run `alertbot people rotate {name}`."
        )
        desk = _("The token of {name} has expired. Ask an admin for a link to sign in.")
        raise Refused(way_out(command, desk).format(name=name))
    if row.confirmed_at is None:
        command = _(
            "{name} does not count yet. Another admin must run `alertbot people confirm {name}`."
        )
        desk = _("{name} does not count yet: another admin must confirm it, under People.")
        raise Refused(way_out(command, desk).format(name=name))


def _require_other_admin(entry: PersonEntry, by: Person, *, own_token: bool) -> None:
    name = entry.person.name
    if entry.revoked_at is not None:
        raise Refused(_("{name} has been revoked.").format(name=name))
    if entry.confirmed_at is not None and not (own_token and entry.person.seen_by):
        raise Refused(_("{name} already counts; there is nothing to confirm.").format(name=name))
    if by.id == entry.added_by:
        raise Refused(
            _("{admin} gave {name} the token; another admin must confirm.").format(
                admin=by.name, name=name
            )
        )
    if by.hands & entry.person.hands:
        raise Refused(_one_hand(by, name))


async def _require_renewed(conn: Connection, entry: PersonEntry) -> None:
    """Raises `Refused` unless the person has renewed their token since another saw it."""
    renewed = select(person.c.renewed_at).where(person.c.id == entry.person.id)
    if await conn.scalar(renewed) is None:
        command = _(
            "{name} still has the token that another person gave them. First {name} runs `alertbot"
            " people rotate {name}` with it, and tells you so; nothing was confirmed."
        )
        desk = _(
            "{name} still has the token or the link that another person gave them. First {name} renews the token"
            " under their own name, and tells you so; nothing was confirmed."
        )
        raise Refused(way_out(command, desk).format(name=entry.person.name))


async def _is_last_admin(conn: Connection, who: Person, now: datetime) -> bool:
    if Role.ADMIN not in who.roles or not who.counts:
        return False
    entries = await everybody(conn, now=now)
    admins = {e.person.id for e in entries if e.person.counts and Role.ADMIN in e.person.roles}
    return admins == {who.id}


async def _find(conn: Connection, name: str) -> Row[Any] | None:
    wanted = name.strip().casefold()
    for row in await conn.execute(select(person)):  # a team, not a crowd
        if row.name.casefold() == wanted:
            return row
    return None


async def _set(conn: Connection, entry: PersonEntry, **values: Any) -> None:
    await conn.execute(update(person).where(person.c.id == entry.person.id).values(**values))


def _entry(row: Row[Any], now: datetime) -> PersonEntry:
    return PersonEntry(
        person_of(row, now),
        row.added_at,
        row.added_by,
        row.confirmed_at,
        row.confirmed_by,
        row.revoked_at,
        row.token_expires_at,
        row.last_used_at,
        frozenset(Role(role) for role in row.roles_asked or ()),
        row.roles_asked_by,
    )


def person_of(row: Row[Any], now: datetime) -> Person:
    """The person in a row of the table `person`, with their current status."""
    lapsed = row.token_expires_at is not None and row.token_expires_at <= now
    counts = row.confirmed_at is not None and row.revoked_at is None and not lapsed
    roles = frozenset(Role(role) for role in row.roles)
    return Person(row.id, row.name, roles, counts, frozenset(row.seen_by or ()))


def _clean_name(name: str) -> str:
    clean = " ".join(name.split())
    if place := hidden_place(clean):
        sentence = _("In the name {name} {place}. Type it again instead of pasting it.")
        raise Misuse(sentence.format(name=shown(clean), place=place))
    if clean.casefold() == MACHINE.name.casefold():
        raise Misuse(
            _("{name} is the program itself in the audit. Choose another name.").format(name=clean)
        )
    if not clean or not clean.isprintable() or len(clean) > _LONGEST_NAME:
        raise Misuse(_("A name must have 1 to {n} printable characters.").format(n=_LONGEST_NAME))
    return clean


def _new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
