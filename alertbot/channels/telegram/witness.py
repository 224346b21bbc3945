"""What anybody sees of a public Telegram channel: the page of one message, and that of the last ones."""

import re

from alertbot.channels.witnessing import (
    CouldNotLook,
    PublicAnswer,
    PublicWitness,
    Shown,
    Sought,
    TextOf,
)
from alertbot.core.words import _

PUBLIC = "https://t.me"
TEXT = "tgme_widget_message_text"
MISSING = "tgme_widget_message_error"
LISTING = "tgme_channel_info"
POST = re.compile(r"[^/]+/(?P<id>\d+)")


class TelegramWitness(PublicWitness):
    """Looks at one public channel. `root`: where the public pages are."""

    trial = Sought("")

    def __init__(self, chat: str, root: str = PUBLIC) -> None:
        self._name = chat.removeprefix("@")
        self._root = root.rstrip("/")

    def address(self, sought: Sought) -> str:
        if sought.remote_id is None:
            return f"{self._root}/s/{self._name}"
        return f"{self._root}/{self._name}/{sought.remote_id}?embed=1"

    def shown(self, sought: Sought, answer: PublicAnswer) -> tuple[Shown, ...]:
        page = TextOf(TEXT, "data-post")
        page.feed(answer.text)
        wanted = LISTING if sought.remote_id is None else MISSING
        if answer.status != 200 or not (page.texts or wanted in page.classes):
            raise CouldNotLook(
                _(
                    "The public page of @{name} shows neither the message nor that there is none."
                ).format(name=self._name)
            )
        named = [(POST.fullmatch(place), text) for place, text in page.texts]
        return tuple(
            Shown(place["id"], text, f"{PUBLIC}/{self._name}/{place['id']}")
            for place, text in named
            if place
        )
