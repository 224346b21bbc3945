"""Rendering a template: values in, Markdown out in the pieces head, body, foot and once, plus a subject."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jinja2 import TemplateError, TemplateSyntaxError

from alertbot.core.errors import AlertbotError, safe
from alertbot.core.words import _
from alertbot.texts.kinds.kind_spec import Template
from alertbot.texts.posts.writing import plain
from alertbot.texts.wording.environment import load
from alertbot.texts.wording.markup import (
    SETTING,
    Block,
    MarkupError,
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
_STAND_IN = re.compile(r"\ue000(\d+)\ue000")
_HEAD, _FOOT, _ONCE, _SUBJECT = "head", "foot", "once", "subject"


class TemplateBrokenError(AlertbotError):
    """A template is wrong; the message begins with file and line."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The result of a template. `head` and `foot` are in every part of a thread; `once` closes only the
    first part, because a link makes a post on X thirteen times as expensive."""

    head: tuple[Block, ...]
    body: tuple[Block, ...]
    foot: tuple[Block, ...]
    once: tuple[Block, ...]
    subject: str


def render(
    template: Template, values: Mapping[str, object], *, lang: str, zone: ZoneInfo, issued: datetime
) -> Rendered:
    """Fill in a template. Raises `TemplateBrokenError`."""
    setting = Setting(lang, zone, issued, typography(lang))
    compiled = _compiled(template)
    context = compiled.new_context({**values, "lang": lang, "issued": issued, SETTING: setting})
    pieces = {
        name: _block(template, compiled, context, name) for name in (_HEAD, _FOOT, _ONCE, _SUBJECT)
    }
    for name in pieces:
        context.blocks[name] = [_nothing]
    body = _filled(template, compiled, compiled.root_render_func, context)
    return Rendered(
        head=_blocks(template, pieces[_HEAD], lang, setting.ready),
        body=_blocks(template, body, lang, setting.ready),
        foot=_blocks(template, pieces[_FOOT], lang, setting.ready),
        once=_blocks(template, pieces[_ONCE], lang, setting.ready),
        subject=_subject(template, pieces[_SUBJECT], lang),
    )


def words(text: str, lang: str) -> tuple[Block, ...]:
    """Plain text as blocks, with the language's typography."""
    return read(str(literal(text)), typography(lang))


def check(template: Template) -> None:
    """Check that a template can be read. Raises `TemplateBrokenError`."""
    _compiled(template)


def _nothing(context: "Context") -> Iterator[str]:  # noqa: ARG001
    return iter(())


@lru_cache(maxsize=256)
def _compiled(template: Template) -> "Compiled":
    if len(template.text) > LONGEST_TEMPLATE:
        raise TemplateBrokenError(
            _("{path}:1: the template is longer than {most} characters.").format(
                path=template.path, most=LONGEST_TEMPLATE
            )
        )
    try:
        return load(template.text, template.path)
    except TemplateSyntaxError as error:
        raise _broken(template, error.lineno, error.message or "") from None
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        raise _broken(template, 1, _("it is nested too deeply or cannot be read")) from error


def _broken(template: Template, line: int, why: str) -> TemplateBrokenError:
    return TemplateBrokenError(f"{template.path}:{line}: {safe(why)}")


def _block(template: Template, compiled: "Compiled", context: "Context", name: str) -> str:
    function = compiled.blocks.get(name)
    return _filled(template, compiled, function, context) if function else ""


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


def _subject(template: Template, source: str, lang: str) -> str:
    """The first line that says something, as plain words."""
    blocks = _blocks(template, source, lang)
    return next(islice(plain(blocks[:1]).splitlines(), 1), "")


def typography(lang: str) -> Typography:
    """French keeps signs such as : and ? with their word by a no-break space. (U+00A0: the narrow one
    counts double on X.)"""
    if lang != "fr":
        return str
    return lambda text: _FRENCH_SPACE.sub("\u00a0", text)
