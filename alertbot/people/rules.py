"""Roles (who may do what) and duty (who is asked to approve, and who next). Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from alertbot.core.errors import Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person, Role
from alertbot.core.words import _, way_out

EVERY_DAY = frozenset(range(7))


class Verb(StrEnum):
    """What is done to an alert that already exists."""

    EDIT = "edit"
    SUBMIT = "submit"
    APPROVE = "approve"  # the last approval that was needed; those before it move nothing
    BREAK_GLASS = "break_glass"
    RETURN = "return"
    REJECT = "reject"
    DISCARD = "discard"
    # the clock's
    EXPIRE = "expire"
    # the deliveries'
    START = "start"  # a first call, or one more after a person settled an uncertain delivery
    COMPLETE = "complete"
    COMPLETE_PARTLY = "complete_partly"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's hours. `days`: the days on which it begins, Monday is 0; times are local clock times."""

    person: str
    start: time
    end: time
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on call. Deputies are asked in this order, each after `answer_within` without an answer."""

    answer_within: timedelta
    zone: ZoneInfo
    shifts: tuple[Shift, ...] = ()
    deputies: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everyone named, once."""
        return _once((*(shift.person for shift in self.shifts), *self.deputies))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person to be asked. `deputy`: asked because too few people on duty can answer."""

    name: str
    deputy: bool = False


def on_duty(duty: Duty, now: datetime) -> tuple[str, ...]:
    """The names of the people on duty at an aware time, in the order of their shifts."""
    return _once(tuple(shift.person for shift in duty.shifts if _covers(shift, duty.zone, now)))


def first_asked(
    duty: Duty | None, able: Sequence[str], needed: int, now: datetime
) -> tuple[Candidate, ...]:
    """Whom to ask when an alert is submitted. `able`: the names of those who may approve it.

    The people on duty; if they are fewer than the approvals needed, deputies as well; if nobody named
    may approve it, or no duty is configured, every approver.
    """
    everybody = tuple(Candidate(name) for name in able)
    if duty is None:
        return everybody
    present = _among(on_duty(duty, now), able)
    deputies = [name for name in _among(duty.deputies, able) if name not in present]
    filling = deputies[: max(0, needed - len(present))]
    asked = (
        *(Candidate(name) for name in present),
        *(Candidate(name, deputy=True) for name in filling),
    )
    return asked or everybody


def next_deputy(
    duty: Duty | None, able: Sequence[str], asked: Collection[str], last_asked: datetime, now: datetime
) -> str | None:
    """The next deputy to ask because nobody answered in time; None if it is not time yet or all have
    been asked. `last_asked`: when someone was last asked."""
    if duty is None or now < last_asked + duty.answer_within:
        return None
    known = {name.casefold() for name in asked}
    left = [name for name in _among(duty.deputies, able) if name.casefold() not in known]
    return left[0] if left else None


def _covers(shift: Shift, zone: ZoneInfo, now: datetime) -> bool:
    return any(start <= now < end for start, end in _turns(shift, zone, now))


def _turns(shift: Shift, zone: ZoneInfo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The shift's periods, in UTC, that could contain the time."""
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        if day.weekday() in shift.days:
            last = day if shift.end > shift.start else day + timedelta(days=1)
            yield _moment(day, shift.start, zone), _moment(last, shift.end, zone)


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """A local clock time; an hour that occurs twice is the first, a skipped one is an hour later."""
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _among(names: Sequence[str], able: Sequence[str]) -> list[str]:
    """Those of `names` who are in `able`, spelt as in `able` (case does not matter)."""
    written = {name.casefold(): name for name in able}
    return [written[name.casefold()] for name in _once(names) if name.casefold() in written]


def _once(names: Sequence[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return tuple(first.values())


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
        "archive": _ADMINS,
        "regions": _APPROVERS | _ADMINS,  # the facts of the country pack
        "numbers_enter": _WRITERS,  # import, add, edit
        "numbers_verify": _WRITERS,  # never what one has entered oneself (R3)
        "numbers_withdraw": _WRITERS,
        "suppress": _WRITERS | _ADMINS,
        "release": _APPROVERS | _ADMINS,
        "erase": _WRITERS | _ADMINS,  # of those who ask for it
        "expire": _ADMINS,  # of everybody
    }
)


class Scope(StrEnum):
    """What a token of the API opens."""

    READ = "read"
    DRAFT = "draft"
    SUBMIT = "submit"
    APPROVE = "approve"


def scopes_of(person: Person) -> frozenset[Scope]:
    """The scopes that the person's roles carry: nobody can give a program more than they have."""
    verbs = {Scope.DRAFT: "draft", Scope.SUBMIT: Verb.SUBMIT, Scope.APPROVE: Verb.APPROVE}
    return frozenset(
        scope for scope in Scope if scope not in verbs or ROLES[verbs[scope]] & person.roles
    )


def require_role(verb: str, person: Person) -> None:
    """Raises `Refused` unless the person counts and has a role that the verb requires."""
    if not person.counts:
        command = _(
            "{name} does not count yet, or no longer does. Ask an admin (`alertbot people list`)."
        )
        desk = _("{name} does not count yet, or no longer does. Ask an admin.")
        raise Refused(way_out(command, desk).format(name=person.name))
    needed = ROLES[verb]
    if not needed & person.roles:
        raise Refused(
            _("{name} may not do this ({verb}): it needs the role {roles}.").format(
                name=person.name, verb=verb.replace("_", "-"), roles=" / ".join(sorted(needed))
            )
        )


def require_reason(verb: str, alert: str, reason: str | None) -> str:
    """The reason as it was typed, without spaces around it: the audit keeps that. Where it is shown in a line
    or a sentence, `one_line` keeps its line ends from making lines of their own. Raises `Misuse` if it is
    empty."""
    text = (reason or "").strip()
    if not text:
        command = _("{verb} {alert} needs a reason: --reason TEXT.")
        desk = _("{alert}: give a reason.")
        raise Misuse(way_out(command, desk).format(verb=verb.replace("_", "-"), alert=alert))
    return text
