"""Frozen dataclasses at a quarter of the price.

A command makes 130 to 300 of them before it does anything, and the standard library writes and compiles six methods
for each. Here only `__init__` is written for the class; the others do the same and are shared. `fields`, `replace`,
`asdict`, `copy`, `pickle` and `match` take these classes as any other dataclass; for a checker of types the decorator
is the standard library's.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeAlias

__all__ = ["dataclass"]
_ANEW = object()  # the default of a field that has a factory


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = self._compared
    return compared(self) == compared(other)


def _hash(self: Any) -> int:
    return hash(self._compared(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{self.__class__.__qualname__}({shown})"


def _state(self: Any) -> list[object]:
    return [getattr(self, one.name) for one in fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for one, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


_Methods: TypeAlias = dict[str, Callable[..., Any]]
_REFUSING: _Methods = {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
_COMPARED: _Methods = {"__eq__": _equal, "__hash__": _hash}
_SLOTTED: _Methods = {
    "__getstate__": _state,
    "__setstate__": _set_state,
}  # else `copy` and `pickle` set attributes


def _methods(*, eq: bool, slots: bool) -> _Methods:
    return {"__repr__": _repr, **_REFUSING, **(_COMPARED if eq else {}), **(_SLOTTED if slots else {})}


def _comparing(names: list[str]) -> Callable[[object], object]:
    """Takes what is compared from an instance, as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return staticmethod(lambda one: tuple(getattr(one, name) for name in names))


def _initialiser(cls: type[Any]) -> Callable[..., None]:
    """`__init__`. The defaults are added to it when it is compiled; `=None` only says that there is one."""
    scope: dict[str, Any] = {"put": object.__setattr__, "ANEW": _ANEW}
    ordered = [one for one in fields(cls) if not one.kw_only]
    named = [one for one in fields(cls) if one.kw_only]
    taken = ["self", *map(_parameter, ordered), *(["*"] if named else []), *map(_parameter, named)]
    lines = [_assignment(one, scope) for one in (*ordered, *named)]
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(taken)}):\n " + "\n ".join(lines or ["pass"]), scope)  # noqa: S102
    made = scope["__init__"]
    made.__defaults__ = tuple(_defaults(ordered).values())
    made.__kwdefaults__ = _defaults(named)
    made.__annotations__ = {one.name: one.type for one in fields(cls)} | {"return": None}
    made.__module__, made.__qualname__ = cls.__module__, f"{cls.__qualname__}.__init__"
    return made  # type: ignore[no-any-return]


def _has_default(one: Field[Any]) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _defaults(some: list[Field[Any]]) -> dict[str, Any]:
    return {
        one.name: _ANEW if one.default is MISSING else one.default for one in some if _has_default(one)
    }


def _parameter(one: Field[Any]) -> str:
    return f"{one.name}=None" if _has_default(one) else one.name


def _assignment(one: Field[Any], scope: dict[str, Any]) -> str:
    if one.default_factory is MISSING:
        return f"put(self, {one.name!r}, {one.name})"
    scope[f"new_{one.name}"] = one.default_factory
    return f"put(self, {one.name!r}, new_{one.name}() if {one.name} is ANEW else {one.name})"


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, slots=False, kw_only=False, eq=True):
        """As `dataclasses.dataclass`, which makes those that can change. The bases of a frozen one are made here
        too, or are no dataclasses; each of its fields is a parameter of `__init__`."""
        if not frozen:
            return dataclasses.dataclass(cls, slots=slots, kw_only=kw_only, eq=eq)

        def finished(cls):
            made = dataclasses.dataclass(
                cls, init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
            )
            made.__init__ = _initialiser(made)
            for name, method in _methods(eq=eq, slots=slots).items():
                if (
                    cls.__dict__.get(name) is None
                ):  # `__hash__` is None where the class defines `__eq__`
                    setattr(made, name, method)
            made._compared = _comparing([one.name for one in fields(made) if one.compare])
            return made

        return finished
