"""Who a person is at the organisation's sign-in, and sign-ins that are under way there. What belongs to a state is used
once, in the browser in which it began."""

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.db.sql import Connection
from alertbot.db.tables import person
from alertbot.db.tables_desk import identity, sign_in_state
from alertbot.people.store_people import person_of
from alertbot.people.store_sign_in import bond_holds, bond_of, hashed, new_secret

STATE_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Departure:
    """A sign-in that begins: `state` comes back in the address, `browser` in the cookie, `nonce` in what the provider
    signs."""

    state: str
    browser: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A sign-in that came back to the browser in which it began. `invitation_hash`: whose first sign-in it is;
    `session`: whose person links the account."""

    nonce: str
    verifier: str
    place: str
    invitation_hash: str | None
    session: int | None


async def depart(
    conn: Connection, *, place: str, invitation: str | None, session: int | None, now: datetime
) -> Departure:
    made = Departure(new_secret(), new_secret(), new_secret(), new_secret() + new_secret())
    await conn.execute(delete(sign_in_state).where(sign_in_state.c.expires_at < now))
    row = {
        "state_hash": hashed(made.state),
        "browser_hash": hashed(made.browser),
        "nonce": made.nonce,
        "verifier": made.verifier,
        "place": place,
        "invitation_hash": hashed(invitation) if invitation else None,
        "session_id": session,
        "expires_at": now + STATE_LASTS,
    }
    await conn.execute(insert(sign_in_state).values(**row))
    return made


async def take(conn: Connection, state: str, browser: str, *, now: datetime) -> UnderWay | None:
    """What belongs to this state, once; None for another browser, too late, or a second time."""
    s = sign_in_state.c
    mine = (s.state_hash == hashed(state)) & (s.browser_hash == hashed(browser)) & (s.expires_at > now)
    taken = delete(sign_in_state).where(mine)
    row = (
        await conn.execute(
            taken.returning(s.nonce, s.verifier, s.place, s.invitation_hash, s.session_id)
        )
    ).one_or_none()
    return None if row is None else UnderWay(*row)


async def known(conn: Connection, issuer: str, subject: str, *, now: datetime) -> Person | None:
    """Whose account this is; None for one that is not linked, or was before the person's token was renewed."""
    i = identity.c
    wanted = select(person, i.bond).join_from(identity, person, person.c.id == i.person_id)
    row = (await conn.execute(wanted.where(i.issuer == issuer, i.subject == subject))).one_or_none()
    return person_of(row, now) if row is not None and bond_holds(row) else None


async def of_mail(conn: Connection, address: str, *, now: datetime) -> tuple[Person, ...]:
    """The people with this mail address."""
    rows = await conn.execute(select(person).where(person.c.mail.is_not(None)).order_by(person.c.id))
    same = [row for row in rows if row.mail.casefold() == address.casefold()]
    return tuple(person_of(row, now) for row in same)


async def link(conn: Connection, who: Person, issuer: str, subject: str, *, now: datetime) -> None:
    """This account is that person's from now on, and no other of this provider is."""
    i = identity.c
    other = (i.issuer == issuer) & ((i.subject == subject) | (i.person_id == who.id))
    await conn.execute(delete(identity).where(other))
    bond = await bond_of(conn, who)
    row = {"person_id": who.id, "bond": bond, "issuer": issuer, "subject": subject, "added_at": now}
    await conn.execute(insert(identity).values(**row))


async def linked(conn: Connection, who: Person) -> datetime | None:
    """Since when an account of the organisation opens this person's."""
    i = identity.c
    mine = await conn.execute(select(i.bond, i.added_at).where(i.person_id == who.id))
    bond = await bond_of(conn, who)
    return next((row.added_at for row in mine if row.bond == bond), None)


async def unlink(conn: Connection, who: Person) -> bool:
    done = await conn.execute(delete(identity).where(identity.c.person_id == who.id))
    return done.rowcount > 0
