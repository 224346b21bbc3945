"""Running a verb for a command: with the application open, and with the acting person."""

import gc
import sys
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import TypeVar

import typer

from alertbot.alerts.views import AlertView
from alertbot.app import App, build, build_partly
from alertbot.cli import kept
from alertbot.cli.frame import session
from alertbot.core import loops
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.people.accounts import acting
from alertbot.watch.context import WatchContext

T = TypeVar("T")


def with_app(
    context: typer.Context,
    work: Callable[[App], Awaitable[T]],
    *,
    partly: bool = False,
    needs: Collection[str] = (),
) -> T:
    """Build the application from the configuration and run `work` in it. `partly`: faults in sections
    that `work` does not need are reported, and the sections left out; never those that it `needs`."""
    if not gc.isenabled():  # see `alertbot.__main__`
        gc.freeze()  # what is loaded by now stays to the end: it is never looked through
        gc.enable()

    async def go() -> T:
        path = session(context).config_path()
        app = _built_partly(path, needs) if partly else build(path)
        try:
            return await work(app)
        finally:
            await app.close()

    return loops.run(go())


def _built_partly(path: Path, needs: Collection[str]) -> App:
    app, without = build_partly(path)
    if without is None or not set(needs).isdisjoint(without):
        return build(path)  # which tells every fault
    if without:
        warning = _(
            "{path} has faults. This command runs without: {sections}. To see every fault: `alertbot check`."
        )
    else:
        warning = _(
            "{path}, or a file that it names, has faults; this command runs all the same. To see every fault:"
            " `alertbot check`."
        )
    print(warning.format(path=path, sections=", ".join(without)), file=sys.stderr)
    return app


def at_home(context: typer.Context) -> App | None:
    """Go by the country of the configuration; None and France without one. For commands that need no more of it, so
    faults elsewhere in the file do not matter."""
    path = session(context).config_path()
    return build_partly(path)[0] if path.exists() else None


def act(
    context: typer.Context,
    work: Callable[[WatchContext, Person], Awaitable[T]],
    token_file: Path | None = None,
    *,
    partly: bool = False,
    needs: Collection[str] = (),
) -> T:
    """Run a verb that changes something: needs the acting person's token. `partly`, `needs`: see `with_app`."""
    token = session(context).token(token_file)

    async def go(app: App) -> T:
        service = await app.open()
        return await work(service, await acting(service, token))

    return _noted(context, token_file, with_app(context, go, partly=partly, needs=needs))


def read(
    context: typer.Context,
    work: Callable[[WatchContext], Awaitable[T]],
    *,
    partly: bool = False,
    token_file: Path | None = None,
) -> T:
    """Run a verb that only reads. `partly`: see `with_app`."""

    async def go(app: App) -> T:
        return await work(await app.open(reading=True))

    return _noted(context, token_file, with_app(context, go, partly=partly))


def _noted(context: typer.Context, token_file: Path | None, done: T) -> T:
    """What was done; if it is an alert, it is the last one that this person worked on from now on."""
    if isinstance(done, AlertView):
        here = session(context)
        kept.note_alert(here.place, here.token(token_file), done.id)
    return done


def change(context: typer.Context, work: Callable[[WatchContext], Awaitable[T]]) -> T:
    """Run a verb that changes something and checks the person itself."""

    async def go(app: App) -> T:
        return await work(await app.open())

    return with_app(context, go)
