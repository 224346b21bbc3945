"""What is approved ahead counts only as long as it was meant, for what was meant, by people who count."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.approval.ahead import Preapproval, Signature, Why, people_needed, proposal, weigh
from alertbot.model import Approvals, Person, Role

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
    assert (why is Why.IN_FORCE) == bool(sound)
    assert (row is None) == (not rows)
    if why is Why.IN_FORCE:
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
