"""An X API v2 for one account: posts, deletions, look-ups and pictures.

As the real one: identical text is refused while the first stands, 280 weighted characters, a reply
needs its parent, links come back as t.co addresses and `&<>` as entities, and calls are counted per
15 minutes and 3 hours. The windows run on the real clock (their reset is an epoch time for clients);
what is posted carries the sandbox's clock.
"""

import base64
import binascii
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from alertbot.rehearsal.sandbox import x_answers
from alertbot.rehearsal.sandbox.accounts import Allowance, PostedPicture, Posts, Quota, XAccount, XPost
from alertbot.rehearsal.sandbox.faults import Faults, spoil
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply
from alertbot.rehearsal.sandbox.x_answers import XAuthenticator

TWITTER_EPOCH_MS = 1_288_834_974_657
LIMIT_WEIGHTED = 280
LARGEST_IMAGE_BYTES = 5_000_000
LONGEST_DESCRIPTION = 1000
MOST_PICTURES = 4
QUARTER, THREE_HOURS = 900.0, 10_800.0
QUOTAS: Mapping[str, tuple[tuple[int, float], ...]] = {
    "post": ((100, QUARTER), (300, THREE_HOURS)),
    "delete": ((50, QUARTER),),
    "read": ((900, QUARTER),),
    "identify": ((75, QUARTER),),
    "media": ((500, QUARTER),),
}
UPLOAD_FIELDS = {"media", "media_category", "additional_owners"}
IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")


class XPlatform:
    """The state of the X side of a sandbox; `handle` answers one request."""

    def __init__(
        self,
        account: XAccount,
        posts: Posts,
        faults: Faults,
        clock: Callable[[], datetime],
        speed: float = 1.0,
    ) -> None:
        self.account, self._posts, self._faults, self._clock = account, posts, faults, clock
        self._door = XAuthenticator(account)
        self._quotas = {call: Quota(windows, speed) for call, windows in QUOTAS.items()}
        self._pictures: dict[str, PostedPicture] = {}
        self._last_id = 0

    async def handle(self, request: HttpRequest) -> Reply:
        """Answer one request. Raises `Drop` where a fault hangs up."""
        call, act = self._route(request)
        if act is None:
            return x_answers.error(404, "Not Found", "Not Found")
        if call not in self._quotas:
            return x_answers.error(405, "Method Not Allowed", "Method Not Allowed")
        fault = self._faults.take("x", call, request.body.decode("utf-8", "replace") + request.path)
        if not self._door.admits(request):
            return x_answers.unauthorized()
        allowance = self._quotas[call].use(time.time())
        if allowance.refused:
            return x_answers.too_many(allowance)
        reply = await spoil(fault, act, x_answers.faulty)
        return _counted(reply, allowance) if fault is None else reply

    def _route(self, request: HttpRequest) -> tuple[str, Callable[[], Reply] | None]:
        match [request.method, *request.path.strip("/").split("/")]:
            case ["POST", "2", "tweets"]:
                return "post", lambda: self._create(request)
            case ["DELETE", "2", "tweets", post_id]:
                return "delete", lambda: self._delete(post_id)
            case ["GET", "2", "tweets", post_id]:
                return "read", lambda: self._show(post_id, request.query)
            case ["GET", "2", "users", "me"]:
                return "identify", self._me
            case ["GET", "2", "users", user_id, "tweets"]:
                return "read", lambda: self._timeline(user_id, request.query)
            case ["POST", "2", "media", "upload"]:
                return "media", lambda: self._upload(request)
            case ["POST", "2", "media", "metadata"]:
                return "media", lambda: self._describe(request)
        return "", None

    def _create(self, request: HttpRequest) -> Reply:
        wanted = x_answers.read_post(request.body)
        if isinstance(wanted, Reply):
            return wanted
        text = unicodedata.normalize("NFC", wanted.text.strip())
        refusal = self._refuse(wanted, text)
        if refusal is not None:
            return refusal
        parent = self._posts.x_post(wanted.reply_to) if wanted.reply_to else None
        post_id = self._next_id()
        post = XPost(
            id=post_id,
            at=self._clock(),
            text=text,
            author=self.account.username,
            name=self.account.name,
            conversation=parent.conversation if parent else post_id,
            reply_to=wanted.reply_to,
            pictures=tuple(self._pictures[media_id] for media_id in wanted.media_ids),
        )
        self._posts.add(post)
        data = {
            "id": post_id,
            "text": x_answers.public_text(post)[0],
            "edit_history_tweet_ids": [post_id],
        }
        return Reply.of({"data": data}, 201)

    def _refuse(self, wanted: x_answers.WantedPost, text: str) -> Reply | None:
        if not text and not wanted.media_ids:
            return x_answers.invalid("One or more parameters to your request was invalid.")
        if x_answers.weight(text) > LIMIT_WEIGHTED:
            return x_answers.forbidden(
                "Your Tweet text is too long. For more information, see the docs."
            )
        if len(wanted.media_ids) > MOST_PICTURES or not set(wanted.media_ids) <= set(self._pictures):
            return x_answers.invalid("Your media IDs are invalid.")
        if wanted.quotes:
            return x_answers.forbidden(x_answers.QUOTE_RULE)
        if wanted.reply_to is not None:
            parent = self._posts.x_post(wanted.reply_to)
            if parent is None or parent.deleted_at is not None:
                return x_answers.forbidden(x_answers.REPLY_GONE)
            if not self.account.self_replies:
                return x_answers.forbidden(x_answers.REPLY_RULE)
        standing = (post for post in self._posts.x() if post.deleted_at is None)
        if text and any(post.text == text for post in standing):
            return x_answers.forbidden(x_answers.DUPLICATE)
        return None

    def _next_id(self) -> str:
        """An id that grows with the clock, as the real ones do, and is never given twice."""
        moment = int(self._clock().astimezone(UTC).timestamp() * 1000) - TWITTER_EPOCH_MS
        self._last_id = max(max(moment, 0) << 22, self._last_id + 1)
        return str(self._last_id)

    def _delete(self, post_id: str) -> Reply:
        post = self._posts.x_post(post_id)
        if post is None or post.deleted_at is not None:
            return x_answers.not_found("tweet", post_id)
        self._posts.change(post, deleted_at=self._clock())
        return Reply.of({"data": {"deleted": True}})

    def _show(self, post_id: str, query: Mapping[str, str]) -> Reply:
        if not x_answers.is_id(post_id):
            return x_answers.invalid(f"The `id` query parameter value [{post_id}] is not valid")
        post = self._posts.x_post(post_id)
        if post is None or post.deleted_at is not None:
            return Reply.of({"errors": [x_answers.missing("tweet", post_id)]})
        return Reply.of({"data": x_answers.as_json(post, self.account.id, query)})

    def _me(self) -> Reply:
        account = self.account
        return Reply.of(
            {"data": {"id": account.id, "name": account.name, "username": account.username}}
        )

    def _timeline(self, user_id: str, query: Mapping[str, str]) -> Reply:
        if user_id != self.account.id:
            return Reply.of({"errors": [x_answers.missing("user", user_id)]})
        page = x_answers.read_page(query)
        if isinstance(page, Reply):
            return page
        standing = [post for post in self._posts.x() if post.deleted_at is None and page.holds(post)]
        newest_first = sorted(standing, key=lambda post: int(post.id), reverse=True)
        shown = newest_first[: page.size]
        meta: dict[str, object] = {"result_count": len(shown)}
        if not shown:
            return Reply.of({"meta": meta})
        meta |= {"newest_id": shown[0].id, "oldest_id": shown[-1].id}
        if len(newest_first) > page.size:
            meta["next_token"] = shown[-1].id
        return Reply.of(
            {"data": [x_answers.as_json(post, self.account.id, query) for post in shown], "meta": meta}
        )

    def _upload(self, request: HttpRequest) -> Reply:
        fields = x_answers.read_object(request.body)
        unknown = sorted(set(fields or ()) - UPLOAD_FIELDS)
        if unknown:
            return x_answers.invalid(f"$.{unknown[0]}: is not defined in the schema")
        if fields is None or not isinstance(fields.get("media"), str):
            return x_answers.invalid("$.media: is missing but it is required")
        if fields.get("media_category") not in ("tweet_image", "tweet_gif"):
            return x_answers.invalid("$.media_category: does not have a value in the enumeration")
        try:
            content = base64.b64decode(fields["media"], validate=True)
        except binascii.Error:
            return x_answers.invalid("$.media: is not base64")
        if not content.startswith(IMAGE_STARTS) or len(content) > LARGEST_IMAGE_BYTES:
            return x_answers.invalid("The media is not a supported image or is too large.")
        media_id = self._next_id()
        self._pictures[media_id] = PostedPicture(media_id, content=content)
        data = {"id": media_id, "media_key": f"3_{media_id}", "size": len(content)}
        return Reply.of({"data": {**data, "expires_after_secs": 86_400}})

    def _describe(self, request: HttpRequest) -> Reply:
        fields = x_answers.read_object(request.body) or {}
        media_id = str(fields.get("id", ""))
        if media_id not in self._pictures:
            return x_answers.invalid("Your media IDs are invalid.")
        text = x_answers.alternative_text(fields)
        if text is None or len(text) > LONGEST_DESCRIPTION:
            return x_answers.invalid("$.metadata.alt_text.text: must be at most 1000 characters long")
        self._pictures[media_id] = replace(self._pictures[media_id], description=text)
        metadata = {"alt_text": {"text": text}}
        return Reply.of({"data": {"id": media_id, "associated_metadata": metadata}})


def _counted(reply: Reply, allowance: Allowance) -> Reply:
    headers = {
        name.replace("_", "-"): value for name, value in x_answers.quota_headers(allowance).items()
    }
    return Reply(reply.status, reply.body, reply.media_type, {**reply.headers, **headers})
