"""Who may do what, how many must agree, and until when. Pure: values and `now` in, a refusal out.

The rules (design promise 3, R16): author, last editor and submitter cannot approve, unless the kind
lets its author be the approver; nobody approves twice; an approval signs one digest and lapses;
breaking the glass needs one approver, the digest and a reason, and stays open until another approver
has countersigned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from alertbot.approval.facts import AlertFacts, Approval
from alertbot.approval.moves import Verb, move
from alertbot.errors import Faulty, Misuse, PastMoment, Refused
from alertbot.model import Approvals, Person, Role
from alertbot.words import _

SHORTEST_DIGEST = 12  # hexadecimal digits that a person must type at least

_WRITERS = frozenset({Role.AUTHOR, Role.APPROVER})
_APPROVERS = frozenset({Role.APPROVER})
_ADMINS = frozenset({Role.ADMIN})

ROLES: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "draft": _WRITERS,
        Verb.EDIT: _WRITERS,
        Verb.SUBMIT: _WRITERS,
        Verb.DISCARD: _WRITERS,
        "test_send": _WRITERS,
        "record": _WRITERS,
        Verb.APPROVE: _APPROVERS,
        Verb.BREAK_GLASS: _APPROVERS,
        "countersign": _APPROVERS,
        Verb.RETURN: _APPROVERS,
        Verb.REJECT: _APPROVERS,
        "settle": _APPROVERS,
        "resume": _APPROVERS,
        "task": _WRITERS,
        "preapprove": _APPROVERS,  # rules whose alerts go out by themselves
        "revoke_rule": _WRITERS,
        "people": _ADMINS,
        "numbers_enter": _WRITERS,  # import, add, edit
        "numbers_verify": _WRITERS,  # never what one has entered oneself (R3)
        "numbers_withdraw": _WRITERS,
    }
)
"""Any one of these roles is enough for the verb. `run`, `halt` and `abort` are for everybody."""


@dataclass(frozen=True, slots=True)
class Override:
    """What the configuration says about one kind's approvals; None leaves the kind's own."""

    approvers: int | None = None
    expires_after: timedelta | None = None


def effective(kind: Approvals, override: Override | None) -> Approvals:
    """The approvals a kind asks for under this configuration.

    An override may ask for more or for fewer approvers, but never for none: there is no way to
    publish unapproved. It cannot say who may approve; that stays with the kind. Raises `Misuse`.
    """
    if override is None:
        return kind
    approvers = kind.approvers if override.approvers is None else override.approvers
    expires_after = override.expires_after or kind.expires_after
    if approvers < 1:
        raise Misuse(_("An alert needs at least one approver: set approvers to 1 or more."))
    if override.expires_after is not None and override.expires_after <= timedelta():
        raise Misuse(_("expires_after must be longer than nothing, for example 30m."))
    return Approvals(approvers, kind.author_may_approve, expires_after)


def require_role(verb: str, person: Person) -> None:
    """Raises `Refused` unless the person counts and holds a role that the verb asks for."""
    if not person.counts:
        raise Refused(
            _("{name} does not count yet or any more; ask an admin (`alertbot people list`).").format(
                name=person.name
            )
        )
    needed = ROLES[verb]
    if not needed & person.roles:
        raise Refused(
            _("{name} may not do this ({verb}): it takes the role {roles}.").format(
                name=person.name, verb=verb.replace("_", "-"), roles=" / ".join(sorted(needed))
            )
        )


def require_reason(verb: str, alert: str, reason: str | None) -> str:
    """The reason, trimmed. Raises `Misuse` where there is none."""
    text = (reason or "").strip()
    if not text:
        raise Misuse(
            _("Say why: {verb} {alert} needs --reason TEXT.").format(
                verb=verb.replace("_", "-"), alert=alert
            )
        )
    return text


def may_approve(
    alert: AlertFacts,
    person: Person,
    approvals: Sequence[Approval],
    *,
    digest: str | None,
    shown: str | None,
    now: datetime,
) -> None:
    """Raises `Refused` (or `Faulty`, `PastMoment`) with the first rule that stands against it.

    `digest` is what the person typed, or None; then `shown`, the digest last shown to this person,
    must still hold.
    """
    require_role(Verb.APPROVE, person)
    move(alert.state, Verb.APPROVE, alert=alert.id)
    _require_other_hands(alert, person)
    if any(one.person.id == person.id for one in standing(alert, approvals, now)):
        raise Refused(
            _("{name} has approved {alert} already; another person must now.").format(
                name=person.name, alert=alert.id
            )
        )
    require_sound(alert, now)
    if digest is None:
        _require_shown(alert, person, shown)
    else:
        require_digest(alert, digest)


def may_break_glass(
    alert: AlertFacts, person: Person, *, digest: str | None, reason: str | None, now: datetime
) -> str:
    """The reason, where this person alone may publish now, whoever wrote the alert.

    Faults, unverified numbers (they are faults) and times that have passed stand against it as against
    any approval. Raises `Refused`, `Misuse`, `Faulty`, `PastMoment`.
    """
    require_role(Verb.BREAK_GLASS, person)
    move(alert.state, Verb.BREAK_GLASS, alert=alert.id)
    given = require_reason(Verb.BREAK_GLASS, alert.id, reason)
    if digest is None:
        raise Misuse(
            _(
                "Breaking the glass on {alert} needs --digest; `alertbot show {alert}` prints it."
            ).format(alert=alert.id)
        )
    require_sound(alert, now)
    require_digest(alert, digest)
    return given


def may_countersign(alert: AlertFacts, person: Person) -> None:
    """Raises `Refused` unless the glass is broken and this is another approver than who broke it."""
    require_role("countersign", person)
    if alert.break_glass_by is None:
        raise Refused(
            _("{alert} needs no countersignature: nobody broke the glass.").format(alert=alert.id)
        )
    if alert.countersigned_by is not None:
        raise Refused(_("{alert} has been countersigned already.").format(alert=alert.id))
    if alert.break_glass_by == person.id:
        raise Refused(
            _("{name} broke the glass on {alert}: another approver must countersign.").format(
                name=person.name, alert=alert.id
            )
        )


def approvals_left(alert: AlertFacts, approvals: Sequence[Approval], now: datetime) -> int:
    """How many approvals are still missing. Counts persons, not rows, and only approvals that stand:
    of this digest, not void, not lapsed, by approvers who still count and may approve this alert."""
    people = {one.person.id for one in standing(alert, approvals, now)}
    return max(0, alert.approvals.approvers - len(people))


def approved_enough(alert: AlertFacts, approvals: Sequence[Approval], now: datetime) -> bool:
    return approvals_left(alert, approvals, now) == 0


def require_digest(alert: AlertFacts, given: str) -> None:
    """Raises `Misuse` for less than 12 digits, `Refused` for another text's digest."""
    typed = given.strip().lower()
    if len(typed) < SHORTEST_DIGEST:
        raise Misuse(
            _("Give at least the first {n} characters of the digest.").format(n=SHORTEST_DIGEST)
        )
    if not alert.digest.startswith(typed):
        raise Refused(
            _(
                "{alert} has another digest than {given}: its text has changed. Look at it again with"
                " `alertbot show {alert}`."
            ).format(alert=alert.id, given=typed[:SHORTEST_DIGEST])
        )


def require_open(alert: AlertFacts, now: datetime) -> None:
    """Raises `Refused` when the time to approve is over."""
    if alert.pending_until is not None and alert.pending_until <= now:
        raise Refused(
            _("{alert} was not approved in time and has expired: make a new draft.").format(
                alert=alert.id
            )
        )


def passed(promised: Sequence[datetime], now: datetime) -> datetime | None:
    """The earliest promised time that is over, if any."""
    return min((moment for moment in promised if moment <= now), default=None)


def standing(alert: AlertFacts, approvals: Sequence[Approval], now: datetime) -> tuple[Approval, ...]:
    """The approvals that count now: of this digest, not void, not lapsed, by approvers who still count
    and may approve this alert."""
    barred = frozenset() if alert.approvals.author_may_approve else alert.hands
    return tuple(
        approval
        for approval in approvals
        if not approval.void
        and approval.digest == alert.digest
        and approval.at <= now < approval.expires_at
        and approval.person.counts
        and Role.APPROVER in approval.person.roles
        and approval.person.id not in barred
    )


def _require_other_hands(alert: AlertFacts, person: Person) -> None:
    if alert.approvals.author_may_approve or person.id not in alert.hands:
        return
    if person.id == alert.author_id:
        sentence = _("{name} wrote {alert}: another approver must approve it.")
    elif person.id == alert.last_editor_id:
        sentence = _("{name} was the last to edit {alert}: another approver must approve it.")
    else:
        sentence = _("{name} submitted {alert}: another approver must approve it.")
    raise Refused(sentence.format(name=person.name, alert=alert.id))


def require_sound(alert: AlertFacts, now: datetime) -> None:
    """In time, without a fault, and with no promise that is over already. Raises `Refused`, `Faulty`,
    `PastMoment`."""
    require_open(alert, now)
    if alert.faults:
        raise Faulty(
            _("{alert} has faults and cannot go out; mend them with `alertbot edit {alert}`.").format(
                alert=alert.id
            ),
            alert.faults,
        )
    moment = passed(alert.promised, now)
    if moment is not None:
        raise PastMoment(
            _(
                "{alert} promises a time that has passed ({moment}): run `alertbot submit {alert}"
                " --retime` and have it approved again."
            ).format(alert=alert.id, moment=f"{moment:%Y-%m-%d %H:%M}"),
            moment,
        )


def _require_shown(alert: AlertFacts, person: Person, shown: str | None) -> None:
    if shown is None:
        raise Refused(
            _(
                "{name} has not been shown {alert} yet: look at it with `alertbot show {alert}`,"
                " or give --digest."
            ).format(name=person.name, alert=alert.id)
        )
    if shown != alert.digest:
        raise Refused(
            _(
                "{alert} has changed since {name} was last shown it: look at it again with"
                " `alertbot show {alert}`."
            ).format(name=person.name, alert=alert.id)
        )
