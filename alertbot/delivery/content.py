"""From database rows to posts: what an adapter gets. Also the cache of dispatch contents that a worker
has loaded."""

from collections import OrderedDict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice

from alertbot.core.model import Action, ExercisePost, Markup, Picture, Post, Purpose, TeamPost
from alertbot.core.words import _
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_content, store_outbox
from alertbot.delivery.ledger import Hooks
from alertbot.delivery.store_claim import Claimed
from alertbot.delivery.store_content import DispatchFacts, Sent, Words
from alertbot.delivery.store_settle import Doubt

WITHIN_THE_TEAM = frozenset({Purpose.TEST, Purpose.NOTICE})
_ACTIONS = {one.value: one for one in Action}  # a look-up is faster than the enumeration's own


def message_id(alert: str, delivery: int) -> str:
    """The same for every attempt, so that mail programs recognise a duplicate. The channel adds its
    domain."""
    return f"{alert}.{delivery}"


def post(
    row: Claimed | Doubt | Sent,
    envelope: DispatchFacts,
    words: Words,
    references: tuple[str, ...] = (),
    picture: Picture | None = None,
) -> Post:
    """The finished post. An exercise, a test and a notice become types that live channels refuse."""
    kind = ExercisePost if envelope.exercise else Post
    if envelope.purpose in WITHIN_THE_TEAM:
        kind = TeamPost
    claimed = isinstance(row, Claimed)
    return kind(
        alert=envelope.alert,
        delivery=row.id,
        attempt=row.attempts + 1 if claimed else row.attempts,
        target=row.target,
        lang=row.lang or words.lang,
        text=words.text,
        html=words.html,
        subject=words.subject,
        part=row.part,
        parts=words.parts,
        reply_to=row.reply_to,
        message_id=message_id(envelope.alert, row.id),
        references=references,
        uncertain_before=row.resent or not claimed,
        action=_ACTIONS[row.action],
        picture=picture,
        alt=words.alt,
        document=words.document,
        born=datetime.fromtimestamp(row.born or 0.0, UTC),
    )


def threads(
    rows: Iterable[tuple[str, str, int, str | None]], order: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    """By target: the message ids of earlier mails, ordered by alert."""
    found: dict[str, list[tuple[int, str]]] = {}
    for target, alert, delivery, remote_id in rows:
        name = remote_id or message_id(alert, delivery)  # none where a person said that it was sent
        found.setdefault(target, []).append((order.index(alert), name))
    return {target: tuple(name for _place, name in sorted(ids)) for target, ids in found.items()}


THREADS_KEPT = 5000  # recipients of a dispatch, many times those that are claimed at once
KEPT = 64  # dispatches whose texts are kept in memory
NO_WORDS = Words("", 1, "", None, None)  # of what is only deleted or pinned
WORDLESS = frozenset({Action.DELETE.value, Action.PIN.value})


class DispatchContent:
    """The content of a dispatch. `refusal`: why none of it may be sent. `turn`: when it was judged; None:
    not yet. `targets`: the addresses that were approved, where that is known."""

    def __init__(self, envelope: DispatchFacts) -> None:
        self.envelope = envelope
        self.refusal: str | None = None
        self.turn: int | None = None
        self.targets: Container[str] | None = None
        self.approved: frozenset[int] | None = None  # the messages
        self.words: dict[int, Words] = {}
        self.pictures: dict[str, Picture] = {}
        self.threads: Mapping[str, tuple[str, ...]] = {}

    def post(self, row: Claimed | Doubt | Sent) -> Post:
        """The post for one of its deliveries."""
        references = self.threads.get(row.target, ())
        words = NO_WORDS if row.message is None else self.words[row.message]
        picture = self.pictures.get(words.picture or "")
        return post(row, self.envelope, words, references, picture)


class ContentCache:
    """The dispatch contents that this worker has loaded."""

    def __init__(self, database: Database, hooks: Hooks) -> None:
        self._database = database
        self._hooks = hooks
        self._kept: OrderedDict[int, DispatchContent] = OrderedDict()

    async def judged(self, rows: Sequence[Claimed], markup: Markup, turn: int) -> DispatchContent:
        """The content as `get` gives it, judged now unless it was since `turn`, the last halt."""
        letter = self._kept.get(rows[0].dispatch)
        if letter is None or letter.turn != turn:
            self._kept[rows[0].dispatch] = await self._database.read(
                lambda conn: self._judge(conn, rows[0].dispatch, turn)
            )
        return await self.get(rows, markup)

    async def get(self, rows: Sequence[Claimed | Doubt | Sent], markup: Markup) -> DispatchContent:
        """The content of the dispatch that these rows belong to, with every text they need."""
        letter = self._kept.get(rows[0].dispatch)
        missing = {row.message or 0 for row in rows if row.message or row.action not in WORDLESS}
        missing -= letter.words.keys() if letter else set()
        threaded = markup is Markup.EMAIL
        if letter is None or missing or (threaded and letter.envelope.references):
            letter = await self._database.read(
                lambda conn: self._read(conn, letter, rows, missing, threaded)
            )
            self._kept[rows[0].dispatch] = letter
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return letter

    async def _read(
        self,
        conn: Connection,
        known: DispatchContent | None,
        rows: Sequence[Claimed | Doubt | Sent],
        missing: set[int],
        threaded: bool,
    ) -> DispatchContent:
        letter = known or DispatchContent(await store_content.envelope(conn, rows[0].dispatch))
        if missing:
            await _fill(conn, letter, missing)
        alerts = letter.envelope.references
        if threaded and alerts:
            targets = [row.target for row in rows]
            before = await store_content.earlier(conn, letter.envelope.account, alerts, targets)
            found = threads(before, alerts)
            known_threads = {**letter.threads, **found}
            beyond = max(
                0, len(known_threads) - THREADS_KEPT
            )  # of tens of thousands, those sent long since
            letter.threads = dict(islice(known_threads.items(), beyond, None))
        return letter

    async def _judge(self, conn: Connection, dispatch: int, turn: int) -> DispatchContent:
        """The judgement of the hook. What it has read of the texts is what will be sent."""
        letter = DispatchContent(await store_content.envelope(conn, dispatch))
        letter.turn = turn
        if self._hooks.judge is None:
            return letter
        found = await self._hooks.judge(
            conn, replace(letter.envelope, judged=letter.envelope.turn == turn)
        )
        letter.refusal, letter.targets = found.refusal, found.targets
        if found.texts is not None:
            letter.approved = frozenset(found.texts)
            mine = {
                key: one for key, one in found.texts.items() if one.channel == letter.envelope.channel
            }
            letter.words = {key: store_content.words_of(one) for key, one in mine.items()}
            await _add_pictures(conn, letter)
        return letter


async def _fill(conn: Connection, letter: DispatchContent, missing: set[int]) -> None:
    """Load texts and their pictures. Texts that were not approved are not loaded."""
    allowed = missing if letter.approved is None else missing & letter.approved
    letter.words |= await store_content.words(conn, sorted(allowed))
    if not missing <= letter.words.keys():
        letter.refusal = letter.refusal or _("Not sent: its text is missing from the database.")
    await _add_pictures(conn, letter)


async def _add_pictures(conn: Connection, letter: DispatchContent) -> None:
    """Load the pictures of its texts. One is accepted only if its bytes match the approved digest."""
    wanted = {words.picture for words in letter.words.values() if words.picture}
    digests = wanted - letter.pictures.keys()
    if not digests:
        return
    letter.pictures |= await store_outbox.get(conn, digests)
    if any(digest not in letter.pictures or not _whole(letter.pictures[digest]) for digest in digests):
        letter.refusal = letter.refusal or _("Not sent: its picture is missing from the database.")


def _whole(picture: Picture) -> bool:
    return sha256(picture.content).hexdigest() == picture.digest
