"""An account's server as Bluesky has them: sessions, records under their keys, pictures.

As the real one: a record that is put twice unchanged is one commit, `swapRecord: null` never replaces another,
`createRecord` with a key fails, a post has 300 graphemes and 3,000 bytes, a session lapses, and calls are counted in
points. Stricter than the real one: keys of posts must be TIDs, links must be what the text says there, and references
to the account's own posts must exist.
"""

import hashlib
import json
import re
import time
from base64 import b32encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from wcwidth import iter_graphemes

from alertbot.rehearsal.sandbox.accounts import (
    Allowance,
    BlueskyAccount,
    NetworkPost,
    PostedPicture,
    Posts,
    Quota,
)
from alertbot.rehearsal.sandbox.faults import Faults, OrderedFault, spoil
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply

POST, PROFILE = "app.bsky.feed.post", "app.bsky.actor.profile"
MOST_GRAPHEMES, MOST_BYTES = 300, 3000
LARGEST_PICTURE_BYTES = 1_000_000
TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
FIELDS = {"$type", "text", "createdAt", "langs", "facets", "reply", "embed"}
POINTS = ((5000, 3600.0), (35_000, 86_400.0))
LOG_INS = ((30, 300.0), (300, 86_400.0))
COSTS = {"post": 3, "pin": 2, "delete": 1}
FAULT_ANSWERS: Mapping[str, tuple[int, str, str]] = {
    "invalid": (400, "InvalidRequest", "Input/record must be a valid post"),
    "expired": (400, "ExpiredToken", "Token has expired"),
    "unauthorized": (401, "AuthenticationRequired", "Invalid identifier or password"),
    "takendown": (401, "AccountTakedown", "Account has been taken down"),
    "blob_refused": (400, "BlobNotFound", "Could not find blob"),
    "server_error": (500, "InternalServerError", "Internal Server Error"),
}
PAGE = (
    b"<!DOCTYPE html><html><head><title>Bluesky</title></head><body><h1>Bad gateway</h1></body></html>"
)


class BlueskyPlatform:
    """The state of the Bluesky side of a sandbox; `handle` answers one request."""

    def __init__(
        self,
        account: BlueskyAccount,
        posts: Posts,
        faults: Faults,
        clock: Callable[[], datetime],
        speed: float = 1.0,
    ) -> None:
        self.account, self._posts, self._faults, self._clock = account, posts, faults, clock
        self._points, self._log_ins = Quota(POINTS, speed), Quota(LOG_INS, speed)
        self.records: dict[tuple[str, str], dict[str, Any]] = {}  # by collection and key
        self._blobs: dict[str, tuple[bytes, str]] = {}
        self._sessions = 0
        self._alive: set[str] = set()  # several at a time: a second worker, `check --online`
        self._handle = account.handle or ""

    async def handle(self, request: HttpRequest) -> Reply:
        """Answer one request. Raises `Drop` where a fault hangs up."""
        found = self._route(request)
        if found is None:
            return _error(501, "MethodNotImplemented", "Method Not Implemented")
        call, act = found
        fault = self._faults.take("bluesky", call, request.body.decode("utf-8", "replace"))
        if call != "login" and not self._admits(request):
            return _error(401, "AuthMissing", "Authentication Required")
        quota, cost = (self._log_ins, 1) if call == "login" else (self._points, COSTS.get(call, 0))
        for _point in range(cost):
            allowance = quota.use(time.time())
            if allowance.refused:
                return _too_many(allowance)
        return await spoil(fault, act, _faulty)

    def _route(self, request: HttpRequest) -> tuple[str, Callable[[], Reply]] | None:
        body = _object(request)
        match request.method, request.path.removeprefix("/xrpc/"):
            case "POST", "com.atproto.server.createSession":
                return "login", lambda: self._log_in(body)
            case "POST", "com.atproto.server.refreshSession":
                return "login", lambda: self._refresh(request)
            case "POST", "com.atproto.repo.uploadBlob":
                return "media", lambda: self._upload(request)
            case "POST", "com.atproto.repo.putRecord":
                pin = body.get("collection") == PROFILE
                return ("pin" if pin else "post"), lambda: self._put(body)
            case "POST", "com.atproto.repo.deleteRecord":
                return "delete", lambda: self._delete(body)
            case "GET", "com.atproto.repo.getRecord":
                return "read", lambda: self._get(request.query)
            case "POST", "com.atproto.repo.createRecord":
                return "post", lambda: _error(500, "InternalServerError", "Internal Server Error")
        return None

    def _admits(self, request: HttpRequest) -> bool:
        if request.path.endswith("getRecord"):
            return True
        return _token(request).removeprefix("access-").removeprefix("refresh-") in self._alive

    def _log_in(self, body: Mapping[str, Any]) -> Reply:
        handle = str(body.get("identifier", ""))
        known = body.get("password") == self.account.app_password and "." in handle
        if not known or self.account.handle not in (None, handle):
            return _error(401, "AuthenticationRequired", "Invalid identifier or password")
        self._handle = handle
        return self._new_session()

    def _refresh(self, request: HttpRequest) -> Reply:
        old = _token(request).removeprefix("refresh-")
        if old not in self._alive:
            return _error(400, "ExpiredToken", "Token has been revoked")
        self._alive.remove(old)
        return self._new_session()

    def _new_session(self) -> Reply:
        self._sessions += 1
        self._alive.add(str(self._sessions))
        tokens = {f"{one}Jwt": f"sandbox-{one}-{self._sessions}" for one in ("access", "refresh")}
        return Reply.of({**tokens, "handle": self._handle, "did": self.account.did, "active": True})

    def _upload(self, request: HttpRequest) -> Reply:
        if len(request.body) > LARGEST_PICTURE_BYTES:
            return _error(413, "PayloadTooLarge", "request entity too large")
        if not request.media_type.startswith("image/") or not request.body:
            return _error(
                400, "InvalidRequest", "Request encoding (Content-Type) required but not provided"
            )
        cid = "bafkrei" + _digest(request.body)
        self._blobs[cid] = (request.body, request.media_type)
        ref = {"$type": "blob", "ref": {"$link": cid}, "mimeType": request.media_type}
        return Reply.of({"blob": {**ref, "size": len(request.body)}})

    def _put(self, body: Mapping[str, Any]) -> Reply:
        collection, key, record = body.get("collection"), body.get("rkey"), body.get("record")
        if body.get("repo") not in (self.account.did, self._handle):
            return _error(400, "InvalidRequest", "Could not find repo")
        if (
            not isinstance(record, dict)
            or not isinstance(key, str)
            or collection not in (POST, PROFILE)
        ):
            return _error(
                400, "InvalidRequest", "Input must have the properties collection, rkey, record"
            )
        fault = self._post_fault(key, record) if collection == POST else ""
        if fault:
            name = "BlobNotFound" if "blob" in fault else "InvalidRequest"
            return _error(400, name, fault)
        cid = "bafyrei" + _digest(json.dumps(record, sort_keys=True, ensure_ascii=False).encode())
        uri = f"at://{self.account.did}/{collection}/{key}"
        there = self.records.get((collection, key))
        if there is not None and there["cid"] == cid:
            return Reply.of({"uri": uri, "cid": cid, "validationStatus": "valid"})
        if "swapRecord" in body and body["swapRecord"] != (there and there["cid"]):
            return _error(400, "InvalidSwap", f"Record was at {there and there['cid']}")
        self.records[collection, key] = {"uri": uri, "cid": cid, "value": record}
        self._show(collection, uri, record)
        return Reply.of({"uri": uri, "cid": cid, "validationStatus": "valid"})

    def _show(self, collection: str, uri: str, record: Mapping[str, Any]) -> None:
        if collection == PROFILE:
            wanted = record.get("pinnedPost", {}).get("uri")
            for post in self._posts.network("bluesky"):
                if post.pinned != (post.id == wanted):
                    self._posts.change(post, pinned=post.id == wanted)
            return
        embedded = record.get("embed", {}).get("images", [])
        self._posts.add(
            NetworkPost(
                id=uri,
                network="bluesky",
                at=self._clock(),
                text=record["text"],
                author=self._handle,
                name=self.account.name,
                lang=(record.get("langs") or [None])[0],
                reply_to=record.get("reply", {}).get("parent", {}).get("uri"),
                pictures=tuple(self._picture(one) for one in embedded),
            )
        )

    def _picture(self, image: Mapping[str, Any]) -> PostedPicture:
        cid = image["image"]["ref"]["$link"]
        return PostedPicture(cid, image["alt"], self._blobs[cid][0])

    def _post_fault(self, key: str, record: Mapping[str, Any]) -> str:
        """What is wrong with a post; "" if nothing is."""
        text = record.get("text")
        if not TID.fullmatch(key):
            return "Invalid record key: not a TID"
        if unknown := set(record) - FIELDS:
            return f"Record has the unknown property {min(unknown)}"
        if record.get("$type") != POST or not isinstance(text, str):
            return "Record/text must be a string"
        if sum(1 for _sign in iter_graphemes(text)) > MOST_GRAPHEMES:
            return (
                f"Invalid {POST} record: grapheme too big (maximum {MOST_GRAPHEMES}) at $.record.text"
            )
        if len(text.encode()) > MOST_BYTES:
            return f"Invalid {POST} record: string too big (maximum {MOST_BYTES}) at $.record.text"
        created = str(record.get("createdAt"))
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created):
            return "Record/createdAt must be an valid atproto datetime"
        return self._facet_fault(text, record) or self._reply_fault(record) or self._embed_fault(record)

    def _facet_fault(self, text: str, record: Mapping[str, Any]) -> str:
        whole, last = text.encode(), 0
        for facet in sorted(record.get("facets", []), key=lambda one: one["index"]["byteStart"]):
            start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
            try:
                said = whole[start:end].decode()
            except UnicodeDecodeError:
                return "Record/facets: an index is within a character"
            for feature in facet["features"]:
                wanted = feature.get("uri") or "#" + feature.get("tag", "")
                if said != wanted or not last <= start < end:
                    return f"Record/facets: the text has not {wanted} there"
            last = end
        return ""

    def _reply_fault(self, record: Mapping[str, Any]) -> str:
        reply: Mapping[str, Any] = record.get("reply") or {}
        for name in ("root", "parent") if reply else ():
            named = (reply.get(name) or {}).get("uri"), (reply.get(name) or {}).get("cid")
            there = self.records.get((POST, str(named[0]).rpartition("/")[2]))
            if not all(named):
                return f"Record/reply must have the property {name}"
            if there is not None and (there["uri"], there["cid"]) != named:
                return f"Record/reply/{name} is not the post it names"
        return ""

    def _embed_fault(self, record: Mapping[str, Any]) -> str:
        for one in record.get("embed", {}).get("images", []):
            blob = one["image"]
            content, mime = self._blobs.get(blob["ref"]["$link"], (b"", ""))
            if not content or (blob["mimeType"], blob["size"]) != (mime, len(content)):
                return f"Could not find blob: {blob['ref']['$link']}"
            if not isinstance(one.get("alt"), str):
                return "Record/embed/images/0 must have the property alt"
        return ""

    def _delete(self, body: Mapping[str, Any]) -> Reply:
        key = (str(body.get("collection")), str(body.get("rkey")))
        gone = self.records.pop(key, None)
        if gone is not None:
            for post in self._posts.network("bluesky"):
                if post.id == gone["uri"]:
                    self._posts.change(post, deleted_at=self._clock())
        return Reply.of({})

    def _get(self, query: Mapping[str, str]) -> Reply:
        there = self.records.get((query.get("collection", ""), query.get("rkey", "")))
        if there is None or query.get("repo") not in (self.account.did, self._handle):
            uri = f"at://{query.get('repo')}/{query.get('collection')}/{query.get('rkey')}"
            return _error(400, "RecordNotFound", f"Could not locate record: {uri}")
        return Reply.of(there)


def _digest(content: bytes) -> str:
    return b32encode(hashlib.sha256(content).digest()).decode().lower().rstrip("=")


def _object(request: HttpRequest) -> dict[str, Any]:
    if request.media_type != "application/json":
        return {}
    try:
        found = request.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _token(request: HttpRequest) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer sandbox-")


def _error(status: int, name: str, message: str, **headers: str) -> Reply:
    return Reply.of({"error": name, "message": message}, status, **headers)


def _too_many(allowance: Allowance) -> Reply:
    headers = {
        "ratelimit_limit": str(allowance.limit),
        "ratelimit_remaining": str(max(0, allowance.remaining)),
        "ratelimit_reset": str(int(-(-allowance.reset // 1))),
        "ratelimit_policy": f"{allowance.limit};w=3600",
    }
    return _error(429, "RateLimitExceeded", "Rate Limit Exceeded", **headers)


def _faulty(fault: OrderedFault) -> Reply:
    """What Bluesky answers under a fault."""
    if fault.name == "rate_limited":
        reset = datetime.now(UTC).timestamp() + fault.number("reset", 60)
        return _too_many(Allowance(5000, 0, reset, refused=True))
    if fault.name in ("html", "html_200"):
        return Reply(200 if fault.name == "html_200" else 502, PAGE, "text/html; charset=utf-8")
    return _error(*FAULT_ANSWERS[fault.name])
