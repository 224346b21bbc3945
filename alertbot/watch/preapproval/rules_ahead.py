"""The rules of advance approval (R33): when alerts of a rule may be published automatically. Pure.

Whoever proposes signs first. One person more than the kind needs approvers must sign the same digest.
The approval ends on its date, by revocation, or with the first change to what was signed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from alertbot.alerts.rules_policy import ALONE_DIGEST, SHORTEST_DIGEST
from alertbot.core.errors import Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Approvals, Person, Role
from alertbot.core.words import _

USUALLY = timedelta(days=30)
AT_MOST = timedelta(days=90)
PROPOSAL_LASTS = timedelta(days=7)


Accounts = Mapping[str, Mapping[str, str]]
"""For each channel, the facts of the account that it is (see `Adapter.identity`). Those that depend on a secret are
missing, or empty, where it could not be read."""


class PreapprovalReason(StrEnum):
    """Why alerts of a rule are, or are not, published automatically."""

    IN_FORCE = "in_force"
    NEVER = "never"  # nobody has proposed it
    PROPOSED = "proposed"  # other people must sign
    LAPSED = "lapsed"  # proposed, and not signed in time or before it changed
    EXPIRED = "expired"
    CHANGED = "changed"  # what was signed has changed since
    REVOKED = "revoked"
    HANDS = "hands"  # somebody who signed is no approver any more
    FORBIDDEN = "forbidden"  # whoever signs
    BROKEN = "broken"  # its alerts cannot be composed


@dataclass(frozen=True, slots=True)
class Signature:
    """`person` with their current status. `given_by`: who could have given it: the person, and who had seen
    their token then."""

    person: Person
    at: datetime
    given_by: frozenset[int] = frozenset()

    @property
    def hands(self) -> frozenset[int]:
        """Everyone who could have given it; of one from before this was kept, everyone who could now."""
        return self.given_by or self.person.hands


@dataclass(frozen=True, slots=True)
class Preapproval:
    """A proposal and, once enough people have signed it, an approval. `expires_at`: of whichever it is.
    `signatures`: in the order given."""

    id: int
    rule: str
    digest: str
    proposed_at: datetime
    lasts: timedelta
    expires_at: datetime
    signatures: tuple[Signature, ...]
    approved_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    reason: str | None = None
    accounts: Accounts | None = None  # None: from before they were kept

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.person.name for one in self.signatures)

    @property
    def hands(self) -> frozenset[int]:
        """The signers who are still approvers, each another hand than those before."""
        found, spent = set(), set[int]()
        for one in self.signatures:
            approver = one.person.counts and Role.APPROVER in one.person.roles
            if approver and not one.hands & spent:
                found.add(one.person.id)
                spent |= one.hands
        return frozenset(found)

    def stands(self, now: datetime) -> bool:
        """Neither expired nor revoked; the rule may have changed all the same."""
        return self.revoked_at is None and now < self.expires_at


def people_needed(kind: Approvals) -> int:
    """How many different people must sign: the proposer and the approvers that the kind needs."""
    return kind.approvers + 1


def weigh(
    rows: Sequence[Preapproval], digest: str, now: datetime, needed: int
) -> tuple[PreapprovalReason, Preapproval | None]:
    """The status of a rule whose texts have this digest, and the row it is about. `rows`: of the rule,
    newest first."""
    dated = [(one.approved_at, one) for one in rows if one.approved_at is not None]
    approved = [one for _at, one in sorted(dated, key=lambda pair: pair[0], reverse=True)]
    for one in approved:
        if one.stands(now) and one.digest == digest and len(one.hands) >= needed:
            return PreapprovalReason.IN_FORCE, one
    waiting = proposal(rows, digest, now)
    if waiting is not None:
        return PreapprovalReason.PROPOSED, waiting
    last = next(iter((*approved, *rows)), None)
    return (_over(last, digest, now), last) if last else (PreapprovalReason.NEVER, None)


def proposal(rows: Sequence[Preapproval], digest: str, now: datetime) -> Preapproval | None:
    """The row that can be signed now: proposed under this digest by someone who is still an approver."""
    return next(
        (
            one
            for one in rows
            if one.approved_at is None and one.stands(now) and one.digest == digest and one.hands
        ),
        None,
    )


def moved(signed: Accounts, found: Accounts) -> str | None:
    """Which channel is another account than the one that was signed, as a part of a sentence; None if none is. What
    is not known on both sides is not compared."""
    for channel in sorted(signed.keys() & found.keys()):
        for fact, before in sorted(signed[channel].items()):
            now = found[channel].get(fact)
            if before and now and before != now:
                return _(
                    "{channel}: {fact} was {before} when it was preapproved and is {now} here"
                ).format(channel=channel, fact=fact, before=before, now=now)
    return None


def known(signed: Accounts | None, found: Accounts) -> Accounts:
    """What is known of the accounts: what was signed, and what could not be known then."""
    before = signed or {}
    return {
        name: {**facts, **{fact: one for fact, one in before.get(name, {}).items() if one}}
        for name, facts in found.items()
    }


def require_same(row: Preapproval, found: Accounts) -> None:
    """Raises `Refused` if the person who signs would have it published by another account than the one who proposed
    it."""
    if row.accounts is not None and (why := moved(row.accounts, found)):
        raise Refused(
            _(
                "The rule {rule} was proposed for another account: {why}. Find out which is right, and propose it"
                " again: alertbot rules revoke {rule}, then alertbot rules preapprove {rule}."
            ).format(rule=row.rule, why=why)
        )


def require_length(lasts: timedelta) -> timedelta:
    """Raises `Misuse` for a duration that is invalid or too long."""
    if not timedelta() < lasts <= AT_MOST:
        raise Misuse(
            _("A rule can be preapproved for at most {days} days (--for 30d).").format(
                days=AT_MOST.days
            )
        )
    return lasts


def require_other(row: Preapproval, person: Person) -> None:
    """Raises `Refused` for a person who has already signed."""
    if any(one.person.id == person.id for one in row.signatures):
        raise Refused(
            _("{name} has already signed the rule {rule}; another approver must sign next.").format(
                name=person.name, rule=row.rule
            )
        )
    for one in row.signatures:
        if one.person.counts and one.hands & person.hands:
            raise Refused(
                _(
                    "{name} and {other}, who has signed the rule {rule}, count as one hand, because one"
                    " person has seen the tokens of both; another approver must sign next."
                ).format(name=person.name, other=one.person.name, rule=row.rule)
            )


def require_seen(
    rule: str, digest: str, person: Person, *, given: str | None, shown: str | None
) -> None:
    """Raises `Refused` unless the person signs what the rule says now: as last `shown` to them, or by at
    least 32 digits of its digest (`given`). Raises `Misuse` for fewer than 12 digits."""
    if given is not None:
        require_digest(rule, digest, given)
        if len(given.strip()) < ALONE_DIGEST and shown != digest:
            raise Refused(
                _(
                    "{name} has not seen the rule {rule} as it is now. Show it with your token"
                    " (`alertbot rules show {rule}`), or give at least {n} characters of its digest."
                ).format(name=person.name, rule=rule, n=ALONE_DIGEST)
            )
    elif shown is None:
        raise Refused(
            _(
                "{name} has not seen the rule {rule} yet. Show it with `alertbot rules show"
                " {rule}`, or give its digest (--digest)."
            ).format(name=person.name, rule=rule)
        )
    elif shown != digest:
        raise Refused(
            _(
                "The rule {rule} has changed since {name} last saw it. Check it again with `alertbot"
                " rules show {rule}`."
            ).format(name=person.name, rule=rule)
        )


def require_digest(rule: str, digest: str, given: str) -> None:
    """Raises `Misuse` for fewer than 12 digits, `Refused` for a digest that is not the rule's."""
    typed = given.strip().lower()
    if len(typed) < SHORTEST_DIGEST:
        raise Misuse(
            _("Give at least the first {n} characters of the digest.").format(n=SHORTEST_DIGEST)
        )
    if not digest.startswith(typed):
        raise Refused(
            _(
                "The digest of the rule {rule} is not {given}. Check it again with `alertbot rules show {rule}`."
            ).format(rule=rule, given=typed[:SHORTEST_DIGEST])
        )


def _over(last: Preapproval, digest: str, now: datetime) -> PreapprovalReason:
    if last.revoked_at is not None:
        return PreapprovalReason.REVOKED
    if last.approved_at is None:
        return PreapprovalReason.LAPSED
    if last.expires_at <= now:
        return PreapprovalReason.EXPIRED
    return PreapprovalReason.CHANGED if last.digest != digest else PreapprovalReason.HANDS
