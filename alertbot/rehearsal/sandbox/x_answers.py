"""The refusals of the X API, in the words and forms of the real one.

Its description knows two forms of refusal: a *problem* with one of nine types, and a plain *error*
with code and message. What has no problem type of its own is written as an error that also carries
title, detail and type, which is where clients look.
"""

import hmac
import time
from collections import OrderedDict

from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature

from alertbot.rehearsal.sandbox.accounts import Allowance, XAccount
from alertbot.rehearsal.sandbox.faults import OrderedFault
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply

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
        case "usage_capped":
            return error(429, "UsageCapExceeded", "Usage cap exceeded", PROBLEMS + "usage-capped")
        case "unauthorized":
            return unauthorized()
        case _:
            return _broken(fault.name)


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


class Doorkeeper:
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
