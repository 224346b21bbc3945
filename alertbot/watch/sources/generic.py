"""Any JSON, mapped by JMESPath expressions in the configuration.

sources:
  checks:
    type: generic
    secret_env: ALERTBOT_CHECKS_SECRET
    map:
      service: "check.name"
      state: "check.status"
      states: {down: [critical, failed], up: [ok]}

What tells a repeat: the option `key` with the state, else service, state and the option `at`, else the minute of
arrival. The state is always part of it: trouble and its end under one id are two reports.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from alertbot.core.errors import safe
from alertbot.core.words import _
from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import UnknownShape, moment, no_later, text

DEFAULTS = {
    "service": "service",
    "state": "state",
    "title": "title",
    "summary": "summary",
    "url": "url",
}
WORDS = {Observed.DOWN: ("down", "alerting", "firing"), Observed.UP: ("up", "ok", "resolved")}
PATHS = ("items", "service", "state", "title", "summary", "url", "at", "key", "severity", "test")


@cache
def _library() -> Any:
    import jmespath  # only where there is such a source: help and other commands do without

    return jmespath


def wrong(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, sentence) for each invalid expression."""
    jmespath = _library()
    for key in PATHS:
        try:
            if options.get(key):
                jmespath.compile(str(options[key]))
        except jmespath.exceptions.JMESPathError as error:
            yield key, _("is not a JMESPath expression: {why}").format(why=safe(error))


def parse(
    body: object, *, source: str, now: datetime, options: Mapping[str, Any]
) -> tuple[Signal, ...]:
    """One signal, or one for each element of the option `items`; an empty list says nothing. A state in
    no list of `states` is unknown. Raises `UnknownShape` for a body without these values."""

    named = options.get("items")
    try:
        found = _search(named, body) if named else [body]
        if not isinstance(found, list):
            raise UnknownShape(source, body, _("`items` finds no list in it"))
        return tuple(_signal(one, body, source, now, options) for one in found)
    except (ValueError, RecursionError):  # every error of JMESPath is a ValueError
        why = _("an expression of `map:` does not apply to it")
        raise UnknownShape(source, body, why) from None


def _signal(
    item: object, body: object, source: str, now: datetime, options: Mapping[str, Any]
) -> Signal:
    def read(name: str) -> object:
        path = options.get(name, DEFAULTS.get(name))
        return _search(path, item) if path else None

    service, state = text(read("service")), text(read("state"))
    if not service or not state:
        raise UnknownShape(source, body, _("no service or no state where the configuration looks"))
    seen, named = moment(read("at")), text(read("key"))
    told = seen.isoformat() if seen else f"{now:%Y-%m-%dT%H:%M}"
    return Signal(
        source=source,
        service=service,
        observed=_observed(state, options),
        at=no_later(seen, now),
        key=f"{named}/{state}" if named else f"{service}/{state}/{told}",
        severity=text(read("severity")),
        title=text(read("title"), service),
        summary=text(read("summary")),
        url=text(read("url")),
        confirmed=options.get("confirmed") is True,
        is_test=read("test") is True,
        received=now,
        told_at=None if seen is None else no_later(seen, now),
    )


def _observed(state: str, options: Mapping[str, Any]) -> Observed:
    lists = options.get("states") or {one.value: words for one, words in WORDS.items()}
    for word, states in lists.items():
        if state.casefold() in {str(one).casefold() for one in states}:
            return Observed(word)
    return Observed.UNKNOWN


def _search(path: object, value: object) -> Any:
    """What the expression finds; None if one of its functions does not accept the value there."""
    jmespath = _library()
    try:
        return jmespath.search(str(path), value)
    except jmespath.exceptions.JMESPathTypeError:
        return None
