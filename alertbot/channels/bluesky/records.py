"""What Bluesky stores: record keys, posts with their links and tags, and references to other posts. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from alertbot.core.frozen import dataclass
from alertbot.core.model import Picture, Post

COLLECTION = "app.bsky.feed.post"
KEY = r"[2-7a-j][2-7a-z]{12}"
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_PER_TICK = 1024  # values of a key's last ten bits
_LINK = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)\]}»”’\"']")
_TAG = re.compile(r"(?<!\S)#(\w*[^\W\d_]\w*)")
LONGEST_TAG = 64


def record_key(born: datetime, delivery: int) -> str:
    """The key of a delivery's record, the same for every attempt: a TID (microseconds and ten bits more), because
    what is none stays out of feeds. Its milliseconds are those of the first call; the rest is the delivery, so
    that keys of one account never meet and sort as their posts follow one another."""
    ticks = int(born.timestamp() * 1000) * 1000 + delivery // _PER_TICK % 1000
    number = ticks * _PER_TICK + delivery % _PER_TICK
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


@dataclass(frozen=True, slots=True)
class Reference:
    """A record, as another one refers to it."""

    uri: str
    cid: str

    @property
    def key(self) -> str:
        return self.uri.rpartition("/")[2]

    def as_json(self) -> dict[str, str]:
        return {"uri": self.uri, "cid": self.cid}

    @classmethod
    def of(cls, found: object) -> "Reference | None":
        """The reference in this JSON, None if it holds none."""
        if not isinstance(found, dict):
            return None
        uri, cid = str(found.get("uri")), str(found.get("cid"))
        fits = re.fullmatch(r"at://[^/\s]+/[\w.]+/[\w.~:-]+", uri) and re.fullmatch(
            "[a-z2-7]{20,80}", cid
        )
        return cls(uri, cid) if fits else None


def uri_of(did: str, key: str) -> str:
    return f"at://{did}/{COLLECTION}/{key}"


def receipt_id(post: Reference, root: Reference | None, did: str) -> str:
    """What an answer to this post needs, in one word: its key and content id, and those of the thread's first post
    unless it is that itself. The key alone where the first post is not ours: it is looked up again then."""
    if root is None or root == post:
        return f"{post.key}:{post.cid}"
    if root.uri != uri_of(did, root.key):
        return post.key
    return f"{post.key}:{post.cid}:{root.key}:{root.cid}"


def references(remote_id: str, did: str) -> tuple[Reference, Reference] | None:
    """The post of this id and the first post of its thread; None if the id does not hold both."""
    parts = remote_id.split(":")
    if len(parts) not in (2, 4):
        return None
    post = Reference(uri_of(did, parts[0]), parts[1])
    return post, Reference(uri_of(did, parts[2]), parts[3]) if len(parts) == 4 else post


def key_of(remote_id: str | None) -> str | None:
    """The record key in an id, None if it is not one of Bluesky's."""
    key = (remote_id or "").partition(":")[0]
    return key if re.fullmatch(KEY, key) else None


def post_record(
    post: Post, reply: tuple[Reference, Reference] | None, picture: Mapping[str, object] | None
) -> dict[str, object]:
    """The record of a post: the same for every attempt. `reply`: the post that it answers, and the first one."""
    record: dict[str, object] = {
        "$type": COLLECTION,
        "text": post.text,
        "createdAt": post.born.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "langs": [post.lang],
    }
    if found := list(facets(post.text)):
        record["facets"] = found
    if reply:
        record["reply"] = {"root": reply[1].as_json(), "parent": reply[0].as_json()}
    if picture:
        record["embed"] = {"$type": "app.bsky.embed.images", "images": [picture]}
    return record


def image(picture: Picture, cid: str, alt: str) -> dict[str, object]:
    """An uploaded picture within a post."""
    blob = {
        "$type": "blob",
        "ref": {"$link": cid},
        "mimeType": picture.mime,
        "size": len(picture.content),
    }
    return {
        "alt": alt,
        "image": blob,
        "aspectRatio": {"width": picture.width, "height": picture.height},
    }


def facets(text: str) -> Iterator[dict[str, object]]:
    """The links and tags in a text, which is shown without them otherwise; places are counted in bytes of UTF-8."""
    for found in _LINK.finditer(text):
        yield _facet(text, found, {"$type": "app.bsky.richtext.facet#link", "uri": found[0]})
    for found in _TAG.finditer(text):
        if len(found[1]) <= LONGEST_TAG:
            yield _facet(text, found, {"$type": "app.bsky.richtext.facet#tag", "tag": found[1]})


def _facet(text: str, found: re.Match[str], feature: dict[str, str]) -> dict[str, object]:
    start = len(text[: found.start()].encode())
    place = {"byteStart": start, "byteEnd": start + len(found[0].encode())}
    return {"index": place, "features": [feature]}
