"""Apprise, restricted to sending a text unchanged, once. Imported on first use.

Apprise returns yes or no; the reason is only in its log records (a status as `error=NNN`, the name of a
failed connection). The records go to an isolated logger, since they contain tokens, and are read from
the result.
"""

import logging
import os
import re
from collections.abc import Sequence
from typing import Any

import apprise
from apprise.result import AppriseResultStatus

from alertbot.core.errors import (
    ChannelDown,
    ChannelError,
    Rejected,
    Scope,
    Throttled,
    Unavailable,
    Uncertain,
)
from alertbot.core.frozen import dataclass
from alertbot.core.logs import quieten
from alertbot.core.words import _

TOO_FAST_WAIT_SECONDS = 60.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
STATUS = re.compile(r"\berror=(\d{3})\b")
NOT_SENT = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|Connection refused|CERTIFICATE_VERIFY_FAILED"
)


@dataclass(frozen=True, slots=True)
class AppriseOutcome:
    """Apprise's result. `statuses`: the HTTP statuses in its records, in order."""

    status: AppriseResultStatus
    statuses: tuple[int, ...] = ()
    not_sent: bool = False

    @property
    def sent(self) -> bool:
        return self.status is AppriseResultStatus.SUCCESS


def service(
    url: str, connect_seconds: float, answer_seconds: float, name: str = "alertbot"
) -> apprise.NotifyBase | None:
    """The service of an address, None if Apprise does not understand it. Options in the address for
    repeating, splitting, redirects and another format are overridden. `name`: whose posts they are, where a service
    asks for it; without it they would be Apprise's, with its picture."""
    quieten("apprise", level=logging.CRITICAL + 1)
    quieten("urllib3", "requests_oauthlib", "oauthlib")
    own: dict[str, Any] = {"app_id": name, "app_desc": name, "image_url_mask": "", "image_url_logo": ""}
    asset = apprise.AppriseAsset(http_redirects=False, async_mode=False, **own)
    _spare_loopback()
    made = apprise.Apprise.instantiate(url, asset=asset)
    if made is None:
        return None
    if (
        getattr(made, "action", "") == "map"
    ):  # Opsgenie would add a note to an alert that is not there, and say "sent"
        made.action = "new"  # type: ignore[attr-defined]
    made.logger = _unheard()
    made.retry, made.redirects, made.request_rate_per_sec = 0, False, 0
    made.overflow_mode = apprise.OverflowMode.UPSTREAM
    formats = type(made).notify_format  # those that it takes, its own first
    made.notify_format = formats[0] if isinstance(formats, tuple) else formats
    made.socket_connect_timeout, made.socket_read_timeout = connect_seconds, answer_seconds
    return made


def _spare_loopback() -> None:
    """Keep plain connections to this machine off the environment's proxies, which Apprise always uses.
    An encrypted connection is only tunnelled by a proxy."""
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = [name.strip() for name in spared.split(",") if name.strip()]
    missing = [name for name in LOOPBACK if name not in names]
    if missing:
        os.environ["no_proxy"] = ",".join([*names, *missing])


def _unheard() -> logging.Logger:
    """A logger outside the tree: its records reach only Apprise's result."""
    logger = logging.Logger("alertbot.channels.apprise.adapter", logging.DEBUG)  # noqa: LOG001 - it must have no parent
    logger.addHandler(logging.NullHandler())
    return logger


def notify(service: apprise.NotifyBase, title: str, body: str, most_seconds: float) -> AppriseOutcome:
    """Send once. Blocks: run it in a thread."""
    caller = apprise.Apprise(asset=service.asset)
    caller.add(service)
    result = caller.notify(
        body=body,
        title=title,
        body_format=apprise.NotifyFormat.TEXT,
        interpret_escapes=False,
        timeout=most_seconds,
        log_level=logging.DEBUG,
    )
    records = [entry.message for entry in result.logs()]
    return AppriseOutcome(result.status, _statuses(records), any(map(NOT_SENT.search, records)))


def _statuses(records: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(found[1]) for record in records if (found := STATUS.search(record)))


def meaning(outcome: AppriseOutcome, alert: str, channel: str) -> ChannelError:
    """Our error for a failed outcome. Pure; never repeats the service's own text."""
    if outcome.status is AppriseResultStatus.NOMATCH:
        return ChannelDown(
            _("{channel}: Apprise found no target. Correct its address.").format(channel=channel),
            code="config",
        )
    if outcome.status is AppriseResultStatus.FAILURE:
        if outcome.statuses:
            return _by_status(outcome.statuses[-1], alert, channel)
        if outcome.not_sent:
            return Unavailable(
                _("{channel} could not be reached.").format(channel=channel), code="connect"
            )
    return _perhaps(outcome.status.name.lower(), alert, channel)


def _by_status(status: int, alert: str, channel: str) -> ChannelError:
    code = str(status)
    if status in (401, 402, 403, 404, 410):
        return ChannelDown(
            _(
                "{channel} rejected our credentials (status {status}). Renew the token in its address."
            ).format(channel=channel, status=status),
            code=code,
        )
    if status == 429:
        return Throttled(
            _("{channel}: too many posts; {alert} will be tried again in a minute.").format(
                channel=channel, alert=alert
            ),
            wait=TOO_FAST_WAIT_SECONDS,
            code=code,
        )
    if 400 <= status < 500 and status != 408:
        return Rejected(
            _("{channel} refused {alert} (status {status}).").format(
                channel=channel, alert=alert, status=status
            ),
            scope=Scope.MESSAGE,
            code=code,
        )
    return _perhaps(code, alert, channel)


def _perhaps(code: str, alert: str, channel: str) -> ChannelError:
    return Uncertain(
        _(
            "{channel} did not confirm {alert}; it may have been posted. Check there, then settle the delivery."
        ).format(channel=channel, alert=alert),
        code=code,
    )
