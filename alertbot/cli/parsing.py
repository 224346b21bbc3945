"""Reading a command line: commands that are listed before they are loaded, help pages in the reader's language,
and errors as our own messages.

A group holds a listing of names and help texts. The group's help page is made from it alone; a command's
file is imported when the command is called or its own help is requested. Pages are plain text: a library
that draws frames would take longer to load than everything else.

Typer's errors describe in their classes and fields what happened; their English text is not used. They
and the parser are in the part of Typer that was Click, which has no public name since 0.26."""

import gettext
import os
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

import typer
from typer._click.core import Context
from typer._click.exceptions import (
    BadOptionUsage,
    BadParameter,
    ClickException,
    MissingParameter,
    NoArgsIsHelpError,
    NoSuchOption,
    UsageError,
)
from typer._click.formatting import HelpFormatter
from typer._click.shell_completion import CompletionItem
from typer.core import TyperCommand, TyperGroup

from alertbot.core.errors import Misuse, safe
from alertbot.core.frozen import dataclass
from alertbot.core.signs import hidden_place, shown
from alertbot.core.words import DOMAIN, LOCALE, _

ANYWHERE = "anywhere"
PAGE_WIDTH = 100  # cells, in a terminal that has them


def install_words() -> None:
    """Make Typer look up its own messages, which go through Python's gettext, in our catalogue."""
    gettext.bindtextdomain(DOMAIN, LOCALE)
    gettext.textdomain(DOMAIN)


def words_of_typer() -> tuple[str, ...]:
    """The messages that Typer looks up, listed here so that translators find them."""
    return (
        _("Arguments"),
        _("Options"),
        _("Commands"),
        _("default: {default}"),
        _("required"),
        _("(dynamic)"),
        _("Missing command."),
    )


def refuse_hidden(arguments: Sequence[str]) -> None:
    """Raises `Misuse` for an argument with a sign that nobody sees. Not for values of fields, which are judged
    with their field, nor for files that have such a name."""
    for before, given in zip(("", *arguments), arguments, strict=False):
        value = given.partition("=")[2] if given.startswith("--") else given
        if "--set" in (before, given.partition("=")[0]):
            continue
        place = hidden_place(given, allowed="\n\r\t")
        if place and not os.path.exists(value):  # noqa: PTH110 - Path.exists raises for a NUL
            sentence = _("In the argument {argument}, {place}. Type it again instead of pasting it.")
            raise Misuse(sentence.format(argument=shown(safe(given)), place=place))


class _HelpPage(HelpFormatter):
    """A help page whose headings end as the reader's language has it."""

    def write_heading(self, heading: str) -> None:
        words = _("{heading}:").format(heading=heading)
        self.write(" " * self.current_indent + words + "\n")


class _Line(Context):
    """One reading of a command line."""

    formatter_class = _HelpPage


class _InOneLanguage:
    """Typer's English-only messages in the reader's language."""

    context_class: type[Context] = _Line

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        """The example stands in one line, so that it can be copied from the terminal."""
        if self.epilog:  # type: ignore[attr-defined]
            formatter.write(f"\n  {self.epilog}\n")  # type: ignore[attr-defined]

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _("Show this message and exit.")
        return option

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))  # type: ignore[attr-defined]
        formatter.write_usage(ctx.command_path, pieces, prefix=_("Usage: "))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)  # type: ignore[misc, no-any-return]
        except BadOptionUsage as error:
            error.ctx = ctx  # whose option it is: the parser does not say
            raise


class Command(_InOneLanguage, TyperCommand):
    """A Typer command. Accepts any number of arguments from the parser, to refuse extra ones itself."""

    allow_extra_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            ctx.fail(_("Too many arguments: {given}").format(given=safe(" ".join(rest))))
        return rest


class Group(_InOneLanguage, TyperGroup):
    """A group whose commands are listed, and loaded one by one when called."""

    def __init__(
        self, listing: "Mapping[str, ListedCommand | Listing] | None" = None, **given: Any
    ) -> None:
        super().__init__(**given)
        self.listing = dict(listing or {})
        self.sections: Sequence[Section] = ()
        self.first_steps: Sequence[tuple[str, str]] = ()
        self.alone: Callable[[], list[str]] | None = None  # the arguments where none were given
        self.subcommand_metavar = _("COMMAND [ARGS]...")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if self.alone and not args and not ctx.resilient_parsing:
            args = self.alone()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - asked so by Typer
        return list(self.listing)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - asked so by Typer
        if cmd_name not in self.commands and cmd_name in self.listing:
            self.commands[cmd_name] = self.listing[cmd_name].load(cmd_name)
        return self.commands.get(cmd_name)

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        super().format_help_text(ctx, formatter)
        if self.first_steps:
            with formatter.section(_("At 2 a.m. start here")):
                formatter.write_dl([(f"alertbot {line}".rstrip(), to) for line, to in self.first_steps])

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - asked so by Typer
        whole = Section(_("Commands"), tuple(self.listing))
        for section in self.sections or (whole,):
            with formatter.section(section.title):
                formatter.write_dl([(name, self.listing[name].line()) for name in section.names])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        """The names that begin so, from the list alone; else the options."""
        names = [one for one in self.listing if one.startswith(incomplete)]
        if names:
            return [CompletionItem(one, help=self.listing[one].line()) for one in names]
        return super().shell_complete(ctx, incomplete)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, *rest = args
        command = self.get_command(ctx, name)
        if command is None and ctx.resilient_parsing:
            return None, None, []
        if command is None:
            said = _("There is no command '{name}'").format(name=safe(name))
            ctx.fail(nearly(said, get_close_matches(name, self.listing)))
        return name, command, rest


@dataclass(frozen=True, slots=True)
class Section:
    """Commands that stand together in the help of everything."""

    title: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedCommand:
    """A command before it is loaded: `file:function` in `alertbot/cli`, its help, and an example without
    the program's name. `server`: the function that does the same at a server, `ANYWHERE` for a command that needs
    neither, empty for one that no server offers."""

    target: str
    help: str
    example: str
    server: str = ""

    def line(self) -> str:
        return _first_sentence(self.help)

    def load(self, name: str) -> TyperCommand:
        """Import its file; returns the command."""
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(
            name,
            cls=Command,
            help=self.help,
            epilog=_example(self.example),
            options_metavar=_("[OPTIONS]"),
        )(self._placed())
        loaded = typer.main.get_command(alone)
        assert isinstance(loaded, TyperCommand)
        return loaded

    def _placed(self) -> Callable[..., Any]:
        """Its function; where a server is asked, that for servers, with the same arguments."""
        here = load(self.target)
        if self.server == ANYWHERE:
            return here

        @wraps(here)
        def run(**given: Any) -> Any:
            context = given["context"]
            server = getattr(context.find_root().obj, "server", None)
            if server is None:
                return here(**given)
            if not self.server:
                sentence = _("{server} does not offer `{command}`; use it on the service's machine.")
                raise Misuse(sentence.format(server=server, command=context.command_path))
            return load(self.server)(**given)

        return run


@dataclass(frozen=True, slots=True)
class Listing:
    """A group of commands before any of them is loaded."""

    help: str
    example: str
    commands: Mapping[str, ListedCommand]

    def line(self) -> str:
        return _first_sentence(self.help)

    def load(self, name: str) -> Group:
        return Group(
            self.commands,
            name=name,
            help=self.help,
            epilog=_example(self.example),
            no_args_is_help=True,
            options_metavar=_("[OPTIONS]"),
            rich_markup_mode=None,
        )


def load(target: str) -> Callable[..., Any]:
    """The function `file:function` of this folder; its file is loaded now."""
    module, function = target.split(":")
    found: Callable[..., Any] = getattr(import_module(f"alertbot.cli.{module}"), function)
    return found


def offered(name: str) -> Callable[[Any, list[str], str], list[tuple[str, str]]]:
    """What the shell offers for an argument, for `autocompletion=`: a function of the file `offers`, which is
    loaded only when the shell asks."""

    def offer(ctx: Any, _args: list[str], incomplete: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = load(f"offers:{name}")(ctx, incomplete)
        return found

    return offer


def nearly(said: str, near: list[str]) -> str:
    """A message about an unknown name, with what may have been meant."""
    if not near:
        return said
    return _("{why} (did you mean {near}?)").format(why=said, near=", ".join(near))


def _first_sentence(text: str) -> str:
    head, stop, _rest = text.partition(". ")
    return head + stop.rstrip()


def _example(line: str) -> str:
    return _("Example: {line}").format(line=f"alertbot {line}")


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
