"""The rules of approval: who may approve, break the glass or countersign, and how many approvals are
missing. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alertbot.alerts.rules_moves import move
from alertbot.core.errors import Faulty, Misuse, PastMoment, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Approvals, Fault, Person, Role
from alertbot.core.words import _, told, way_out
from alertbot.people.rules import Verb, require_reason, require_role


@dataclass(frozen=True, kw_only=True)
class AlertFacts:
    """What the rules need to know about an alert. People by id; None if nobody has done it yet."""

    id: str
    state: AlertState
    digest: str
    author_id: int | None
    last_editor_id: int | None
    submitter_id: int | None
    approvals: Approvals
    pending_until: datetime | None
    promised: tuple[datetime, ...]
    faults: tuple[Fault, ...]
    break_glass_by: int | None
    countersigned_by: int | None
    approved_at: datetime | None = None
    editors: tuple[int, ...] = ()  # of any revision
    written_by: tuple[int, ...] = ()  # who could have: writers, and who had seen their tokens then
    glass_by: tuple[int, ...] = ()  # the same for `break_glass_by`

    @property
    def hands(self) -> frozenset[int]:
        """Everyone who could have worked on the text: author, editors of any revision, submitter, the authors
        of words taken over from an alert that was not approved by two hands; and whoever had seen the token of
        one of them by then."""
        people = (self.author_id, self.last_editor_id, self.submitter_id, *self.editors)
        return frozenset(person for person in (*people, *self.written_by) if person is not None)

    @property
    def vouched(self) -> bool:
        """Whether a second hand has approved or countersigned these words."""
        return self.approved_at is not None and not self.open_glass

    @property
    def open_glass(self) -> bool:
        """Whether one person published it alone and nobody has countersigned."""
        return self.break_glass_by is not None and self.countersigned_by is None


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of one digest. `person` with their current status. `given_by`: who could have
    given it: the person, and who had seen their token then."""

    person: Person
    digest: str
    at: datetime
    expires_at: datetime
    void: bool = False  # the alert was edited after it
    given_by: frozenset[int] = frozenset()

    @property
    def hands(self) -> frozenset[int]:
        """Everyone who could have given it; of one from before this was kept, everyone who could now."""
        return self.given_by or self.person.hands


SHORTEST_DIGEST = 12  # hexadecimal digits that a person must type at least, of what they were shown
ALONE_DIGEST = 32  # at least so many identify texts that the person was not shown


"""Any one of these roles is enough for the verb. `run`, `halt` and `abort` are for everybody."""


def may_approve(
    alert: AlertFacts,
    person: Person,
    approvals: Sequence[Approval],
    *,
    digest: str | None,
    shown: str | None,
    now: datetime,
    people: Sequence[Person] = (),
) -> None:
    """Raises `Refused` (or `Faulty`, `PastMoment`) for the first rule that forbids it.

    `people`: everyone, to say in a refusal whose hands it is about and who can approve instead.
    `digest` is what the person typed. `shown`, the digest last shown to this person, must still be the
    alert's, except where they typed `ALONE_DIGEST` digits or more.
    """
    require_role(Verb.APPROVE, person)
    move(alert.state, Verb.APPROVE, alert=alert.id)
    if obstacle := barred(alert, person, standing(alert, approvals, now), people):
        raise Refused(f"{obstacle} {_instead(alert, approvals, people, now)}".strip())
    require_sound(alert, now)
    if digest is None:
        _require_shown(alert, person, shown)
    else:
        require_digest(alert, person, digest, shown)


def may_break_glass(
    alert: AlertFacts,
    person: Person,
    *,
    digest: str | None,
    shown: str | None,
    reason: str | None,
    now: datetime,
) -> str:
    """The reason, if this person may publish the alert alone now, whoever wrote it. `digest` and `shown` as
    for `may_approve`, but a digest must be typed.

    Faults, unverified numbers (which are faults) and past times forbid it as they forbid any approval.
    Raises `Refused`, `Misuse`, `Faulty` or `PastMoment`.
    """
    require_role(Verb.BREAK_GLASS, person)
    move(alert.state, Verb.BREAK_GLASS, alert=alert.id)
    given = require_reason(Verb.BREAK_GLASS, alert.id, reason)
    if digest is None:
        raise Misuse(
            _(
                "Break-glass on {alert} needs its digest (--digest); `alertbot show {alert}` has it."
            ).format(alert=alert.id)
        )
    require_sound(alert, now)
    require_digest(alert, person, digest, shown)
    return given


def may_countersign(alert: AlertFacts, person: Person) -> None:
    """Raises `Refused` unless the alert was published alone and this approver is another hand than the one
    who did it."""
    require_role("countersign", person)
    if alert.break_glass_by is None:
        raise Refused(
            _("{alert} needs no countersignature: nobody published it alone.").format(alert=alert.id)
        )
    if alert.countersigned_by is not None:
        raise Refused(_("{alert} is already countersigned.").format(alert=alert.id))
    if alert.break_glass_by == person.id:
        raise Refused(
            _("{name} published {alert} alone; another approver must countersign.").format(
                name=person.name, alert=alert.id
            )
        )
    if person.hands & {alert.break_glass_by, *alert.glass_by}:
        raise Refused(
            _(
                "{name} and the person who published {alert} alone count as one hand, because one has seen"
                " the token of the other; another approver must countersign."
            ).format(name=person.name, alert=alert.id)
        )


def approvals_left(alert: AlertFacts, approvals: Sequence[Approval], now: datetime) -> int:
    """How many approvals are missing. Counts people, not rows, and only valid approvals (see
    `standing`)."""
    people = {one.person.id for one in standing(alert, approvals, now)}
    return max(0, alert.approvals.approvers - len(people))


def approved_enough(alert: AlertFacts, approvals: Sequence[Approval], now: datetime) -> bool:
    return approvals_left(alert, approvals, now) == 0


def by_one_hand(alert: AlertFacts, approvals: Sequence[Approval], now: datetime) -> bool:
    """Whether the approvals are enough only because the author of this alert may approve it."""
    usual = replace(alert.approvals, author_may_approve=False)
    return approvals_left(replace(alert, approvals=usual), approvals, now) > 0


def require_digest(alert: AlertFacts, person: Person, given: str, shown: str | None) -> None:
    """Raises `Misuse` for fewer than 12 digits, `Refused` for the digest of another text, or for fewer than
    32 digits of a text that this person was not shown: so few can be the same in two texts."""
    typed = given.strip().lower()
    if len(typed) < SHORTEST_DIGEST:
        raise Misuse(
            _("Give at least the first {n} characters of the digest.").format(n=SHORTEST_DIGEST)
        )
    if not alert.digest.startswith(typed):
        raise Refused(
            _(
                "The digest of {alert} is not {given}: its text has changed. Check it again with"
                " `alertbot show {alert}`."
            ).format(alert=alert.id, given=typed[:SHORTEST_DIGEST])
        )
    if len(typed) < ALONE_DIGEST and shown != alert.digest:
        raise Refused(
            _(
                "{name} has not seen {alert} as it is now. Show it with your token (`alertbot show"
                " {alert}`), or give at least {n} characters of its digest."
            ).format(name=person.name, alert=alert.id, n=ALONE_DIGEST)
        )


def require_open(alert: AlertFacts, now: datetime) -> None:
    """Raises `Refused` if the approval deadline has passed."""
    if alert.pending_until is not None and alert.pending_until <= now:
        raise Refused(
            _(
                "{alert} was not approved in time and has expired. To write it again: alertbot draft --like"
                " {alert}"
            ).format(alert=alert.id)
        )


def passed(promised: Sequence[datetime], now: datetime) -> datetime | None:
    """The earliest promised time that is over, or None."""
    return min((moment for moment in promised if moment <= now), default=None)


def standing(alert: AlertFacts, approvals: Sequence[Approval], now: datetime) -> tuple[Approval, ...]:
    """The approvals that count now: of this digest, not void, not expired, by approvers who still count and
    may approve this alert; each by another hand than those before it."""
    spent = set() if alert.approvals.author_may_approve else set(alert.hands)
    found = []
    for approval in approvals:
        if (
            not approval.void
            and approval.digest == alert.digest
            and approval.at <= now < approval.expires_at
            and approval.person.counts
            and Role.APPROVER in approval.person.roles
            and not approval.hands & spent
        ):
            found.append(approval)
            spent |= approval.hands
    return tuple(found)


def barred(
    alert: AlertFacts, person: Person, given: Sequence[Approval], people: Sequence[Person] = ()
) -> str | None:
    """Why this person's approval would be no other hand than those who wrote the alert or approved it before
    (`given`: the approvals that stand), as a sentence; None if it would be."""
    for one in given:
        if one.person.id == person.id:
            said = _(
                "{name} has already approved {alert}; the next approval must come from someone else."
            )
            return said.format(name=person.name, alert=alert.id)
        if one.hands & person.hands:
            said = _(
                "{name} and {other}, who approved {alert} before, count as one hand, because one person has"
                " seen the tokens of both."
            )
            return said.format(name=person.name, other=one.person.name, alert=alert.id)
    if alert.approvals.author_may_approve or not person.hands & alert.hands:
        return None
    return _wrote(alert, person, people)


def _wrote(alert: AlertFacts, person: Person, people: Sequence[Person]) -> str:
    """The sentence for somebody whose hand may be in the text."""
    names = {one.id: one.name for one in people}
    writers = (alert.author_id, alert.last_editor_id, *alert.editors, alert.submitter_id)
    others = [names[one] for one in dict.fromkeys(writers) if one in names and one != person.id]
    if person.id == alert.author_id:
        sentence = _("{name} wrote {alert}; another approver must approve it.")
    elif person.id == alert.last_editor_id:
        sentence = _("{name} was the last to edit {alert}; another approver must approve it.")
    elif person.id in alert.editors:
        sentence = _("{name} edited {alert}; another approver must approve it.")
    elif person.id == alert.submitter_id:
        sentence = _("{name} submitted {alert}; another approver must approve it.")
    else:
        sentence = _(
            "{name} counts as one hand with those who wrote {alert} ({writers}): {name} has seen a token of"
            " theirs, one person has seen the tokens of both, or words of {name} live on in it. Another"
            " approver must approve it."
        )
    return sentence.format(
        name=person.name, alert=alert.id, writers=", ".join(others) or _("taken over")
    )


def able(
    alert: AlertFacts, people: Sequence[Person], approvals: Sequence[Approval], now: datetime
) -> tuple[Person, ...]:
    """Those of `people` whose approval would count now."""
    given = standing(alert, approvals, now)
    return tuple(
        one
        for one in people
        if one.counts and Role.APPROVER in one.roles and barred(alert, one, given) is None
    )


def most_hands(taken: frozenset[int], approvers: Sequence[Person]) -> int:
    """How many of these approvers can approve together: each another hand than the others and than `taken`."""
    free = [one for one in approvers if not one.hands & taken]
    if not free:
        return 0
    first, *rest = free
    if not any(first.hands & one.hands for one in rest):
        return 1 + most_hands(taken, rest)
    return max(1 + most_hands(taken | first.hands, rest), most_hands(taken, rest))


def _instead(
    alert: AlertFacts, approvals: Sequence[Approval], people: Sequence[Person], now: datetime
) -> str:
    """Who can approve it now, as a sentence; empty if nothing is known of people."""
    if not people:
        return ""
    found = able(alert, people, approvals, now)
    if found:
        return _("{names} can approve it.").format(names=", ".join(one.name for one in found))
    return too_few(alert, approvals, people, now)


def too_few(
    alert: AlertFacts, approvals: Sequence[Approval], people: Sequence[Person], now: datetime
) -> str:
    """That these people cannot approve it together, and what to do, as a sentence; empty if they can."""
    found, left = able(alert, people, approvals, now), approvals_left(alert, approvals, now)
    if most_hands(frozenset(), found) >= left:
        return ""
    command = _(
        "Too few people may approve {alert}. Approvals missing: {left}; who may give one: {names}. Whoever wrote, edited"
        " or submitted it may not, and people who count as one hand give one together. An admin adds an approver (alertbot"
        " people add NAME --role approver), and another admin confirms them; alertbot check says who counts as one hand."
    )
    desk = _(
        "Too few people may approve {alert}. Approvals missing: {left}; who may give one: {names}. Whoever wrote, edited"
        " or submitted it may not, and people who count as one hand give one together. An admin invites an approver on"
        " the page People, and another admin confirms them; the same page says who counts as one hand."
    )
    names = ", ".join(one.name for one in found) or _("nobody")
    return way_out(command, desk).format(alert=alert.id, left=left, names=names)


def require_sound(alert: AlertFacts, now: datetime) -> None:
    """Raises `Refused` if the deadline has passed, `Faulty` for faults, `PastMoment` for a promised time
    that is over."""
    require_open(alert, now)
    if alert.faults:
        raise Faulty(
            _("{alert} has faults and cannot go out. Fix them with `alertbot edit {alert}`.").format(
                alert=alert.id
            ),
            alert.faults,
        )
    moment = passed(alert.promised, now)
    if moment is not None:
        raise PastMoment(
            _(
                "{alert} promises a time that has passed ({moment}). Use `alertbot submit"
                " {alert} --retime` and have it approved again."
            ).format(alert=alert.id, moment=told(moment, moment.tzinfo)),
            moment,
        )


def _require_shown(alert: AlertFacts, person: Person, shown: str | None) -> None:
    if shown is None:
        raise Refused(
            _(
                "{name} has not seen {alert} yet. Show it with `alertbot show {alert}`, or give"
                " its digest (--digest)."
            ).format(name=person.name, alert=alert.id)
        )
    if shown != alert.digest:
        raise Refused(
            _(
                "{alert} has changed since {name} last saw it. Check it again with `alertbot show {alert}`."
            ).format(name=person.name, alert=alert.id)
        )
