"""What strangers see of the sandbox's platforms, as the platforms themselves show it without an account: Telegram's page
of one message and of the last ones, X's answer for pages that embed a post, Bluesky's public view and Mastodon's
statuses. For the witness.

`public:…` faults spoil what is shown, not what was accepted.
"""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from alertbot.rehearsal.sandbox import x_answers
from alertbot.rehearsal.sandbox.accounts import Posts, TelegramPost, XPost
from alertbot.rehearsal.sandbox.faults import Faults, OrderedFault, spoil
from alertbot.rehearsal.sandbox.http import Handler, HttpRequest, Reply
from alertbot.rehearsal.sandbox.telegram_chats import Chats

MESSAGE = re.compile(r"/(?P<name>[A-Za-z]\w{3,31})/(?P<id>\d{1,10})")
LISTING = re.compile(r"/s/(?P<name>[A-Za-z]\w{3,31})")
STATUS = re.compile(r"/\w+/status/(?P<id>\d{1,20})")
STATUS_OF = re.compile(r"/api/v1/statuses/\d{1,20}")
THREAD = "/xrpc/app.bsky.feed.getPostThread"
LAST = 20  # messages of a channel's page
DOWN = Reply(503, b"<html><body>503</body></html>", "text/html")


class PublicPages:
    """Answers for one sandbox, in front of its platforms."""

    def __init__(self, posts: Posts, faults: Faults, chats: Chats) -> None:
        self._posts, self._faults, self._chats = posts, faults, chats

    def before_x(self, handler: Handler) -> Handler:
        """X's API, with the public answers beside it."""
        return self._before(handler, "x", lambda request: request.path == "/oembed", self._oembed)

    def before_telegram(self, handler: Handler) -> Handler:
        """Telegram's API, with the public pages beside it."""
        return self._before(handler, "telegram", _is_page, self._page)

    def before_bluesky(self, handler: Handler) -> Handler:
        """The account's server, with the network's public view beside it."""
        return self._before(handler, "bluesky", lambda request: request.path == THREAD, self._thread)

    def before_mastodon(self, handler: Handler) -> Handler:
        """A server that shows its posts to those who come without a token."""
        return self._before(handler, "mastodon", _is_stranger, self._status)

    def _thread(self, request: HttpRequest, fault: OrderedFault | None) -> Reply:
        key = request.query.get("uri", "").rpartition("/")[2]
        found = [one for one in self._posts.network("bluesky") if one.id.rpartition("/")[2] == key]
        if not found or found[0].deleted_at is not None or _hides(fault):
            return Reply.of({"error": "NotFound", "message": "Post not found"}, 400)
        text = found[0].text if fault is None else _other(found[0].text)
        post: dict[str, object] = {
            "uri": request.query.get("uri"),
            "record": {"text": text},
            "labels": [],
            "author": {},
        }
        return Reply.of({"thread": {"$type": "app.bsky.feed.defs#threadViewPost", "post": post}})

    def _status(self, request: HttpRequest, fault: OrderedFault | None) -> Reply:
        number = request.path.rpartition("/")[2]
        found = [one for one in self._posts.network("mastodon") if one.id == number]
        if not found or found[0].deleted_at is not None or _hides(fault):
            return Reply.of({"error": "Record not found"}, 404)
        text = html.escape(found[0].text if fault is None else _other(found[0].text), quote=False)
        content = "".join(
            f"<p>{part}</p>" for part in text.replace("\n", "<br />").split("<br /><br />")
        )
        return Reply.of({"id": number, "visibility": "public", "content": content})

    def _before(
        self,
        handler: Handler,
        network: str,
        ours: Callable[[HttpRequest], bool],
        answer: Callable[[HttpRequest, OrderedFault | None], Reply],
    ) -> Handler:
        async def handle(request: HttpRequest) -> Reply:
            if request.method != "GET" or not ours(request):
                return await handler(request)
            fault = self._faults.take("public", network, f"{request.path}?{request.query_string}")
            if fault is not None and fault.name == "down":
                return await spoil(fault, lambda: DOWN, lambda _fault: DOWN)
            return await spoil(None, lambda: answer(request, fault), lambda _fault: DOWN)

        return handle

    def _oembed(self, request: HttpRequest, fault: OrderedFault | None) -> Reply:
        found = STATUS.fullmatch(urlsplit(request.query.get("url", "")).path)
        post = self._posts.x_post(found["id"]) if found else None
        if post is None or post.deleted_at is not None or _hides(fault):
            return Reply(404, b"", "text/html")
        author = html.escape(post.author)
        text = x_answers.public_text(_spoiled_x(post, fault))[0].replace("\n", "<br>")
        quoted = (
            f'<blockquote class="twitter-tweet"><p lang="und" dir="ltr">{text}</p>&mdash; {author} (@{author})'
            f' <a href="https://twitter.com/{author}/status/{post.id}">today</a></blockquote>\n'
        )
        return Reply.of(
            {"url": request.query.get("url"), "author_name": author, "html": quoted, "type": "rich"}
        )

    def _page(self, request: HttpRequest, fault: OrderedFault | None) -> Reply:
        one, many = MESSAGE.fullmatch(request.path), LISTING.fullmatch(request.path)
        name = (one or many or {"name": ""})["name"]
        chat = self._chats.find(f"@{name}")
        standing = [
            post
            for post in self._posts.telegram()
            if chat is not None and post.chat == chat.id and post.deleted_at is None
        ]
        if one is not None:
            wanted = [post for post in standing if post.message == int(one["id"])]
            if not wanted or _hides(fault):
                return _html('<div class="tgme_widget_message_error">Post not found</div>')
            return _html(_message(name, wanted[0], fault))
        shown = [] if _hides(fault) else standing[-LAST:]
        listed = "".join(_message(name, post, fault) for post in shown)
        return _html(
            f'<div class="tgme_channel_info">{html.escape(name)}</div><section>{listed}</section>'
        )


def _is_page(request: HttpRequest) -> bool:
    return bool(MESSAGE.fullmatch(request.path) or LISTING.fullmatch(request.path))


def _is_stranger(request: HttpRequest) -> bool:
    return bool(STATUS_OF.fullmatch(request.path)) and "authorization" not in request.headers


def _hides(fault: OrderedFault | None) -> bool:
    return fault is not None and fault.name == "hidden"


def _message(name: str, post: TelegramPost, fault: OrderedFault | None) -> str:
    text = post.html if fault is None else html.escape(_other(post.text))
    body = text.replace("\n", "<br/>")
    return (
        f'<div class="tgme_widget_message" data-post="{html.escape(name)}/{post.message}">'
        f'<div class="tgme_widget_message_text js-message_text" dir="auto">{body}</div>'
        f'<time datetime="{post.at.isoformat()}"></time></div>'
    )


def _spoiled_x(post: XPost, fault: OrderedFault | None) -> XPost:
    return post if fault is None else replace(post, text=_other(post.text))


def _other(text: str) -> str:
    """The text with its first digit changed, or one word more."""
    changed = re.sub(r"\d", lambda found: str((int(found[0]) + 1) % 10), text, count=1)
    return changed if changed != text else f"{text} …"


def _html(body: str) -> Reply:
    page = f"<!DOCTYPE html><html><head><title>Telegram</title></head><body>{body}</body></html>"
    return Reply(200, page.encode(), "text/html")
