"""What people approve ahead (R33): alerts of a rule may go out by themselves. Pure.

Whoever proposes signs first. As many approvers again as the kind asks for must sign the same digest, each
another person. It ends by itself, by anybody's word, and with the first change of what was signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alertbot.alerts.rules_policy import SHORTEST_DIGEST
from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Approvals, Person, Role
from alertbot.core.words import _

USUALLY = timedelta(days=30)
AT_MOST = timedelta(days=90)
PROPOSAL_LASTS = timedelta(days=7)


class Why(StrEnum):
    """Why alerts of a rule go out by themselves, or why they do not."""

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
    """`person` as he or she stands now."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Preapproval:
    """A proposal, and once enough people have signed it, an approval. `expires_at`: of whichever it is.
    `signatures`: in the order in which they were given."""

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

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.person.name for one in self.signatures)

    @property
    def hands(self) -> frozenset[int]:
        """Those who signed and are approvers still."""
        return frozenset(
            one.person.id
            for one in self.signatures
            if one.person.counts and Role.APPROVER in one.person.roles
        )

    def stands(self, now: datetime) -> bool:
        """Neither over nor taken back; it may have changed all the same."""
        return self.revoked_at is None and now < self.expires_at


def people_needed(kind: Approvals) -> int:
    """How many different people must sign: whoever proposes, and the approvers that the kind asks for."""
    return kind.approvers + 1


def weigh(
    rows: Sequence[Preapproval], digest: str, now: datetime, needed: int
) -> tuple[Why, Preapproval | None]:
    """Where a rule stands whose texts have this digest, and the row that says so. `rows`: of the rule, the
    latest first."""
    dated = [(one.approved_at, one) for one in rows if one.approved_at is not None]
    approved = [one for _at, one in sorted(dated, key=lambda pair: pair[0], reverse=True)]
    for one in approved:
        if one.stands(now) and one.digest == digest and len(one.hands) >= needed:
            return Why.IN_FORCE, one
    waiting = proposal(rows, digest, now)
    if waiting is not None:
        return Why.PROPOSED, waiting
    last = next(iter((*approved, *rows)), None)
    return (_over(last, digest, now), last) if last else (Why.NEVER, None)


def proposal(rows: Sequence[Preapproval], digest: str, now: datetime) -> Preapproval | None:
    """What may be signed now: proposed under this digest, by somebody who is an approver still."""
    return next(
        (
            one
            for one in rows
            if one.approved_at is None and one.stands(now) and one.digest == digest and one.hands
        ),
        None,
    )


def require_length(lasts: timedelta) -> timedelta:
    """Raises `Misuse` for a time that is none, or too long."""
    if not timedelta() < lasts <= AT_MOST:
        raise Misuse(
            _("A rule is approved ahead for at most {days} days: write --for 30d.").format(
                days=AT_MOST.days
            )
        )
    return lasts


def require_other(row: Preapproval, person: Person) -> None:
    """Raises `Refused` for somebody who has signed already."""
    if any(one.person.id == person.id for one in row.signatures):
        raise Refused(
            _("{name} has signed the rule {rule} already: another approver must now.").format(
                name=person.name, rule=row.rule
            )
        )


def require_seen(
    rule: str, digest: str, person: Person, *, given: str | None, shown: str | None
) -> None:
    """Raises `Refused` unless the person signs what the rule says now: by its digest (`given`), or as it
    was last `shown` to them. `Misuse` for too little of a digest."""
    if given is not None:
        require_digest(rule, digest, given)
    elif shown is None:
        raise Refused(
            _(
                "{name} has not been shown the rule {rule} yet: look at it with `alertbot rules show"
                " {rule}`, or give --digest."
            ).format(name=person.name, rule=rule)
        )
    elif shown != digest:
        raise Refused(
            _(
                "The rule {rule} has changed since {name} was last shown it: look at it again with"
                " `alertbot rules show {rule}`."
            ).format(name=person.name, rule=rule)
        )


def require_digest(rule: str, digest: str, given: str) -> None:
    """Raises `Misuse` for less than 12 digits, `Refused` for another digest than the rule's."""
    typed = given.strip().lower()
    if len(typed) < SHORTEST_DIGEST:
        raise Misuse(
            _("Give at least the first {n} characters of the digest.").format(n=SHORTEST_DIGEST)
        )
    if not digest.startswith(typed):
        raise Refused(
            _(
                "The rule {rule} has another digest than {given}: look at it again with `alertbot rules"
                " show {rule}`."
            ).format(rule=rule, given=typed[:SHORTEST_DIGEST])
        )


def _over(last: Preapproval, digest: str, now: datetime) -> Why:
    if last.revoked_at is not None:
        return Why.REVOKED
    if last.approved_at is None:
        return Why.LAPSED
    if last.expires_at <= now:
        return Why.EXPIRED
    return Why.CHANGED if last.digest != digest else Why.HANDS
