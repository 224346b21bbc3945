"""Rules approved in advance, with their signatures; and running countdowns of automatic alerts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update

from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Person
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.db.tables import alert, person
from alertbot.db.tables_watch import planned, preapproval, presignature, rule_shown
from alertbot.people import store_people
from alertbot.watch.preapproval.rules_ahead import (
    PROPOSAL_LASTS,
    Accounts,
    Preapproval,
    Signature,
)

_LONGEST_OUTCOME = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """An automatic alert that waits until `goes_at`. Settled: published, aborted or overtaken."""

    alert: str
    service: str
    rule: str
    goes_at: datetime
    settled_at: datetime | None = None
    outcome: str | None = None


# --- approved ahead -------------------------------------------------------------------------------


async def lock_rule(conn: Connection, rule: str) -> None:
    """Lock the approvals of a rule until the transaction ends."""
    await take_lock(conn, AUDIT)  # before the row, as everywhere (see `reading.get`)
    await take_lock(conn, f"rule:{rule}")


async def propose(
    conn: Connection, rule: str, digest: str, *, by: Person, lasts: timedelta, now: datetime
) -> int:
    """Store a new proposal with its first signature; returns its number. It expires unless others sign
    in time."""
    row = insert(preapproval).values(
        rule=rule,
        digest=digest,
        proposed_at=now,
        lasts_seconds=lasts.total_seconds(),
        expires_at=now + PROPOSAL_LASTS,
    )
    number = int((await conn.execute(row.returning(preapproval.c.id))).scalar_one())
    await sign(conn, number, by=by, now=now)
    return number


async def sign(
    conn: Connection, number: int, *, by: Person, now: datetime, lasts: timedelta | None = None
) -> None:
    """Add a signature; `lasts` if it is for another duration. The database forbids signing twice."""
    row = {"preapproval_id": number, "person_id": by.id, "at": now, "hands": sorted(by.hands)}
    await conn.execute(insert(presignature).values(**row))
    if lasts is not None:
        mine = update(preapproval).where(preapproval.c.id == number)
        await conn.execute(mine.values(lasts_seconds=lasts.total_seconds()))


async def approve(conn: Connection, row: Preapproval, *, now: datetime) -> None:
    """Put a proposal into force, replacing what was in force for this rule."""
    older = update(preapproval).where(
        preapproval.c.rule == row.rule,
        preapproval.c.approved_at.is_not(None),
        preapproval.c.revoked_at.is_(None),
    )
    await conn.execute(older.values(revoked_at=now))
    mine = update(preapproval).where(preapproval.c.id == row.id)
    await conn.execute(mine.values(approved_at=now, expires_at=now + row.lasts))


async def note_accounts(conn: Connection, number: int, accounts: Accounts) -> None:
    """Keep which account each channel is."""
    told = {name: dict(facts) for name, facts in accounts.items()}
    mine = update(preapproval).where(preapproval.c.id == number)
    await conn.execute(mine.values(accounts=told))


async def revoke(conn: Connection, rule: str, *, by: str, reason: str, now: datetime) -> int:
    """Revoke everything proposed or in force for this rule; returns the number of rows."""
    open_ones = update(preapproval).where(
        preapproval.c.rule == rule,
        preapproval.c.revoked_at.is_(None),
        preapproval.c.expires_at > now,
    )
    done = await conn.execute(open_ones.values(revoked_at=now, revoked_by=by, reason=reason))
    return done.rowcount


async def of_rule(conn: Connection, rule: str, *, now: datetime) -> tuple[Preapproval, ...]:
    """Everything ever proposed for a rule, newest first. `now` decides which signers still count."""
    return await _rows(conn, select(preapproval).where(preapproval.c.rule == rule), now)


async def listing(conn: Connection, *, now: datetime) -> dict[str, tuple[Preapproval, ...]]:
    """Everything ever proposed, by rule, newest first. `now` decides which signers still count."""
    found: dict[str, tuple[Preapproval, ...]] = {}
    for one in await _rows(conn, select(preapproval), now):
        found[one.rule] = (*found.get(one.rule, ()), one)
    return found


async def note_shown(conn: Connection, who: Person, rule: str, digest: str, *, now: datetime) -> None:
    """Record that this person has seen these texts of the rule."""
    mine = (rule_shown.c.person_id == who.id) & (rule_shown.c.rule == rule)
    await conn.execute(delete(rule_shown).where(mine))
    await conn.execute(insert(rule_shown).values(person_id=who.id, rule=rule, digest=digest, at=now))


async def shown_to(conn: Connection, who: Person, rule: str) -> str | None:
    """The digest of the rule last shown to this person."""
    mine = (rule_shown.c.person_id == who.id) & (rule_shown.c.rule == rule)
    found = await conn.scalar(select(rule_shown.c.digest).where(mine))
    return None if found is None else str(found)


async def _rows(conn: Connection, query: Select[Any], now: datetime) -> tuple[Preapproval, ...]:
    rows = (await conn.execute(query.order_by(preapproval.c.id.desc()))).all()
    signed = await _signatures(conn, [row.id for row in rows], now)
    return tuple(_preapproval(row, signed.get(row.id, ())) for row in rows)


async def _signatures(
    conn: Connection, ids: Sequence[int], now: datetime
) -> dict[int, tuple[Signature, ...]]:
    query = (
        select(person, presignature.c.preapproval_id, presignature.c.at, presignature.c.hands)
        .join_from(presignature, person, person.c.id == presignature.c.person_id)
        .where(presignature.c.preapproval_id.in_(ids))
        .order_by(presignature.c.id)
    )
    found: dict[int, tuple[Signature, ...]] = {}
    for row in await conn.execute(query):
        one = Signature(store_people.person_of(row, now), row.at, frozenset(row.hands or ()))
        found[row.preapproval_id] = (*found.get(row.preapproval_id, ()), one)
    return found


def _preapproval(row: Row[Any], signatures: tuple[Signature, ...]) -> Preapproval:
    return Preapproval(
        row.id,
        row.rule,
        row.digest,
        row.proposed_at,
        timedelta(seconds=row.lasts_seconds),
        row.expires_at,
        signatures,
        row.approved_at,
        row.revoked_at,
        row.revoked_by,
        row.reason,
        row.accounts,
    )


# --- planned --------------------------------------------------------------------------------------


async def plan(conn: Connection, alert_id: str, *, service: str, rule: str, goes_at: datetime) -> None:
    """Store the start of a countdown."""
    row = insert(planned).values(alert_id=alert_id, service=service, rule=rule, goes_at=goes_at)
    await conn.execute(row)


async def settle(conn: Connection, alert_id: str, *, outcome: str, now: datetime) -> bool:
    """End a countdown; False if it had ended already. Only one of several concurrent callers succeeds:
    whoever publishes the alert calls this first, in the same transaction."""
    running = (planned.c.alert_id == alert_id) & planned.c.settled_at.is_(None)
    done = update(planned).where(running).values(settled_at=now, outcome=outcome[:_LONGEST_OUTCOME])
    return (await conn.execute(done)).rowcount == 1


async def get_planned(conn: Connection, alert_id: str) -> Planned | None:
    """The countdown of an alert, running or ended."""
    query = select(planned).where(planned.c.alert_id == alert_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else Planned(*row)


async def running(
    conn: Connection, *, rule: str | None = None, pending: bool = False
) -> tuple[Planned, ...]:
    """Every running countdown, the next to end first. `pending`: only of alerts that people have not
    decided on."""
    query = select(planned).where(planned.c.settled_at.is_(None)).order_by(planned.c.goes_at)
    if rule is not None:
        query = query.where(planned.c.rule == rule)
    if pending:
        query = query.join(alert).where(alert.c.state == str(AlertState.PENDING))
    return tuple(Planned(*row) for row in await conn.execute(query))


async def due(conn: Connection, now: datetime) -> tuple[Planned, ...]:
    """The countdowns that have run out."""
    return tuple(one for one in await running(conn) if one.goes_at <= now)


async def next_due(conn: Connection) -> datetime | None:
    """When the next countdown ends."""
    query = select(func.min(planned.c.goes_at)).where(planned.c.settled_at.is_(None))
    found: datetime | None = await conn.scalar(query)
    return found
