"""What X's answers mean: status and body in, one of the five errors out. Pure, but for the time of day.

Measured on tweepy 4.17; the sentences of a 403 are those that X gives in 2026, as users report them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alertbot.errors import ChannelDown, ChannelError, Rejected, Scope, Throttled, Uncertain, safe
from alertbot.words import _

LONGEST_WAIT_SECONDS = 86_400.0
REDIRECTS = frozenset({301, 302, 307, 308})

DUPLICATE = re.compile(r"duplicate", re.IGNORECASE)
PARENT_NOT_VISIBLE = re.compile(r"deleted or not visible", re.IGNORECASE)
REPLY_RULE = re.compile(r"\brepl(y|ies|ying)\b", re.IGNORECASE)
MEDIA = re.compile(r"\bmedia\b", re.IGNORECASE)
TOO_LONG = re.compile(r"too long", re.IGNORECASE)
ACCOUNT = re.compile(r"suspend|locked|permissions|client-forbidden|unsupported-auth", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names in lower case; `body` is {} unless it was a JSON object."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def detail(self) -> str:
        """The sentence in which X says why, or ""."""
        found = [self.body.get("detail"), *self._of_errors(), self.body.get("title")]
        return next((text for text in found if isinstance(text, str) and text), "")

    @property
    def words(self) -> str:
        """Everything in the body that tells one refusal from another."""
        problem = self.body.get("type")
        return f"{self.detail} {problem if isinstance(problem, str) else ''}"

    def _of_errors(self) -> list[object]:
        errors = self.body.get("errors")
        listed = errors if isinstance(errors, list) else []
        return [e.get("message") or e.get("detail") for e in listed if isinstance(e, dict)]

    def data(self) -> Mapping[str, Any]:
        """The object under `data`, or {}."""
        data = self.body.get("data")
        return data if isinstance(data, dict) else {}


def is_duplicate(answer: Answer) -> bool:
    return answer.status == 403 and bool(DUPLICATE.search(answer.words))


def parent_not_visible(answer: Answer) -> bool:
    """A reply that came too soon after the post it answers: X's servers do not all know it yet."""
    return answer.status in (400, 403) and bool(PARENT_NOT_VISIBLE.search(answer.words))


def is_reply_rule(answer: Answer) -> bool:
    """X does not let this account reply here, or the post to answer is gone; it may still post."""
    replies = bool(REPLY_RULE.search(answer.words))
    return answer.status in (400, 403) and replies and not is_duplicate(answer)


def is_about_media(answer: Answer) -> bool:
    """X does not take the picture; it may still take the text."""
    return answer.status == 400 and bool(MEDIA.search(answer.words))


def is_gone(answer: Answer) -> bool:
    """The post to be deleted is not there. A server that does not know the address at all says 404 too,
    but not in X's form."""
    known = answer.status == 404 and bool(answer.detail)
    return known or (answer.status == 200 and answer.data().get("deleted") is False)


def refusal(answer: Answer, alert: str, now: float, *secrets: str) -> ChannelError:
    """The error for an answer that is no success. `now`: epoch seconds; secrets are kept out of it."""
    why = safe(answer.detail, *secrets) or _("no reason given")
    code = str(answer.status)
    if answer.status == 429:
        return _too_fast(answer, alert, now, why)
    if answer.status in _DOWN or answer.status in REDIRECTS:
        return ChannelDown(_DOWN.get(answer.status, _moved)().format(why=why), code=code)
    if answer.status == 403:
        return _forbidden(answer, alert, why)
    if 400 <= answer.status < 500 and answer.status != 408:
        return Rejected(
            _("X refused the text of {alert}: {why} Change the text and submit it anew.").format(
                alert=alert, why=_stop(why)
            ),
            code=code,
        )
    return Uncertain(
        _(
            "X answered {alert} with {status}, so the post may stand. Look at the account, then "
            "settle the delivery."
        ).format(alert=alert, status=answer.status),
        code=code,
    )


def _too_fast(answer: Answer, alert: str, now: float, why: str) -> ChannelError:
    wait = _wait(answer, now)
    if wait is None:
        return ChannelDown(
            _(
                "X: the quota of this account is used up ({why}). Raise it in the developer portal."
            ).format(why=why),
            code="usage_capped",
        )
    return Throttled(
        _("X: too many posts; {alert} goes out when X allows it again.").format(alert=alert),
        wait=wait,
        code="429",
    )


def _wait(answer: Answer, now: float) -> float | None:
    """Seconds until X takes posts again; None where it names no time, which means a quota used up."""
    for header, start in (("x-rate-limit-reset", now), ("retry-after", 0.0)):
        if re.fullmatch(r"\d{1,12}", value := answer.headers.get(header, "")):
            return min(max(float(value) - start, 1.0), LONGEST_WAIT_SECONDS)
    return None


def _forbidden(answer: Answer, alert: str, why: str) -> ChannelError:
    if is_duplicate(answer):
        return Rejected(
            _("X: the account has already posted the text of {alert}; change the text.").format(
                alert=alert
            ),
            code="duplicate",
        )
    if ACCOUNT.search(answer.words):
        return ChannelDown(
            _("X does not let this account post: {why} Mend it on the account's page.").format(
                why=_stop(why)
            ),
            code="403",
        )
    return Rejected(
        _("X forbids {alert} on this account: {why}").format(alert=alert, why=_stop(why)),
        scope=Scope.MESSAGE if TOO_LONG.search(answer.words) else Scope.CHANNEL,
        code="403",
    )


def _stop(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."


def _unauthorised() -> str:
    return _("X does not accept the credentials of this account ({why}). Renew them.")


def _unpaid() -> str:
    return _("X: the credits of this account are used up ({why}). Buy credits in the developer portal.")


def _nowhere() -> str:
    return _("The server at api_url does not know X's addresses ({why}). Correct api_url.")


def _moved() -> str:
    return _("The server at api_url sends us to another address ({why}). Correct api_url.")


_DOWN = {401: _unauthorised, 402: _unpaid, 404: _nowhere, 405: _nowhere}
