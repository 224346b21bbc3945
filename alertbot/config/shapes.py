"""The types that settings are made of: strict, frozen, each with its JSON Schema."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from alertbot.core.connecting import is_loopback
from alertbot.core.words import _

NAME = r"^[a-z][a-z0-9_]*$"
LANGUAGE = r"^[a-z]{2,3}$"
VARIABLE = r"^[A-Z][A-Z0-9_]*$"
DURATION = r"^(?=\d)(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?$"
HIGHEST_PORT = 65_535


class Settings(BaseModel):
    """Strict and frozen: an unknown key or a value of another type is a fault."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(DURATION, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(_("must be a duration: 0s, 90s, 5m, 1h30m or 2d"))
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def duration_text(value: timedelta) -> str:
    """A duration in the file's notation: `1h30m`."""
    seconds = int(value.total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    parts = (
        (hours // 24, "d"),
        (hours % 24, "h"),
        (minutes % 60, "m"),
        (seconds % 60, "s"),
    )
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def _some(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError(_("must be longer than 0s"))
    return value


def _server_root(value: str) -> str:
    """Accept https, or http to loopback. Messages never quote the value: it may contain a secret. Raises
    `ValueError` otherwise."""
    try:
        parts = urlsplit(value)
        port_fits = parts.port is None or 0 < parts.port <= HIGHEST_PORT
    except ValueError:
        parts, port_fits = urlsplit(""), False
    if re.search(r"[\s\\\x00-\x1f]", value) or not port_fits or not parts.hostname:
        raise ValueError(_("must be the root of a server, such as https://api.example.org"))
    if "@" in parts.netloc:
        raise ValueError(
            _("must not contain a name or password; use the keys for them (…_env, …_file)")
        )
    if parts.scheme not in ("https", "http"):
        raise ValueError(_("must begin with https:// (http:// only to 127.0.0.1)"))
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError(_("plain http is allowed only to 127.0.0.1; use https://"))
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(_("must be the root of the server: remove what follows the host and port"))
    return f"{parts.scheme}://{parts.netloc}"


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if doubled := sorted({value for value in values if values.count(value) > 1}):
        raise ValueError(_("contains {value} twice").format(value=", ".join(doubled)))
    return values


Duration = Annotated[
    timedelta,
    PlainValidator(_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "pattern": DURATION, "examples": ["90s", "1h30m"]}),
]
"""A length of time, written `0s`, `90s`, `5m`, `1h30m` or `2d`."""

SomeDuration = Annotated[Duration, AfterValidator(_some)]
"""A length of time above zero."""

ServerRoot = Annotated[
    str,
    AfterValidator(_server_root),
    WithJsonSchema({"type": "string", "format": "uri", "pattern": r"^https?://[^/@\s]+/?$"}),
]
"""The root of a server, without the last slash (`https://api.example.org`)."""

Variable = Annotated[str, Field(pattern=VARIABLE, max_length=100)]
"""The name of an environment variable, in capitals."""

FilePath = Annotated[Path, Field(strict=False)]
"""A path; relative ones start from the folder of the configuration file."""

Port = Annotated[int, Field(ge=1, le=HIGHEST_PORT)]

Name = Annotated[str, Field(pattern=NAME, max_length=60)]

Language = Annotated[str, Field(pattern=LANGUAGE)]

Languages = Annotated[tuple[Language, ...], Field(strict=False, min_length=1), AfterValidator(_unique)]
"""Language codes in the order of preference."""
