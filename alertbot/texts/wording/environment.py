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

from jinja2 import StrictUndefined, Template, __version__, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from alertbot.core.words import _
from alertbot.texts.wording.markup import MOST_CHARACTERS, Setting, joined, setting_of, written
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


class Environment(ImmutableSandboxedEnvironment):
    """Jinja, restricted."""

    code_generator_class = _Code
    intercepted_binops = frozenset(["+", "*", "**", "%"])
    joined = staticmethod(lambda pieces: _bounded(joined(pieces)))

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        for node in source.find_all((*_REFUSED, nodes.For)):
            if not isinstance(node, nodes.For):
                raise TemplateSyntaxError(
                    _("A template must stand alone: include, import and extends are not available."),
                    node.lineno,
                )
            node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return super()._generate(source, name, filename, defer_init)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Make a call from a template, and count it."""
        setting_of(__context).step()
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Join texts by our own rule. Raises `SecurityError` for operations whose result could grow
        without bound."""
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
    known = {name: made.filters[name] for name in _FILTERS}
    made.filters = {**known, **FILTERS, **NUMBER_FILTERS, "join": _join, "_counted": _counted}
    made.globals = {name: made.globals[name] for name in ("range", "namespace")}
    return made


# --- code that a wheel brings ----------------------------------------------------------------------

CODE = "alertbot._shipped.templates"  # the package of it, which only a wheel has


def code_name(text: str) -> str:
    """The module for a template with this text. Its name is a hash of the text and of Jinja's version,
    so that code made from another text or by another Jinja is not found."""
    return "t" + sha256(f"{__version__}\n{text}".encode()).hexdigest()[:40]


def code_of(text: str, name: str) -> str:
    """The module's source. Raises `TemplateSyntaxError`."""
    return environment().compile(text, name, raw=True, defer_init=True)


def load(text: str, path: str) -> Template:
    """The template, from the shipped code if it was made from this text, else compiled now. `path`
    appears in error messages. Raises `TemplateSyntaxError`, and what Python's parser raises for code
    that is nested too deeply."""
    made = environment()
    try:
        module = import_module(f"{CODE}.{code_name(text)}")
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith(CODE.rpartition(".")[0]):
            raise
        return Template.from_code(made, made.compile(text, path, path), made.globals)
    return Template.from_module_dict(made, vars(module), made.globals)
