"""Requests and responses of the X API: requests parsed strictly, posts written as X does, refusals in
the words and forms of the real one.

Its documentation knows two forms of refusal: a *problem* with one of nine types, and a plain *error*
with code and message. A refusal without a problem type is written as an error that also has title,
detail and type, which is where clients look.
"""

import hashlib
import hmac
import html
import json
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature

from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.model import RawValues
from alertbot.rehearsal.sandbox.accounts import Allowance, XAccount, XPost
from alertbot.rehearsal.sandbox.faults import OrderedFault
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply
from alertbot.texts.posts.measure import weighted_length

PROBLEMS = "https://api.x.com/2/problems/"
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
REPLY_GONE = "You attempted to reply to a Tweet that is deleted or not visible to you."
REPLY_RULE = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise "
    "engaged by the author of the post you are replying to."
)
QUOTE_RULE = "You are not permitted to quote this post."
PAGE = b"<!DOCTYPE html><html><head><title>X</title></head><body><h1>Something went wrong.</h1></body></html>"


def problem(status: int, kind: str, title: str, detail: str, **more: object) -> Reply:
    """A refusal of one of the documented types."""
    content = {"title": title, "detail": detail, "type": PROBLEMS + kind, "status": status, **more}
    return Reply.of(content, status, media_type="application/problem+json")


def error(status: int, title: str, detail: str, kind: str = "about:blank", **headers: str) -> Reply:
    """A refusal without a documented type."""
    content = {"code": status, "message": detail, "title": title, "detail": detail}
    return Reply.of({**content, "type": kind, "status": status}, status, **headers)


def invalid(detail: str) -> Reply:
    return problem(400, "invalid-request", "Invalid Request", detail)


def forbidden(detail: str) -> Reply:
    return problem(403, "disallowed-resource", "Forbidden", detail, resource_type="post")


def missing(resource: str, resource_id: str) -> dict[str, object]:
    """The note that something does not exist: an answer of its own, or one of the `errors` of a 200."""
    return {
        "title": "Not Found Error",
        "detail": f"Could not find {resource} with id: [{resource_id}].",
        "type": PROBLEMS + "resource-not-found",
        "resource_type": resource,
        "resource_id": resource_id,
        "parameter": "id",
        "value": resource_id,
    }


def not_found(resource: str, resource_id: str) -> Reply:
    content = {**missing(resource, resource_id), "status": 404}
    return Reply.of(content, 404, media_type="application/problem+json")


def unauthorized() -> Reply:
    return error(401, "Unauthorized", "Unauthorized")


def too_many(allowance: Allowance) -> Reply:
    return error(429, "Too Many Requests", "Too Many Requests", **quota_headers(allowance))


def quota_headers(allowance: Allowance) -> dict[str, str]:
    """`x-rate-limit-*`, with the reset in whole epoch seconds, rounded up."""
    return {
        "x_rate_limit_limit": str(allowance.limit),
        "x_rate_limit_remaining": str(max(0, allowance.remaining)),
        "x_rate_limit_reset": str(int(-(-allowance.reset // 1))),
    }


def faulty(fault: OrderedFault) -> Reply:
    """What X answers under a fault."""
    match fault.name:
        case "duplicate":
            return forbidden(DUPLICATE)
        case "reply_refused":
            return forbidden(REPLY_RULE)
        case "reply_race":
            return forbidden(REPLY_GONE)
        case "credits":
            detail = "Your enrolled account does not have any credits to fulfill this request."
            return error(402, "CreditsDepleted", detail, PROBLEMS + "credits")
        case "rate_limited":
            return too_many(Allowance(100, 0, time.time() + fault.number("reset", 60), refused=True))
        case "daily_limit":
            return _day_used_up(time.time(), fault.number("reset", 72_000))
        case "usage_capped":
            return error(429, "UsageCapExceeded", "Usage cap exceeded", PROBLEMS + "usage-capped")
        case "unauthorized":
            return unauthorized()
        case _:
            return _broken(fault.name)


def _day_used_up(now: float, seconds: int) -> Reply:
    """The account's posts of 24 hours are used up; the short window, which X names too, is nearly unused."""
    headers = quota_headers(Allowance(1_080_000, 1_079_999, now + 900, refused=True))
    day = {"limit": 100, "remaining": 0, "reset": int(now) + seconds}
    headers |= {f"x_user_limit_24hour_{name}": str(value) for name, value in day.items()}
    return error(429, "Too Many Requests", "Too Many Requests", **headers)


def _broken(name: str) -> Reply:
    match name:
        case "server_error_json":
            return error(503, "Service Unavailable", "Service Unavailable")
        case "server_error_html":
            return Reply(502, PAGE, "text/html; charset=utf-8")
        case "html_200":
            return Reply(200, PAGE, "text/html; charset=utf-8")
        case _:
            return Reply(500, b"", "text/plain")


# A client signs for the address it believes to call; rehearsals move its traffic here afterwards.
SIGNED_FOR = ("https://api.x.com", "https://api.twitter.com")
CLOCK_TOLERANCE_SECONDS = 300
NONCES_KEPT = 20_000


class XAuthenticator:
    """Knows the keys of one account and the nonces already used."""

    def __init__(self, account: XAccount) -> None:
        self._account = account
        self._nonces: OrderedDict[str, None] = OrderedDict()

    def admits(self, request: HttpRequest) -> bool:
        """Whether the request comes from the account."""
        scheme, _space, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(rest.strip().encode(), self._account.bearer_token.encode())
        return scheme.lower() == "oauth" and self._signed(request)

    def _signed(self, request: HttpRequest) -> bool:
        parameters = signature.collect_parameters(
            uri_query=request.query_string,
            body=request.body if request.media_type == "application/x-www-form-urlencoded" else None,
            headers={"Authorization": request.headers["authorization"]},
            exclude_oauth_signature=False,
        )
        given = dict(parameters)
        if not self._plausible(given):
            return False
        signed = [pair for pair in parameters if pair[0] != "oauth_signature"]
        normal = signature.normalize_parameters(signed)
        hosts = (*SIGNED_FOR, f"http://{request.headers.get('host', '')}")
        return any(
            hmac.compare_digest(given["oauth_signature"], self._expected(request, host, normal))
            for host in hosts
        )

    def _plausible(self, given: dict[str, str]) -> bool:
        """The right keys, a clock that is about right, and a nonce never seen before."""
        nonce, stamp = given.get("oauth_nonce", ""), given.get("oauth_timestamp", "")
        named = given.get("oauth_consumer_key"), given.get("oauth_token")
        if named != (self._account.consumer_key, self._account.access_token):
            return False
        if given.get("oauth_signature_method") != "HMAC-SHA1" or "oauth_signature" not in given:
            return False
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > CLOCK_TOLERANCE_SECONDS:
            return False
        if not nonce or nonce in self._nonces:
            return False
        self._nonces[nonce] = None
        if len(self._nonces) > NONCES_KEPT:
            self._nonces.popitem(last=False)
        return True

    def _expected(self, request: HttpRequest, host: str, normal: str) -> str:
        uri = signature.base_string_uri(host + request.path)
        base = signature.signature_base_string(request.method, uri, normal)
        keys = Client(
            self._account.consumer_key,
            client_secret=self._account.consumer_secret,
            resource_owner_secret=self._account.access_token_secret,
        )
        return str(signature.sign_hmac_sha1_with_client(base, keys))


TAKEN = {
    "text",
    "reply",
    "media",
    "quote_tweet_id",
    "reply_settings",
    "made_with_ai",
    "paid_partnership",
}
NOT_FOR_THIS_ACCOUNT = {
    "card_uri",
    "community_id",
    "direct_message_deep_link",
    "edit_options",
    "for_super_followers_only",
    "geo",
    "nullcast",
    "poll",
    "share_with_followers",
}
INSIDE = {
    "reply": {"in_reply_to_tweet_id", "auto_populate_reply_metadata", "exclude_reply_user_ids"},
    "media": {"media_ids", "tagged_user_ids"},
}
NUMBER = re.compile(r"[0-9]{1,19}")
MEASURED_CHARACTERS = 600  # longer texts are too long whatever they hold, except for long addresses
ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}»’']")
SMALLEST_PAGE, USUAL_PAGE, LARGEST_PAGE = 5, 10, 100


@dataclass(frozen=True, slots=True)
class WantedPost:
    """A post somebody wants to make."""

    text: str
    reply_to: str | None
    media_ids: tuple[str, ...]
    quotes: bool


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Which part of a timeline is asked for."""

    size: int
    since: int
    until: int | None

    def holds(self, post: XPost) -> bool:
        return self.since < int(post.id) and (self.until is None or int(post.id) < self.until)


def read_object(body: bytes) -> RawValues | None:
    """The JSON object of a body, None where there is none."""
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def read_post(body: bytes) -> WantedPost | Reply:
    """Read a request for a post, or say what is wrong with it as X would."""
    content = read_object(body)
    if content is None:
        return invalid("The request body is not a JSON object")
    unknown = _unknown(content)
    if unknown:
        return invalid(f"$.{unknown}: is not defined in the schema")
    if NOT_FOR_THIS_ACCOUNT & set(content):
        return forbidden(f"You are not permitted to use {min(NOT_FOR_THIS_ACCOUNT & set(content))}.")
    text, parent = content.get("text", ""), _inside(content.get("reply"), "in_reply_to_tweet_id")
    media_ids = _inside(content.get("media"), "media_ids")
    if not isinstance(text, str):
        return invalid("$.text: a string is expected")
    if "reply" in content and not is_id(parent):
        return invalid("$.reply.in_reply_to_tweet_id: does not match the pattern ^[0-9]{1,19}$")
    if "media" in content and not (
        isinstance(media_ids, list) and media_ids and all(is_id(item) for item in media_ids)
    ):
        return invalid("$.media.media_ids: an array of 1 to 4 ids is expected")
    return WantedPost(text, parent, tuple(media_ids or ()), "quote_tweet_id" in content)


def _unknown(content: Mapping[str, Any]) -> str:
    """The first key X does not know, empty where it knows all."""
    for key in sorted(set(content) - TAKEN - NOT_FOR_THIS_ACCOUNT):
        return key
    for outer, known in INSIDE.items():
        inner = content.get(outer)
        for key in sorted(set(inner) - known) if isinstance(inner, dict) else ():
            return f"{outer}.{key}"
    return ""


def is_id(value: object) -> bool:
    """Whether it can be the id of anything on X."""
    return isinstance(value, str) and NUMBER.fullmatch(value) is not None


def _inside(value: object, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def read_page(query: Mapping[str, str]) -> TimelinePage | Reply:
    """Read which part of a timeline is asked for, or say what is wrong."""
    given = {name: query.get(name, "") for name in ("since_id", "until_id", "pagination_token")}
    size = query.get("max_results", str(USUAL_PAGE))
    if any(value and not is_id(value) for value in given.values()):
        return invalid("An id in the query is not a number")
    if not is_id(size) or not SMALLEST_PAGE <= int(size) <= LARGEST_PAGE:
        return invalid(f"The `max_results` query parameter value [{size}] is not between 5 and 100")
    borders = [int(given[name]) for name in ("until_id", "pagination_token") if given[name]]
    return TimelinePage(int(size), int(given["since_id"] or 0), min(borders) if borders else None)


def alternative_text(fields: Mapping[str, Any]) -> str | None:
    """The description in a request for media metadata."""
    text = _inside(_inside(fields.get("metadata"), "alt_text"), "text")
    return text if isinstance(text, str) else None


def weight(text: str) -> int:
    """The weighted length, as X counts it."""
    if len(ADDRESS.sub("", text)) > MEASURED_CHARACTERS:
        return len(text)
    return weighted_length(text)


def public_text(post: XPost) -> tuple[str, list[dict[str, Json]]]:
    """The text as X gives it back, with its links replaced, and the list of those links."""
    links: list[dict[str, Json]] = []
    written: list[str] = []
    end = 0
    for found in ADDRESS.finditer(post.text):
        short = "https://t.co/" + hashlib.sha256(f"{post.id} {found.start()}".encode()).hexdigest()[:10]
        written += [html.escape(post.text[end : found.start()], quote=False), short]
        start = sum(len(html.unescape(part)) for part in written[:-1])
        display = re.sub(r"^https?://(www\.)?", "", found.group())
        links.append(
            {
                "start": start,
                "end": start + len(short),
                "url": short,
                "expanded_url": found.group(),
                "display_url": display if len(display) <= 26 else display[:26] + "…",
            }
        )
        end = found.end()
    written.append(html.escape(post.text[end:], quote=False))
    if post.pictures:
        written.append(_picture_link(post, sum(len(html.unescape(part)) for part in written), links))
    return "".join(written), links


def _picture_link(post: XPost, at: int, links: list[dict[str, Json]]) -> str:
    """X writes the address of a post's pictures behind its text."""
    short = "https://t.co/" + hashlib.sha256(f"{post.id} picture".encode()).hexdigest()[:10]
    space = " " if at else ""
    start = at + len(space)
    links += [
        {
            "start": start,
            "end": start + len(short),
            "url": short,
            "expanded_url": f"https://x.com/{post.author}/status/{post.id}/photo/1",
            "display_url": f"pic.x.com/{short[-10:]}",
            "media_key": f"3_{picture.id}",
        }
        for picture in post.pictures
    ]
    return space + short


def as_json(post: XPost, author_id: str, query: Mapping[str, str]) -> dict[str, object]:
    """A post as X shows it: id and text, and the fields asked for in `tweet.fields`."""
    text, links = public_text(post)
    asked = set((query.get("tweet.fields") or query.get("post.fields") or "").split(","))
    extra: dict[str, object] = {
        "author_id": author_id,
        "conversation_id": post.conversation,
        "created_at": post.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
    if links:
        extra["entities"] = {"urls": links}
    if post.reply_to:
        extra["in_reply_to_user_id"] = author_id
        extra["referenced_tweets"] = [{"type": "replied_to", "id": post.reply_to}]
    answer: dict[str, object] = {"id": post.id, "text": text, "edit_history_tweet_ids": [post.id]}
    return answer | {name: value for name, value in extra.items() if name in asked}
