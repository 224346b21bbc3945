"""Reading back: comparing what a platform shows with what was approved, and the loop that does so after
a post.

The comparison covers what a reader sees: words and, with markup, what is bold, struck or a link. It
ignores what platforms change in every text: spaces and line ends, letter composition, the scheme and
last slash of an address.
"""

import asyncio
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any

from alertbot.channels.base import Adapter
from alertbot.channels.telegram.spans import Span, spans
from alertbot.channels.witnessing import compared_words
from alertbot.core.errors import ChannelError, safe
from alertbot.core.model import Action, Markup, Post, Receipt
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery import store_content
from alertbot.delivery.content import ContentCache
from alertbot.delivery.ledger import Ledger
from alertbot.delivery.store_content import ReadbackVerdict, Sent

SHOWN_LETTERS = 60

Run = tuple[str, tuple[str, ...]]  # a word and what marks it


def difference(post: Post, shown: str | None, markup: Markup) -> str | None:
    """How the text shown differs from the approved one, as a sentence; None if it does not. Pure.

    `shown`: what the platform shows (HTML if `markup` is Telegram's), None if there is nothing.
    """
    if shown is None:
        return _("nothing is there any more")
    html = markup is Markup.TELEGRAM
    approved, found = _runs(_approved(post, html), html), _runs(shown, html)
    if approved == found:
        return None
    words, seen = [word for word, _marks in approved], [word for word, _marks in found]
    if words == seen:
        return _("the words are the same, but bold, struck-out or linked text differs")
    return differing(words, seen)


def _approved(post: Post, html: bool) -> str:
    text = (post.alt or "") if post.action is Action.PICTURE else post.text
    if not html:
        return text
    if post.action is Action.PICTURE or post.html is None:
        return escape(text, quote=False)
    return post.html


def _runs(text: str, html: bool) -> list[Run]:
    if not html:
        return [(word, ()) for word in compared_words(text)]
    return list(_joined([(letter, _marks(span)) for span in spans(text) for letter in span.text]))


def _marks(span: Span) -> tuple[str, ...]:
    target = " ".join(compared_words(span.address))
    return tuple(f"a {target}".strip() if tag == "a" else tag for tag in span.tags)


def _joined(letters: list[Run]) -> Iterator[Run]:
    """Words, each with the marks of its letters."""
    text = "".join(letter for letter, _marks in letters)
    for found in re.finditer(r"\S+", text):
        marks = {mark for _letter, marks in letters[found.start() : found.end()] for mark in marks}
        for word in compared_words(found.group()):
            yield word, tuple(sorted(marks))


def differing(approved: list[str], shown: list[str]) -> str:
    """The first place where these words differ, as a sentence."""
    matcher = SequenceMatcher(a=approved, b=shown, autojunk=False)
    _kind, a, b, c, d = next(step for step in matcher.get_opcodes() if step[0] != "equal")
    was, now = _short(approved[a:b]), _short(shown[c:d])
    if not now:
        return _("“{text}” is missing").format(text=was)
    if not was:
        return _("“{text}” was added").format(text=now)
    return _("it says “{shown}” where “{approved}” was approved").format(shown=now, approved=was)


def _short(words: list[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…"


log = logging.getLogger(__name__)

FIRST_LOOK_SECONDS = 3.0  # after the post
SECOND_LOOK_SECONDS = 30.0  # after the first look
OTHERS_SECONDS = 120.0  # what another worker published is its own to look at for so long
WITHIN_SECONDS = 3600.0  # what is older is not looked at any more
LONGEST_LOOK = 60.0
SAME, UNKNOWN = "same", "unknown"


class ReadBack:
    """One per worker. Makes no database query until `wake` reports a publication."""

    def __init__(self, adapters: Mapping[str, Adapter[Any]], ledger: Ledger) -> None:
        self._adapters = {
            name: one
            for name, one in adapters.items()
            if one.spec.can_read_back and one.channel.read_back
        }
        self._ledger = ledger
        self._letters = ContentCache(ledger.database, ledger.hooks)
        self._looked: dict[int, float] = {}  # delivery: monotonic moment of the first look
        self._awake = bool(self._adapters)

    def wake(self, channel: str) -> None:
        """Something was published on this channel."""
        self._awake = self._awake or channel in self._adapters

    async def round(self) -> None:
        """Check what is due, one delivery per channel."""
        if not self._awake:
            return
        waiting = await self._waiting()
        self._awake = bool(waiting)
        ripe: dict[str, Sent] = {}
        for sent in waiting:
            if self._is_ripe(sent):
                ripe.setdefault(sent.channel, sent)
        await self._look_at(list(ripe.values()), first_counts=False)

    async def finish(self) -> None:
        """Check everything now, and again after a second where it differs: for a worker that is
        stopping."""
        for last in (False, True):
            waiting = await self._waiting() if self._awake else []
            if not waiting:
                return
            if last:
                await asyncio.sleep(1.0)
            await self._look_at(waiting, first_counts=last)

    async def _waiting(self) -> list[Sent]:
        worker = self._ledger.worker
        return await self._ledger.database.read(
            lambda conn: store_content.unread(
                conn,
                self._adapters.keys(),
                worker=worker,
                others_after=OTHERS_SECONDS,
                within=WITHIN_SECONDS,
            )
        )

    def _is_ripe(self, sent: Sent) -> bool:
        looked = self._looked.get(sent.id)
        if looked is None:
            return sent.age >= FIRST_LOOK_SECONDS
        return time.monotonic() - looked >= SECOND_LOOK_SECONDS

    async def _look_at(self, ripe: Sequence[Sent], *, first_counts: bool) -> None:
        by_channel: dict[str, list[Sent]] = {}
        for sent in ripe:
            by_channel.setdefault(sent.channel, []).append(sent)
        await asyncio.gather(*(self._in_turn(group, first_counts) for group in by_channel.values()))

    async def _in_turn(self, group: Sequence[Sent], first_counts: bool) -> None:
        for sent in group:
            words, differs = await self._look(sent)
            if words != SAME and not first_counts and sent.id not in self._looked:
                self._looked[sent.id] = time.monotonic()
                continue
            self._looked.pop(sent.id, None)
            await self._write(
                ReadbackVerdict(sent.id, sent.alert, sent.channel, sent.remote_id, words, differs)
            )

    async def _look(self, sent: Sent) -> tuple[str, bool]:
        """The finding ("same", "unknown" or the difference), and whether it is a difference."""
        adapter = self._adapters[sent.channel]
        letter = await self._letters.get([sent], adapter.spec.markup)
        if letter.refusal is not None:
            return UNKNOWN, False
        post = letter.post(sent)
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                shown = await adapter.read_back(post, Receipt(sent.remote_id))
        except (ChannelError, TimeoutError) as error:
            log.info(
                "%s could not be asked what it shows of %s: %s",
                sent.channel,
                sent.alert,
                safe(error),
                extra={"channel": sent.channel, "alert": sent.alert},
            )
            return UNKNOWN, False
        found = difference(post, shown, adapter.spec.markup)
        return (SAME, False) if found is None else (found, True)

    async def _write(self, verdict: ReadbackVerdict) -> None:
        async def work(conn: Connection) -> None:
            kept = await store_content.write(conn, [verdict])
            if kept and verdict.differs and self._ledger.hooks.differs:
                await self._ledger.hooks.differs(conn, kept)

        await self._ledger.database.transact(work)
        if verdict.differs:
            log.warning(
                "%s shows something else than was approved for %s: %s",
                verdict.channel,
                verdict.alert,
                verdict.words,
                extra={"channel": verdict.channel, "alert": verdict.alert},
            )
