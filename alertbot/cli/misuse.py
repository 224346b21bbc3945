"""Command-line errors as our own messages, and parsers for numbers and choices.

Typer's errors describe in their classes and fields what happened; their English text is not used. They
and the parser are in the part of Typer that was Click, which has no public name since 0.26.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import typer
from typer._click.exceptions import (
    BadOptionUsage,
    BadParameter,
    ClickException,
    MissingParameter,
    NoArgsIsHelpError,
    NoSuchOption,
    UsageError,
)

from alertbot.cli.lazy import nearly
from alertbot.core.errors import Misuse, safe
from alertbot.core.words import _

Choice = TypeVar("Choice", bound=StrEnum)


def misused(error: ClickException) -> Misuse:
    """Our error for Typer's, with the command whose help explains more."""
    context = error.ctx if isinstance(error, UsageError) else None
    command = context.command_path if context is not None else "alertbot"
    if isinstance(error, NoArgsIsHelpError):
        return Misuse(_("Give a command: {command} --help").format(command=command))
    what = _sentence(error).rstrip(".")
    return Misuse(_("{what}. See `{command} --help`.").format(what=what, command=command))


def _sentence(error: ClickException) -> str:
    if isinstance(error, NoSuchOption):
        said = _("There is no option {name}").format(name=safe(error.option_name))
        return nearly(said, sorted(error.possibilities or ()))
    if isinstance(error, BadOptionUsage):
        said = (
            _("The option {name} takes no value")
            if _is_flag(error)
            else _("The option {name} needs a value")
        )
        return said.format(name=safe(error.option_name))
    if isinstance(error, MissingParameter) and error.param is not None:
        optional = error.param.param_type_name == "option"
        said = _("The option {name} is missing") if optional else _("{name} is missing")
        return said.format(name=_name(error.param))
    if isinstance(error, BadParameter) and error.param is not None:
        return _("{name}: {why}").format(name=_name(error.param), why=error.message)
    return error.format_message()


def _is_flag(error: BadOptionUsage) -> bool:
    known = error.ctx.command.get_params(error.ctx) if error.ctx is not None else []
    return any(getattr(one, "is_flag", False) for one in known if error.option_name in one.opts)


def _name(parameter: Any) -> str:
    """The name as typed: the option's names, or the argument's placeholder."""
    if parameter.param_type_name == "option":
        return " / ".join(parameter.opts)
    return str(parameter.human_readable_name)


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser for whole numbers from `least` to `most`, for `parser=` of an option or argument."""

    def whole(given: str) -> int:
        try:
            found = int(given)
        except ValueError:
            said = _("'{given}' is not a whole number").format(given=safe(given))
            raise typer.BadParameter(said) from None
        return _within(found, least, most)

    return whole


def number(least: float) -> Callable[[str], float]:
    """A parser for numbers from `least` up, for `parser=` of an option or argument."""

    def any_number(given: str) -> float:
        try:
            found = float(given)
        except ValueError:
            said = _("'{given}' is not a number").format(given=safe(given))
            raise typer.BadParameter(said) from None
        return _within(found, least, None)

    return any_number


Amount = TypeVar("Amount", int, float)


def _within(found: Amount, least: Amount, most: Amount | None) -> Amount:
    if found >= least and (most is None or found <= most):
        return found
    span = f"x>={least}" if most is None else f"{least}<=x<={most}"
    raise typer.BadParameter(
        _("{given} is out of range ({range})").format(given=safe(str(found)), range=span)
    )


def one_of(choices: type[Choice]) -> Callable[[str], Choice]:
    """A parser for one of these words, for `parser=` of an option or argument."""

    def word(given: str) -> Choice:
        try:
            return choices(given)
        except ValueError:
            said = _("'{given}' is not one of {known}").format(
                given=safe(given), known=", ".join(choices)
            )
            raise typer.BadParameter(said) from None

    return word
