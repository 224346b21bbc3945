"""The sandbox in which templates run: what they may reach, how far they may go, and how values come out.

A template is written by the team, a value by whoever fills a field; neither is trusted. Templates reach
data and the filters named here, nothing else; loops, calls and output are capped; a value comes out as
plain words whatever signs it holds, because every sign that means something in Markdown is escaped.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from markupsafe import Markup

from alertbot.compose.markup import Block
from alertbot.compose.values import SeenChoice, Url
from alertbot.errors import AlertbotError
from alertbot.words import _

MOST_STEPS = 20_000  # rounds of loops and calls
MOST_CHARACTERS = 300_000
SETTING = "_setting"
STAND_IN = "\ue000"  # private use: no field may hold it

_FILTERS = [
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "first",
    "groupby",
    "int",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
]
_METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (str, frozenset(["capitalize", "endswith", "lower", "startswith", "strip", "title", "upper"])),
    (Mapping, frozenset(["get", "items", "keys", "values"])),
    (LoopContext, frozenset({"cycle", "changed"})),
)
_OWN_METHODS = frozenset(["name_in", "service_in", "zone_in", "condition_in", "place_in", "in_lang"])
_REFUSED = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
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
        """Count one round of a loop or one call."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TemplateRunError(
                _("The template repeats itself more than {most} times.").format(most=MOST_STEPS)
            )

    def stand_in(self, blocks: tuple[Block, ...]) -> "Source":
        """Markdown that stands for blocks which are ready: long lists need not be read again."""
        self.ready.append(blocks)
        return Source(f"\n\n{STAND_IN}{len(self.ready) - 1}{STAND_IN}\n\n")

    def write(self, text: str) -> None:
        """Count output."""
        self.characters += len(text)
        if self.characters > MOST_CHARACTERS:
            raise TemplateRunError(
                _("The template writes more than {most} characters.").format(most=MOST_CHARACTERS)
            )


class Source(Markup):
    """Markdown that the program wrote itself, with the values in it escaped."""

    @classmethod
    def escape(cls, s: Any, /) -> "Source":
        return s if isinstance(s, Source) else literal(str(s))


def literal(text: str) -> Source:
    """Words that come out as they are, on one line, in every channel."""
    return Source(_MARKDOWN_SIGN.sub(r"\\\1", _LINE_END.sub(" ", text)))


def link(address: str, text: str = "") -> Source:
    """An address that becomes a link."""
    target = address.replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C").replace("\n", "")
    return Source(f"[{literal(text or address)}](<{target}>)")


@pass_context
def written(context: Context, value: object) -> Markup:
    """How `{{ value }}` comes out."""
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
        return _("A field that may be empty is written here: test it first with {% if … %}.")
    return _(
        "A {type} is written here: choose a filter that words it, such as when, names or span."
    ).format(type=type(value).__name__)


def setting_of(context: Context) -> Setting:
    """The setting of the rendering under way."""
    setting = context.parent[SETTING]
    assert isinstance(setting, Setting)
    return setting


def joined(pieces: Iterable[object], separator: str = "") -> str:
    """Pieces put together; where one is Markdown already, the others are escaped for it."""
    parts = list(pieces)
    if any(isinstance(part, Markup) for part in parts):
        return Source(literal(separator).join(_as_source(part) for part in parts))
    return separator.join(str(part) for part in parts)


def _as_source(part: object) -> Source:
    return Source(str(part)) if isinstance(part, Markup) else literal(str(part))


@pass_context
def _counted(context: Context, values: Iterable[object]) -> Iterator[object]:
    setting = setting_of(context)
    for value in values:
        setting.step()
        yield value


@pass_context
def _join(context: Context, values: Iterable[object], separator: str = "") -> str:
    return joined(_counted(context, values), separator)


class _Code(CodeGenerator):
    """Puts pieces together (`~`) by our own rule: Jinja's would escape them for HTML."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.joined((")
        for arg in node.nodes:
            self.visit(arg, frame)
            self.write(", ")
        self.write("))")


class Environment(ImmutableSandboxedEnvironment):
    """Jinja, narrowed."""

    code_generator_class = _Code
    intercepted_binops = frozenset(["+", "*", "**", "%"])
    joined = staticmethod(joined)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        for node in source.find_all((*_REFUSED, nodes.For)):
            if not isinstance(node, nodes.For):
                raise TemplateSyntaxError(
                    _("A template stands alone: include, import and extends are not available."),
                    node.lineno,
                )
            node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return super()._generate(source, name, filename, defer_init)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call something from a template, and count it."""
        setting_of(__context).step()
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Sums of texts follow our own rule of joining; what could grow without bound is refused."""
        texts = isinstance(left, str | list | tuple), isinstance(right, str | list | tuple)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return joined((left, right))
        if operator != "+" and (operator == "**" or any(texts)):
            raise SecurityError(_("“{operator}” is not available here.").format(operator=operator))
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Data without an underscore before its name, and a few harmless methods."""
        if not super().is_safe_attribute(obj, attr, value):
            return False
        if not callable(value):
            return not isinstance(obj, Setting)
        if type(obj).__module__.startswith("alertbot."):
            return attr in _OWN_METHODS
        return any(isinstance(obj, kind) and attr in names for kind, names in _METHODS)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ARG002
        """Formatting by `str.format` is refused like any other method that is not named above."""
        return None


@cache
def environment() -> Environment:
    """The one environment; it keeps nothing of what it renders."""
    from alertbot.compose.number_words import NUMBER_FILTERS
    from alertbot.compose.phrasing import FILTERS

    made = Environment(
        undefined=StrictUndefined,
        autoescape=True,
        finalize=written,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )
    known = {name: made.filters[name] for name in _FILTERS}
    made.filters = {**known, **FILTERS, **NUMBER_FILTERS, "join": _join, "_counted": _counted}
    made.globals = {name: made.globals[name] for name in ("range", "namespace")}
    return made
