"""What Mastodon's answers mean, and its texts read back. Pure."""

import html
import re
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from alertbot.channels import outcomes
from alertbot.channels.witnessing import compared_words
from alertbot.core.errors import ChannelDown, ChannelError, Rejected
from alertbot.core.model import Post
from alertbot.core.words import _

_BREAK = re.compile(r"<br\s*/?>|</p>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")
_EARLIER = timedelta(minutes=10)  # that the server's clock may be behind


def parent_gone(answer: outcomes.JsonAnswer) -> bool:
    """Whether the post to answer does not exist: the same post may still go out alone."""
    return answer.status == 404


def is_about_picture(answer: outcomes.JsonAnswer) -> bool:
    """Whether the post is refused for its picture; it may still be taken without."""
    told = re.search(r"media|attach|image|file|process", answer.text("error"), re.IGNORECASE)
    return answer.status == 422 and told is not None


def refusal(answer: outcomes.JsonAnswer, alert: str, *, side: bool = False) -> ChannelError:
    """Our error for a failed answer. `side`: to an edit, a deletion, a pin or a picture, not to a post."""
    code, why = str(answer.status), answer.why("error_description", "error")
    if answer.status == 429:
        return _too_fast(answer, alert)
    if answer.status == 401:
        told = _(
            "Mastodon rejected the access token ({why}). Make a new one in the settings of the account."
        )
        return ChannelDown(told.format(why=why), code=code)
    if answer.status in (301, 302, 303, 307, 308, 405) or (answer.status == 404 and not side):
        told = _("The server at api_url does not know Mastodon's addresses ({why}). Correct api_url.")
        return (Rejected if side else ChannelDown)(told.format(why=why), code=code)
    if answer.status == 404:
        told = _("{alert}: the post is no longer there.")
        return Rejected(told.format(alert=alert), code="no_post")
    if side and outcomes.is_refusal(answer.status):
        told = _("Mastodon refused the call for {alert}: {why}.")
        return Rejected(told.format(alert=alert, why=why), code=code)
    if answer.status in (403, 410):
        told = _(
            "Mastodon does not let this account post: {why}. Look at the account and the token's scopes."
        )
        return ChannelDown(told.format(why=why), code=code)
    return outcomes.unexpected("Mastodon", alert, answer.status, why)


def _too_fast(answer: outcomes.JsonAnswer, alert: str) -> ChannelError:
    resets = [answer.headers.get(name, "") for name in ("x-ratelimit-reset", "retry-after")]
    return outcomes.too_fast(
        "Mastodon", alert, outcomes.longest_wait(resets, time.time()) or outcomes.PAST_WAIT_SECONDS
    )


def limits_fault(answer: outcomes.JsonAnswer, limit: int | None, per_address: int | None) -> str:
    """What in the settings does not fit what the server says of itself; "" if all does, or if it does not say."""
    configuration = answer.part("configuration").get("statuses")
    found = configuration if isinstance(configuration, dict) else {}
    most, reserved = found.get("max_characters"), found.get("characters_reserved_per_url")
    if isinstance(most, int) and limit is not None and most < limit:
        told = _(
            "This server takes at most {most} characters in a post. Set `most_characters: {most}`."
        )
        return told.format(most=most)
    if isinstance(reserved, int) and per_address is not None and reserved > per_address:
        return _("This server counts {count} characters for an address, not {usual}.").format(
            count=reserved, usual=per_address
        )
    return ""


def plain_text(content: str) -> str:
    """What readers see of a post's HTML."""
    return html.unescape(_MARKUP.sub("", _BREAK.sub("\n", content))).strip()


def post_with(post: Post, timeline: Any) -> Mapping[str, Any] | None:
    """The newest of these posts that has the words of `post` and is not older than its first call."""
    wanted = compared_words(post.text)
    young = (
        one
        for one in outcomes.objects(timeline)
        if outcomes.is_number(one.get("id")) and _young(one.get("created_at"), post)
    )
    said = ((one, plain_text(str(one.get("content", "")))) for one in young)
    return next((one for one, text in said if compared_words(text) == wanted), None)


def _young(at: object, post: Post) -> bool:
    try:
        return datetime.fromisoformat(str(at)) >= post.born - _EARLIER
    except (ValueError, TypeError):
        return False


def numbers_of(timeline: Any) -> list[str]:
    """The ids of these posts."""
    return [str(one["id"]) for one in outcomes.objects(timeline) if outcomes.is_number(one.get("id"))]
