"""Mastodon: posts under an Idempotency-Key, so that within the hour the same post again is still one; edits that
keep their history."""

import asyncio
import re
from typing import TYPE_CHECKING, Any

from alertbot.channels import base
from alertbot.channels.mastodon.answers import (
    is_about_picture,
    limits_fault,
    numbers_of,
    parent_gone,
    post_with,
    refusal,
)
from alertbot.channels.mastodon.settings import MastodonSettings
from alertbot.channels.mastodon.witness import MastodonWitness
from alertbot.channels.outcomes import (
    JsonAnswer,
    PictureUploads,
    is_number,
    number_of,
    read_only,
    without_id,
)
from alertbot.core.errors import ChannelDown, ChannelError, ConfigInvalid, Rejected, Unavailable
from alertbot.core.model import Action, Channel, Picture, Post, PostAddresses, Receipt
from alertbot.core.words import _

if TYPE_CHECKING:
    from alertbot.channels.calling import JsonCaller

TIMELINE_POSTS = 40
LOOK_AGAIN_SECONDS = 0.5  # while the server works on a picture


class MastodonAdapter(base.Adapter[MastodonSettings]):
    """One account. Posts one after another, so that they stand in order."""

    spec = base.MASTODON
    settings_type = MastodonSettings
    at_once = 1

    def __init__(self, channel: Channel, settings: MastodonSettings) -> None:
        super().__init__(channel, settings)
        self._caller: JsonCaller | None = None
        self._token = ""
        self._account: JsonAnswer | None = None
        self._pictures = PictureUploads("Mastodon", self._upload)

    @classmethod
    def identity(cls, settings: MastodonSettings) -> dict[str, str]:
        return {
            "server": settings.server,
            "account": (settings.account or "").removeprefix("@").lower(),
            "visibility": settings.visibility,
        }

    @classmethod
    def addresses(cls, settings: MastodonSettings) -> PostAddresses:
        if settings.account is None:
            told = _(
                "Set `account:` to the account's name, so that its posts can be told from others'."
            )
            return PostAddresses(unknown=told)
        place = f"{settings.api_url}/@{settings.account.removeprefix('@')}/"
        return PostAddresses(
            (rf"(?i:{re.escape(place)})(?P<id>\d+)/?(?:\?.*)?",), f"{place}1032549621552"
        )

    @classmethod
    def witness(cls, settings: MastodonSettings) -> MastodonWitness:
        if settings.visibility == "private":
            raise ConfigInvalid(_("what only followers see cannot be seen without an account"))
        return MastodonWitness(settings.public_root(settings.api_url))

    async def warm(self) -> None:
        self._ready()

    async def close(self) -> None:
        caller, self._caller = self._caller, None
        if caller is not None:
            await caller.close()

    def _ready(self) -> "JsonCaller":
        if self._caller is None:
            self._token = self.secret("access_token", r"[!-~]+")
            self._caller = base.json_caller("Mastodon", self.settings.api_url, self.settings)
        return self._caller

    async def _ask(self, method: str, path: str, alert: str, **content: Any) -> JsonAnswer:
        caller = self._ready()
        return await caller.ask(method, f"/api/{path}", alert, token=self._token, **content)

    async def _read(self, path: str, alert: str, *, method: str = "GET", **content: Any) -> JsonAnswer:
        """A call that readers do not notice. Raises `Unavailable` where there is no answer."""
        try:
            return await self._ask(method, path, alert, **content)
        except ChannelError as error:
            raise read_only("Mastodon", error) from None

    async def prepare(self, post: Post) -> None:
        if post.action is Action.PUBLISH:
            await self._pictures.upload(post)

    async def _upload(self, post: Post, picture: Picture) -> str:
        content = {
            "files": {
                "file": (picture.mime.replace("image/", "picture."), picture.content, picture.mime)
            },
            "data": {"description": post.alt or ""},
        }
        answer = await self._read("v2/media", post.alert, method="POST", **content)
        media_id = answer.text("id")
        if not answer.ok:
            raise read_only("Mastodon", refusal(answer, post.alert, side=True))
        if not is_number(media_id):
            raise Rejected(_("Mastodon accepted the picture but gave no id."))
        while answer.status in (202, 206):  # the caller has a time limit for it
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            answer = await self._read(f"v1/media/{media_id}", post.alert)
        if not answer.ok:
            raise read_only("Mastodon", refusal(answer, post.alert, side=True))
        return media_id

    async def _send(self, post: Post) -> Receipt:
        picture = await self._pictures.upload(post)
        answer, alone = await self._create(post, picture.media_id, post.reply_to), ""
        if post.reply_to and parent_gone(answer):
            answer = await self._create(post, picture.media_id, None)
            alone = _("The post it answers is gone: it stands on its own.")
        if picture.media_id and is_about_picture(answer):
            self._pictures.refused(post, answer.why("error"))
            return await self._send(post)
        if not answer.ok:
            raise refusal(answer, post.alert)
        note = " ".join(filter(None, (alone, picture.note)))
        return self._receipt(post, answer, note, picture.note)

    async def _create(self, post: Post, media_id: str | None, reply_to: str | None) -> JsonAnswer:
        status = self._status(post) | {"visibility": self.settings.visibility}
        status |= {"media_ids": [media_id]} if media_id else {}
        status |= {"in_reply_to_id": reply_to} if reply_to else {}
        key = {"Idempotency-Key": f"{post.alert}.{post.delivery}.{post.born.timestamp():.3f}"}
        return await self._ask("POST", "v1/statuses", post.alert, json=status, headers=key)

    def _status(self, post: Post) -> dict[str, Any]:
        return {"status": post.text, "language": post.lang, "sensitive": False}

    def _receipt(self, post: Post, answer: JsonAnswer, note: str = "", without: str = "") -> Receipt:
        remote_id = answer.text("id")
        if not is_number(remote_id):
            raise without_id("Mastodon", post.alert, answer.status)
        return Receipt(remote_id, answer.text("url") or None, note, without)

    async def edit(self, post: Post) -> Receipt:
        """The earlier texts stay in the history that readers can open; the picture goes, as it shows the earlier
        one."""
        path = f"v1/statuses/{number_of('Mastodon', post)}"
        without = self._status(post) | {"media_ids": []}
        answer = await self._ask("PUT", path, post.alert, json=without)
        if not answer.ok:
            raise refusal(answer, post.alert, side=True)
        return self._receipt(post, answer)

    async def delete(self, post: Post) -> Receipt:
        remote_id = number_of("Mastodon", post)
        answer = await self._ask("DELETE", f"v1/statuses/{remote_id}", post.alert)
        if answer.status == 404:
            return Receipt(remote_id, note=_("It was already gone."))
        if not answer.ok:
            raise refusal(answer, post.alert, side=True)
        return Receipt(remote_id)

    async def pin(self, post: Post) -> Receipt:
        """Pin the post. Where all places are taken, the newest pinned post gives way: most likely the one that this
        alert corrects."""
        path, note = f"v1/statuses/{number_of('Mastodon', post)}", ""
        answer = await self._ask("POST", f"{path}/pin", post.alert)
        if answer.status == 422:
            shown = await self._read(path, post.alert)
            if shown.ok and shown.fields.get("pinned") is True:
                return self._receipt(post, shown)
            if note := await self._unpin_newest(post):
                answer = await self._ask("POST", f"{path}/pin", post.alert)
        if not answer.ok:
            raise refusal(answer, post.alert, side=True)
        return self._receipt(post, answer, note)

    async def _unpin_newest(self, post: Post) -> str:
        """The note on what was unpinned; "" if nothing was."""
        path = f"v1/accounts/{(await self._whoami()).text('id')}/statuses"
        pinned = await self._read(path, post.alert, params={"pinned": "true"})
        newest = max(numbers_of(pinned.body), default=None, key=int)
        if newest is None:
            return ""
        answer = await self._ask("POST", f"v1/statuses/{newest}/unpin", post.alert)
        told = _("All places for pinned posts were taken: {url} is no longer pinned.")
        return told.format(url=answer.text("url") or newest) if answer.ok else ""

    async def read_back(self, post: Post, shown: Receipt) -> str | None:
        answer = await self._read(f"v1/statuses/{shown.id}/source", post.alert)
        if answer.status == 404:
            return None
        if not answer.ok or not isinstance(answer.fields.get("text"), str):
            raise read_only("Mastodon", refusal(answer, post.alert, side=True))
        return answer.text("text")

    async def find(self, post: Post) -> Receipt | None:
        path = f"v1/accounts/{(await self._whoami()).text('id')}/statuses"
        answer = await self._read(path, post.alert, params={"limit": TIMELINE_POSTS})
        if not answer.ok:
            raise read_only("Mastodon", refusal(answer, post.alert))
        found = post_with(post, answer.body)
        if found is None:
            return None
        address, note = found.get("url"), _("An earlier attempt had already posted it.")
        return Receipt(str(found["id"]), address if isinstance(address, str) else None, note)

    async def identify(self) -> str:
        name = self.channel.name
        about = await self._read("v2/instance", name)
        spec = self.channel.spec
        if fault := limits_fault(about, spec.limit, spec.address_length):
            raise ChannelDown(fault, code="limit")
        return f"@{(await self._whoami()).text('acct')}"

    async def _whoami(self) -> JsonAnswer:
        if self._account is None:
            answer = await self._read("v1/accounts/verify_credentials", self.channel.name)
            if not answer.ok:
                raise read_only("Mastodon", refusal(answer, self.channel.name))
            if not is_number(answer.text("id")):
                raise Unavailable(_("Mastodon did not say which account this is."), code="200")
            self._account = answer
        return self._account
