"""A Mastodon server with one account: statuses, their history, pictures.

As the real one: an Idempotency-Key is kept for an hour, 500 characters with 23 for each address, a reply needs its
parent, a text that is edited keeps its history, and 300 calls are allowed in five minutes. Stricter than the real
one: it takes no content warning and no language that is none.
"""

import html
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from wcwidth import iter_graphemes

from alertbot.rehearsal.sandbox.accounts import (
    Allowance,
    MastodonAccount,
    NetworkPost,
    PostedPicture,
    Posts,
    Quota,
)
from alertbot.rehearsal.sandbox.faults import Faults, OrderedFault, spoil
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply, Upload

ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}»’']")
ADDRESS_LENGTH = 23
KEY_SECONDS = 3600.0
MOST_PINNED = 5
LONGEST_DESCRIPTION = 1500
CALLS = ((300, 300.0),)
FAULT_ANSWERS: Mapping[str, tuple[int, str]] = {
    "invalid": (422, "Validation failed: Text contains something that is not allowed"),
    "unauthorized": (401, "The access token is invalid"),
    "suspended": (403, "Your login is currently disabled"),
    "gone": (410, "Gone"),
    "reply_gone": (404, "The post you are trying to reply to does not appear to exist."),
    "media_refused": (
        422,
        "Cannot attach files that have not finished processing. Try again in a moment!",
    ),
    "server_error": (503, "Remote data could not be fetched"),
}
PAGE = b"<!DOCTYPE html><html><head><title>Mastodon</title></head><body><h1>502</h1></body></html>"


class MastodonPlatform:
    """The state of the Mastodon side of a sandbox; `handle` answers one request."""

    def __init__(
        self,
        account: MastodonAccount,
        posts: Posts,
        faults: Faults,
        clock: Callable[[], datetime],
        speed: float = 1.0,
    ) -> None:
        self.account, self._posts, self._faults, self._clock = account, posts, faults, clock
        self._quota, self._speed = Quota(CALLS, speed), speed
        self._pictures: dict[str, PostedPicture] = {}
        self._keys: dict[str, tuple[str, float]] = {}  # status and moment
        self._last_id = 0

    async def handle(self, request: HttpRequest) -> Reply:
        """Answer one request. Raises `Drop` where a fault hangs up."""
        found = self._route(request)
        if found is None:
            return _error(404, "Not Found")
        call, act = found
        fault = self._faults.take("mastodon", call, request.body.decode("utf-8", "replace"))
        if (
            call != "read"
            and request.headers.get("authorization") != f"Bearer {self.account.access_token}"
        ):
            return _error(401, "The access token is invalid")
        allowance = self._quota.use(time.time())
        if allowance.refused:
            return _too_many(allowance)
        return await spoil(fault, act, _faulty)

    def _route(self, request: HttpRequest) -> tuple[str, Callable[[], Reply]] | None:
        match [request.method, *request.path.strip("/").split("/")]:
            case ["GET", "api", "v2", "instance"]:
                return "read", self._instance
            case ["GET", "api", "v1", "accounts", "verify_credentials"]:
                return "identify", lambda: Reply.of(self._me())
            case ["GET", "api", "v1", "accounts", self.account.id, "statuses"]:
                return "read", lambda: self._timeline(request.query)
            case ["POST", "api", "v2", "media"]:
                return "media", lambda: self._upload(request)
            case ["POST", "api", "v1", "statuses"]:
                return "post", lambda: self._create(request)
            case [method, "api", "v1", "statuses", status_id, *rest]:
                return self._route_to(f"{method} {' '.join(rest)}".strip(), status_id, request)
        return None

    def _route_to(
        self, what: str, status_id: str, request: HttpRequest
    ) -> tuple[str, Callable[[], Reply]] | None:
        """A call about one status."""
        known: dict[str, tuple[str, Callable[[], Reply]]] = {
            "GET": ("read", lambda: self._with(status_id, self._as_json)),
            "GET source": ("read", lambda: self._with(status_id, _source)),
            "PUT": ("edit", lambda: self._edit(status_id, request)),
            "DELETE": ("delete", lambda: self._delete(status_id)),
            "POST pin": ("pin", lambda: self._pin(status_id)),
            "POST unpin": ("pin", lambda: self._unpin(status_id)),
        }
        return known.get(what)

    def _instance(self) -> Reply:
        statuses = {
            "max_characters": self.account.most_characters,
            "max_media_attachments": 4,
            "characters_reserved_per_url": ADDRESS_LENGTH,
        }
        return Reply.of(
            {"title": "Sandbox", "version": "4.4.0", "configuration": {"statuses": statuses}}
        )

    def _me(self) -> dict[str, object]:
        name = self.account.username
        return {
            "id": self.account.id,
            "username": name,
            "acct": name,
            "display_name": self.account.name,
        }

    def _upload(self, request: HttpRequest) -> Reply:
        fields = request.fields()
        file, description = fields.get("file"), str(fields.get("description", ""))
        if not isinstance(file, Upload) or not file.content:
            return _error(422, "Validation failed: File can't be blank")
        if len(description) > LONGEST_DESCRIPTION:
            return _error(422, "Validation failed: Description is too long")
        media_id = self._next_id()
        self._pictures[media_id] = PostedPicture(media_id, description, file.content)
        return Reply.of({"id": media_id, "type": "image", "description": description})

    def _create(self, request: HttpRequest) -> Reply:
        key = request.headers.get("idempotency-key", "")
        known, at = self._keys.get(key, ("", 0.0))
        if known and time.time() - at < KEY_SECONDS / self._speed:
            return self._with(known, self._as_json)
        wanted = _object(request)
        if fault := self._fault(wanted):
            return fault
        status_id = self._next_id()
        post = NetworkPost(
            id=status_id,
            network="mastodon",
            at=self._clock(),
            text=str(wanted["status"]),
            author=self.account.username,
            name=self.account.name,
            lang=wanted.get("language"),
            reply_to=wanted.get("in_reply_to_id"),
            pictures=tuple(self._pictures[one] for one in wanted.get("media_ids", [])),
            visibility=str(wanted.get("visibility", "public")),
        )
        self._posts.add(post)
        if key:
            self._keys[key] = (status_id, time.time())
        return Reply.of(self._as_json(post))

    def _fault(self, wanted: Mapping[str, Any]) -> Reply | None:
        text = wanted.get("status")
        if not isinstance(text, str) or not text.strip():
            return _error(422, "Validation failed: Text can't be blank")
        if length(text) > self.account.most_characters:
            most = self.account.most_characters
            return _error(422, f"Validation failed: Text character limit of {most} exceeded")
        if wanted.get("spoiler_text"):
            return _error(422, "Validation failed: an alert has no content warning")
        if not re.fullmatch(r"[a-z]{2,3}", str(wanted.get("language", "fr"))):
            return _error(422, "Validation failed: Language is invalid")
        parent = wanted.get("in_reply_to_id")
        if parent is not None and self._standing(str(parent)) is None:
            return _error(404, "The post you are trying to reply to does not appear to exist.")
        if not set(wanted.get("media_ids", [])) <= set(self._pictures):
            return _error(422, "Validation failed: Media attachments is invalid")
        return None

    def _edit(self, status_id: str, request: HttpRequest) -> Reply:
        post, wanted = self._standing(status_id), _object(request)
        if post is None:
            return _error(404, "Record not found")
        if fault := self._fault(wanted):
            return fault
        shown = tuple(self._pictures[one] for one in wanted.get("media_ids", []))
        if (post.text, post.pictures) != (wanted["status"], shown):
            now = self._clock()
            earlier = (*post.earlier, (now, html.escape(post.text)))
            changes = {"text": wanted["status"], "pictures": shown, "lang": wanted.get("language")}
            post = self._posts.change(post, edited_at=now, earlier=earlier, **changes)
        return Reply.of(self._as_json(post))

    def _delete(self, status_id: str) -> Reply:
        post = self._standing(status_id)
        if post is None:
            return _error(404, "Record not found")
        self._posts.change(post, deleted_at=self._clock(), pinned=False)
        return Reply.of({**self._as_json(post), "text": post.text})

    def _pin(self, status_id: str) -> Reply:
        post = self._standing(status_id)
        if post is None:
            return _error(404, "Record not found")
        pinned = [one for one in self._posts.network("mastodon") if one.pinned]
        if post.pinned:
            return _error(422, "Validation failed: Status has already been taken")
        if len(pinned) >= MOST_PINNED:
            return _error(422, "Validation failed: You have already pinned the maximum number of posts")
        return Reply.of(self._as_json(self._posts.change(post, pinned=True)))

    def _unpin(self, status_id: str) -> Reply:
        post = self._standing(status_id)
        if post is None or not post.pinned:
            return _error(404, "Record not found")
        return Reply.of(self._as_json(self._posts.change(post, pinned=False)))

    def _timeline(self, query: Mapping[str, str]) -> Reply:
        standing = [one for one in self._posts.network("mastodon") if one.deleted_at is None]
        if query.get("pinned") == "true":
            standing = [one for one in standing if one.pinned]
        newest = sorted(standing, key=lambda one: int(one.id), reverse=True)
        return Reply.of([self._as_json(one) for one in newest[: int(query.get("limit", "20"))]])

    def _standing(self, status_id: str) -> NetworkPost | None:
        found = (one for one in self._posts.network("mastodon") if one.id == status_id)
        return next((one for one in found if one.deleted_at is None), None)

    def _with(self, status_id: str, show: Callable[[NetworkPost], dict[str, object]]) -> Reply:
        post = self._standing(status_id)
        return _error(404, "Record not found") if post is None else Reply.of(show(post))

    def _as_json(self, post: NetworkPost) -> dict[str, object]:
        edited = post.edited_at.astimezone(UTC).isoformat() if post.edited_at else None
        return {
            "id": post.id,
            "created_at": post.at.astimezone(UTC).isoformat(),
            "edited_at": edited,
            "in_reply_to_id": post.reply_to,
            "language": post.lang,
            "visibility": post.visibility,
            "url": f"https://social.example.org/@{post.author}/{post.id}",
            "content": _content(post.text),
            "pinned": post.pinned,
            "account": self._me(),
            "media_attachments": [
                {"id": one.id, "type": "image", "description": one.description} for one in post.pictures
            ],
        }

    def _next_id(self) -> str:
        """An id that grows with the clock, as the real ones do, and is never given twice."""
        moment = int(self._clock().astimezone(UTC).timestamp() * 1000) << 16
        self._last_id = max(moment, self._last_id + 1)
        return str(self._last_id)


def length(text: str) -> int:
    """The characters that count: graphemes, and the same for every address."""
    return sum(1 for _sign in iter_graphemes(ADDRESS.sub("x" * ADDRESS_LENGTH, text)))


def _content(text: str) -> str:
    """The HTML that readers get."""
    written = html.escape(text, quote=False)
    paragraphs = written.split("\n\n")
    return "".join(f"<p>{one.replace(chr(10), '<br />')}</p>" for one in paragraphs)


def _source(post: NetworkPost) -> dict[str, object]:
    return {"id": post.id, "text": post.text, "spoiler_text": ""}


def _object(request: HttpRequest) -> dict[str, Any]:
    try:
        found = request.json() if request.body else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error(status: int, message: str, **headers: str) -> Reply:
    return Reply.of({"error": message}, status, **headers)


def _too_many(allowance: Allowance) -> Reply:
    headers = {
        "x_ratelimit_limit": str(allowance.limit),
        "x_ratelimit_remaining": str(max(0, allowance.remaining)),
        "x_ratelimit_reset": datetime.fromtimestamp(allowance.reset, UTC).isoformat(),
    }
    return _error(429, "Too many requests", **headers)


def _faulty(fault: OrderedFault) -> Reply:
    """What Mastodon answers under a fault."""
    if fault.name == "rate_limited":
        return _too_many(Allowance(300, 0, time.time() + fault.number("reset", 60), refused=True))
    if fault.name in ("html", "html_200"):
        return Reply(200 if fault.name == "html_200" else 502, PAGE, "text/html; charset=utf-8")
    return _error(*FAULT_ANSWERS[fault.name])
