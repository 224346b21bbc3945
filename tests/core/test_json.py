"""The JSON that is made of views."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

import pytest

from alertbot.core.json import IF_SET, NOT_JSON, as_json


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    at: datetime | None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outer(Inner):
    colour: Colour = Colour.RED
    inner: tuple[Inner, ...] = ()
    counts: dict[Colour, int] = field(default_factory=dict)
    page: object = field(default=None, metadata=NOT_JSON)
    start: int | None = field(default=None, metadata=IF_SET)


MOMENT = datetime(2021, 6, 2, 16, 45, 12, 345678, UTC)


def test_a_view_becomes_its_fields_in_their_order() -> None:
    told = as_json(Outer(MOMENT, ("a", "b"), inner=(Inner(None),), counts={Colour.RED: 2}))
    assert told == {
        "at": "2021-06-02T16:45:12+00:00",
        "names": ["a", "b"],
        "colour": "red",
        "inner": [{"at": None, "names": []}],
        "counts": {"red": 2},
    }
    assert isinstance(told, dict)
    assert list(told) == ["at", "names", "colour", "inner", "counts"]


def test_what_is_not_for_json_is_left_out_and_what_is_not_set_has_no_key() -> None:
    told = as_json([Outer(None, page=object(), start=0), Outer(None, page=object())])
    assert isinstance(told, list)
    first, second = told
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert "page" not in first
    assert "page" not in second
    assert first["start"] == 0
    assert "start" not in second


def test_an_enum_is_its_plain_word_and_a_day_is_a_day() -> None:
    told = as_json({"state": Colour.RED, "on": date(2021, 6, 2), "sound": True})
    assert told == {"state": "red", "on": "2021-06-02", "sound": True}
    assert isinstance(told, dict)
    assert type(told["state"]) is str


@pytest.mark.parametrize("stray", [object(), {1, 2}, b"bytes", Inner])
def test_a_value_without_a_form_is_an_error(stray: object) -> None:
    with pytest.raises(TypeError, match="no form in JSON"):
        as_json({"inside": [stray]})
