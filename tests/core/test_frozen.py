"""Frozen classes of ours beside the standard library's: whatever is asked of one, the other answers the same."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from functools import partial
from typing import Any, get_type_hints

import pytest

from alertbot.core import frozen

Made = dict[str, Any]
WAYS = [{}, {"slots": True}, {"kw_only": True}, {"slots": True, "kw_only": True}, {"eq": False}]


def family(decorator: Callable[..., Any], **how: bool) -> Made:
    """The same classes, made by one of the two decorators."""

    @decorator(frozen=True, **how)
    class Point:
        """A place."""

        x: int
        y: int = 2
        told: list[str] = field(default_factory=list)
        secret: str = field(default="s", repr=False, compare=False)

        @property
        def sum(self) -> int:
            return self.x + self.y

    @decorator(frozen=True, **how)
    class Named(Point):
        """With a name; a default of the base is another one here."""

        y: int = 3
        name: str = "n"

    @decorator(frozen=True, **how)
    class Alone:
        """One value."""

        value: object

    @decorator(frozen=True, **how)
    class Empty:
        """No value."""

    @decorator(frozen=True, **how)
    class Checked:
        """Refuses on its own, and says itself what is equal."""

        x: int

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError(self.x)

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Checked)

        def __repr__(self) -> str:
            return "its own"

    return {one.__name__: one for one in (Point, Named, Alone, Empty, Checked)}


def answers(made: Made, how: dict[str, bool]) -> list[object]:
    """What can be seen of these classes and of their values."""
    Point, Named, Alone = made["Point"], made["Named"], made["Alone"]
    a, b, other = Point(x=1), Point(x=1, secret="t"), Point(x=1, y=5, told=["u"])
    named = Named(x=1, name="m")
    nested = Alone(value=Alone(value=a))
    compared = [a, b, other, named, replace(a), replace(named, y=2), copy.copy(a), copy.deepcopy(other)]
    return [
        [[one == two for one in compared] for two in compared],
        [a == 1, a != b, a.__eq__(named), made["Checked"](x=1) == made["Checked"](x=2)],
        [repr(one) for one in (a, other, named, nested, made["Empty"](), made["Checked"](x=1))],
        [asdict(one) for one in (a, other, named, nested)],
        [a.told is b.told, copy.deepcopy(other).told is other.told, a.secret, replace(b).secret, a.sum],
        [[(f.name, f.default, f.kw_only, f.repr) for f in fields(one)] for one in made.values()],
        [one.__match_args__ for one in made.values()],
        [str(inspect.signature(one)) for one in (Alone, made["Empty"])],
        list(inspect.signature(Named).parameters),
        get_type_hints(Named.__init__),
        [refused(partial(one, 1, 2, 3, 4, 5, 6, 7)) for one in made.values()],
        [refused(Point), refused(lambda: Point(z=1)), refused(lambda: made["Checked"](x=-1))],
        [refused(lambda: setattr(a, "x", 1)), refused(lambda: delattr(a, "x"))],
        [hasattr(a, "__dict__"), made["Point"].__qualname__, made["Point"].__doc__],
        [hash(a) == hash(b), hash(Alone(value=3)) == hash(Alone(value=3))]
        if how.get("eq", True) is False
        else [refused(lambda: hash(a)), hash(Alone(value=3)) == hash(Alone(value=3))],
    ]


def refused(attempt: Callable[[], object]) -> type[BaseException] | None:
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever it is: the other decorator has to say the same
        return type(error)
    return None


@pytest.mark.parametrize("how", WAYS, ids=str)
def test_ours_answer_as_the_standard_librarys(how: dict[str, bool]) -> None:
    ours, theirs = family(frozen.dataclass, **how), family(dataclasses.dataclass, **how)

    for ours_says, they_say in zip(answers(ours, how), answers(theirs, how), strict=True):
        assert ours_says == they_say


@frozen.dataclass(frozen=True, slots=True)
class Kept:
    """Stands in a module, so that it can be pickled."""

    x: int
    told: tuple[str, ...] = ()


@frozen.dataclass(frozen=True)
class KeptInDict:
    x: int
    inner: Kept = Kept(1)


@pytest.mark.parametrize("one", [Kept(1, ("a",)), KeptInDict(2, Kept(3))], ids=str)
def test_pickled_and_copied_it_is_equal(one: object) -> None:
    assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == copy.deepcopy(one) == one


def test_a_value_that_holds_itself_can_be_shown() -> None:
    held: list[object] = []
    held.append(Kept(1, held))  # type: ignore[arg-type]

    assert "..." in repr(held[0])


def test_nothing_can_be_changed_and_the_sentence_names_the_field() -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        Kept(1).x = 2  # type: ignore[misc]


def test_what_can_change_is_the_standard_librarys() -> None:
    @frozen.dataclass
    class Counter:
        count: int = 0

    @frozen.dataclass(slots=True)
    class Slotted:
        count: int = 0

    counter, slotted = Counter(), Slotted()
    counter.count, slotted.count = 1, 2

    assert (counter, slotted) == (Counter(1), Slotted(2))
    assert not hasattr(slotted, "__dict__")
