"""Serves the wall: the page, the posts as JSON, and a place to order faults."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alertbot.errors import Misuse
from alertbot.sandbox.faults import Faults, listing
from alertbot.sandbox.http import Reply, Request
from alertbot.sandbox.posts import Mail, Posts, Seen, TelegramPost, XPost
from alertbot.sandbox.wall import REFRESH_SECONDS, policy, render_wall

OWN_NAMES = ("127.0.0.1", "localhost", "::1")


class Wall:
    """Serves the page, the posts as JSON and the orders to fail."""

    def __init__(self, posts: Posts, faults: Faults, title: str, timezone: str) -> None:
        self._posts, self._faults, self._title = posts, faults, title
        self._zone = ZoneInfo(timezone)

    async def handle(self, request: Request) -> Reply:
        """Answer one request; only under this machine's own names, so that no foreign page gets in."""
        if urlsplit("//" + request.headers.get("host", "")).hostname not in OWN_NAMES:
            return Reply.of({"error": "unknown host"}, 421)
        match request.method, request.path:
            case "GET" | "HEAD", "/":
                return self._page(request)
            case "GET", "/posts":
                return Reply.of([as_json(post) for post in self._posts])
            case "GET", "/faults":
                return self._orders()
            case "POST", "/faults":
                return self._order(request)
            case "DELETE", "/faults":
                self._faults.clear(request.query.get("platform"))
                return self._orders()
        return Reply.of({"error": "not found"}, 404)

    def _page(self, request: Request) -> Reply:
        refresh = REFRESH_SECONDS if "live" in request.query else 0
        page = render_wall(self._posts, self._title, self._zone, refresh=refresh, live=True)
        headers = {
            "content-security-policy": policy() + "; frame-ancestors 'none'",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        }
        return Reply(200, page.encode(), "text/html; charset=utf-8", headers)

    def _orders(self) -> Reply:
        known = [{"fault": fault, "what": what} for fault, what in listing()]
        return Reply.of({"standing": [str(fault) for fault in self._faults.standing], "known": known})

    def _order(self, request: Request) -> Reply:
        """JSON only: a foreign page cannot send that here without being asked first."""
        if request.media_type != "application/json":
            return Reply.of({"error": 'send JSON: {"fault": "telegram:flood"}'}, 415)
        try:
            content = request.json()
            orders = content.get("faults") or [content["fault"]]
            for order in orders:
                self._faults.add(str(order))
        except (ValueError, KeyError, AttributeError, TypeError, Misuse) as error:
            return Reply.of({"error": str(error)}, 400)
        return self._orders()


def as_json(post: Seen) -> dict[str, Any]:
    """A post as plain data: its network and its fields, times in ISO 8601, without the raw mail."""
    network = {XPost: "x", TelegramPost: "telegram", Mail: "email"}[type(post)]
    content = {name: value for name, value in asdict(post).items() if name != "raw"}
    plain: dict[str, Any] = json.loads(json.dumps(content, default=_written, ensure_ascii=True))
    return {"network": network, **plain}


def _written(value: Any) -> str:
    """Moments in ISO 8601; of a picture only its size."""
    return value.isoformat() if isinstance(value, datetime) else f"{len(value)} bytes"
