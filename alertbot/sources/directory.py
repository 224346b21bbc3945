"""Every kind of source by its name: the shipped ones, and those that installed packages announce in the
entry-point group `alertbot.sources`."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from alertbot.errors import ConfigInvalid
from alertbot.sources.base import Parse
from alertbot.words import _

SHIPPED = ("alertmanager", "grafana", "uptime_kuma", "statuspage", "gatus", "generic")
GROUP = "alertbot.sources"


@cache
def announced() -> Mapping[str, str]:
    """Names of installed third-party sources and where their `parse` is. A shipped name is not replaced."""
    found = {one.name: one.value for one in entry_points(group=GROUP)}
    return {name: place for name, place in found.items() if name not in SHIPPED}


def names() -> tuple[str, ...]:
    return (*SHIPPED, *sorted(announced()))


def parser(name: str) -> Parse:
    """The parser of a kind of source. Raises `ConfigInvalid` for one that cannot be loaded."""
    if name in SHIPPED:
        loaded: Parse = import_module(f"alertbot.sources.{name}").parse
        return loaded
    module, _colon, attribute = announced().get(name, "").partition(":")
    try:
        third: Parse = getattr(import_module(module), attribute or "parse")
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigInvalid(
            _("The source type {name} cannot be loaded: {reason}.").format(name=name, reason=error)
        ) from None
    return third
