"""What anybody can see of a post, without our credentials: where to look, and what the answer shows. Pure, but for
mail: a type of channel says it in its `witness.py`, `watch.witness` looks.

Whoever cannot tell raises `CouldNotLook`: an answer that is neither the post nor the word that there is none says
nothing about the post.
"""

import json
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any, ClassVar

from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.words import _

EARLY = timedelta(minutes=1)  # by which two clocks may differ
LINK = re.compile(r"https?://", re.IGNORECASE)
_WEB = re.compile(r"https?://\S+", re.IGNORECASE)


class CouldNotLook(AlertbotError):
    """The public view gave no answer that says anything about the post."""


def no_answer(platform: str, answer: "PublicAnswer") -> CouldNotLook:
    """It is neither the post nor the word that there is none."""
    told = _("{platform} did not answer what it shows of the post ({status}).")
    return CouldNotLook(told.format(platform=platform, status=answer.status))


@dataclass(frozen=True, slots=True)
class Sought:
    """A post that should be seen. `remote_id` None: it was perhaps never made. `since`: when its call began. `url`: as
    the platform or a person gave it."""

    text: str
    remote_id: str | None = None
    url: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PublicAnswer:
    """What a public address answered."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body, if it is an object of JSON; else {}."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as the public sees it. `place`: where, if it is not where it should be."""

    id: str
    text: str
    url: str | None = None
    at: datetime | None = None
    place: str = ""


class Witness(ABC):
    """How one account is looked at as a stranger would."""

    trial: ClassVar[Sought]
    """What `check --online` looks for: an answer of any kind shows that looking works."""
    target: str | None = None
    """The only recipient whose copy can be seen; None: every post."""

    def words(self, text: str) -> list[str]:
        """What of a text is compared: not its spaces, nor how an address is written."""
        return compared_words(text)

    def same(self, sought: Sought, shown: Shown) -> bool:
        """Whether this is the approved text."""
        return self.words(sought.text) == self.words(shown.text)

    def of(self, sought: Sought, found: tuple[Shown, ...]) -> Shown | None:
        """Which of the posts that are shown is the one sought. Without an id it is one with the same text, unless it
        is older than the call."""
        if sought.remote_id is not None:
            return next((one for one in found if one.id == sought.remote_id), None)
        for one in found:
            older = one.at is not None and sought.since is not None and one.at < sought.since - EARLY
            if not older and self.same(sought, one):
                return one
        return None


class PublicWitness(Witness):
    """Looks at a web address."""

    @abstractmethod
    def address(self, sought: Sought) -> str | None:
        """Where anybody sees it; None if nobody can look for it."""

    @abstractmethod
    def shown(self, sought: Sought, answer: PublicAnswer) -> tuple[Shown, ...]:
        """The posts that the answer shows; none if it says that there is none. Raises `CouldNotLook`."""


class Canary(Witness):
    """Looks into a mailbox of our own among the recipients; what was perhaps never sent is not looked for."""

    @abstractmethod
    def look(self, sought: Sought, seconds: float) -> tuple[Shown, ...]:
        """As `PublicWitness.shown`. Blocks for `seconds` at most at each step; called in a thread."""


def compared_words(text: str) -> list[str]:
    """The text's words in NFC, addresses without scheme and last slash: platforms change those, and
    spaces."""
    found = LINK.sub("", unicodedata.normalize("NFC", text)).split()
    return [word.rstrip("/") or word for word in found]


def without_addresses(text: str) -> list[str]:
    """The words of a text without web addresses, which some platforms replace by their own."""
    return compared_words(_WEB.sub(" ", text))


class TextOf(HTMLParser):
    """The text inside the elements of one class of a page, each with the address in an attribute of the element
    around it."""

    VOID = frozenset({"br", "img", "hr", "wbr", "input", "meta", "link", "source"})

    BLOCKS = frozenset(
        {"p", "div", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "dt", "dd", "blockquote"}
    )

    def __init__(self, inside: str, around: str = "") -> None:
        super().__init__(convert_charrefs=True)
        self._inside, self._around = inside, around
        self._depth = 0
        self._at = ""
        self.texts: list[tuple[str, str]] = []
        self._kept: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = set((given.get("class") or "").split())
        self.classes |= classes
        if self._around and given.get(self._around):
            self._at = given[self._around] or ""
        if self._depth:
            if tag == "br":
                self._kept.append("\n")
            elif tag not in self.VOID:
                self._depth += 1
        elif self._inside in classes:
            self._depth, self._kept = 1, []

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag not in self.VOID:
            if tag in self.BLOCKS:
                self._kept.append("\n")
            self._depth -= 1
            if not self._depth:
                self.texts.append((self._at, "".join(self._kept)))

    def handle_data(self, data: str) -> None:
        if self._depth:
            self._kept.append(data)


def text_of(html: str) -> str:
    """The plain text of a piece of HTML."""
    reader = TextOf("whole")
    reader.feed(f'<div class="whole">{html}</div>')
    return reader.texts[0][1] if reader.texts else ""
