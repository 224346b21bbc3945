"""The public pages of this installation: their keepers, and looking at them, rebuilding and verifying them."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from alertbot.app import App
from alertbot.channels.page.adapter import PageAdapter
from alertbot.channels.page.places import POINTER, PlaceFailed, sum_of
from alertbot.core.errors import Misuse, Refused
from alertbot.core.loops import in_thread
from alertbot.core.words import _, ngettext
from alertbot.pages import editions, html, store_editions, truth
from alertbot.pages.feeds import making
from alertbot.pages.keeping import PageKeeper
from alertbot.pages.views import (
    EditionRow,
    EditionView,
    PageCheckView,
    PageEdition,
    PageSite,
    PageView,
    PublicStanding,
    RebuiltView,
)
from alertbot.watch.context import WatchContext

LISTED = 10  # editions in a view
TOLD = 5  # files that differ


def render(standing: PublicStanding, site: PageSite) -> Mapping[str, bytes]:
    """Every file of a page: the pages, and the feeds beside them."""
    return {**html.pages(standing, site), **making.feeds(standing, site)}


def keepers(app: App, service: WatchContext) -> tuple[PageKeeper, ...]:
    """One for each page that is configured; from here on its adapter can publish. Touches no place."""
    found = []
    for adapter in app.adapters().values():
        if isinstance(adapter, PageAdapter):
            if not isinstance(adapter.editions, PageKeeper):
                adapter.editions = _keeper(service, adapter)
            found.append(adapter.editions)
    return tuple(found)


def _keeper(service: WatchContext, adapter: PageAdapter) -> PageKeeper:
    site = editions.site_of(service.publisher, adapter.channel, adapter.settings.public_url)
    return PageKeeper(
        service, adapter.channel, site, adapter.place, render, shared=adapter.settings.in_bucket
    )


async def place_problems(app: App) -> list[str]:
    """What stands in the way of each page that is kept in a folder of this machine; writes nothing."""
    found = []
    for name, adapter in app.adapters().items():
        if isinstance(adapter, PageAdapter) and not adapter.settings.in_bucket:
            try:
                await in_thread(adapter.place().stands)
            except PlaceFailed as error:
                found.append(f"channels.{name}.folder: {error}")
    return found


def chosen(kept: tuple[PageKeeper, ...], channel: str | None) -> PageKeeper:
    """The keeper of the named page, or of the first that is no exercise's. Raises `Misuse` if there is none."""
    if channel is None:
        ordered = sorted(kept, key=lambda one: one.site.exercise)
    else:
        ordered = [one for one in kept if one.channel.name == channel]
    if not ordered:
        known = ", ".join(one.channel.name for one in kept) or "–"
        raise Misuse(_("There is no such page; the pages are: {known}.").format(known=known))
    return ordered[0]


async def show(app: App, service: WatchContext) -> tuple[PageView, ...]:
    """Every page: what stands there by its own word, and what the record says."""
    return tuple([await _view(service, one) for one in keepers(app, service)])


async def _view(service: WatchContext, keeper: PageKeeper) -> PageView:
    name = keeper.channel.name
    rows = await service.database.read(lambda conn: store_editions.editions(conn, name))
    needs = await service.database.read(lambda conn: truth.needs(service, conn, name))
    try:
        place, stands = await keeper.look_up()
    except PlaceFailed as trouble:
        place, stands, needs = "–", None, str(trouble)
    return PageView(
        channel=name,
        public_url=keeper.site.public_url,
        place=place,
        stands=stands.sequence if stands else None,
        editions=tuple(map(_edition, rows[: -LISTED - 1 : -1])),
        needs=needs,
    )


def _edition(row: EditionRow) -> EditionView:
    return EditionView(
        sequence=row.sequence,
        at=row.at,
        holds_until=row.holds_until,
        hash=row.digest,
        stood_at=row.stood_at,
    )


async def rebuild(
    app: App, service: WatchContext, which: datetime | int, *, channel: str | None, folder: Path | None
) -> RebuiltView:
    """The edition that stood at a time, or has this number, made again of the record and compared with what was
    written down then; into an empty `folder`, if one is given. Raises `Refused` if there is none."""
    keeper = chosen(keepers(app, service), channel)
    name = keeper.channel.name
    rows = await service.database.read(lambda conn: store_editions.editions(conn, name))
    if isinstance(which, datetime):
        row = store_editions.stands_at(rows, which)
        none = _("No edition of the page {channel} stood at {time}.").format(
            channel=name, time=service.clock(which)
        )
    else:
        row = next((one for one in rows if one.sequence == which), None)
        none = _("The page {channel} has no edition {n}.").format(channel=name, n=which)
    if row is None:
        raise Refused(none)
    made = await keeper.rebuild(row)
    if folder is not None:
        await in_thread(partial(_write, folder, made))
    return RebuiltView(
        channel=name,
        edition=_edition(row),
        hash=made.digest,
        same=made.digest == row.digest,
        audited=await service.database.read(lambda conn: store_editions.audited(conn, row.digest)),
        reworded=row.wording != editions.wording(),
        files=len(made.files),
        folder=None if folder is None else str(folder),
    )


def _write(folder: Path, made: PageEdition) -> None:
    """Raises `Misuse` if something is there, or nothing can be put there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            sentence = _("{folder} is not empty; nothing was written. Give an empty folder.")
            raise Misuse(sentence.format(folder=folder))
        for path, content in made.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    except OSError as error:
        sentence = _("The edition cannot be written to {folder}: {why}.")
        raise Misuse(sentence.format(folder=folder, why=error.strerror)) from None


async def verify(app: App, service: WatchContext) -> tuple[PageCheckView, ...]:
    """Whether what stands on each page is, file by file, what the record makes of it."""
    return tuple([await _checked(service, one) for one in keepers(app, service)])


async def _checked(service: WatchContext, keeper: PageKeeper) -> PageCheckView:
    name = keeper.channel.name
    last = await service.database.read(lambda conn: store_editions.latest(conn, name))
    if last is None:
        told = _("No edition of the page {channel} has stood yet.").format(channel=name)
        return PageCheckView(channel=name, sound=False, sequence=None, files=0, problems=(told,))
    problems = [*await _against_record(service, keeper, last), *await _against_place(keeper, last)]
    if needs := await service.database.read(lambda conn: truth.needs(service, conn, name)):
        problems.append(needs)
    found = await keeper.files()
    return PageCheckView(
        channel=name,
        sound=not problems,
        sequence=last.sequence,
        files=len(found),
        problems=tuple(problems),
    )


async def _against_record(service: WatchContext, keeper: PageKeeper, last: EditionRow) -> list[str]:
    made = await keeper.rebuild(last)
    problems = []
    if made.digest != last.digest:
        reworded = last.wording != editions.wording()
        problems.append(_reworded(last.channel, last.sequence, reworded))
    if not await service.database.read(lambda conn: store_editions.audited(conn, last.digest)):
        sentence = _("The audit does not know edition {n} of {channel}.")
        problems.append(sentence.format(n=last.sequence, channel=last.channel))
    return problems


async def _against_place(keeper: PageKeeper, last: EditionRow) -> list[str]:
    _place, stands = await keeper.look_up()
    if stands is None or (stands.sequence, stands.digest) != (last.sequence, last.digest):
        sentence = _(
            "Edition {n} of {channel} should stand, and edition {other} does. A worker puts it right."
        )
        other = stands.sequence if stands else "–"
        return [sentence.format(n=last.sequence, channel=last.channel, other=other)]
    made, found = await keeper.rebuild(last), await keeper.files()
    if made.digest != last.digest:
        return []  # told already
    wrong = [path for path, content in made.files.items() if found.get(path) != sum_of(content)]
    if not wrong:
        return []
    named = ", ".join(sorted(wrong, key=lambda path: (path == POINTER, path))[:TOLD])
    told = ngettext(
        "{n} file of edition {edition} is not as it was written: {named}.",
        "{n} files of edition {edition} are not as they were written, among them: {named}.",
        len(wrong),
    )
    return [told.format(n=len(wrong), edition=last.sequence, named=named)]


def why_not_same(made: RebuiltView) -> str:
    """Why an edition does not come out as it was written down."""
    return _reworded(made.channel, made.edition.sequence, made.reworded)


def _reworded(channel: str, sequence: int, reworded: bool) -> str:
    if reworded:
        sentence = _(
            "Edition {n} of {channel} was written by another version of this program, which puts other words around the"
            " same alerts; for the bytes of then, use that version."
        )
    else:
        sentence = _(
            "Edition {n} of {channel} does not come out of the record as it was written down: the country pack, the words"
            " or the database have changed since. `alertbot audit verify` tells whether it was the database."
        )
    return sentence.format(n=sequence, channel=channel)
