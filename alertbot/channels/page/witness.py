"""What anybody sees of an alert on the public page: its own page, asked for as a reader would, by a second address where
one is configured. What is sought is the alert as the page writes it, word for word; a page that only says which alert it
holds would prove nothing of its digits.
"""

import re

from alertbot.channels.witnessing import (
    CouldNotLook,
    PublicAnswer,
    PublicWitness,
    Shown,
    Sought,
    text_of,
)
from alertbot.core.words import _

FINE, GONE = 200, 404
ADDED = re.compile(
    r"<span data-added>.*?</span>", re.DOTALL
)  # what the page itself says of a number since


class PageWitness(PublicWitness):
    """Looks at the page of one message."""

    trial = Sought("", "state.json")

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")

    def address(self, sought: Sought) -> str | None:
        return None if sought.remote_id is None else f"{self._root}/{sought.remote_id}"

    def shown(self, sought: Sought, answer: PublicAnswer) -> tuple[Shown, ...]:
        if answer.status == GONE:
            return ()
        begun, _start, rest = answer.text.partition("<article")
        if answer.status != FINE or not (rest or sought == self.trial):
            raise CouldNotLook(
                _("The page did not answer with a page of a message ({status}).").format(
                    status=answer.status
                )
            )
        article = rest.partition(">")[2].partition("</article>")[0]
        return (
            (Shown(sought.remote_id or "", text_of(ADDED.sub("", article)), sought.url),)
            if rest or begun
            else ()
        )
