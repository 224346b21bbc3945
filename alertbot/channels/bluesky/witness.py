"""What anybody sees of a post on Bluesky: the public view of the network. That the account's own server has it does not
prove that the app shows it."""

from typing import Any
from urllib.parse import urlencode

from alertbot.channels.bluesky.records import COLLECTION, key_of
from alertbot.channels.witnessing import PublicAnswer, PublicWitness, Shown, Sought, no_answer

PUBLIC = "https://public.api.bsky.app"
HIDING = frozenset(
    {"!hide", "!takedown", "!no-unauthenticated"}
)  # labels under which strangers see nothing
FINE, REFUSED = 200, 400


class BlueskyWitness(PublicWitness):
    """Looks at posts by their keys."""

    def __init__(self, handle: str, root: str = PUBLIC) -> None:
        self._handle = handle
        self._root = root.rstrip("/")

    trial = Sought("", "3jzfcijpj2z2a")

    def address(self, sought: Sought) -> str | None:
        key = key_of(sought.remote_id)
        if key is None:
            return None
        asked = {"uri": f"at://{self._handle}/{COLLECTION}/{key}", "depth": "0", "parentHeight": "0"}
        return f"{self._root}/xrpc/app.bsky.feed.getPostThread?{urlencode(asked)}"

    def shown(self, sought: Sought, answer: PublicAnswer) -> tuple[Shown, ...]:
        if answer.status == REFUSED and answer.fields.get("error") == "NotFound":
            return ()
        thread = answer.fields.get("thread") if answer.status == FINE else None
        if not isinstance(thread, dict):
            raise no_answer("Bluesky", answer)
        post = thread.get("post")
        if not isinstance(post, dict) or HIDING.intersection(_labels(post)):
            return ()
        record = post.get("record")
        text = record.get("text") if isinstance(record, dict) else None
        return (Shown(sought.remote_id or "", text if isinstance(text, str) else "", sought.url),)


def _labels(post: dict[str, Any]) -> list[str]:
    """What the post and its author are marked with."""
    author = post.get("author")
    lists = [post.get("labels"), author.get("labels") if isinstance(author, dict) else None]
    return [
        str(one.get("val"))
        for some in lists
        if isinstance(some, list)
        for one in some
        if isinstance(one, dict)
    ]
