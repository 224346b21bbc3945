"""The content of deliveries, read once per dispatch and checked against its digest before it is used."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import sha256

from alertbot.delivery import posts
from alertbot.delivery.ledger import Hooks
from alertbot.model import Action, Markup, Picture, Post
from alertbot.store import contents, pictures
from alertbot.store.claiming import Claimed
from alertbot.store.connection import Connection
from alertbot.store.contents import Envelope, Words
from alertbot.store.database import Database
from alertbot.store.readback import Sent
from alertbot.store.settling import Doubt
from alertbot.words import _

KEPT = 64  # dispatches whose texts are kept in memory
NO_WORDS = Words("", 1, "", None, None)  # of what is only deleted or pinned
WORDLESS = frozenset({Action.DELETE.value, Action.PIN.value})


class Letter:
    """What a dispatch says. `refusal`: why none of it may be sent."""

    def __init__(self, envelope: Envelope, refusal: str | None) -> None:
        self.envelope = envelope
        self.refusal = refusal
        self.words: dict[int, Words] = {}
        self.pictures: dict[str, Picture] = {}
        self.threads: Mapping[str, tuple[str, ...]] = {}

    def post(self, row: Claimed | Doubt | Sent) -> Post:
        """The post for one of its deliveries."""
        references = self.threads.get(row.target, ())
        words = NO_WORDS if row.message is None else self.words[row.message]
        picture = self.pictures.get(words.picture or "")
        return posts.post(row, self.envelope, words, references, picture)


class Letters:
    """The letters that this worker has opened."""

    def __init__(self, database: Database, hooks: Hooks) -> None:
        self._database = database
        self._hooks = hooks
        self._kept: OrderedDict[int, Letter] = OrderedDict()

    async def get(self, rows: Sequence[Claimed | Doubt | Sent], markup: Markup) -> Letter:
        """The letter that these rows (all of one dispatch) belong to, with every text they need."""
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
        known: Letter | None,
        rows: Sequence[Claimed | Doubt | Sent],
        missing: set[int],
        threaded: bool,
    ) -> Letter:
        letter = known or await self._open(conn, rows[0].dispatch)
        if missing:
            await _fill(conn, letter, missing)
        alerts = letter.envelope.references
        if threaded and alerts:
            targets = [row.target for row in rows]
            before = await contents.earlier(conn, letter.envelope.account, alerts, targets)
            found = posts.threads(before, alerts)
            letter.threads = {**letter.threads, **found}
        return letter

    async def _open(self, conn: Connection, dispatch: int) -> Letter:
        envelope = await contents.envelope(conn, dispatch)
        verify = self._hooks.verify
        refusal = None
        if verify is not None:
            refusal = await verify(conn, envelope.alert, envelope.purpose, envelope.digest)
        return Letter(envelope, refusal)


async def _fill(conn: Connection, letter: Letter, missing: set[int]) -> None:
    """Read texts and their pictures. A picture is what was approved only if its bytes make its digest."""
    found = await contents.words(conn, sorted(missing))
    letter.words |= found
    if not missing <= letter.words.keys():
        letter.refusal = letter.refusal or _("Not sent: its text is missing from the database.")
    digests = {words.picture for words in found.values() if words.picture} - letter.pictures.keys()
    if not digests:
        return
    letter.pictures |= await pictures.get(conn, digests)
    if any(digest not in letter.pictures or not _whole(letter.pictures[digest]) for digest in digests):
        letter.refusal = letter.refusal or _("Not sent: its picture is missing from the database.")


def _whole(picture: Picture) -> bool:
    return sha256(picture.content).hexdigest() == picture.digest
