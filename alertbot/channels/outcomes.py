"""Outcomes that every platform's adapter reports with the same messages."""

import re
from typing import TypeGuard

from alertbot.core.connecting import reason_of
from alertbot.core.errors import Rejected, Unavailable, Uncertain
from alertbot.core.model import Post
from alertbot.core.words import _


def unreachable(platform: str, alert: str, error: BaseException, why: str | None = None) -> Unavailable:
    """The call surely did not arrive, for the reason in the error unless `why` gives it."""
    sentence = _("{platform} could not be reached for {alert}: {why}.")
    told = sentence.format(platform=platform, alert=alert, why=why or reason_of(error))
    return Unavailable(told, code=type(error).__name__)


def lost(platform: str, alert: str, error: BaseException) -> Uncertain:
    """The call may have arrived: there is no answer, or none that can be read."""
    sentence = _(
        "{platform} was reached, but its answer on {alert} was lost, so the post may be there. Check "
        "whether it is, then settle the delivery."
    )
    return Uncertain(sentence.format(platform=platform, alert=alert), code=type(error).__name__)


def without_id(platform: str, alert: str, status: int) -> Uncertain:
    """The platform says that it took the post, but nothing by which to find it."""
    sentence = _(
        "{platform} took {alert} but gave no id. Check whether the post is there, then settle the delivery."
    )
    return Uncertain(sentence.format(platform=platform, alert=alert), code=str(status))


def is_number(value: object) -> TypeGuard[str]:
    """Whether it is an id as X and Telegram give them: a text of digits."""
    return isinstance(value, str) and re.fullmatch(r"[0-9]{1,25}", value) is not None


def number_of(platform: str, post: Post) -> str:
    """The id, in digits, of the earlier post that this one acts upon. Raises `Rejected` where it has none."""
    if is_number(post.reply_to):
        return post.reply_to
    sentence = _("{alert}: '{id}' is not the number of a post on {platform}.")
    told = sentence.format(alert=post.alert, id=post.reply_to or "", platform=platform)
    raise Rejected(told, code="no_post")
