"""Rendering a template: values in, the pieces of a text out.

A template declares its posts as blocks, in the order in which they go out, the lead always first: `lead` (the news,
the one instruction, the next time, the link), `place` (once for each territory with numbers to call), `stop` (once for
each with numbers not to call) and `detail` (one paragraph, one post). `NAME_tight` is a shorter wording of `lead`,
`place` or `stop`. `subject` and `foot` belong to long forms."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, lru_cache
from itertools import islice
from time import thread_time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jinja2 import TemplateError, TemplateSyntaxError

from alertbot.core.errors import AlertbotError, safe
from alertbot.core.words import _
from alertbot.texts.kinds.kind_spec import Template
from alertbot.texts.posts.writing import plain
from alertbot.texts.wording.environment import load
from alertbot.texts.wording.language import right_to_left
from alertbot.texts.wording.markup import (
    SETTING,
    Block,
    Line,
    MarkupError,
    Run,
    Setting,
    TemplateRunError,
    literal,
    read,
    setting_of,
)

if TYPE_CHECKING:
    from types import TracebackType

    from jinja2 import Template as Compiled
    from jinja2.runtime import Context


LONGEST_TEMPLATE = 50_000  # characters
Piece = Callable[["Context"], Iterator[str]]
Typography = Callable[[str], str]

_FRENCH_SPACE = re.compile(r"(?<=«) | (?=[:;!?»%€])")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
FIRST, LAST = "\u2068", "\u2069"  # around what has its own direction
_WORD = r"[0-9A-Za-z](?:[^\s,;\u0590-\u08ff]*[0-9A-Za-z/])?"
_LEFT_TO_RIGHT = re.compile(rf"\+?{_WORD}(?:[ \u00a0]{_WORD})*")
_STAND_IN = re.compile(r"\ue000(\d+)\ue000")
SUBJECT, LEAD, PLACE, STOP, DETAIL, FOOT = "subject", "lead", "place", "stop", "detail", "foot"
TIGHT = "_tight"
_POSTS = (LEAD, PLACE, STOP, DETAIL)
_KNOWN = frozenset({SUBJECT, FOOT, *_POSTS, *(name + TIGHT for name in (LEAD, PLACE, STOP))})
_FORMER = frozenset({"head", "body", "once"})  # the blocks of version 0.2 and before


class TemplateBrokenError(AlertbotError):
    """A template is wrong; the message begins with file and line."""


class TemplateText:
    """A template filled with the values of one alert in one language. Each piece is rendered when it is first asked
    for: every channel asks for it, and so do those who compare and measure."""

    def __init__(
        self,
        template: Template,
        values: Mapping[str, object],
        *,
        lang: str,
        zone: ZoneInfo,
        issued: datetime,
        organisation: Callable[[str, Any], object] | None = None,
    ) -> None:
        """`organisation`: what a piece sees as `org`, by its name and its territory, where that differs. Raises
        `TemplateBrokenError` if the template cannot be read."""
        self._template, self._compiled = template, _compiled(template)
        self._organisation = organisation
        self._pieces: dict[tuple[object, ...], tuple[object, tuple[Block, ...]]] = {}
        self._setting, self._spent = Setting(lang, zone, issued, typography(lang)), 0.0
        self._values = {**values, "lang": lang, "issued": issued, SETTING: self._setting}

    @property
    def posts(self) -> tuple[str, ...]:
        """The names of its posts: the lead, then the others in the order in which the template declares them."""
        return (LEAD, *(name for name in self._compiled.blocks if name in _POSTS and name != LEAD))

    def subject(self) -> str:
        """The first line of the subject as plain words; empty if the template has none. Raises
        `TemplateBrokenError`."""
        return next(islice(plain(self.piece(SUBJECT)[:1]).splitlines(), 1), "")

    def piece(self, name: str, *, tight: bool = False, **more: object) -> tuple[Block, ...]:
        """The blocks of one piece; empty if the template does not have it. `tight`: in its shorter wording. `more`:
        variables of this piece alone. Raises `TemplateBrokenError`."""
        key = (name, tight, *more, *map(_identity, more.values()))
        if key not in self._pieces:
            self._pieces[key] = more, self._rendered(name + TIGHT if tight else name, name, more)
        return self._pieces[key][1]

    def _rendered(self, block: str, name: str, more: Mapping[str, object]) -> tuple[Block, ...]:
        function = self._compiled.blocks.get(block)
        if function is None:
            return ()
        if self._organisation:
            more = {"org": self._organisation(name, more.get("place")), **more}
        self._setting.ready.clear()
        self._setting.begun = thread_time() - self._spent
        context = self._compiled.new_context({**self._values, **more})
        written = _filled(self._template, self._compiled, function, context)
        self._spent = thread_time() - self._setting.begun
        lang = self._setting.lang
        return isolated(_blocks(self._template, written, lang, tuple(self._setting.ready)), lang)


def _identity(value: object) -> object:
    """What tells a variable of a piece from another as long as both are kept: values as rows of numbers have no hash."""
    return tuple(map(id, value)) if isinstance(value, tuple) else id(value)


def words(text: str, lang: str) -> tuple[Block, ...]:
    """Plain text as blocks, with the language's typography."""
    return isolated(read(str(literal(text)), typography(lang)), lang)


def isolated(blocks: tuple[Block, ...], lang: str) -> tuple[Block, ...]:
    """In a language written from right to left, numbers, names in Latin letters and addresses each stand between signs
    that keep their digits in order; copied numbers are without them. Other languages stay as they are."""
    if not right_to_left(lang):
        return blocks
    return tuple(
        replace(block, lines=tuple(tuple(_isolated(line)) for line in block.lines)) for block in blocks
    )


def _isolated(line: Line) -> Iterator[Run]:
    for run in line:
        if run.address or "code" in run.styles:
            yield from (Run(FIRST), run, Run(LAST))
        else:
            yield replace(run, text=_LEFT_TO_RIGHT.sub(rf"{FIRST}\g<0>{LAST}", run.text))


def check(template: Template) -> None:
    """Check that a template can be read. Raises `TemplateBrokenError`."""
    _compiled(template)


@lru_cache(maxsize=256)
def _compiled(template: Template) -> "Compiled":
    if len(template.text) > LONGEST_TEMPLATE:
        raise TemplateBrokenError(
            _("{path}:1: the template is longer than {most} characters.").format(
                path=template.path, most=LONGEST_TEMPLATE
            )
        )
    try:
        compiled = load(template.text, template.path)
    except TemplateSyntaxError as error:
        raise _broken(template, error.lineno, error.message or "") from None
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        raise _broken(template, 1, _("it is nested too deeply or cannot be read")) from error
    _check_blocks(template, compiled)
    return compiled


def _check_blocks(template: Template, compiled: "Compiled") -> None:
    """Raises `TemplateBrokenError` for a template of the former shape, for unknown blocks, and for one without
    a lead."""
    names = set(compiled.blocks)
    if LEAD not in names or names & _FORMER:
        raise _broken(
            template,
            1,
            _(
                "this text is written for an earlier version of alertbot. Move it to the blocks {names}:"
                " docs/how-to/move-your-texts.md shows how."
            ).format(names=", ".join((LEAD, PLACE, STOP, DETAIL, FOOT))),
        )
    if unknown := sorted(names - _KNOWN):
        raise _broken(
            template,
            1,
            _("the block “{name}” is not known; the blocks are {names}.").format(
                name=unknown[0], names=", ".join(sorted(_KNOWN))
            ),
        )


def _broken(template: Template, line: int, why: str) -> TemplateBrokenError:
    return TemplateBrokenError(f"{template.path}:{line}: {safe(why)}")


def _filled(template: Template, compiled: "Compiled", function: Piece, context: "Context") -> str:
    written: list[str] = []
    try:
        for text in function(context):
            setting_of(context).write(text)
            written.append(text)
    except (TemplateError, TemplateRunError) as error:
        raise _broken(template, _line(compiled, error.__traceback__), str(error)) from None
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        why = f"{type(error).__name__}: {error}"
        raise _broken(template, _line(compiled, error.__traceback__), why) from None
    return "".join(written)


def _line(compiled: "Compiled", traceback: "TracebackType | None") -> int:
    """The line of the template where it stopped."""
    line = 1
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == compiled.filename:
            line = compiled.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line


def _blocks(
    template: Template, source: str, lang: str, ready: Sequence[tuple[Block, ...]] = ()
) -> tuple[Block, ...]:
    """The blocks of this Markdown, with those that were ready in their places."""
    try:
        found = read(source, typography(lang))
    except MarkupError as error:
        raise _broken(template, _line_of(template, error.snippet), str(error)) from None
    if not ready:
        return found
    return tuple(block for one in found for block in _stood_for(one, ready))


def _stood_for(block: Block, ready: Sequence[tuple[Block, ...]]) -> tuple[Block, ...]:
    text = "".join(run.text for line in block.lines for run in line)
    place = _STAND_IN.fullmatch(text.strip())
    return ready[int(place[1])] if place and int(place[1]) < len(ready) else (block,)


def _line_of(template: Template, snippet: str) -> int:
    at = template.text.find(snippet)
    return template.text.count("\n", 0, at) + 1 if at >= 0 else 1


@cache
def typography(lang: str) -> Typography:
    """One kind of apostrophe within words. French keeps signs such as : and ? with their word by a no-break
    space. (U+00A0: the narrow one counts double on X.)"""
    if lang != "fr":
        return lambda text: _APOSTROPHE.sub("’", text)
    return lambda text: _FRENCH_SPACE.sub("\u00a0", _APOSTROPHE.sub("’", text))
