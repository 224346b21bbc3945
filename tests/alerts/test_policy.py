"""Who may approve what: each rule by its sentence, and the promises over every order of events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.alerts.rules_moves import move, next_verb, outcome_of
from alertbot.alerts.rules_policy import (
    AlertFacts,
    Approval,
    approvals_left,
    approved_enough,
    may_approve,
    may_break_glass,
    may_countersign,
    passed,
)
from alertbot.core.errors import AlertbotError, Faulty, Misuse, PastMoment, Refused
from alertbot.core.model import AlertState, Approvals, DeliveryState, Fault, Person, Role
from alertbot.people.rules import ROLES, Verb, require_reason, require_role
from alertbot.texts.publisher import Override, effective
from tests.effort import examples

NOW = datetime(2021, 6, 2, 16, 45, tzinfo=UTC)
DIGEST = "a1b2c3d4e5f6" + "0" * 52
OTHER_DIGEST = "f" * 64
HALF_HOUR = timedelta(minutes=30)


def person(number: int, *roles: Role, counts: bool = True) -> Person:
    return Person(number, f"Person {number}", frozenset(roles or {Role.APPROVER}), counts)


AUTHOR = person(1, Role.AUTHOR, Role.APPROVER)
BERNARD = person(2)
CHLOE = person(3)


def facts(**changes: Any) -> AlertFacts:
    usual: dict[str, Any] = {
        "id": "BKRT-2",
        "state": AlertState.PENDING,
        "digest": DIGEST,
        "author_id": AUTHOR.id,
        "last_editor_id": AUTHOR.id,
        "submitter_id": AUTHOR.id,
        "approvals": Approvals(1, False, HALF_HOUR),
        "pending_until": NOW + HALF_HOUR,
        "promised": (NOW + HALF_HOUR,),
        "faults": (),
        "break_glass_by": None,
        "countersigned_by": None,
    }
    return AlertFacts(**usual | changes)


def approval(who: Person, **changes: Any) -> Approval:
    return replace(Approval(who, DIGEST, NOW - timedelta(minutes=1), NOW + HALF_HOUR), **changes)


def approve(
    who: Person,
    *approvals: Approval,
    digest: str | None = DIGEST,
    shown: str | None = None,
    **changes: Any,
) -> None:
    may_approve(facts(**changes), who, approvals, digest=digest, shown=shown, now=NOW)


def test_another_approver_may_approve() -> None:
    approve(BERNARD)


@pytest.mark.parametrize(
    ("field", "word"),
    [("author_id", "wrote"), ("last_editor_id", "edit"), ("submitter_id", "submitted")],
)
def test_those_whose_hands_were_on_it_may_not(field: str, word: str) -> None:
    with pytest.raises(Refused, match=rf"Person 2.*{word}.*another approver"):
        approve(BERNARD, **{field: BERNARD.id})


def test_the_author_may_where_the_kind_says_so() -> None:
    approve(AUTHOR, approvals=Approvals(1, True, HALF_HOUR))


def test_it_takes_the_role_and_to_count() -> None:
    with pytest.raises(Refused, match="role approver"):
        approve(person(5, Role.AUTHOR, Role.ADMIN))
    with pytest.raises(Refused, match="does not count"):
        approve(person(5, counts=False))


def test_nobody_approves_twice() -> None:
    with pytest.raises(Refused, match="has already approved BKRT-2"):
        approve(BERNARD, approval(BERNARD), approvals=Approvals(2, False, HALF_HOUR))


@pytest.mark.parametrize(
    "stale",
    [{"void": True}, {"expires_at": NOW}, {"digest": OTHER_DIGEST}],
    ids=["void", "lapsed", "other text"],
)
def test_an_approval_that_fell_away_can_be_given_again(stale: dict[str, Any]) -> None:
    old = approval(BERNARD, **stale)
    assert approvals_left(facts(), [old], NOW) == 1
    approve(BERNARD, old)


def test_approvals_of_people_who_no_longer_count_fall_away() -> None:
    gone = approval(person(2, counts=False))
    demoted = approval(person(3, Role.AUTHOR))
    assert approvals_left(facts(), [gone, demoted], NOW) == 1


@pytest.mark.parametrize(
    ("who", "signed", "left"),
    [
        (BERNARD, {"at": NOW}, 0),  # at this very moment
        (BERNARD, {"at": NOW + timedelta(microseconds=1)}, 1),  # a clock that went back
        (BERNARD, {"expires_at": NOW + timedelta(microseconds=1)}, 0),
        (BERNARD, {"expires_at": NOW}, 1),
        (BERNARD, {"void": True}, 1),
        (BERNARD, {"digest": OTHER_DIGEST}, 1),
        (person(2, Role.AUTHOR, Role.ADMIN), {}, 1),
        (person(2, *Role), {}, 0),
        (person(2, counts=False), {}, 1),
        (AUTHOR, {}, 1),  # became the author after having signed
    ],
)
def test_which_signatures_stand(who: Person, signed: dict[str, Any], left: int) -> None:
    assert approvals_left(facts(), [approval(who, **signed)], NOW) == left


def test_the_authors_own_signature_stands_only_where_the_kind_says_so() -> None:
    for author_may, left in ((True, 0), (False, 1)):
        alert = facts(approvals=Approvals(1, author_may, HALF_HOUR))
        assert approvals_left(alert, [approval(AUTHOR)], NOW) == left
        two = replace(alert, approvals=Approvals(2, author_may, HALF_HOUR))
        assert approvals_left(two, [approval(AUTHOR), approval(BERNARD)], NOW) == left


def test_more_signatures_than_asked_for_leave_none_to_give() -> None:
    assert approvals_left(facts(), [approval(BERNARD), approval(CHLOE)], NOW) == 0


def test_what_has_no_end_yet_is_open() -> None:
    approve(BERNARD, pending_until=None)
    approve(BERNARD, pending_until=NOW + timedelta(microseconds=1))


@pytest.mark.parametrize("state", [s for s in AlertState if s is not AlertState.PENDING])
def test_only_what_is_pending_can_be_approved(state: AlertState) -> None:
    with pytest.raises(Refused, match="BKRT-2 is "):
        approve(BERNARD, state=state)


def test_the_time_to_approve_ends() -> None:
    with pytest.raises(Refused, match="expired"):
        approve(BERNARD, pending_until=NOW)


def test_a_promise_that_has_passed_calls_for_retiming() -> None:
    with pytest.raises(PastMoment, match="submit BKRT-2 --retime") as refusal:
        approve(BERNARD, promised=(NOW + HALF_HOUR, NOW - HALF_HOUR, NOW))
    assert refusal.value.moment == NOW - HALF_HOUR
    assert passed((), NOW) is None


def test_faults_stand_in_the_way() -> None:
    fault = Fault("unverified_number", "04 65 71 00 01 is not verified")
    with pytest.raises(Faulty) as refusal:
        approve(BERNARD, faults=(fault,))
    assert refusal.value.faults == (fault,)


def test_a_digest_may_be_a_beginning_of_twelve() -> None:
    approve(BERNARD, digest=DIGEST[:12], shown=DIGEST)
    approve(BERNARD, digest=f" {DIGEST.upper()} ")
    approve(BERNARD, digest=DIGEST[:32])
    for shown in (None, OTHER_DIGEST, DIGEST[:12] + "f" * 52):
        with pytest.raises(Refused, match="has not seen BKRT-2 as it is now"):
            approve(BERNARD, digest=DIGEST[:31], shown=shown)
    with pytest.raises(Misuse, match="12"):
        approve(BERNARD, digest=DIGEST[:11])
    with pytest.raises(Refused, match="text has changed"):
        approve(BERNARD, digest=OTHER_DIGEST)


def test_without_a_digest_what_was_shown_must_hold() -> None:
    may_approve(facts(), BERNARD, [], digest=None, shown=DIGEST, now=NOW)
    with pytest.raises(Refused, match="has not seen BKRT-2"):
        may_approve(facts(), BERNARD, [], digest=None, shown=None, now=NOW)
    with pytest.raises(Refused, match="has changed since"):
        may_approve(facts(), BERNARD, [], digest=None, shown=OTHER_DIGEST, now=NOW)


def test_two_approvers_means_two_people() -> None:
    alert = facts(approvals=Approvals(2, False, HALF_HOUR))
    first = approval(BERNARD)
    assert approvals_left(alert, [first], NOW) == 1
    assert not approved_enough(alert, [first, first], NOW)
    assert approved_enough(alert, [first, approval(CHLOE)], NOW)


class TestBreakGlass:
    def break_glass(self, who: Person = AUTHOR, **changes: Any) -> str:
        given: dict[str, Any] = {"digest": DIGEST, "shown": None, "reason": "nobody answers"}
        given |= {key: changes.pop(key) for key in ("digest", "shown", "reason") if key in changes}
        return may_break_glass(facts(**changes), who, now=NOW, **given)

    def test_one_approver_alone_even_the_author(self) -> None:
        assert self.break_glass(reason="  nobody answers ") == "nobody answers"

    def test_needs_the_role_a_reason_and_the_digest(self) -> None:
        with pytest.raises(Refused, match="role approver"):
            self.break_glass(person(5, Role.AUTHOR))
        with pytest.raises(Misuse, match="--reason"):
            self.break_glass(reason=" ")
        with pytest.raises(Misuse, match="--digest"):
            self.break_glass(digest=None)
        with pytest.raises(Refused, match="text has changed"):
            self.break_glass(digest=OTHER_DIGEST)

    def test_never_skips_a_fault_or_the_time(self) -> None:
        with pytest.raises(Faulty):
            self.break_glass(faults=(Fault("unverified_number", "…"),))
        with pytest.raises(PastMoment):
            self.break_glass(promised=(NOW,))
        with pytest.raises(Refused, match="draft"):
            self.break_glass(state=AlertState.DRAFT)

    def test_stays_open_until_another_countersigns(self) -> None:
        alert = facts(state=AlertState.PUBLISHED, break_glass_by=BERNARD.id)
        assert alert.open_glass
        with pytest.raises(Refused, match="another approver must countersign"):
            may_countersign(alert, BERNARD)
        with pytest.raises(Refused, match="role approver"):
            may_countersign(alert, person(5, Role.ADMIN))
        may_countersign(alert, CHLOE)
        signed = replace(alert, countersigned_by=CHLOE.id)
        assert not signed.open_glass
        with pytest.raises(Refused, match="already"):
            may_countersign(signed, CHLOE)
        with pytest.raises(Refused, match="nobody published it alone"):
            may_countersign(facts(), CHLOE)


class TestOverrides:
    kind = Approvals(2, True, HALF_HOUR)

    def test_none_leaves_the_kind_alone(self) -> None:
        assert effective(self.kind, None) == self.kind
        assert effective(self.kind, Override()) == self.kind

    def test_numbers_and_times_change_but_not_who(self) -> None:
        changed = effective(self.kind, Override(1, timedelta(hours=1)))
        assert changed == Approvals(1, True, timedelta(hours=1))

    @pytest.mark.parametrize("override", [Override(0), Override(-1), Override(None, timedelta())])
    def test_never_unapproved_never_timeless(self, override: Override) -> None:
        with pytest.raises(Misuse):
            effective(self.kind, override)


def test_every_verb_of_people_asks_for_a_role() -> None:
    for verb in ROLES:
        with pytest.raises(Refused):
            require_role(verb, person(9, counts=False))
        for role in ROLES[verb]:
            require_role(verb, person(9, role))


def test_a_reason_is_a_reason() -> None:
    assert require_reason(Verb.REJECT, "BKRT-2", " wrong number ") == "wrong number"
    with pytest.raises(Misuse, match="reject BKRT-2 needs a reason"):
        require_reason(Verb.REJECT, "BKRT-2", None)


D = DeliveryState


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        ({D.SENT: 3}, AlertState.PUBLISHED),
        ({D.SENT: 3, D.SKIPPED: 2}, AlertState.PUBLISHED),
        ({D.SENT: 3, D.PENDING: 1}, AlertState.PUBLISHING),
        ({D.UNCERTAIN: 1}, AlertState.PARTLY_PUBLISHED),
        ({D.SENT: 1, D.FAILED: 1}, AlertState.PARTLY_PUBLISHED),
        ({D.SENT: 1, D.CANCELLED: 1}, AlertState.PARTLY_PUBLISHED),
        ({D.FAILED: 2, D.EXPIRED: 1}, AlertState.FAILED),
        ({D.SKIPPED: 2}, AlertState.FAILED),
        ({}, AlertState.FAILED),
    ],
)
def test_the_outcome_of_deliveries(counts: dict[DeliveryState, int], outcome: AlertState) -> None:
    assert outcome_of(counts) is outcome


@pytest.mark.parametrize(
    ("state", "counts", "verb"),
    [
        (AlertState.APPROVED, {D.PENDING: 2}, None),
        (AlertState.APPROVED, {D.CLAIMED: 2}, None),
        (AlertState.APPROVED, {D.SENDING: 1, D.PENDING: 1}, Verb.START),
        (AlertState.APPROVED, {D.EXPIRED: 2}, Verb.EXPIRE),
        (AlertState.APPROVED, {D.CANCELLED: 2}, Verb.FAIL),
        (AlertState.APPROVED, {D.SENT: 2}, Verb.COMPLETE),
        (AlertState.PUBLISHING, {D.SENT: 1, D.PENDING: 1}, None),
        (AlertState.PUBLISHING, {D.SENT: 1, D.UNCERTAIN: 1}, Verb.COMPLETE_PARTLY),
        (AlertState.PUBLISHING, {D.EXPIRED: 1}, Verb.FAIL),
        (AlertState.PARTLY_PUBLISHED, {D.SENT: 2}, Verb.COMPLETE),
        (AlertState.PARTLY_PUBLISHED, {D.SENT: 1, D.PENDING: 1}, Verb.START),
        (AlertState.PARTLY_PUBLISHED, {D.SENT: 1, D.FAILED: 1}, None),
        (AlertState.PUBLISHED, {D.SENT: 1}, None),
    ],
)
def test_the_move_that_deliveries_call_for(
    state: AlertState, counts: dict[DeliveryState, int], verb: Verb | None
) -> None:
    assert next_verb(state, counts) is verb


@given(
    state=st.sampled_from(
        [
            AlertState.APPROVED,
            AlertState.PUBLISHING,
            AlertState.PARTLY_PUBLISHED,
            AlertState.FAILED,
        ]
    ),
    counts=st.dictionaries(st.sampled_from(DeliveryState), st.integers(0, 3)),
)
def test_deliveries_always_call_for_a_move_that_exists(
    state: AlertState, counts: dict[DeliveryState, int]
) -> None:
    verb = next_verb(state, counts)
    if verb is not None:
        move(state, verb, alert="BKRT-2")
    elif state is AlertState.PUBLISHING:
        assert outcome_of(counts) is AlertState.PUBLISHING


class Office:
    """A small alert desk that obeys the rules: what the service does, without a database."""

    def __init__(self, approvals: Approvals) -> None:
        self.now = NOW
        self.signed: list[Approval] = []
        self.glass_was_broken = False
        self.hands_at_approval: frozenset[int] = frozenset()
        self.version = 0
        self.alert = facts(
            state=AlertState.DRAFT,
            last_editor_id=None,
            submitter_id=None,
            approvals=approvals,
            pending_until=None,
            promised=(),
        )

    def do(self, verb: str, who: Person) -> None:
        getattr(self, verb)(who)

    def edit(self, who: Person) -> None:
        require_role(Verb.EDIT, who)
        self.version += 1
        self._move(Verb.EDIT, last_editor_id=who.id, submitter_id=None, digest=f"{self.version:064x}")
        self.signed = [replace(one, void=True) for one in self.signed]
        assert approvals_left(self.alert, self.signed, self.now) == self.alert.approvals.approvers

    def submit(self, who: Person) -> None:
        require_role(Verb.SUBMIT, who)
        self._move(Verb.SUBMIT, submitter_id=who.id, pending_until=self.now + HALF_HOUR)

    def approve(self, who: Person) -> None:
        digest = self.alert.digest
        may_approve(self.alert, who, self.signed, digest=digest, shown=None, now=self.now)
        if not self.alert.approvals.author_may_approve:
            assert who.id not in self.alert.hands
        self.signed.append(Approval(who, digest, self.now, self.now + HALF_HOUR))
        if approved_enough(self.alert, self.signed, self.now):
            self._move(Verb.APPROVE)

    def break_glass(self, who: Person) -> None:
        digest = self.alert.digest
        may_break_glass(self.alert, who, digest=digest, shown=None, reason="…", now=self.now)
        self._move(Verb.BREAK_GLASS)
        self.glass_was_broken = True

    def give_back(self, who: Person) -> None:
        require_role(Verb.RETURN, who)
        self._move(Verb.RETURN)

    def wait(self, who: Person) -> None:
        self.now += timedelta(minutes=20)

    def _move(self, verb: Verb, **changes: Any) -> None:
        state = move(self.alert.state, verb, alert=self.alert.id)
        self.alert = replace(self.alert, state=state, **changes)


TEAM = [AUTHOR, BERNARD, CHLOE, person(4, Role.AUTHOR), person(5, Role.ADMIN)]
VERBS = ["edit", "submit", "approve", "approve", "give_back", "wait", "submit"]


def run(office: Office, steps: list[tuple[str, Person]]) -> None:
    for verb, who in steps:
        if office.alert.state is AlertState.APPROVED:
            return
        try:
            office.do(verb, who)
        except AlertbotError:
            continue


def steps(team: list[Person]) -> st.SearchStrategy[list[tuple[str, Person]]]:
    return st.lists(st.tuples(st.sampled_from(VERBS), st.sampled_from(team)), max_size=25)


@given(steps=steps(TEAM), approvers=st.integers(1, 3))
@settings(max_examples=examples(300))
def test_whatever_the_order_enough_others_have_signed_this_very_text(
    steps: list[tuple[str, Person]], approvers: int
) -> None:
    office = Office(Approvals(approvers, False, HALF_HOUR))
    run(office, [("submit", AUTHOR), *steps])
    if office.alert.state is not AlertState.APPROVED:
        return
    valid = [s for s in office.signed if not s.void and s.digest == office.alert.digest]
    signers = {one.person.id for one in valid if one.expires_at > office.now}
    assert len(signers) >= approvers
    assert not signers & office.alert.hands


@given(steps=steps([AUTHOR]), author_may=st.booleans())
def test_one_person_alone_never_publishes_what_takes_two(
    steps: list[tuple[str, Person]], author_may: bool
) -> None:
    office = Office(Approvals(2, author_may, HALF_HOUR))
    run(office, steps)
    assert office.alert.state is not AlertState.APPROVED


@given(steps=steps([AUTHOR]))
def test_one_person_alone_never_publishes_without_the_kinds_leave(
    steps: list[tuple[str, Person]],
) -> None:
    office = Office(Approvals(1, False, HALF_HOUR))
    run(office, steps)
    assert office.alert.state is not AlertState.APPROVED


def test_one_person_alone_breaks_the_glass() -> None:
    office = Office(Approvals(2, False, HALF_HOUR))
    office.submit(AUTHOR)
    office.break_glass(AUTHOR)
    assert office.alert.state is AlertState.APPROVED
