"""The public view: one self-contained page that shows what the public saw, and the JSON and fault orders
next to it."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.words import LANGUAGES, _, language, preferred, spoken
from alertbot.rehearsal.sandbox.accounts import (
    Mail,
    NetworkPost,
    PostedPicture,
    Posts,
    Seen,
    TelegramPost,
    XPost,
    guess_language,
)
from alertbot.rehearsal.sandbox.faults import Faults, listing
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply

HERE = Path(__file__).parent
NETWORKS = (
    ("x", "X"),
    ("telegram", "Telegram"),
    ("bluesky", "Bluesky"),
    ("mastodon", "Mastodon"),
    ("email", ""),
)
REFRESH_SECONDS = 5
OWN_WORDS = {"fr": "Français", "en": "English"}  # a language in itself
LARGEST_SHOWN_BYTES = 1_000_000
PICTURE_KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True, slots=True)
class ViewPicture:
    """A picture on a card. `source`: the picture itself, "" if it is unknown or too large."""

    description: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class ViewCard:
    """One post as shown. `html` is safe; times are in the page's zone."""

    anchor: str
    network: str  # one of `NETWORKS`
    at: datetime
    who: str
    handle: str
    html: str
    lang: str | None
    subject: str = ""
    to: str = ""
    answers: str = ""  # the anchor of the card it answers
    answers_words: str = ""
    part: int = 0  # from 1 within a thread; 0: not in a thread
    parts: int = 0
    marks: tuple[str, ...] = ()
    struck: bool = False
    pictures: tuple[ViewPicture, ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()  # until when it said what, as safe HTML
    buttons: tuple[tuple[str, ...], ...] = ()


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("wall.html.j2")


def render_wall(
    posts: Iterable[Seen],
    title: str = "",
    zone: str | ZoneInfo = "Europe/Paris",
    *,
    lang: str | None = None,
    refresh: int = 0,
    live: bool = False,
    page: str = "",
) -> str:
    """One self-contained page of everything the public saw, in time order per network.

    Times are shown in `zone`; `lang` is the language of the page and its dates, by default the
    program's. `refresh`: seconds after which the page reloads; 0: never. `live`: offer that choice.
    `page`: the address of the public page, if there is one.
    """
    lang = lang or language()
    place = zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)
    cards = cards_of(posts, place)
    columns = [
        (name, heading or _("Mail"), [card for card in cards if card.network == name])
        for name, heading in NETWORKS
    ]
    return str(
        _template().render(
            title=title or _("What the public saw"),
            columns=columns,
            zone=place.key,
            style=_style(),
            policy=policy(),
            refresh_choice=REFRESH_SECONDS,
            lang=lang,
            others={one: OWN_WORDS[one] for one in LANGUAGES if one != lang},
            words=_words(),
            refresh=refresh,
            live=live,
            page=page,
            clock=lambda moment: _clock(moment, lang),
        )
    )


def _words() -> Mapping[str, str]:
    return {
        "page": _("The public page of that time"),
        "lead": _("A rehearsal on this machine: nothing here was published."),
        "times": _("Times are in {zone}."),
        "none": _("Nothing yet."),
        "answer": _("In reply to {what}"),
        "thread": _("{part} of {parts} in a thread"),
        "picture": _("Picture: {description}"),
        "bare": _("Picture without a description"),
        "earlier": _("What it said before"),
        "until": _("until {time}"),
        "to": _("To {whom}"),
        "refresh": _("Reload every {seconds} seconds"),
        "still": _("Stop reloading"),
        "count": _("{count} shown"),
    }


def _clock(moment: datetime, lang: str) -> str:
    return format_datetime(moment, "EEE d MMM y, HH:mm:ss", locale=lang)


@cache
def _style() -> str:
    return (HERE / "wall.css").read_text(encoding="utf-8")


def policy() -> str:
    """The Content-Security-Policy of the page: its own style sheet and pictures and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def cards_of(posts: Iterable[Seen], zone: ZoneInfo) -> list[ViewCard]:
    """The cards in time order; copies of one mail to several people share a card."""
    seen = sorted(posts, key=lambda post: post.at)
    x_posts = [post for post in seen if isinstance(post, XPost)]
    telegram = {post.id: post for post in seen if isinstance(post, TelegramPost)}
    cards = [_x_card(post, x_posts, zone) for post in x_posts]
    cards += [_telegram_card(post, telegram, zone) for post in telegram.values()]
    cards += [_network_card(post, seen, zone) for post in seen if isinstance(post, NetworkPost)]
    cards += _mail_cards([post for post in seen if isinstance(post, Mail)], zone)
    return sorted(cards, key=lambda card: card.at)


def _x_card(post: XPost, others: list[XPost], zone: ZoneInfo) -> ViewCard:
    thread = [other for other in others if other.conversation == post.conversation]
    parent = next((other for other in others if other.id == post.reply_to), None)
    return ViewCard(
        anchor=f"x-{post.id}",
        network="x",
        at=post.at.astimezone(zone),
        who=post.name or post.author,
        handle="@" + post.author,
        html=_safe(post.text),
        lang=guess_language(post.text),
        answers=f"x-{parent.id}" if parent else "",
        answers_words=_short(parent.text) if parent else "",
        part=thread.index(post) + 1 if len(thread) > 1 else 0,
        parts=len(thread),
        marks=_marks(None, post.deleted_at, zone),
        struck=post.deleted_at is not None,
        pictures=_shown(post.pictures),
    )


def _telegram_card(post: TelegramPost, others: Mapping[str, TelegramPost], zone: ZoneInfo) -> ViewCard:
    parent = others.get(post.reply_to or "")
    pinned = (_("pinned"),) if post.pinned else ()
    return ViewCard(
        anchor=_anchor("t", post.id),
        network="telegram",
        at=post.at.astimezone(zone),
        who=post.chat_title,
        handle=post.chat_type,
        html=post.html,
        lang=guess_language(post.text),
        answers=_anchor("t", parent.id) if parent else "",
        answers_words=_short(parent.text) if parent else "",
        marks=pinned + _marks(post.edited_at, post.deleted_at, zone),
        struck=post.deleted_at is not None,
        pictures=_shown(post.pictures),
        earlier=tuple(
            (until.astimezone(zone).strftime("%H:%M:%S"), html) for until, html in post.earlier
        ),
        buttons=post.buttons,
    )


def _network_card(post: NetworkPost, seen: list[Seen], zone: ZoneInfo) -> ViewCard:
    others = [one for one in seen if isinstance(one, NetworkPost) and one.network == post.network]
    parent = next((one for one in others if one.id == post.reply_to), None)
    pinned = (_("pinned"),) if post.pinned else ()
    return ViewCard(
        anchor=_anchor(post.network, post.id),
        network=post.network,
        at=post.at.astimezone(zone),
        who=post.name,
        handle="@" + post.author,
        html=_safe(post.text),
        lang=post.lang or guess_language(post.text),
        answers=_anchor(parent.network, parent.id) if parent else "",
        answers_words=_short(parent.text) if parent else "",
        marks=pinned + _marks(post.edited_at, post.deleted_at, zone),
        struck=post.deleted_at is not None,
        pictures=_shown(post.pictures),
        earlier=tuple(
            (until.astimezone(zone).strftime("%H:%M:%S"), said) for until, said in post.earlier
        ),
    )


def _mail_cards(mails: list[Mail], zone: ZoneInfo) -> list[ViewCard]:
    """One card per sender, subject and thread, named after its first copy."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Mail]] = {}
    for mail in mails:
        groups.setdefault((mail.sender.partition("+")[0], mail.subject, mail.references), []).append(
            mail
        )
    anchors = {
        mail.message_id: (_anchor("m", group[0].id), group[0])
        for group in groups.values()
        for mail in group
    }
    return [_mail_card(group, anchors, zone) for group in groups.values()]


def _mail_card(group: list[Mail], anchors: Mapping[str, tuple[str, Mail]], zone: ZoneInfo) -> ViewCard:
    mail = group[0]
    answered = anchors.get(mail.in_reply_to or "")
    to = group[0].recipient
    if len(group) > 1:
        to = _("{first} and {count} more").format(first=to, count=len(group) - 1)
    return ViewCard(
        anchor=_anchor("m", mail.id),
        network="email",
        at=mail.at.astimezone(zone),
        who=dict(mail.headers).get("From", mail.sender),
        handle="",
        html=_safe(mail.text.strip()),
        lang=(mail.language or guess_language(mail.text) or "")[:2] or None,
        subject=mail.subject,
        to=to,
        answers=answered[0] if answered else "",
        answers_words=answered[1].subject if answered else "",
        pictures=_shown(mail.pictures),
    )


def _shown(pictures: Iterable[PostedPicture]) -> tuple[ViewPicture, ...]:
    return tuple(ViewPicture(one.description, _source(one.content)) for one in pictures)


def _source(content: bytes) -> str:
    """The picture as a data address."""
    kinds = [kind for start, kind in PICTURE_KINDS.items() if content.startswith(start)]
    if not kinds or len(content) > LARGEST_SHOWN_BYTES:
        return ""
    return f"data:{kinds[0]};base64,{base64.b64encode(content).decode()}"


def _marks(edited: datetime | None, deleted: datetime | None, zone: ZoneInfo) -> tuple[str, ...]:
    named = ((_("edited at {time}"), edited), (_("deleted at {time}"), deleted))
    return tuple(
        words.format(time=moment.astimezone(zone).strftime("%H:%M:%S"))
        for words, moment in named
        if moment
    )


def _safe(text: str) -> str:
    return str(escape(text))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"


def _anchor(letter: str, name: str) -> str:
    return letter + "".join(sign if sign.isalnum() else "-" for sign in name)


OWN_NAMES = ("127.0.0.1", "localhost", "::1")


class PublicView:
    """Serves the page, the posts as JSON and the orders for faults."""

    def __init__(self, posts: Posts, faults: Faults, title: str, timezone: str) -> None:
        self._posts, self._faults, self._title = posts, faults, title
        self._zone = ZoneInfo(timezone)

    async def handle(self, request: HttpRequest) -> Reply:
        """Answer one request; only under this machine's own names, to keep foreign pages out."""
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

    def _page(self, request: HttpRequest) -> Reply:
        refresh = REFRESH_SECONDS if "live" in request.query else 0
        asked, accepted = request.query.get("lang", ""), request.headers.get("accept-language", "")
        with spoken(preferred(asked, accepted, language())):
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

    def _order(self, request: HttpRequest) -> Reply:
        """Order a fault. JSON only: a foreign page cannot send that without a preflight request."""
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


def as_json(post: Seen) -> dict[str, Json]:
    """A post as plain data: its network and its fields, times in ISO 8601, without the raw mail."""
    if isinstance(post, NetworkPost):
        network = post.network
    else:
        network = {XPost: "x", TelegramPost: "telegram", Mail: "email"}[type(post)]
    content = {name: value for name, value in asdict(post).items() if name != "raw"}
    plain: dict[str, Json] = json.loads(json.dumps(content, default=_written, ensure_ascii=True))
    return {"network": network, **plain}


def _written(value: Any) -> str:
    """Moments in ISO 8601; of a picture only its size."""
    return value.isoformat() if isinstance(value, datetime) else f"{len(value)} bytes"
