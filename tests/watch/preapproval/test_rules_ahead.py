"""What is approved ahead counts only as long as it was meant, for what was meant, by people who count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Approvals, Person, Role
from alertbot.watch.preapproval.rules_ahead import (
    AT_MOST,
    Preapproval,
    PreapprovalReason,
    Signature,
    people_needed,
    proposal,
    require_digest,
    require_length,
    require_other,
    require_seen,
    weigh,
)

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
MOMENTS = st.integers(-100, 100).map(lambda hours: NOW + timedelta(hours=hours))
PEOPLE = st.builds(
    Person,
    id=st.integers(1, 4),
    name=st.just("x"),
    roles=st.sampled_from([frozenset({Role.APPROVER}), frozenset({Role.AUTHOR}), frozenset(Role)]),
    counts=st.booleans(),
)
ROWS = st.builds(
    Preapproval,
    id=st.integers(1, 1000),
    rule=st.just("r"),
    digest=st.sampled_from(["a", "b"]),
    proposed_at=MOMENTS,
    lasts=st.just(timedelta(days=1)),
    expires_at=MOMENTS,
    signatures=st.lists(st.builds(Signature, PEOPLE, MOMENTS), max_size=4).map(tuple),
    approved_at=st.none() | MOMENTS,
    revoked_at=st.none() | MOMENTS,
    revoked_by=st.just("x"),
)


def approvers(row: Preapproval) -> int:
    """Different people who signed, count, and may approve."""
    return len(
        {
            one.person.id
            for one in row.signatures
            if one.person.counts and Role.APPROVER in one.person.roles
        }
    )


@settings(deadline=None)
@given(st.lists(ROWS, max_size=5), st.integers(2, 4))
def test_nothing_is_in_force_without_every_condition(rows: list[Preapproval], needed: int) -> None:
    why, row = weigh(rows, "a", NOW, needed)
    sound = [
        one
        for one in rows
        if one.approved_at
        and not one.revoked_at
        and one.expires_at > NOW
        and one.digest == "a"
        and approvers(one) >= needed
    ]
    assert (why is PreapprovalReason.IN_FORCE) == bool(sound)
    assert (row is None) == (not rows)
    if why is PreapprovalReason.IN_FORCE:
        assert row in sound


@settings(deadline=None)
@given(st.lists(ROWS, max_size=5))
def test_what_may_be_signed_is_open_and_says_this(rows: list[Preapproval]) -> None:
    found = proposal(rows, "a", NOW)
    if found is not None:
        assert (found.approved_at, found.revoked_at, found.digest) == (None, None, "a")
        assert found.expires_at > NOW
        assert approvers(found)


def test_whoever_proposes_is_one_more_than_the_approvers() -> None:
    for count in (1, 2, 5):
        assert people_needed(Approvals(count, True, timedelta(hours=1))) == count + 1


DAY = timedelta(days=1)
DIGEST, OTHER = "ab" * 32, "cd" * 32
ANA = Person(1, "Ana", frozenset({Role.APPROVER}), True)
BO = Person(2, "Bo", frozenset({Role.APPROVER}), True)
GONE = replace(BO, counts=False)
DEMOTED = replace(BO, roles=frozenset({Role.AUTHOR}))


def row(number: int = 1, *people: Person, **changes: object) -> Preapproval:
    """Approved a day ago by Ana and Bo, for another day."""
    given = Preapproval(
        number,
        "first",
        DIGEST,
        NOW - DAY,
        2 * DAY,
        NOW + DAY,
        tuple(Signature(one, NOW - DAY) for one in people or (ANA, BO)),
        approved_at=NOW - DAY,
    )
    return replace(given, **changes)  # type: ignore[arg-type]


def proposed(number: int = 1, *people: Person, **changes: object) -> Preapproval:
    return row(number, *(people or (ANA,)), **{"approved_at": None, **changes})


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("rows", "why", "number"),
    [
        ([], PreapprovalReason.NEVER, None),
        ([row()], PreapprovalReason.IN_FORCE, 1),
        ([row(expires_at=NOW + SECOND)], PreapprovalReason.IN_FORCE, 1),
        ([row(expires_at=NOW)], PreapprovalReason.EXPIRED, 1),
        ([row(revoked_at=NOW - SECOND)], PreapprovalReason.REVOKED, 1),
        (
            [row(revoked_at=NOW - SECOND, expires_at=NOW - SECOND, digest=OTHER)],
            PreapprovalReason.REVOKED,
            1,
        ),
        ([row(digest=OTHER)], PreapprovalReason.CHANGED, 1),
        ([row(digest=OTHER, expires_at=NOW)], PreapprovalReason.EXPIRED, 1),
        ([row(1, ANA, GONE)], PreapprovalReason.HANDS, 1),
        ([row(1, ANA, DEMOTED)], PreapprovalReason.HANDS, 1),
        ([row(1, ANA, ANA)], PreapprovalReason.HANDS, 1),  # one person twice is one person
        ([row(1, ANA, DEMOTED, digest=OTHER)], PreapprovalReason.CHANGED, 1),
        ([proposed()], PreapprovalReason.PROPOSED, 1),
        ([proposed(expires_at=NOW)], PreapprovalReason.LAPSED, 1),
        ([proposed(digest=OTHER)], PreapprovalReason.LAPSED, 1),
        ([proposed(revoked_at=NOW)], PreapprovalReason.REVOKED, 1),
        ([proposed(1, GONE)], PreapprovalReason.LAPSED, 1),
        (
            [proposed(2), row(1)],
            PreapprovalReason.IN_FORCE,
            1,
        ),  # a proposal to prolong takes nothing away
        ([proposed(2), row(1, expires_at=NOW)], PreapprovalReason.PROPOSED, 2),
        ([proposed(2, expires_at=NOW), row(1, expires_at=NOW)], PreapprovalReason.EXPIRED, 1),
        (
            [row(2, digest=OTHER), row(1)],
            PreapprovalReason.IN_FORCE,
            1,
        ),  # the text is back to what was signed
        (
            [row(1, approved_at=NOW - 2 * DAY), row(2)],
            PreapprovalReason.IN_FORCE,
            2,
        ),  # the latest approval
        ([row(2, approved_at=NOW), row(1)], PreapprovalReason.IN_FORCE, 2),
        (
            [row(1, approved_at=NOW - 2 * DAY, digest=OTHER), row(2, expires_at=NOW)],
            PreapprovalReason.EXPIRED,
            2,
        ),
    ],
)
def test_where_a_rule_stands(
    rows: list[Preapproval], why: PreapprovalReason, number: int | None
) -> None:
    found, which = weigh(rows, DIGEST, NOW, 2)
    assert (found, which.id if which else None) == (why, number)


@pytest.mark.parametrize("needed", [1, 2, 3])
def test_it_takes_as_many_people_as_are_needed(needed: int) -> None:
    why, _row = weigh([row()], DIGEST, NOW, needed)
    assert why is (PreapprovalReason.IN_FORCE if needed <= 2 else PreapprovalReason.HANDS)


def test_the_first_proposal_that_says_this_is_the_one_to_sign() -> None:
    rows = [proposed(4, digest=OTHER), proposed(3, GONE), proposed(2), proposed(1)]
    found = proposal(rows, DIGEST, NOW)
    assert found is not None
    assert found.id == 2
    assert found.names == ("Ana",)
    assert proposal(rows[:2], DIGEST, NOW) is None


@pytest.mark.parametrize("lasts", [SECOND, DAY, AT_MOST])
def test_a_length_of_up_to_ninety_days_is_taken(lasts: timedelta) -> None:
    assert require_length(lasts) == lasts


@pytest.mark.parametrize("lasts", [timedelta(), -SECOND, timedelta(days=90, seconds=1)])
def test_no_time_and_too_long_a_time_are_refused(lasts: timedelta) -> None:
    with pytest.raises(Misuse, match="90 days"):
        require_length(lasts)


def test_nobody_signs_a_rule_twice() -> None:
    require_other(proposed(), BO)
    with pytest.raises(Refused, match="Ana has already signed the rule first"):
        require_other(proposed(), replace(ANA, counts=False))
    with pytest.raises(Refused, match="Bo has already signed"):
        require_other(proposed(1, ANA, BO), BO)


@pytest.mark.parametrize("given_", [DIGEST, DIGEST[:12], f"  {DIGEST.upper()}\n"])
def test_a_rule_is_signed_by_twelve_characters_of_its_digest(given_: str) -> None:
    require_digest("first", DIGEST, given_)
    require_seen("first", DIGEST, BO, given=given_, shown=DIGEST)
    require_seen("first", DIGEST, BO, given=DIGEST[:32], shown=None)
    for shown in (None, OTHER):
        with pytest.raises(Refused, match="Bo has not seen the rule first as it is now"):
            require_seen("first", DIGEST, BO, given=DIGEST[:31], shown=shown)


def test_a_rule_is_not_signed_unseen() -> None:
    require_seen("first", DIGEST, BO, given=None, shown=DIGEST)
    with pytest.raises(Misuse, match="12"):
        require_digest("first", DIGEST, f" {DIGEST[:11]} ")
    with pytest.raises(Refused, match="is not cdcdcdcdcdcd"):
        require_seen("first", DIGEST, BO, given=OTHER, shown=DIGEST)  # what is typed counts
    with pytest.raises(Refused, match="Bo has not seen the rule first"):
        require_seen("first", DIGEST, BO, given=None, shown=None)
    with pytest.raises(Refused, match="has changed since Bo"):
        require_seen("first", DIGEST, BO, given=None, shown=OTHER)
