"""Failures on demand.

A fault is written `platform:name[:option=value]…`, for example `telegram:flood:retry_after=3:times=2`.
It waits until a call fits it and then spoils that call; faults that fit are used in the order given.
`FAULTS` lists them all. Options that every fault takes:

- `times`: how many calls it spoils (default 1; `always` until it is cleared);
- `match`: only calls whose text, chat or recipient holds these words;
- `delay`: seconds to wait before it strikes (may be a fraction);
- `on`: which calls (see `CALLS`; `any` for every call) instead of the fault's own;
- `commit=yes`: the call takes effect all the same before it is answered so (server errors).
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.rehearsal.sandbox.http import Drop, Reply

SLOW_SECONDS = 10.0
ANY = "any"
CALLS: Mapping[str, tuple[str, ...]] = {
    "x": ("post", "delete", "read", "media", "identify"),
    "telegram": ("send", "edit", "delete", "pin", "read", "identify"),
    "bluesky": ("post", "delete", "read", "media", "login", "pin"),
    "mastodon": ("post", "edit", "delete", "read", "media", "pin", "identify"),
    "smtp": ("connect", "mail", "rcpt", "data", "dot"),
    "public": ("x", "telegram", "bluesky", "mastodon"),
}
COMMON_OPTIONS = frozenset({"times", "match", "delay", "on", "commit"})


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A way in which a platform can fail; `on` is the kind of call it strikes by itself."""

    platform: str
    name: str
    what: str
    on: str
    options: tuple[str, ...] = ()
    also: str = ""  # another name it answers to


FAULTS: tuple[FaultKind, ...] = (
    FaultKind("x", "duplicate", _("403: the same text was posted before"), "post"),
    FaultKind("x", "reply_refused", _("403: replying is not allowed"), "post", also="403"),
    FaultKind("x", "reply_race", _("403: the post to reply to is not visible yet"), "post"),
    FaultKind("x", "credits", _("402: no credits left"), "post", also="402"),
    FaultKind("x", "rate_limited", _("429 with a reset time"), "post", ("reset",), also="429"),
    FaultKind("x", "daily_limit", _("429: the posts of this day are used up"), "post", ("reset",)),
    FaultKind("x", "usage_capped", _("429 without a reset time"), "post"),
    FaultKind("x", "unauthorized", _("401: credentials rejected"), ANY, also="401"),
    FaultKind("x", "server_error_json", _("503 in JSON"), "post", also="503"),
    FaultKind("x", "server_error_html", _("502 in HTML"), "post", also="502"),
    FaultKind("x", "server_error_empty", _("500 without a body"), "post", also="500"),
    FaultKind("x", "html_200", _("200 with a web page instead of an answer"), "post"),
    FaultKind("x", "drop_before", _("hangs up; nothing was posted"), "post"),
    FaultKind("x", "drop_after_commit", _("hangs up; it was posted"), "post"),
    FaultKind("x", "slow", _("answers late (delay, 10 s)"), "post"),
    FaultKind("telegram", "flood", _("429 with retry_after"), "send", ("retry_after",), also="429"),
    FaultKind("telegram", "bad_entities", _("400: markup rejected"), "send", also="400"),
    FaultKind("telegram", "chat_not_found", _("400: no such chat"), "send"),
    FaultKind("telegram", "topic_closed", _("400: the topic of the group is closed"), "send"),
    FaultKind("telegram", "no_rights", _("400: the bot lacks the right for this"), "pin"),
    FaultKind("telegram", "kicked", _("403: the bot was removed from the chat"), "send", also="403"),
    FaultKind("telegram", "migrated", _("400: the chat has a new id"), "send", ("to",)),
    FaultKind("telegram", "unauthorized", _("401: token rejected"), ANY, also="401"),
    FaultKind("telegram", "server_error", _("500 in JSON"), "send", also="500"),
    FaultKind("telegram", "html", _("502 with a web page instead of an answer"), "send", also="502"),
    FaultKind("telegram", "html_200", _("200 with a web page instead of an answer"), "send"),
    FaultKind("telegram", "drop_before", _("hangs up; nothing was sent"), "send"),
    FaultKind("telegram", "drop_after_commit", _("hangs up; it was sent"), "send"),
    FaultKind("telegram", "slow", _("answers late (delay, 10 s)"), "send"),
    FaultKind("bluesky", "rate_limited", _("429 with a reset time"), "post", ("reset",), also="429"),
    FaultKind("bluesky", "invalid", _("400: the post is refused"), "post", also="400"),
    FaultKind("bluesky", "expired", _("400: the session has lapsed"), "post"),
    FaultKind("bluesky", "unauthorized", _("401: credentials rejected"), ANY, also="401"),
    FaultKind("bluesky", "takendown", _("401: the account was taken down"), ANY),
    FaultKind("bluesky", "blob_refused", _("400: the picture is not known"), "post"),
    FaultKind("bluesky", "server_error", _("500 in JSON"), "post", also="500"),
    FaultKind("bluesky", "html", _("502 with a web page instead of an answer"), "post", also="502"),
    FaultKind("bluesky", "html_200", _("200 with a web page instead of an answer"), "post"),
    FaultKind("bluesky", "drop_before", _("hangs up; nothing was posted"), "post"),
    FaultKind("bluesky", "drop_after_commit", _("hangs up; it was posted"), "post"),
    FaultKind("bluesky", "slow", _("answers late (delay, 10 s)"), "post"),
    FaultKind("mastodon", "rate_limited", _("429 with a reset time"), "post", ("reset",), also="429"),
    FaultKind("mastodon", "invalid", _("422: the post is refused"), "post", also="422"),
    FaultKind("mastodon", "unauthorized", _("401: credentials rejected"), ANY, also="401"),
    FaultKind("mastodon", "suspended", _("403: the account is disabled"), ANY, also="403"),
    FaultKind("mastodon", "gone", _("410: the account is gone for good"), ANY, also="410"),
    FaultKind("mastodon", "reply_gone", _("404: the post to reply to is gone"), "post", also="404"),
    FaultKind("mastodon", "media_refused", _("422: the picture cannot be attached"), "post"),
    FaultKind("mastodon", "server_error", _("503 in JSON"), "post", also="503"),
    FaultKind("mastodon", "html", _("502 with a web page instead of an answer"), "post", also="502"),
    FaultKind("mastodon", "html_200", _("200 with a web page instead of an answer"), "post"),
    FaultKind("mastodon", "drop_before", _("hangs up; nothing was posted"), "post"),
    FaultKind("mastodon", "drop_after_commit", _("hangs up; it was posted"), "post"),
    FaultKind("mastodon", "slow", _("answers late (delay, 10 s)"), "post"),
    FaultKind("smtp", "greeting_421", _("421 instead of a greeting"), "connect"),
    FaultKind("smtp", "greeting_554", _("554 instead of a greeting"), "connect"),
    FaultKind("smtp", "mail_451", _("451 to MAIL"), "mail"),
    FaultKind("smtp", "mail_550", _("550 to MAIL"), "mail"),
    FaultKind("smtp", "rcpt_450", _("450 to a recipient"), "rcpt"),
    FaultKind("smtp", "rcpt_452", _("452 to a recipient: mailbox full"), "rcpt"),
    FaultKind("smtp", "rcpt_550", _("550 to a recipient"), "rcpt"),
    FaultKind("smtp", "rcpt_571", _("550 5.7.1 to a recipient: our policy, not the address"), "rcpt"),
    FaultKind("smtp", "data_451", _("451 after the final dot"), "dot"),
    FaultKind("smtp", "data_554", _("554 after the final dot"), "dot"),
    FaultKind("smtp", "drop_before_dot", _("hangs up during the text; not accepted"), "data"),
    FaultKind("smtp", "drop_after_dot", _("hangs up after the final dot; accepted"), "dot"),
    FaultKind("smtp", "slow", _("answers the final dot late (delay, 10 s)"), "dot"),
    FaultKind("public", "hidden", _("what was accepted is not shown to the public"), ANY),
    FaultKind("public", "other_text", _("the public is shown another text"), ANY),
    FaultKind("public", "down", _("503 to whoever looks at what is public"), ANY),
)


@dataclass(frozen=True, slots=True)
class OrderedFault:
    """One order to fail. `times` None: always. `delay` in seconds."""

    kind: FaultKind
    times: int | None = 1
    match: str = ""
    delay: float = 0.0
    on: str = ""
    commit: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.kind.name

    def fits(self, platform: str, call: str, text: str) -> bool:
        """Whether it strikes this call."""
        on = self.on or self.kind.on
        return self.kind.platform == platform and on in (ANY, call) and self.match in text

    def number(self, option: str, default: int) -> int:
        """A whole number among its options."""
        return int(self.options.get(option, default))

    def __str__(self) -> str:
        parts = [self.kind.platform, self.name, f"times={self.times or 'always'}"]
        shown = {"match": self.match, "delay": self.delay or "", "on": self.on, **self.options}
        return ":".join(parts + [f"{key}={value}" for key, value in shown.items() if value])


class Faults:
    """The orders that still stand, oldest first."""

    def __init__(self, orders: Iterable[str | OrderedFault] = ()) -> None:
        self._left: list[tuple[OrderedFault, int | None]] = []
        for order in orders:
            self.add(order)

    @property
    def standing(self) -> tuple[OrderedFault, ...]:
        return tuple(fault for fault, _left in self._left)

    def add(self, order: str | OrderedFault) -> OrderedFault:
        """Order a failure; a text is read by `parse`. Raises `Misuse`."""
        fault = parse(order) if isinstance(order, str) else order
        self._left.append((fault, fault.times))
        return fault

    def clear(self, platform: str | None = None) -> None:
        """Forget every order, or those of one platform."""
        self._left = [
            (fault, left) for fault, left in self._left if platform not in (None, fault.kind.platform)
        ]

    def take(self, platform: str, call: str, text: str = "") -> OrderedFault | None:
        """The first order that fits this call, counted as used once."""
        for index, (fault, left) in enumerate(self._left):
            if fault.fits(platform, call, text):
                self._count(index, fault, left)
                return fault
        return None

    def _count(self, index: int, fault: OrderedFault, left: int | None) -> None:
        if left == 1:
            del self._left[index]
        elif left is not None:
            self._left[index] = (fault, left - 1)


def parse(order: str) -> OrderedFault:
    """Read `platform:name[:option=value]…`. Raises `Misuse` naming what would be right."""
    platform, _colon, rest = order.partition(":")
    name, *settings = re.split(r":(?=[a-z_]+=)", rest)
    kind = _kind(platform, name)
    given = dict(setting.split("=", 1) for setting in settings)
    unknown = set(given) - COMMON_OPTIONS - set(kind.options)
    if unknown:
        raise Misuse(
            _("The fault {order} has no option {option}; it takes {known}.").format(
                order=order,
                option=min(unknown),
                known=", ".join(sorted(COMMON_OPTIONS | set(kind.options))),
            )
        )
    try:
        return _fault(kind, given)
    except ValueError as error:
        raise Misuse(
            _("The fault {order} has a value that is not a number or a known call.").format(order=order)
        ) from error


def _kind(platform: str, name: str) -> FaultKind:
    named = [kind for kind in FAULTS if kind.platform == platform]
    for kind in named:
        if name and name in (kind.name, kind.also):
            return kind
    known = ", ".join(kind.name for kind in named) or ", ".join(CALLS)
    raise Misuse(
        _("There is no fault {platform}:{name}; the faults are {known}.").format(
            platform=platform, name=name, known=known
        )
    )


def _fault(kind: FaultKind, given: Mapping[str, str]) -> OrderedFault:
    times = given.get("times", "1")
    on = given.get("on", "")
    if on not in ("", ANY, *CALLS[kind.platform]):
        raise ValueError(on)
    options = {key: str(int(given[key])) for key in kind.options if key in given}
    count = None if times == "always" else int(times)
    if count is not None and count < 1:
        raise ValueError(times)
    delay = float(given.get("delay", SLOW_SECONDS if kind.name == "slow" else 0))
    commit = given.get("commit") == "yes"
    return OrderedFault(kind, count, given.get("match", ""), max(0.0, delay), on, commit, options)


def listing() -> list[tuple[str, str]]:
    """Every fault with its options and what it does, for a help text."""
    return [
        (":".join([kind.platform, kind.name, *(f"{option}=N" for option in kind.options)]), kind.what)
        for kind in FAULTS
    ]


async def spoil(
    fault: OrderedFault | None, act: Callable[[], Reply], answer: Callable[[OrderedFault], Reply]
) -> Reply:
    """Carry out `act`, unless a fault strikes: then `answer` says what is answered instead.

    Raises `Drop` where the fault hangs up.
    """
    if fault is None:
        return act()
    await asyncio.sleep(fault.delay)
    if fault.name == "slow":
        return act()
    if fault.name == "drop_before":
        raise Drop
    if fault.commit or fault.name == "drop_after_commit":
        act()
    if fault.name == "drop_after_commit":
        raise Drop
    return answer(fault)
