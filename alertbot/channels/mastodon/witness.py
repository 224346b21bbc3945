"""What anybody sees of a post on a Mastodon server: its status, asked for without a token."""

from alertbot.channels.witnessing import (
    PublicAnswer,
    PublicWitness,
    Shown,
    Sought,
    no_answer,
    text_of,
)

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
        found = answer.fields if answer.status == FINE else {}
        if not isinstance(found.get("content"), str):
            raise no_answer("Mastodon", answer)
        return (Shown(str(found.get("id")), text_of(found["content"]), sought.url),)
