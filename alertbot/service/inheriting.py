"""What an alert takes over from the one it follows, where nothing else is said. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from alertbot.compose.catalogue import FieldSpec, FieldType, Kind
from alertbot.model import Relation

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
    Relation.WITHDRAWAL: frozenset({"numbers", "wrong_numbers", "which_stop", "which_stay"}),
}
NAMED_AFTER = frozenset(
    {"no_longer_valid", "territories", "services"}
)  # of the register, not of people


def inherited(
    given: Mapping[str, Any], kind: Kind, relation: Relation, *, now: datetime, wait: timedelta
) -> dict[str, Any]:
    """The values of an earlier alert that hold for a new one of this kind.

    Times ahead that will have passed once it is approved (`wait`) are left out: what has passed is not
    promised again.
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
