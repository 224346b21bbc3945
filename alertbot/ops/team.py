"""The team as its admins look at it: who counts, who confirmed whom, who could act as somebody else; and for one person
the ways in, the sessions, and what hangs on their approval. Changes nothing."""

from collections.abc import Mapping
from datetime import datetime

from alertbot.alerts import rules_policy, store_reading
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Person, Role
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.ops import trust
from alertbot.ops.trust import SameHands
from alertbot.people import accounts, signing_in, store_people, store_sign_in
from alertbot.people.signing_in import WaysIn
from alertbot.people.views import PersonLine
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import signing
from alertbot.watch.preapproval.rules_ahead import PreapprovalReason

OPEN = (AlertState.PENDING, AlertState.APPROVED, AlertState.PUBLISHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamView:
    """`invitations`: until when the open invitation of a person works, by id. `too_few`: what nobody can publish."""

    people: tuple[PersonLine, ...]
    invitations: Mapping[int, datetime]
    same: tuple[SameHands, ...]
    too_few: tuple[str, ...]

    @property
    def waiting(self) -> tuple[PersonLine, ...]:
        """Those whom another admin has to confirm, wholly or for further roles."""
        waits = (one for one in self.people if one.revoked_at is None)
        return tuple(one for one in waits if one.confirmed_at is None or one.roles_asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApproval:
    """An alert that is not out yet and has this person's approval. `left`: how many approvals would remain without
    it, of the `needed`."""

    alert: str
    state: AlertState
    left: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """One person. `ways`: None for a reader who may not see them. `rules`: automatic rules that they signed."""

    line: PersonLine
    invited_until: datetime | None
    ways: WaysIn | None
    approvals: tuple[OpenApproval, ...]
    rules: tuple[str, ...]


async def team(service: WatchContext) -> TeamView:
    """Everybody, and how far they are hands of their own."""
    lines = await accounts.everybody(service)

    async def look(conn: Connection) -> TeamView:
        everybody = await store_people.persons(conn, now=service.now)
        counting = [one for one in everybody if one.counts]
        return TeamView(
            people=tuple(lines),
            invitations=await store_sign_in.invitations(conn, now=service.now),
            same=tuple(trust.same_hands(counting, {one.id: one.name for one in everybody})),
            too_few=tuple(trust.too_few(service, counting)),
        )

    return await service.database.read(look)


async def member(service: WatchContext, reader: Person, number: int) -> MemberView:
    """One person; sessions and ways in only for themselves and admins. Raises `Misuse` for an unknown number."""
    found = await team(service)
    line = next((one for one in found.people if one.id == number), None)
    if line is None:
        raise Misuse(_("There is no such person."))
    entry = await service.database.read(lambda conn: store_people.get(conn, line.name, now=service.now))
    may_see = reader.id == number or Role.ADMIN in reader.roles
    signed = await signing.listing(service) if service.watch.rules else []
    return MemberView(
        line=line,
        invited_until=found.invitations.get(number),
        ways=await signing_in.ways_in(service, entry.person) if may_see else None,
        approvals=await service.database.read(lambda conn: _approvals(service, conn, entry.person)),
        rules=tuple(
            one.rule
            for one in signed
            if one.state is PreapprovalReason.IN_FORCE
            and one.approval
            and line.name in [each.person for each in one.approval.signed]
        ),
    )


async def _approvals(service: WatchContext, conn: Connection, who: Person) -> tuple[OpenApproval, ...]:
    found = []
    for alert in await store_reading.listing(conn, states=OPEN):
        given = await store_reading.approvals_of(conn, alert.id, now=service.now)
        standing = rules_policy.standing(alert, given, service.now)
        left = [one for one in standing if one.person.id != who.id]
        if len(left) < len(standing):
            found.append(
                OpenApproval(
                    alert=alert.id,
                    state=alert.state,
                    left=len(left),
                    needed=alert.approvals.approvers,
                )
            )
    return tuple(found)
