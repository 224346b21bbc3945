"""What anybody sees of an alert on the public page: its own page, asked for as a reader would, by a second address where
one is configured."""

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
DIGITS = re.compile(r"\d+(?:[ \u00a0\u202f.-]\d+)*")  # a number as it is written, never across lines
STEP = re.compile(r"^\d+\. ", re.MULTILINE)  # a list on the page: its browser writes these


class PageWitness(PublicWitness):
    """Looks at the page of one message. The layout is the page's own, so that what is compared is every number, digit by
    digit."""

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
        return (Shown(sought.remote_id or "", text_of(article), sought.url),) if rest or begun else ()

    def words(self, text: str) -> list[str]:
        return [re.sub(r"\D", "", one) for one in DIGITS.findall(text)]

    def same(self, sought: Sought, shown: Shown) -> bool:
        return set(self.words(STEP.sub("", sought.text))) <= set(self.words(shown.text))
