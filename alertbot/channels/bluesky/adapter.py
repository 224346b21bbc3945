"""Bluesky: records under keys of our own, so that the same post again is still one; no edit, which apps ignore."""

import re
from typing import Any

from alertbot.channels import base
from alertbot.channels.bluesky.answers import (
    is_about_picture,
    refusal,
    stands_otherwise,
)
from alertbot.channels.bluesky.records import (
    COLLECTION,
    KEY,
    Reference,
    image,
    key_of,
    post_record,
    receipt_id,
    record_key,
    references,
    uri_of,
)
from alertbot.channels.bluesky.session import BlueskyCalls
from alertbot.channels.bluesky.settings import BlueskySettings
from alertbot.channels.bluesky.witness import PUBLIC, BlueskyWitness
from alertbot.channels.outcomes import JsonAnswer, PictureUploads, read_only, without_id
from alertbot.core.errors import Rejected
from alertbot.core.model import Action, Channel, Picture, Post, PostAddresses, Receipt
from alertbot.core.words import _

PROFILE = "app.bsky.actor.profile"


class BlueskyAdapter(base.Adapter[BlueskySettings]):
    """One account. Posts one after another, so that they stand in order."""

    spec = base.BLUESKY
    settings_type = BlueskySettings
    at_once = 1

    def __init__(self, channel: Channel, settings: BlueskySettings) -> None:
        super().__init__(channel, settings)
        self._calls = BlueskyCalls(settings, lambda: self.secret("app_password", r"[!-~]+"))
        self._pictures = PictureUploads("Bluesky", self._upload)

    @classmethod
    def identity(cls, settings: BlueskySettings) -> dict[str, str]:
        return {"server": settings.server, "account": settings.handle}

    @classmethod
    def addresses(cls, settings: BlueskySettings) -> PostAddresses:
        place = f"https://bsky.app/profile/{settings.handle}/post/"
        pattern = rf"(?i:{re.escape(place)})(?P<id>{KEY})/?(?:\?.*)?"
        return PostAddresses((pattern,), f"{place}3lbwqr7kgbs2k")

    @classmethod
    def witness(cls, settings: BlueskySettings) -> BlueskyWitness:
        return BlueskyWitness(settings.handle, settings.public_root(PUBLIC))

    async def warm(self) -> None:
        self._calls.warm()

    async def close(self) -> None:
        await self._calls.close()

    async def prepare(self, post: Post) -> None:
        if post.action is Action.PUBLISH:
            await self._pictures.upload(post)

    async def _upload(self, post: Post, picture: Picture) -> str:
        """The content id of the uploaded picture."""
        answer = await self._calls.upload(post.alert, picture.content, picture.mime)
        if not answer.ok:
            raise read_only("Bluesky", refusal(answer, post.alert, side=True))
        ref = answer.part("blob").get("ref")
        cid = ref.get("$link") if isinstance(ref, dict) else None
        if not isinstance(cid, str):
            raise Rejected(_("Bluesky accepted the picture but gave no id."))
        return cid

    async def _send(self, post: Post) -> Receipt:
        did = await self._calls.did(post.alert)
        reply, alone = await self._answered(post, did)
        key, without = record_key(post.born, post.delivery), ""
        picture = await self._pictures.upload(post)
        shown = None
        if post.picture and picture.media_id:
            shown = image(post.picture, picture.media_id, post.alt or "")
        record = post_record(post, reply, shown)
        answer = await self._calls.write(post.alert, "putRecord", _as_new(COLLECTION, key, record))
        if stands_otherwise(answer):
            return await self._already(post)
        if shown and is_about_picture(answer):
            self._pictures.refused(post, answer.why("message", "error"))
            return await self._send(post)
        without = picture.note
        if not answer.ok:
            raise refusal(answer, post.alert)
        posted = Reference.of(answer.body)
        if posted is None or posted.key != key:
            raise without_id("Bluesky", post.alert, answer.status)
        note = " ".join(filter(None, (alone, without)))
        return self._receipt(posted, reply[1] if reply else None, did, note, without)

    async def _answered(self, post: Post, did: str) -> tuple[tuple[Reference, Reference] | None, str]:
        """The post that this one answers and the first one of its thread; or a note that it stands alone."""
        if post.reply_to is None:
            return None, ""
        if found := references(post.reply_to, did):
            return found, ""
        key = key_of(post.reply_to)
        parent = await self._calls.record(post.alert, key) if key else None
        if parent is None:
            return None, _("The post it answers is gone: it stands on its own.")
        here = Reference(uri_of(did, key or ""), parent.text("cid"))
        return (here, _root(parent) or here), ""

    async def _already(self, post: Post) -> Receipt:
        """The receipt for what an earlier attempt posted, perhaps without its picture."""
        if found := await self.find(post):
            return found
        told = _("Bluesky has another post under the key of {alert}. Check the account.")
        raise Rejected(told.format(alert=post.alert), code="key_taken")

    async def find(self, post: Post) -> Receipt | None:
        record = await self._calls.record(post.alert, record_key(post.born, post.delivery))
        posted = None if record is None else Reference.of(record.body)
        if record is None or posted is None or record.part("value").get("text") != post.text:
            return None
        did = await self._calls.did(post.alert)
        note, bare = _("An earlier attempt had already posted it."), ""
        if post.picture and "embed" not in record.part("value"):
            bare = _("It stands without its picture.")
        return self._receipt(posted, _root(record), did, f"{note} {bare}".strip(), bare)

    def _receipt(
        self, posted: Reference, root: Reference | None, did: str, note: str = "", without: str = ""
    ) -> Receipt:
        url = f"https://bsky.app/profile/{self.settings.handle}/post/{posted.key}"
        return Receipt(receipt_id(posted, root, did), url, note, without)

    async def delete(self, post: Post) -> Receipt:
        key = self._key(post)
        if await self._calls.record(post.alert, key) is None:
            return Receipt(post.reply_to or key, note=_("It was already gone."))
        body = {"collection": COLLECTION, "rkey": key}
        answer = await self._calls.write(post.alert, "deleteRecord", body)
        if not answer.ok:
            raise refusal(answer, post.alert, side=True)
        return Receipt(post.reply_to or key)

    async def pin(self, post: Post) -> Receipt:
        """Pin the post on the account's profile, whose other fields stay."""
        posted = await self._calls.record(post.alert, self._key(post))
        there = None if posted is None else Reference.of(posted.body)
        if there is None:
            told = _("{alert}: the post is no longer there.")
            raise Rejected(told.format(alert=post.alert), code="no_post")
        profile = await self._calls.record(post.alert, "self", PROFILE)
        said: dict[str, Any] = dict(profile.part("value")) if profile else {"$type": PROFILE}
        said["pinnedPost"] = there.as_json()
        body = _as_new(PROFILE, "self", said)
        body["swapRecord"] = profile.text("cid") if profile else None
        answer = await self._calls.write(post.alert, "putRecord", body)
        if not answer.ok:
            raise refusal(answer, post.alert, side=True)
        return Receipt(post.reply_to or there.key)

    async def read_back(self, post: Post, shown: Receipt) -> str | None:
        record = await self._calls.record(post.alert, key_of(shown.id) or "-")
        text = None if record is None else record.part("value").get("text")
        return text if isinstance(text, str) else None

    async def identify(self) -> str:
        return f"@{(await self._calls.session(self.channel.name)).text('handle')}"

    def _key(self, post: Post) -> str:
        if key := key_of(post.reply_to):
            return key
        told = _("{alert}: '{id}' is not the key of a post on Bluesky.")
        raise Rejected(told.format(alert=post.alert, id=post.reply_to or ""), code="no_post")


def _as_new(collection: str, key: str, record: dict[str, Any]) -> dict[str, Any]:
    """A record that replaces none but itself."""
    return {"collection": collection, "rkey": key, "record": record, "swapRecord": None}


def _root(record: JsonAnswer) -> Reference | None:
    """The first post of the thread that a post belongs to; None if it is that itself."""
    reply = record.part("value").get("reply")
    return Reference.of(reply.get("root")) if isinstance(reply, dict) else None
