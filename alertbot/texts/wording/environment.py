"""The sandbox for templates: what they may use, their limits, and how values are printed. Also the
compiled code that the wheel ships.

Templates are written by the team and values by whoever fills in a field; neither is trusted. Templates
can use data and the filters named here, nothing else; loops, calls and output are limited. A value is
printed as plain words whatever signs it contains, because every sign with a meaning in Markdown is
escaped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib import import_module
from typing import Any

import jinja2
from jinja2 import StrictUndefined, Template, __version__, filters, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from alertbot.core.words import _
from alertbot.texts.wording.markup import (
    LARGEST_VALUE,
    MOST_CHARACTERS,
    Setting,
    joined,
    setting_of,
    written,
)
from alertbot.texts.wording.numbers import NUMBER_FILTERS
from alertbot.texts.wording.phrasing import FILTERS

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


LARGEST = 10**18  # of the numbers that a template reckons with
MOST_DIGITS = 15  # that a number is rounded to


def _bounded(text: str) -> str:
    """Raises `SecurityError` for a text that doubles without end."""
    if len(text) > MOST_CHARACTERS:
        raise SecurityError(
            _("The template writes more than {most} characters.").format(most=MOST_CHARACTERS)
        )
    return text


@pass_context
def _counted(context: Context, values: Iterable[object]) -> Iterator[object]:
    setting = setting_of(context)
    for value in values:
        setting.step()
        yield value


def _weighed(setting: Setting, *values: object) -> None:
    """Raises `SecurityError` for a value so large, or so often within itself, that to compare or to print it could take
    for ever; and once the time is over. Between two such checks a template can do little."""
    setting.in_time()
    left, waiting = LARGEST_VALUE, list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            value = [*value.keys(), *value.values()]
        if isinstance(value, list | tuple | range):
            left -= len(value)
            if left < 0:
                raise SecurityError(
                    _("The template works with more than {most} values at once.").format(
                        most=LARGEST_VALUE
                    )
                )
            waiting += [] if isinstance(value, range) else value


def _checked(function: Any) -> Callable[..., Any]:
    """A filter or test whose arguments are weighed first."""
    wants = getattr(function, "jinja_pass_arg", None)

    @pass_context
    def checked(context: Context, *given: object, **more: object) -> Any:
        _weighed(setting_of(context), *given, *more.values())
        if wants is None:
            return function(*given, **more)
        passed = {"context": context, "environment": context.environment}
        return function(passed.get(wants.name, context.eval_ctx), *given, **more)

    return checked


@pass_context
def _compared(context: Context, value: object) -> object:
    _weighed(setting_of(context), value)
    return value


def _sum(values: Iterable[float], start: float = 0) -> float:
    return sum(values, start + 0)


def _round(value: float, precision: int = 0, method: str = "common") -> float:
    if abs(precision) > MOST_DIGITS:
        raise SecurityError(_("“{operator}” is not available here.").format(operator="round"))
    return filters.do_round(value, precision, method)  # type: ignore[arg-type]


@pass_context
def _join(context: Context, values: Iterable[object], separator: str = "") -> str:
    return joined(_counted(context, values), separator)


class _Code(CodeGenerator):
    """Joins pieces (`~`) by our own rule: Jinja's would escape them for HTML."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.joined((")
        for arg in node.nodes:
            self.visit(arg, frame)
            self.write(", ")
        self.write("))")


def _filtered(value: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None, lineno=value.lineno)


class Environment(ImmutableSandboxedEnvironment):
    """Jinja, restricted."""

    code_generator_class = _Code
    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "**", "%"])
    joined = staticmethod(lambda pieces: _bounded(joined(pieces)))

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        for compared in source.find_all(nodes.Compare):
            compared.expr = _filtered(compared.expr, "_compared")
            for operand in compared.ops:
                operand.expr = _filtered(operand.expr, "_compared")
        for pair in source.find_all(nodes.Pair):
            pair.key = _filtered(pair.key, "_compared")
        for node in source.find_all((*_REFUSED, nodes.For)):
            if not isinstance(node, nodes.For):
                raise TemplateSyntaxError(
                    _("A template must stand alone: include, import and extends are not available."),
                    node.lineno,
                )
            node.iter = _filtered(node.iter, "_counted")
        return super()._generate(source, name, filename, defer_init)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Make a call from a template, and count it."""
        setting_of(__context).step()
        _weighed(setting_of(__context), *args, *kwargs.values())
        return super().call(__context, __obj, *args, **kwargs)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Raises `SecurityError` for a key whose hash could take for ever."""
        if isinstance(argument, tuple):
            raise SecurityError(_("“{operator}” is not available here.").format(operator="[…]"))
        return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Join texts by our own rule. Raises `SecurityError` for operations whose result could grow
        without bound."""
        _weighed(setting_of(context), left, right)
        texts = isinstance(left, str | list | tuple), isinstance(right, str | list | tuple)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _bounded(joined((left, right)))
        if operator != "+" and (operator == "**" or any(texts)):
            raise SecurityError(_("“{operator}” is not available here.").format(operator=operator))
        if isinstance(left, int) and isinstance(right, int) and max(abs(left), abs(right)) > LARGEST:
            raise SecurityError(_("“{operator}” is not available here.").format(operator=operator))
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow data whose name does not begin with an underscore, and a few harmless methods."""
        if not super().is_safe_attribute(obj, attr, value):
            return False
        if not callable(value):
            return not isinstance(obj, Setting)
        if type(obj).__module__.startswith("alertbot."):
            return attr in _OWN_METHODS
        return any(isinstance(obj, kind) and attr in names for kind, names in _METHODS)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ARG002
        """Refuse `str.format` like any other method not allowed above."""
        return None


@cache
def environment() -> Environment:
    """The one environment; it keeps nothing of what it renders."""
    made = Environment(
        undefined=StrictUndefined,
        autoescape=True,
        finalize=written,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )
    known = {name: made.filters[name] for name in _FILTERS} | {"sum": _sum, "round": _round}
    ours: dict[str, Callable[..., Any]] = {**known, **FILTERS, **NUMBER_FILTERS, "join": _join}
    made.filters = {name: _checked(one) for name, one in ours.items()}
    made.filters |= {"_counted": _counted, "_compared": _compared}
    made.tests = {name: _checked(one) for name, one in made.tests.items()}
    made.globals = {name: made.globals[name] for name in ("range", "namespace")}
    return made


@cache
def of_pages() -> jinja2.Environment:
    """The environment of the public page's own templates: what is not marked as HTML is escaped for it."""
    return jinja2.Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


# --- code that a wheel brings ----------------------------------------------------------------------

CODE = "alertbot._shipped.templates"  # the package of it, which only a wheel has


def code_name(text: str) -> str:
    """The module for a template with this text. Its name is a hash of the text and of Jinja's version,
    so that code made from another text or by another Jinja is not found."""
    return "t" + sha256(f"{__version__}\n{text}".encode()).hexdigest()[:40]


def code_of(text: str, name: str, made: jinja2.Environment) -> str:
    """The module's source. Raises `TemplateSyntaxError`."""
    return made.compile(text, name, raw=True, defer_init=True)


def load(text: str, path: str, made: jinja2.Environment | None = None) -> Template:
    """The template, from the shipped code if it was made from this text, else compiled now. `path`
    appears in error messages. `made`: another environment than that of texts. Raises `TemplateSyntaxError`, and what
    Python's parser raises for code that is nested too deeply."""
    made = made or environment()
    try:
        module = import_module(f"{CODE}.{code_name(text)}")
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith(CODE.rpartition(".")[0]):
            raise
        return Template.from_code(made, made.compile(text, path, path), made.globals)
    return Template.from_module_dict(made, vars(module), made.globals)
