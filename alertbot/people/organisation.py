"""Signing in by the organisation's own accounts: whose account it is. The provider says who somebody is; it never makes
a person. An account is a person's because they linked it while they were signed in, used it with their invitation, or
have the same mail address, which the provider has verified."""

from datetime import datetime

from alertbot.core.errors import AlertbotError, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import signing_in, store_identity, store_sign_in
from alertbot.people.context import Context
from alertbot.people.signing_in import SignInRefused
from alertbot.people.store_identity import Departure, UnderWay
from alertbot.people.store_sign_in import DeskSession


class ProviderFailed(AlertbotError):
    """The provider does not answer, or not as it should; nobody can sign in by it now."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who somebody is, as the provider signed it. `mail`: their address, if the provider has verified it."""

    issuer: str
    subject: str
    mail: str | None


async def depart(
    service: Context, place: str, *, invitation: str | None = None, here: DeskSession | None = None
) -> Departure:
    """Begin: what the browser and the provider are given. `here`: whose account is to be linked."""

    async def work(conn: Connection) -> Departure:
        if invitation and not await store_sign_in.invited(conn, invitation, now=service.now):
            raise SignInRefused(signing_in.no_invitation())
        session = here.id if here else None
        return await store_identity.depart(
            conn, place=place, invitation=invitation, session=session, now=service.now
        )

    return await service.database.transact(work)


async def take(service: Context, state: str, browser: str) -> UnderWay:
    """What was begun with this state in this browser, once. Raises `SignInRefused`."""
    found = await service.database.transact(
        lambda conn: store_identity.take(conn, state, browser, now=service.now)
    )
    if found is None:
        raise SignInRefused(
            _(
                "This sign-in was not begun in this browser, took longer than ten minutes, or was used already. Begin"
                " again."
            )
        )
    return found


async def arrive(
    service: Context, way: UnderWay, claimed: Claimed, here: DeskSession | None, device: str
) -> str:
    """The secret of the new session; empty where the account was linked to the person of `here`. Raises
    `SignInRefused` for an account that is nobody's here."""

    async def work(conn: Connection) -> str:
        if way.session is not None:
            if here is None or here.id != way.session:
                raise SignInRefused(
                    _("You were signed out meanwhile. Sign in, then link the account again.")
                )
            await _link(service, conn, here.person, claimed)
            return ""
        who = await _whose(service, conn, way, claimed)
        return await signing_in.begin(service, conn, who, "oidc", device)

    return await service.database.transact(work)


async def _whose(service: Context, conn: Connection, way: UnderWay, claimed: Claimed) -> Person:
    now = service.now
    if way.invitation_hash is not None:
        who = await store_sign_in.use_invitation_of(conn, way.invitation_hash, now=now)
        if who is None:
            raise SignInRefused(signing_in.no_invitation())
        signing_in.require_counts(who)
        await _link(service, conn, who, claimed)
        return who
    linked = await store_identity.known(conn, claimed.issuer, claimed.subject, now=now)
    if linked is not None:
        signing_in.require_counts(linked)
        return linked
    same = await store_identity.of_mail(conn, claimed.mail, now=now) if claimed.mail else ()
    if len(same) != 1:
        raise SignInRefused(
            _(
                "Your account there belongs to nobody here. Sign in otherwise and link it under your name, or ask an"
                " admin for an invitation."
            )
        )
    signing_in.require_counts(same[0])
    await _link(service, conn, same[0], claimed)
    return same[0]


async def _link(service: Context, conn: Connection, who: Person, claimed: Claimed) -> None:
    """Raises `Refused` for an account that is another person's."""
    known = await store_identity.known(conn, claimed.issuer, claimed.subject, now=service.now)
    if known is not None and known.id != who.id:
        raise SignInRefused(
            _(
                "This account is linked to {name} already; {name} can unlink it under their name."
            ).format(name=known.name)
        )
    await store_identity.link(conn, who, claimed.issuer, claimed.subject, now=service.now)
    await signing_in.note(service, conn, who.name, "account-link", who, issuer=claimed.issuer)


async def linked(service: Context, who: Person) -> datetime | None:
    """Since when an account of the organisation opens this person's; None without one."""
    return await service.database.read(lambda conn: store_identity.linked(conn, who))


async def unlink(service: Context, who: Person) -> None:
    """Raises `Refused` if no account is linked."""

    async def work(conn: Connection) -> None:
        if not await store_identity.unlink(conn, who):
            raise Refused(_("No account of the organisation is linked to yours."))
        await signing_in.note(service, conn, who.name, "account-unlink", who)

    await service.database.transact(work)
