"""The public page: page show, rebuild, verify."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from alertbot.app import App
from alertbot.cli.frame import AsJson, emit, say
from alertbot.cli.running import with_app
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.ops import public_page
from alertbot.pages.views import EditionView, PageView, RebuiltView
from alertbot.texts.fields.moments import moment
from alertbot.watch.context import WatchContext

T = TypeVar("T")

At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar=_("TIME"), help=_("A time, such as now, 19:40 or 2026-06-02T19:40:30+02:00.")
    ),
]
Sequence = Annotated[
    int | None,
    typer.Option(
        "--edition", metavar="N", help=_("The edition with this number: `alertbot page show`.")
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option("--to", metavar=_("FOLDER"), help=_("An empty folder for the files of the edition.")),
]
PageName = Annotated[
    str | None,
    typer.Option("--channel", metavar=_("CHANNEL"), help=_("Which page, if there are several.")),
]


def show(context: typer.Context, as_json: AsJson = False) -> None:
    found, clock = _read(context, public_page.show)
    if as_json:
        emit(found)
        return
    for page in found:
        for line in _shown(page, clock):
            say(line)
    if not found:
        say(_("No page is configured: see docs/how-to/public-page.md."))


def rebuild(
    context: typer.Context,
    at: At = None,
    edition: Sequence = None,
    folder: Folder = None,
    channel: PageName = None,
    as_json: AsJson = False,
) -> None:
    if (at is None) == (edition is None):
        raise Misuse(_("Say which edition: --at TIME or --edition N."))

    async def work(app: App, service: WatchContext) -> RebuiltView:
        which = edition if edition is not None else _time(at or "", service)
        return await public_page.rebuild(app, service, which, channel=channel, folder=folder)

    made, clock = _read(context, work)
    if as_json:
        emit(made)
    else:
        for line in _rebuilt(made, clock):
            say(line)
    if not (made.same and made.audited):
        raise typer.Exit(1)


def _time(at: str, service: WatchContext) -> datetime:
    """Elsewhere `now` is a whole minute, for a text; here what stands this second counts."""
    now = service.now
    return (
        now
        if at.strip().lower() == "now"
        else moment(at, now=now, zone=service.publisher.zone, past=True)
    )


def verify(context: typer.Context, as_json: AsJson = False) -> None:
    found, _clock = _read(context, public_page.verify)
    for page in found:
        sound = _("The page {channel} is as the record says: edition {n}, {files} files.")
        if page.sound:
            say(sound.format(channel=page.channel, n=page.sequence, files=page.files), as_json)
        for problem in page.problems:
            say(problem, as_json)
    if as_json:
        emit(found)
    if not found or not all(one.sound for one in found):
        raise typer.Exit(1)


Clock = Callable[[EditionView], str]
NEEDS = ("organisation", "region")  # what every file of a page is made from, beside its own channel


def _read(context: typer.Context, work: Callable[[App, WatchContext], Awaitable[T]]) -> tuple[T, Clock]:
    """A broken section or list of recipients does not matter, unless it may be the page's own."""

    async def go(app: App) -> tuple[T, Clock] | None:
        service = await app.open(reading=True)
        if service.publisher.unusable and not public_page.keepers(app, service):
            return None
        return await work(app, service), lambda one: _named(one, service)

    done = with_app(context, go, partly=True, needs=NEEDS)
    if done is None:
        done = with_app(context, go)
    assert done is not None, "a whole configuration has no unusable parts"
    return done


def _named(one: EditionView, service: WatchContext) -> str:
    """`edition 12 of 19:31 (Tuesday 2 June), holds until 21:00`."""
    if one.holds_until is None:
        return _("edition {n} of {time}").format(n=one.sequence, time=service.clock(one.at))
    return _("edition {n} of {time}, holds until {until}").format(
        n=one.sequence, time=service.clock(one.at), until=service.clock(one.holds_until)
    )


def _shown(page: PageView, clock: Clock) -> Iterator[str]:
    yield f"{page.channel}  {page.public_url}  ({page.place})"
    if page.needs:
        yield f"! {page.needs}"
    for one in page.editions:
        stands = "→" if one.sequence == page.stands else " "
        never = "" if one.stood_at else " " + _("(never stood, as far as is known)")
        yield f"{stands} {clock(one)}  {one.hash[:12]}{never}"
    if not page.editions:
        yield "  " + _("nothing was published on it yet")


def _rebuilt(made: RebuiltView, clock: Clock) -> Iterator[str]:
    row = _("{channel}: {edition}, {files} files.")
    yield row.format(channel=made.channel, edition=clock(made.edition), files=made.files)
    if made.same and made.audited:
        yield _("Byte for byte what stood then, as the audit says: {hash}").format(hash=made.hash)
    elif not made.same:
        yield public_page.why_not_same(made)
    else:
        yield _("The audit does not know this edition: run `alertbot audit verify`.")
    if made.folder:
        yield _("Written to {folder}.").format(folder=made.folder)
