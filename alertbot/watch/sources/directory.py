"""The types of source by name: the shipped ones, and those that installed packages register in the
entry-point group `alertbot.sources`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import entry_points

from alertbot.config.sources import SourceSettings
from alertbot.core.errors import ConfigInvalid
from alertbot.core.words import _
from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import Parse

SHIPPED = ("alertmanager", "grafana", "uptime_kuma", "statuspage", "gatus", "generic")
GROUP = "alertbot.sources"


@cache
def announced() -> Mapping[str, str]:
    """The names of installed third-party types and their entry points. A shipped name cannot be
    replaced."""
    found = {one.name: one.value for one in entry_points(group=GROUP)}
    return {name: place for name, place in found.items() if name not in SHIPPED}


def names() -> tuple[str, ...]:
    return (*SHIPPED, *sorted(announced()))


def parser(name: str) -> Parse:
    """The parser of a type of source. Raises `ConfigInvalid` for one that cannot be loaded."""
    if name in SHIPPED:
        loaded: Parse = import_module(f"alertbot.watch.sources.{name}").parse
        return loaded
    module, _colon, attribute = announced().get(name, "").partition(":")
    try:
        third: Parse = getattr(import_module(module), attribute or "parse")
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigInvalid(
            _("The source type {name} cannot be loaded: {reason}.").format(name=name, reason=error)
        ) from None
    return third


LONGEST_KEY = 300
_KEPT = 200


def as_configured(signals: Iterable[Signal], settings: SourceSettings) -> tuple[Signal, ...]:
    """The signals with the configured names of services and the right to confirm (R11).

    If several names map to one service, each remains a separate subject: the service is up when all of
    them are. `confirms` comes only from the configuration, never from a body, and only `up` confirms. A
    key is never empty or too long, or two reports would be taken for one.
    """
    return tuple(
        replace(
            one,
            service=settings.names.get(one.service, one.service),
            subject=one.subject or (one.service if one.service in settings.names else ""),
            confirms=settings.confirms and one.observed is Observed.UP,
            key=_key(one),
        )
        for one in signals
    )


def _key(signal: Signal) -> str:
    key = signal.key or f"{signal.service}/{signal.observed}/{signal.at.isoformat()}"
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[:_KEPT]}#{sha256(key.encode(errors='replace')).hexdigest()}"
