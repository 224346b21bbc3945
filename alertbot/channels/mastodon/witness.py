"""What anybody sees of a post on a Mastodon server: its status, asked for without a token."""

import json

from alertbot.channels.witnessing import (
    CouldNotLook,
    PublicAnswer,
    PublicWitness,
    Shown,
    Sought,
    text_of,
)
from alertbot.core.words import _

FINE, GONE = 200, (404, 410)


class MastodonWitness(PublicWitness):
    """Looks at posts by their numbers, on the account's own server."""

    trial = Sought("", "1")

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")

    def address(self, sought: Sought) -> str | None:
        return None if sought.remote_id is None else f"{self._root}/api/v1/statuses/{sought.remote_id}"

    def shown(self, sought: Sought, answer: PublicAnswer) -> tuple[Shown, ...]:
        if answer.status in GONE:
            return ()
        try:
            found = json.loads(answer.text) if answer.status == FINE else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("content"), str):
            raise CouldNotLook(
                _("The server did not answer what it shows of the post ({status}).").format(
                    status=answer.status
                )
            )
        return (Shown(str(found.get("id")), text_of(found["content"]), sought.url),)
