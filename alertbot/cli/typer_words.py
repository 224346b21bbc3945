"""The words that Typer brings along, in the reader's language: the headings of a help page and what the
parser of the command line says.

Headings are looked up by Typer itself, through Python's gettext, when a help page is made; they stand in
our catalogue. What its parser says is only there in English, so its sentences are read and said again;
one that nobody knows here stays as it is.
"""

import gettext
import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from alertbot.words import DOMAIN, LOCALE, _


def install() -> None:
    """Let Typer find its headings in our catalogue. Call it before a help page is made."""
    gettext.bindtextdomain(DOMAIN, LOCALE)
    gettext.textdomain(DOMAIN)


def headings() -> tuple[str, ...]:
    """What Typer looks up by itself; named here so that translators find it."""
    return (
        _("Arguments"),
        _("Options"),
        _("Commands"),
        _("(deprecated) "),
        _("[default: {}]"),
        _("[env var: {}]"),
        _("[required]"),
        _("(dynamic)"),
    )


class Command(TyperCommand):
    """A command whose help page is in one language."""

    def get_help_option(self, ctx: Any) -> Any:
        return _said(super().get_help_option(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _usage(self, ctx, formatter)


class Group(TyperGroup):
    """A group of commands whose help page is in one language."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.subcommand_metavar = _("COMMAND [ARGS]...")

    def get_help_option(self, ctx: Any) -> Any:
        return _said(super().get_help_option(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _usage(self, ctx, formatter)


class App(typer.Typer):
    """A Typer application whose help pages are in one language."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"cls": Group, "options_metavar": _("[OPTIONS]"), **given})

    def command(self, name: str | None = None, **given: Any) -> Any:
        return super().command(name, **{"cls": Command, "options_metavar": _("[OPTIONS]"), **given})


def _said(option: Any) -> Any:
    if option is not None:
        option.help = _("Show this message and exit.")
    return option


def _usage(command: Any, ctx: Any, formatter: Any) -> None:
    pieces = " ".join(command.collect_usage_pieces(ctx))
    formatter.write_usage(ctx.command_path, pieces, prefix=_("Usage: "))


def in_words(sentence: str) -> str:
    """What the parser of the command line said, in the reader's language and without a final stop."""
    said = " ".join(sentence.split()).rstrip(".")
    for pattern, words in _sentences():
        if found := re.fullmatch(pattern, said):
            given = {key: value.replace("'", "") for key, value in found.groupdict().items()}
            if "why" in given:
                given["why"] = in_words(found["why"])
            return words.format(**given)
    return said


def _sentences() -> Iterator[tuple[str, str]]:
    """How Typer says it, and how we do; those that hold another sentence as `why` come first."""
    yield r"(?P<why>.+?)\.? Did you mean (?P<near>.+)\?", _("{why} (did you mean {near}?)")
    yield r"(?P<why>.+) \(Possible options: (?P<near>.+)\)", _("{why} (did you mean {near}?)")
    yield r"Invalid value for (?P<name>.+?): (?P<why>.+)", _("{name}: {why}")
    yield r"Invalid value: (?P<why>.+)", _("This value cannot be used: {why}")
    yield r"Missing argument '(?P<name>.+)'", _("{name} is missing")
    yield r"Missing option '(?P<name>.+)'", _("The option {name} is missing")
    yield r"Missing command", _("The command is missing")
    yield r"No such command '(?P<name>.+)'", _("There is no command '{name}'")
    yield r"No such option: (?P<name>.+)", _("There is no option {name}")
    yield r"Got unexpected extra argument\(s\) \((?P<given>.+)\)", _("This is too much: {given}")
    yield r"Option '(?P<name>.+)' requires an argument", _("The option {name} needs a value")
    yield r"Option '(?P<name>.+)' does not take a value", _("The option {name} takes no value")
    yield r"'(?P<given>.*)' is not a valid int(eger)?( range)?", _("'{given}' is not a whole number")
    yield r"'(?P<given>.*)' is not a valid float( range)?", _("'{given}' is not a number")
    yield r"(?P<given>\S+) is not in the range (?P<range>.+)", _("{given} is out of range ({range})")
