"""Printing values in templates: as plain words whatever signs they contain, because every sign with a
meaning in Markdown is escaped; and the limits on a rendering's steps and output."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined
from jinja2.runtime import Context
from jinja2.utils import pass_context
from markupsafe import Markup

from alertbot.core.errors import AlertbotError
from alertbot.core.words import _
from alertbot.texts.fields.values import SeenChoice, Url
from alertbot.texts.wording.markup import Block

MOST_STEPS = 20_000  # rounds of loops and calls
MOST_CHARACTERS = 300_000
SETTING = "_setting"
STAND_IN = "\ue000"  # private use: no field may hold it


_MARKDOWN_SIGN = re.compile(r"([!-/:-@\[-`{-~])")
_LINE_END = re.compile(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")


class TemplateRunError(AlertbotError):
    """A template cannot be used or did not run; the sentence says why, without the place."""


@dataclass
class Setting:
    """What the filters of one rendering know, and how much it has used up."""

    lang: str
    zone: ZoneInfo
    issued: datetime
    typography: Callable[[str], str] = str
    ready: list[tuple[Block, ...]] = field(default_factory=list)  # see `stand_in`
    steps: int = 0
    characters: int = 0

    def step(self) -> None:
        """Count one round of a loop or one call. Raises `TemplateRunError` above the limit."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TemplateRunError(
                _("The template repeats itself more than {most} times.").format(most=MOST_STEPS)
            )

    def stand_in(self, blocks: tuple[Block, ...]) -> "SafeMarkdown":
        """Markdown that stands for finished blocks: long lists need not be parsed again."""
        self.ready.append(blocks)
        return SafeMarkdown(f"\n\n{STAND_IN}{len(self.ready) - 1}{STAND_IN}\n\n")

    def write(self, text: str) -> None:
        """Count output. Raises `TemplateRunError` above the limit."""
        self.characters += len(text)
        if self.characters > MOST_CHARACTERS:
            raise TemplateRunError(
                _("The template writes more than {most} characters.").format(most=MOST_CHARACTERS)
            )


class SafeMarkdown(Markup):
    """Markdown that the program wrote itself, with the values in it escaped."""

    @classmethod
    def escape(cls, s: Any, /) -> "SafeMarkdown":
        return s if isinstance(s, SafeMarkdown) else literal(str(s))


def literal(text: str) -> SafeMarkdown:
    """Words that come out as they are, on one line, in every channel."""
    return SafeMarkdown(_MARKDOWN_SIGN.sub(r"\\\1", _LINE_END.sub(" ", text)))


def link(address: str, text: str = "") -> SafeMarkdown:
    """An address that becomes a link."""
    target = address.replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C").replace("\n", "")
    return SafeMarkdown(f"[{literal(text or address)}](<{target}>)")


@pass_context
def written(context: Context, value: object) -> Markup:
    """How `{{ value }}` is printed. Raises `TemplateRunError` for a value that cannot be printed."""
    setting_of(context).write("" if value is None else str(value))
    if isinstance(value, Markup):
        return value
    if isinstance(value, Url):
        return link(value.address)
    if isinstance(value, str | int | float | SeenChoice | StrictUndefined):
        return literal(str(value))
    raise TemplateRunError(_how_to_write(value))


def _how_to_write(value: object) -> str:
    if value is None:
        return _("A field that may be empty is used here. Test it first with {% if … %}.")
    return _(
        "A {type} is used here. Choose a filter that puts it into words, such as when, names or span."
    ).format(type=type(value).__name__)


def setting_of(context: Context) -> Setting:
    """The setting of the current rendering."""
    setting = context.parent[SETTING]
    assert isinstance(setting, Setting)
    return setting


def joined(pieces: Iterable[object], separator: str = "") -> str:
    """Pieces put together; where one is Markdown already, the others are escaped for it."""
    parts = list(pieces)
    if any(isinstance(part, Markup) for part in parts):
        return SafeMarkdown(literal(separator).join(_as_source(part) for part in parts))
    return separator.join(str(part) for part in parts)


def _as_source(part: object) -> SafeMarkdown:
    return SafeMarkdown(str(part)) if isinstance(part, Markup) else literal(str(part))
