"""What an alert takes over from the one that it follows, and where the trouble stands by then. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from alertbot.core.model import RawValues, Relation
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Kind

GIVEN_ANEW = frozenset({"next_update"})  # a promise is made anew or not at all
LEFT = {  # what would say again what is no longer true
    Relation.CANCEL: frozenset(
        {
            "what_fails",
            "what_works",
            "what_to_do",
            "since",
            "noticed_at",
            "numbers",
            "figures",
            "prepare",
        }
    ),
    Relation.END: frozenset({"what_works", "what_to_do", "numbers", "which_stop", "which_stay"}),
    Relation.CORRECTION: frozenset({"what_was_wrong", "what_is_right", "wrong_numbers"}),
    Relation.WITHDRAWAL: frozenset(
        {
            *("numbers", "wrong_numbers", "which_stop", "which_stay"),
            *("what_fails", "what_works", "since", "noticed_at"),
        }
    ),
}
TROUBLE = frozenset({"what_fails", "since", "noticed_at"})  # what is the same until it is over
FACTS = frozenset({"what_fails", "what_works", "what_to_do"})  # how things stand
NAMED_AFTER = frozenset(
    {"no_longer_valid", "territories", "services"}
)  # of the register, not of people


def facts(told: Mapping[str, Any]) -> RawValues:
    """What these values say of how things stand."""
    return {name: value for name, value in told.items() if name in FACTS}


def inherited(
    given: Mapping[str, Any], kind: Kind, relation: Relation, *, now: datetime, wait: timedelta
) -> RawValues:
    """The values of an earlier alert that still apply in a new one of this kind. Pure.

    Future times that will have passed by the time it is approved (`wait`) are left out: a past time is
    not promised again.
    """
    left = GIVEN_ANEW | NAMED_AFTER | LEFT.get(relation, frozenset())
    return {
        spec.name: given[spec.name]
        for spec in kind.fields
        if spec.name in given and spec.name not in left and _holds(spec, given[spec.name], now + wait)
    }


def _holds(spec: FieldSpec, value: Any, until: datetime) -> bool:
    if spec.type is not FieldType.DATETIME or spec.past:
        return True
    try:
        return datetime.fromisoformat(str(value)) > until
    except (ValueError, TypeError):  # no time, or one without an offset
        return False


STAGE = "stage"
STABILISED, BACK_AGAIN, PARTLY = (
    "stabilised",
    "back_again",
    "restored_partly",
)  # choices of the field `stage`
_TROUBLE = frozenset({"investigating", "identified", "degraded", "down"})  # states of an incident


def stage_of(state: str | None, before: str | None) -> str | None:
    """Where the trouble stands: `state` is the incident's, `before` what the public was told last. None: as the kind
    says by itself."""
    if state == STABILISED:
        return STABILISED
    if state not in _TROUBLE or before is None:
        return before
    worse = before == STABILISED or (before == PARTLY and state == "down")
    return BACK_AGAIN if worse else before
