"""`alertbot serve`: the worker and the pages in one process, stopped together."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alertbot import loops
from alertbot.service import asking_sources as asking
from alertbot.service import intake, working
from alertbot.settings.loopback import is_loopback
from alertbot.web import server
from alertbot.web.app import build
from alertbot.web.signals import intake_of
from alertbot.words import _

if TYPE_CHECKING:
    from alertbot.app import App

Tell = Callable[[str], None]
GRACE_SECONDS = 1.2  # of calls under way: whoever stops it waits 3 s before it is killed


async def serve(app: "App", host: str | None, port: int | None, tell: Tell) -> dict[str, Any]:
    """Serve and work until SIGTERM or SIGINT, and end within 3 s of it: answers and calls under way end
    first, and a call that does not is written down as perhaps sent. Host and port, where
    given, count over the configuration. Raises `Misuse` where they cannot be had, `ConfigInvalid` for a
    missing secret, `StoreReplaced` where the database's file was replaced meanwhile."""
    settings = app.config.serve
    host = host or settings.host
    key, inlets = app.link_key(), intake.inlets(app.config.sources)
    with closing(server.listen(host, settings.port if port is None else port)) as place:
        service = await app.open()
        web = build(
            service,
            key=key,
            intake=intake_of(service, inlets),
            metrics=is_loopback(host) if settings.metrics is None else settings.metrics,
            hook=app.hook(service),
        )
        address = server.address_of(place)
        for line in announcement(app, address):
            tell(line)
        stop = working.stop_signal()
        pages = asyncio.create_task(server.serve(web, place, stop))  # where they end, all ends in order
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(working.work_until(app, service, stop, grace=GRACE_SECONDS))
            tasks.create_task(
                loops.keep("Asking sources", partial(asking.keep, service, app.config, stop), stop)
            )
        await pages
    service.database.require_same_file()
    return {"stopped": True, "address": address}


def announcement(app: "App", address: str) -> list[str]:
    """What a person should know about what is served, and where."""
    lines = [
        _("Serving on {address}; watched at {address}/healthz and {address}/readyz.").format(
            address=address
        )
    ]
    if not is_loopback(address):
        lines.append(
            _(
                "! This address can be reached from elsewhere and speaks plain HTTP: put a proxy with https in front."
            )
        )
    mail = app.mail_approvals
    if mail is None:
        lines.append(_("No approvals by mail: `approvals_by: mail:` is not configured."))
    else:
        lines.append(_("Links to approve begin with {url}/a/").format(url=mail.base_url))
    lines += [*_called(app, address), _reports(app, address), *_asked(app)]
    return [*lines, _("The worker is alive; it stops with Ctrl-C or SIGTERM.")]


def _called(app: "App", address: str) -> list[str]:
    by = app.config.approvals_by
    called = by and by.telegram and by.telegram.mode == "webhook" and by.telegram.webhook
    if not called:
        return []
    path = urlsplit(called.url).path or "/"
    sentence = _("Telegram calls {url}, which has to lead to {address}{path}")
    return [sentence.format(url=called.url, address=address, path=path)]


def _asked(app: "App") -> list[str]:
    asked = [name for name, settings in app.config.sources.items() if not settings.pushes]
    return [_("Asked for news: {names}").format(names=", ".join(asked))] if asked else []


def _reports(app: "App", address: str) -> str:
    names = [name for name, settings in app.config.sources.items() if settings.pushes]
    if not names:
        return _("No source reports to this address: `sources:` names none that does.")
    return _("Reports are taken at {address}/signals/: {names}").format(
        address=address, names=", ".join(names)
    )
