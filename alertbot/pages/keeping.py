"""Keeping a public page: making an edition for what is being published, renewing it when time has made it false,
restoring it where something else stands, and making any of them again of the record.

An edition is written down, and its row of the audit with it, when all its files are ready and before it is shown.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from alertbot.channels.page.places import (
    EditionFiles,
    PagePlace,
    PlaceFailed,
    PlaceOvertaken,
    Stood,
)
from alertbot.core.errors import AlertbotError, ChannelDown, ChannelError, Unavailable, safe
from alertbot.core.frozen import dataclass
from alertbot.core.json import as_json
from alertbot.core.loops import in_thread
from alertbot.core.model import Channel, Post
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.pages import editions, store_editions
from alertbot.pages.editions import PageBroken, Render
from alertbot.pages.views import Added, EditionRow, PageEdition, PageSite, PublishedText
from alertbot.people import tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask

log = logging.getLogger(__name__)

MACHINE = "alertbot"
TASK = "page"
TRIES = 3  # another worker may be making an edition at the same time
LOOK_SECONDS = 30.0  # between two looks at what stands
PROBE_BEFORE = timedelta(minutes=10)  # of the end of an edition: can the next one be written?


class EditionTaken(AlertbotError):
    """Another worker has written down an edition at the same moment."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What an edition is to be made of."""

    base: EditionRow | None
    added: Mapping[int, Added]  # everything it shows
    fresh: tuple[Added, ...]  # of it, what `base` has not
    texts: tuple[PublishedText, ...]
    sequence: int
    at: datetime


class PageKeeper:
    """One page of this installation. `changed` is called when another edition stands. `shared`: every machine sees
    the same place, so one of them keeps it."""

    def __init__(
        self,
        service: Context,
        channel: Channel,
        site: PageSite,
        place: Callable[[], PagePlace],
        render: Render,
        *,
        shared: bool = False,
    ) -> None:
        self.shared = shared
        self._service, self._database = service, service.database
        self.channel, self.site = channel, site
        self._open_place, self._render = place, render
        self.changed: Callable[[], None] = lambda: None
        self._next_look = 0.0
        self._holds_until: datetime | None = None

    # --- publishing -------------------------------------------------------------------------------

    async def publish(self, posts: Sequence[Post]) -> None:
        """Have an edition stand that holds these posts beside all that was published before. Raises `PlaceFailed`,
        `Unavailable` if one of them may not be shown any more, and `ChannelDown` if the record is not as it was."""
        try:
            await self._publish(posts)
        except PageBroken as error:
            raise ChannelDown(str(error), code="record") from None

    async def _publish(self, posts: Sequence[Post] = ()) -> None:
        for _attempt in range(TRIES):
            try:
                await self._renew(posts)
            except (EditionTaken, PlaceOvertaken) as error:
                log.info("%s", error)
            else:
                return
        sentence = _(
            "Another worker is renewing the page {channel} at the same time; it is tried again."
        )
        raise Unavailable(sentence.format(channel=self.channel.name))

    async def find(self, post: Post) -> bool:
        """Whether what stands holds this post. Raises `PlaceFailed`."""
        stands = await self._stands()
        if stands is None:
            return False

        async def look(conn: Connection) -> bool:
            row = await store_editions.known(conn, self.channel.name, *_key(stands))
            return row is not None and post.delivery in await store_editions.shown(
                conn, self.channel.name, row.sequence
            )

        return await self._database.read(look)

    async def _renew(self, posts: Sequence[Post] = ()) -> None:
        stands = await self._stands()
        drawn = await self._database.read(partial(self._draw, posts, stands))
        if posts and not drawn.fresh and drawn.base and stands == _stood(drawn.base):
            return  # an earlier attempt had its effect
        made = await in_thread(partial(self._made, drawn))
        row = EditionRow(
            self.channel.name,
            made.sequence,
            drawn.base.sequence if drawn.base else None,
            made.at,
            made.digest,
            made.holds_until,
            self.site,
            editions.wording(),
            drawn.fresh,
        )
        place, files = self._open_place(), EditionFiles(made.sequence, made.digest, made.files)
        await in_thread(partial(place.prepare, files))
        await self._database.transact(partial(self._write_down, row, len(made.files), posts))
        await in_thread(partial(place.switch, files))
        await self._database.transact(partial(self._note, row))
        self._holds_until = row.holds_until
        self.changed()

    async def _draw(self, posts: Sequence[Post], stands: Stood | None, conn: Connection) -> _Drawn:
        name = self.channel.name
        base = await store_editions.latest(conn, name)
        if stands and (
            base is None or stands != _stood(base)
        ):  # the last worker may not have come to note it
            known = await store_editions.known(conn, name, *_key(stands))
            base = known if known and (base is None or known.sequence > base.sequence) else base
        added = await store_editions.shown(conn, name, base.sequence if base else None)
        fresh_ids = {
            *await store_editions.out(conn, name),
            *(post.delivery for post in posts),
        } - added.keys()
        texts = tuple(await store_editions.texts(conn, {*added, *fresh_ids}))
        _require_same(posts, texts)
        at = self._service.now.astimezone(UTC).replace(microsecond=0)
        fresh = tuple(
            Added(one.delivery, at.timestamp(), editions.sum_of(one.document))
            for one in texts
            if one.delivery in fresh_ids
        )
        last = max(await store_editions.highest(conn, name), stands.sequence if stands else 0)
        return _Drawn(
            base, {**added, **{one.delivery: one for one in fresh}}, fresh, texts, last + 1, at
        )

    def _made(self, drawn: _Drawn) -> PageEdition:
        published = editions.alerts(drawn.texts, drawn.added)
        try:
            return editions.edition(published, drawn.at, self.site, drawn.sequence, self._render)
        except Exception as error:
            log.exception("The page %s cannot be made.", self.channel.name)
            sentence = _(
                "The page {channel} cannot be made: {why}. What stands stays; if words or templates of your own were"
                " changed, put them right, else tell those who maintain alertbot."
            )
            why = str(error) if isinstance(error, AlertbotError) else type(error).__name__
            raise PageBroken(sentence.format(channel=self.channel.name, why=safe(why))) from None

    async def _write_down(
        self, row: EditionRow, files: int, posts: Sequence[Post], conn: Connection
    ) -> None:
        await take_lock(conn, AUDIT)
        if posts and not await store_editions.may_be_shown(conn, [one.delivery for one in posts]):
            sentence = _("Not shown on {channel}: it was halted, cancelled or expired meanwhile.")
            raise Unavailable(sentence.format(channel=self.channel.name))
        if await store_editions.highest(conn, row.channel) >= row.sequence:
            raise EditionTaken(
                f"edition {row.sequence} of {row.channel} was written down by another worker"
            )
        await store_editions.add(conn, row)
        about = {post.alert for post in posts}
        await audit.append(
            conn,
            actor=MACHINE,
            verb=store_editions.VERB,
            at=self._service.now,
            alert=about.pop() if len(about) == 1 else None,
            digest=row.digest,
            detail={
                "channel": row.channel,
                "sequence": row.sequence,
                "at": as_json(row.at),
                "holds_until": as_json(row.holds_until),
                "files": files,
            },
        )

    async def _note(self, row: EditionRow, conn: Connection) -> None:
        await store_editions.note_standing(conn, row.channel, row.sequence, self._service.now)
        await tasks.close(
            self._service, conn, self._task, _("Edition {n} stands.").format(n=row.sequence)
        )

    async def _stands(self) -> Stood | None:
        return (await self.look_up())[1]

    async def look_up(self) -> tuple[str, Stood | None]:
        """Where the page is, and the edition that stands there by its own word. Raises `PlaceFailed`."""
        place = await in_thread(self._open_place)
        return place.name, await in_thread(place.stands)

    async def contents(self) -> tuple[Stood | None, Mapping[str, bytes]]:
        """What stands, with every file. Raises `PlaceFailed`."""

        def read(place: PagePlace) -> tuple[Stood | None, Mapping[str, bytes]]:
            stands = place.stands()
            found = {path: place.read(path) for path in place.paths()} if stands else {}
            return stands, {path: content for path, content in found.items() if content is not None}

        return await in_thread(partial(read, self._open_place()))

    async def files(self) -> Mapping[str, str]:
        """The sum of every file that stands. Raises `PlaceFailed`."""
        return await in_thread(self._open_place().paths)

    # --- keeping it true ---------------------------------------------------------------------------

    @property
    def _task(self) -> str:
        return f"{TASK}:{self.channel.name}"

    async def look(self) -> None:
        """Renew the page if time has made it false, restore it if something else stands; the team is told if that
        cannot be done. Does nothing between two looks, and while the channel is halted."""
        ended = self._holds_until is not None and self._holds_until <= self._service.now
        if not ended and time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        if await self._database.read(lambda conn: store_editions.stopped(conn, self.channel.name)):
            return
        try:
            await self._look()
        except (PlaceFailed, PageBroken, ChannelError) as error:
            await self._tell(str(error))

    async def _look(self) -> None:
        now, name, stands = self._service.now, self.channel.name, await self._stands()
        last = await self._database.read(lambda conn: store_editions.latest(conn, name))
        if stands is not None and (last is None or stands != _stood(last)):
            last = await self._recognised(stands, last)
        self._holds_until = last.holds_until if last else None
        if last is None or (last.holds_until is not None and last.holds_until <= now):
            if last is not None or await self._may_begin():
                await self._publish()
        elif stands != _stood(last):
            await self._restore(last)
        elif last.holds_until is not None and last.holds_until - now < PROBE_BEFORE:
            await in_thread(self._open_place().probe)
        else:
            await in_thread(self._open_place().tidy)

    async def _recognised(self, stands: Stood, last: EditionRow | None) -> EditionRow:
        """The edition that should stand, where another one does. Raises `PlaceFailed` if that is not ours at all."""
        name = self.channel.name
        known = await self._database.read(lambda conn: store_editions.known(conn, name, *_key(stands)))
        if known is None:
            raise PlaceFailed(self._not_ours(stands))
        if last is not None and known.sequence < last.sequence:
            return last
        await self._database.transact(partial(self._note, known))  # nobody came to note it
        return known

    async def _may_begin(self) -> bool:
        """Whether a page on which nothing was published yet may say so: not while the public was told something
        elsewhere."""
        exercise = self.site.exercise
        return (
            await self._database.read(
                lambda conn: store_editions.told_elsewhere(conn, exercise=exercise)
            )
            is None
        )

    async def _restore(self, last: EditionRow) -> None:
        """Have the last edition stand again: the place was emptied, or is another machine's."""
        made = await self.rebuild(last)
        if made.digest != last.digest:  # another version of the program wrote it
            await self._publish()
            return
        place, files = self._open_place(), EditionFiles(made.sequence, made.digest, made.files)
        await in_thread(partial(place.prepare, files))
        await in_thread(partial(place.switch, files))
        self.changed()

    def _not_ours(self, stands: Stood) -> str:
        return _(
            "What stands on the page {channel}, edition {n}, is not in this database. If the database is an older copy,"
            " put the newer one back, or publish the next alert, which takes the page's place. If another installation"
            " writes there, give one of them another folder."
        ).format(channel=self.channel.name, n=stands.sequence)

    async def _tell(self, why: str) -> None:
        until, now = self._holds_until, self._service.now
        if until is None:
            text = _("The page {channel} is not kept up: {why}").format(
                channel=self.channel.name, why=why
            )
        elif until > now:
            text = _("The page {channel} holds until {time} and cannot be renewed: {why}").format(
                channel=self.channel.name, time=self._service.clock(until), why=why
            )
        else:
            text = _("The page {channel} has been out of date since {time}: {why}").format(
                channel=self.channel.name, time=self._service.clock(until), why=why
            )
        await self._database.transact(
            lambda conn: tasks.raise_(self._service, conn, NewTask(self._task, TASK, text))
        )

    # --- the record --------------------------------------------------------------------------------

    async def rebuild(self, row: EditionRow) -> PageEdition:
        """An edition made again of the record, as it was written down. Raises `PageBroken`."""

        async def read(conn: Connection) -> tuple[Mapping[int, Added], Sequence[PublishedText]]:
            added = await store_editions.shown(conn, row.channel, row.sequence)
            return added, await store_editions.texts(conn, added)

        added, texts = await self._database.read(read)
        published = editions.alerts(texts, added)
        return await in_thread(
            partial(editions.edition, published, row.at, row.site, row.sequence, self._render)
        )


def _key(stands: Stood) -> tuple[int, str]:
    return stands.sequence, stands.digest


def _stood(row: EditionRow) -> Stood:
    return Stood(row.sequence, row.digest)


def _require_same(posts: Sequence[Post], texts: Sequence[PublishedText]) -> None:
    """Raises `PageBroken` if a stored text is not the one that was judged."""
    stored = {one.delivery: one.document for one in texts}
    for post in posts:
        if stored.get(post.delivery) != post.document:
            raise PageBroken(editions.changed_text(post.alert))
