"""What X's answers mean, told apart by X's sentences of 2026 as users report them. Pure."""

import html
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from alertbot.channels import outcomes
from alertbot.channels.witnessing import compared_words
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Scope, safe
from alertbot.core.model import Receipt
from alertbot.core.words import _

ESCAPED = re.compile(r"&(?:amp|lt|gt);")  # nothing else: `&region=` is not ®
OWN_PICTURE = re.compile(r"https?://(x|twitter)\.com/\w+/status/\d+/(photo|video)/\d+$")


class Answer(outcomes.JsonAnswer):
    """A response of X."""

    @property
    def detail(self) -> str:
        """X's sentence with the reason, or ""."""
        told = [
            one.get("message") or one.get("detail")
            for one in outcomes.objects(self.fields.get("errors"))
        ]
        found = [self.fields.get("detail"), *told, self.fields.get("title")]
        return next((text for text in found if isinstance(text, str) and text), "")

    def reason(self) -> str:
        """X's reason, as the end of a sentence, without our secrets."""
        return safe(self.detail, *self.secrets).rstrip(".") or _("no reason given")

    def says(self, pattern: str) -> bool:
        """Whether X's sentence and type match this pattern."""
        return re.search(pattern, f"{self.detail} {self.fields.get('type')}", re.IGNORECASE) is not None

    def accepted(self, alert: str, *, side: bool = False) -> "Answer":
        """The answer itself, if X did what was asked. Raises our error for it otherwise."""
        if self.status in (200, 201, 204):
            return self
        raise refusal(self, alert, time.time(), side=side)

    def is_duplicate(self) -> bool:
        return self.status == 403 and self.says("duplicate")

    def parent_not_visible(self) -> bool:
        """Whether a reply came too soon after its parent, which not all of X's servers know yet."""
        return self.status in (400, 403) and self.says("deleted or not visible")

    def is_reply_rule(self) -> bool:
        """Whether this account may not reply here, or the parent is gone; it may still post."""
        told = self.says(r"\brepl(y|ies|ying)\b") and not self.is_duplicate()
        return self.status in (400, 403) and told

    def is_about_media(self) -> bool:
        """Whether X refuses the picture; it may still accept the text."""
        return self.status in (400, 403) and self.says(r"\bmedia\b")

    def is_gone(self) -> bool:
        """Whether the post does not exist; a 404 that is not in X's format does not say so."""
        known = self.status == 404 and bool(self.detail)
        return known or (self.status == 200 and self.part("data").get("deleted") is False)


def receipt(remote_id: str) -> Receipt:
    """The receipt for a post with this id; its address needs no account name."""
    return Receipt(remote_id, f"https://x.com/i/web/status/{remote_id}")


def post_with(text: str, timeline: object) -> str | None:
    """The id of the newest post with this text in a timeline (the `data` of X's answer)."""
    wanted = compared_words(text)
    found = (
        one.get("id") for one in outcomes.objects(timeline) if compared_words(as_posted(one)) == wanted
    )
    return next(filter(outcomes.is_number, found), None)


def as_posted(entry: Mapping[str, Any]) -> str:
    """A post's text as it was sent: X shortens links in it and escapes `&`, `<`, `>`, but not in their long form."""
    text, entities = entry.get("text"), entry.get("entities")
    posted = text if isinstance(text, str) else ""
    for url in outcomes.objects(entities.get("urls") if isinstance(entities, dict) else None):
        short, long = str(url.get("url") or ""), str(url.get("expanded_url") or "")
        if short and long:
            posted = posted.replace(short, "" if OWN_PICTURE.match(long) else long)
    return ESCAPED.sub(lambda found: html.unescape(found[0]), posted)


LIMITS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")


def refusal(answer: Answer, alert: str, now: float, *, side: bool = False) -> ChannelError:
    """Our error for a failed answer. `now`: epoch seconds. `side`: to a deletion, not a post."""
    wait = _wait(answer.headers, now) if answer.status == 429 else None
    if wait is not None and not answer.says("usage-capped"):
        return outcomes.too_fast("X", alert, wait)
    status, why = answer.status, answer.reason()
    for statuses, words, error, code, sentence in _meanings():
        if status in statuses and answer.says(words):
            of_one = side and error is ChannelDown and status in (404, 405)
            told = sentence.format(alert=alert, why=why)
            return (Rejected if of_one else error)(told, code=code or str(status))
    return outcomes.unexpected("X", alert, status, why)


def _wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until X allows another post. None if it does not say so: if more calls are left under every limit that
    it names, another one is used up, perhaps for the month."""
    left = {one: headers.get(f"{one}-remaining", "").strip() for one in LIMITS}
    spent = [one for one in LIMITS if re.fullmatch(r"-?0*|-[0-9]+", left[one]) and left[one]]
    if not spent and not any(re.fullmatch("[0-9]+", count) for count in left.values()):
        spent = ["x-rate-limit"]
    resets = [headers.get(f"{one}-reset", "") for one in spent]
    return outcomes.longest_wait([*resets, headers.get("retry-after", "")], now)


def _meanings() -> tuple[tuple[set[int], str, Callable[..., ChannelError], str, str], ...]:
    """Statuses, words, then error, code ("" for the status) and sentence. The first match counts."""
    down, ours = ChannelDown, partial(Rejected, scope=Scope.CHANNEL)
    duplicate = _(
        "X rejected {alert} as a duplicate, though this program has not posted it: the same text is"
        " already on the account, from an earlier alert, by hand or by another program. Check the"
        " account; to post it again, change the text."
    )
    capped = _("X: the quota of this account is used up ({why}). Raise it in the developer portal.")
    keys = _("X rejected the credentials of this account ({why}). Renew them.")
    unpaid = _("X: this account has no credits left ({why}). Buy some in the developer portal.")
    unknown = _("The server at api_url does not know X's addresses ({why}). Correct api_url.")
    moved = _("The server at api_url redirects to another address ({why}). Correct api_url.")
    account = _("X does not let this account post: {why}. Fix this on the account's page.")
    forbidden = _("X forbids {alert} on this account: {why}.")
    return (
        ({429}, "", down, "usage_capped", capped),
        ({401}, "", down, "", keys),
        ({402}, "", down, "", unpaid),
        ({404, 405}, "", down, "", unknown),
        ({301, 302, 307, 308}, "", down, "", moved),
        ({403}, "duplicate", Rejected, "duplicate", duplicate),
        ({403}, "suspend|locked|permissions|client-forbidden|unsupported-auth", down, "", account),
        ({403}, "too long", Rejected, "", forbidden),
        ({403}, "", ours, "", forbidden),
    )
