"""The refusals of the X API, in the words and forms of the real one.

Its description knows two forms of refusal: a *problem* with one of nine types, and a plain *error*
with code and message. What has no problem type of its own is written as an error that also carries
title, detail and type, which is where clients look.
"""

import time

from alertbot.sandbox.faults import Fault
from alertbot.sandbox.http import Reply
from alertbot.sandbox.limits import Allowance

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


def faulty(fault: Fault) -> Reply:
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
