"""Who may do what: every verb times every role, and a reason that is a reason."""

import pytest

from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import MACHINE, Person, Role
from alertbot.people.rules import ROLES, Verb, require_reason, require_role

WRITERS, APPROVERS, ADMINS = {Role.AUTHOR, Role.APPROVER}, {Role.APPROVER}, {Role.ADMIN}
TABLE = {
    "draft": WRITERS,
    "edit": WRITERS,
    "submit": WRITERS,
    "discard": WRITERS,
    "test_send": WRITERS,
    "record": WRITERS,
    "approve": APPROVERS,
    "break_glass": APPROVERS,
    "countersign": APPROVERS,
    "return": APPROVERS,
    "reject": APPROVERS,
    "settle": APPROVERS,
    "resume": APPROVERS,
    "task": WRITERS,
    "preapprove": APPROVERS,
    "revoke_rule": WRITERS,
    "people": ADMINS,
    "regions": APPROVERS | ADMINS,
    "numbers_enter": WRITERS,
    "numbers_verify": WRITERS,
    "numbers_withdraw": WRITERS,
    "archive": ADMINS,
    "suppress": WRITERS | ADMINS,
    "release": APPROVERS | ADMINS,
    "erase": WRITERS | ADMINS,
    "expire": ADMINS,
}
PEOPLES = [
    verb for verb in Verb if verb not in {"expire", "start", "complete", "complete_partly", "fail"}
]


def person(*roles: Role, counts: bool = True) -> Person:
    return Person(7, "Ada", frozenset(roles), counts=counts)


def test_the_table_is_whole() -> None:
    assert set(ROLES) == set(TABLE)
    assert set(PEOPLES) <= set(TABLE)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("verb", sorted(TABLE))
def test_a_role_may_do_this_and_nothing_else(verb: str, role: Role) -> None:
    if role in TABLE[verb]:
        require_role(verb, person(role))
        return
    with pytest.raises(Refused) as refusal:
        require_role(verb, person(role))
    words = " / ".join(sorted(TABLE[verb]))
    assert f"Ada may not do this ({verb.replace('_', '-')})" in str(refusal.value)
    assert f"the role {words}." in str(refusal.value)


@pytest.mark.parametrize("verb", sorted(TABLE))
def test_one_role_that_may_is_enough_and_none_is_not(verb: str) -> None:
    require_role(verb, person(*Role))
    with pytest.raises(Refused, match="may not do this"):
        require_role(verb, person())


@pytest.mark.parametrize("verb", sorted(TABLE))
def test_who_does_not_count_may_do_nothing_whatever_their_roles(verb: str) -> None:
    with pytest.raises(Refused, match="Ada does not count"):
        require_role(verb, person(*Role, counts=False))
    with pytest.raises(Refused, match="alertbot does not count"):
        require_role(verb, MACHINE)


@pytest.mark.parametrize("given", [None, "", "   ", "\n\t "])
def test_no_reason_is_refused_with_what_to_write(given: str | None) -> None:
    with pytest.raises(Misuse, match=r"break-glass BKRT-2 .*--reason TEXT"):
        require_reason("break_glass", "BKRT-2", given)


def test_a_reason_is_kept_as_it_was_meant() -> None:
    assert require_reason("return", "BKRT-2", "  the number\nis wrong ") == "the number\nis wrong"
