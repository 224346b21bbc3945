"""The verbs about people: who is acting; adding, confirming, revoking, new tokens; linking a Telegram
account; the mail address for links."""

import re
from datetime import datetime, timedelta

from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Person, Role
from alertbot.core.signs import hidden_place, shown
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.people import rules, store_contacts, store_people, store_sign_in
from alertbot.people.context import Context
from alertbot.people.views import (
    InvitationView,
    IssuedToken,
    LinkCode,
    MailAddress,
    PersonLine,
    PersonView,
    UnlinkView,
)


async def acting(service: Context, token: str | None) -> Person:
    """The person with this token. Raises `Refused` without a token, or for a person who does not count."""
    if not token:
        raise Refused(
            _(
                "You must say who you are: alertbot login, or put your token in ALERTBOT_TOKEN, or give --token-file"
                " FILE."
            )
        )
    return await service.database.transact(
        lambda conn: store_people.by_token(conn, token, now=service.now)
    )


async def known(service: Context, token: str) -> Person:
    """The person with this token, for somebody who only looks: its use is not recorded. Raises `Refused` as `acting`
    does."""
    return await service.database.read(
        lambda conn: store_people.reading_with(conn, token, now=service.now)
    )


async def whoami(service: Context, token: str | None) -> PersonView:
    """Who has this token. Raises `Refused` as `acting` does."""
    return _view(await known(service, token) if token else await acting(service, token))


async def add(
    service: Context, token: str | None, name: str, roles: list[str], expires_days: int | None
) -> IssuedToken:
    """Add a person; the result contains the token, which is stored only as a hash. Raises `Refused` or
    `Misuse` as `store_people.add` does."""

    async def work(conn: Connection) -> IssuedToken:
        by = await store_people.by_token(conn, token, now=service.now) if token else None
        return await _add(service, conn, by, name, roles, expires_days)

    return await service.database.transact(work)


async def add_by(service: Context, actor: Person, name: str, roles: list[str]) -> IssuedToken:
    """As `add`, for an admin who is known already."""
    return await service.database.transact(lambda conn: _add(service, conn, actor, name, roles, None))


async def _add(
    service: Context,
    conn: Connection,
    by: Person | None,
    name: str,
    roles: list[str],
    expires_days: int | None,
) -> IssuedToken:
    wanted = [_role(word) for word in roles]
    person, fresh = await store_people.add(
        conn, name, wanted, by=by, now=service.now, token_lasts=_days(expires_days)
    )
    await _note(service, conn, by.name if by else person.name, "people-add", person)
    return _issued(person, fresh)


async def everybody(service: Context) -> list[PersonLine]:
    async def look(
        conn: Connection,
    ) -> tuple[tuple[store_people.PersonEntry, ...], dict[int, store_contacts.ContactPoints]]:
        return await store_people.everybody(conn, now=service.now), await store_contacts.reaches(conn)

    entries, reaches = await service.database.read(look)
    names = {one.person.id: one.person.name for one in entries}
    return [
        PersonLine(
            id=entry.person.id,
            name=entry.person.name,
            roles=_roles(entry.person),
            counts=entry.person.counts,
            standing=_standing(entry, service.now),
            added_at=entry.added_at,
            confirmed_at=entry.confirmed_at,
            revoked_at=entry.revoked_at,
            token_expires_at=entry.token_expires_at,
            last_used_at=entry.last_used_at,
            reached_by=tuple(reaches[entry.person.id].ways),
            added_by=names.get(entry.added_by or 0),
            confirmed_by=names.get(entry.confirmed_by or 0),
            roles_asked=tuple(sorted(entry.roles_asked)),
            roles_asked_by=names.get(entry.roles_asked_by or 0),
            seen_by=tuple(names.get(one, "?") for one in sorted(entry.person.seen_by)),
        )
        for entry in entries
    ]


async def confirm(service: Context, actor: Person, name: str, *, own_token: bool = False) -> PersonView:
    """Confirm that this person is to count. `own_token`: the actor has heard from the person that they renewed
    their token, so that nobody else knows it. Raises `Refused` as `store_people.confirm` does."""

    async def work(conn: Connection) -> PersonView:
        person = await store_people.confirm(conn, name, by=actor, own_token=own_token, now=service.now)
        verb = "people-own-token" if own_token else "people-confirm"
        await _note(service, conn, actor.name, verb, person)
        return _view(person)

    return await service.database.transact(work)


async def change_roles(service: Context, actor: Person, name: str, roles: list[str]) -> PersonLine:
    """Give a person exactly these roles: those that go, go at once; further ones wait for another admin's `confirm`.
    Raises as `store_people.change_roles` does."""
    wanted = [_role(word) for word in roles]

    async def work(conn: Connection) -> str:
        entry = await store_people.change_roles(conn, name, wanted, by=actor, now=service.now)
        detail = {
            "person": entry.person.name,
            "roles": _roles(entry.person),
            "asked": sorted(entry.roles_asked),
        }
        await audit.append(conn, actor=actor.name, verb="people-roles", detail=detail, at=service.now)
        return entry.person.name

    changed = await service.database.transact(work)
    return next(one for one in await everybody(service) if one.name == changed)


async def revoke(service: Context, actor: Person, name: str) -> PersonView:
    async def work(conn: Connection) -> PersonView:
        person = await store_people.revoke(conn, name, by=actor, now=service.now)
        await _note(service, conn, actor.name, "people-revoke", person)
        return _view(person)

    return await service.database.transact(work)


async def rotate(service: Context, actor: Person, name: str, expires_days: int | None) -> IssuedToken:
    """Issue a new token. Where another person has seen the old one or sees the new one, the ways to reach
    the person are removed: that other person could have entered their own."""

    async def work(conn: Connection) -> IssuedToken:
        person, fresh = await store_people.rotate(
            conn, name, by=actor, now=service.now, token_lasts=_days(expires_days)
        )
        if person.seen_by:
            await store_contacts.unlink(conn, person, TELEGRAM)
            await store_contacts.set_mail(conn, person, None)
        await _note(service, conn, actor.name, "people-rotate", person)
        return _issued(person, fresh)

    return await service.database.transact(work)


async def invite(service: Context, actor: Person, name: str) -> InvitationView:
    """A link for this person's first sign-in at the desk: your own, or anyone's as an admin. Raises `Refused` for
    another person's without being an admin and for somebody revoked, `Misuse` without a desk."""
    desk = service.reach.desk
    if desk is None:
        raise Misuse(
            _(
                "There is no desk to invite anybody to: give its address in the configuration, `desk: url:`."
            )
        )

    async def work(conn: Connection) -> InvitationView:
        now = service.now
        entry = await store_people.get(conn, name, now=now)
        who = entry.person
        _require_self_or_admin(actor, who)
        if entry.revoked_at is not None:
            raise Refused(_("{name} has been revoked. Add a new person.").format(name=who.name))
        code = await store_sign_in.invite(conn, who, by=actor, now=now)
        await _note(service, conn, actor.name, "people-invite", who)
        until = now + store_sign_in.INVITATION_LASTS
        return InvitationView(who.name, code, f"{desk}/desk/in/{code}", until, actor.id != who.id)

    return await service.database.transact(work)


async def _note(service: Context, conn: Connection, actor: str, verb: str, person: Person) -> None:
    detail = {"person": person.name, "roles": sorted(person.roles)}
    await audit.append(conn, actor=actor, verb=verb, detail=detail, at=service.now)


def _view(person: Person) -> PersonView:
    return PersonView(person.id, person.name, _roles(person), person.counts)


def _issued(person: Person, token: str) -> IssuedToken:
    return IssuedToken(person.id, person.name, _roles(person), person.counts, token)


def _roles(person: Person) -> tuple[str, ...]:
    return tuple(sorted(str(role) for role in person.roles))


def _standing(entry: store_people.PersonEntry, now: datetime) -> str:
    """Why someone does not count, or not in every role, in words; empty if they do."""
    if entry.revoked_at is not None:
        return _("revoked")
    if entry.token_expires_at is not None and entry.token_expires_at <= now:
        return _("the token has expired")
    if not entry.person.counts:
        return _("waits for another admin to confirm")
    if entry.roles_asked:
        roles = ", ".join(sorted(entry.roles_asked))
        return _("waits for another admin to confirm: {roles}").format(roles=roles)
    return ""


def _role(word: str) -> Role:
    try:
        return Role(word.strip().lower())
    except ValueError:
        raise Misuse(
            _("There is no role '{word}'; the roles are {known}.").format(
                word=word, known=", ".join(Role)
            )
        ) from None


def _days(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(days=count)


TELEGRAM = "telegram"
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


async def link(service: Context, actor: Person, name: str) -> LinkCode:
    """A one-time code to link this person's Telegram account. Raises `Refused` for another person's
    account."""

    async def work(conn: Connection) -> LinkCode:
        person = (await store_people.get(conn, name, now=service.now)).person
        _require_self(actor, person)
        code = await store_contacts.make_code(conn, person, now=service.now)
        await _note_contact(service, conn, actor.name, "people-link-code", person)
        return LinkCode(person.name, code, service.now + store_contacts.CODE_LASTS)

    return await service.database.transact(work)


async def redeem(service: Context, code: str, user: str) -> Person | None:
    """Link the Telegram account to the person who owns the code; returns the person, or None for a wrong
    code. Raises `Refused` if the account belongs to someone else."""

    async def work(conn: Connection) -> Person | None:
        person = await store_contacts.redeem(conn, code, platform=TELEGRAM, user=user, now=service.now)
        if person is not None:
            told = await audit.pseudonym(conn, user)
            await _note_contact(service, conn, person.name, "people-link", person, user=told)
        return person

    return await service.database.transact(work)


async def spoil(service: Context, code: str) -> None:
    """Invalidate a code that others have seen."""
    await service.database.transact(lambda conn: store_contacts.void(conn, code))


async def unlink(service: Context, actor: Person, name: str) -> UnlinkView:
    """Remove a person's Telegram account and open codes; your own, or anyone's as an admin."""

    async def work(conn: Connection) -> UnlinkView:
        person = (await store_people.get(conn, name, now=service.now)).person
        _require_self_or_admin(actor, person)
        gone = await store_contacts.unlink(conn, person, TELEGRAM)
        await _note_contact(service, conn, actor.name, "people-unlink", person, linked=gone)
        return UnlinkView(person.name, gone)

    return await service.database.transact(work)


async def set_mail(service: Context, actor: Person, name: str, address: str | None) -> MailAddress:
    """Set where approval links are mailed to; None removes the address, which an admin may do for
    anyone."""
    clean = None if address is None else _address(address)

    async def work(conn: Connection) -> MailAddress:
        person = (await store_people.get(conn, name, now=service.now)).person
        require = _require_self if clean else _require_self_or_admin
        require(actor, person)
        await store_contacts.set_mail(conn, person, clean)
        await _note_contact(service, conn, actor.name, "people-mail", person, given=clean is not None)
        return MailAddress(person.name, clean)

    return await service.database.transact(work)


async def of_user(service: Context, user: str) -> Person | None:
    """The person linked to a Telegram account, with their current status; None for a stranger."""
    return await service.database.read(
        lambda conn: store_contacts.of_user(conn, TELEGRAM, user, now=service.now)
    )


def _address(text: str) -> str:
    address = text.strip()
    if place := hidden_place(address):
        sentence = _("In “{address}” {place}; type the address again instead of pasting it.")
        raise Misuse(sentence.format(address=shown(address), place=place))
    if not ADDRESS.fullmatch(address) or ".." in address:
        raise Misuse(_("'{address}' is not a mail address.").format(address=address))
    return address


def _require_self(actor: Person, person: Person) -> None:
    if actor.id != person.id:
        raise Refused(
            _(
                "Only {name} can do this, with {name}'s own token: anyone answering for someone else"
                " would count as two people."
            ).format(name=person.name)
        )


def _require_self_or_admin(actor: Person, person: Person) -> None:
    if actor.id != person.id and Role.ADMIN not in actor.roles:
        rules.require_role("people", actor)


async def _note_contact(
    service: Context, conn: Connection, actor: str, verb: str, person: Person, **detail: object
) -> None:
    detail = {"person": person.name, **detail}
    await audit.append(conn, actor=actor, verb=verb, detail=detail, at=service.now)
