"""Logging: for people in a terminal, as JSON lines anywhere else.

Everything, including what libraries log, goes through the standard `logging` and is formatted by
structlog. One record is one line: `ts` (UTC), `level`, `logger`, `event`, and what it is about (`alert`,
`channel`, `source`). structlog is loaded with the first record, because most commands log nothing.
"""

import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from functools import cache
from typing import TYPE_CHECKING, Any

from alertbot.core.errors import Misuse, scrub
from alertbot.core.lean import without
from alertbot.core.words import _

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter
    from structlog.typing import Processor


LEVELS = ("debug", "info", "warning", "error")
USUAL = "info"
ABOUT = ("alert", "channel", "source")
FIRST = ("ts", "level", "logger", "event")

Event = MutableMapping[str, Any]


def set_up(level: str | None = None) -> None:
    """Log from this level: `level`, else $ALERTBOT_LOG, else info. Libraries log from WARNING, because
    below that they print addresses and tokens. Raises `Misuse` for an unknown level."""
    chosen = (level or os.environ.get("ALERTBOT_LOG") or USUAL).lower()
    if chosen not in LEVELS:
        raise Misuse(
            _("There is no log level {level}; the levels are {known}.").format(
                level=chosen, known=", ".join(LEVELS)
            )
        )
    number = logging.getLevelNamesMapping()[chosen.upper()]
    logging.getLogger("alertbot").setLevel(number)
    root = logging.getLogger()
    root.setLevel(max(number, logging.WARNING))
    if not any(isinstance(one, _ToStderr) for one in root.handlers):
        root.addHandler(_ToStderr())


def ready() -> None:
    """Load the formatter now: a server's first record comes when there is no time to lose."""
    _formatter(_for_people())


class _ToStderr(logging.Handler):
    """Writes to the current stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = _formatter(_for_people()).format(record)
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - a record that cannot be written stops nothing
            self.handleError(record)


def _for_people() -> bool:
    return sys.stderr.isatty()


@cache
def _formatter(for_people: bool) -> "ProcessorFormatter":
    with without("rich"):  # our records have no coloured tracebacks: 4 MB
        import structlog

    formatter = structlog.stdlib.ProcessorFormatter
    lines = structlog.dev.ConsoleRenderer(
        colors=not os.environ.get("NO_COLOR"),
        timestamp_key="ts",
        exception_formatter=structlog.dev.plain_traceback,
    )
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        _without_traceback,
        _scrubbed,
    ]
    structlog.configure(  # for packages that use it themselves
        processors=[
            structlog.contextvars.merge_contextvars,
            *shared,
            formatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return formatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=ABOUT), *shared],
        processors=[
            formatter.remove_processors_meta,
            _ordered,
            lines if for_people else structlog.processors.JSONRenderer(default=str),
        ],
    )


def _without_traceback(_logger: object, _method: str, event: Event) -> Event:
    """Replace a traceback by its class and place: it quotes values, which may be secret. ALERTBOT_DEBUG
    keeps it."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        if place := _place(error):
            event["place"] = place
        if os.environ.get("ALERTBOT_DEBUG"):
            event["traceback"] = "".join(traceback.format_exception(error))
    return event


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _scrubbed(_logger: object, _method: str, event: Event) -> Event:
    """The last safeguard after `errors.safe`: nothing that looks like a secret, no terminal control
    characters, one line (except for a traceback)."""
    for key, value in event.items():
        if isinstance(value, str):
            kept = "\n" if key == "traceback" else ""
            plain = "".join(sign if sign.isprintable() or sign in kept else " " for sign in value)
            event[key] = scrub(plain if kept else " ".join(plain.split()))
    return event


def _ordered(_logger: object, _method: str, event: Event) -> Event:
    """The fields in reading order: when, how serious, who, what."""
    first = {key: event.pop(key) for key in FIRST if key in event}
    return {**first, **event}


def quieten(*names: str, level: int = logging.WARNING) -> None:
    """Raise the level of these loggers, never lower it.

    At DEBUG and INFO they print tokens: in headers (oauthlib), in addresses (httpx, urllib3, apprise).
    What happened is in the receipt or the error, so nothing is lost.
    """
    for name in names:
        logger = logging.getLogger(name)
        if logger.level < level:
            logger.setLevel(level)
