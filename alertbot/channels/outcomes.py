"""Outcomes that every platform's adapter reports with the same messages, and the times after which servers allow
another call."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
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


PAST_WAIT_SECONDS = 30.0  # where a server refuses for now and names a moment that has passed
FOR_EVER_SECONDS = 1e9
LONG_WAIT_SECONDS = 3600.0  # the team has to know: what cannot wait goes out by hand


def seconds_until(value: str, now: float) -> float | None:
    """Seconds until the moment that a header names; negative if it has passed, None if it names none.

    Servers write `Retry-After` and their reset times as seconds from now, as epoch seconds or milliseconds, as an
    HTTP date in one of its three forms (RFC 9110, section 5.6.7), or in ISO 8601. `now`: epoch seconds.
    """
    value = value.strip()[:100]
    if re.fullmatch(r"[+-]?[0-9]{1,30}([.,][0-9]{0,30})?(e[+-]?[0-9]{1,4})?", value):
        number = float(value.replace(",", "."))
        if number > 100 * now:
            return number / 1000 - now
        return number - now if number > now / 2 else number
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):  # the library raises all of them
            continue
    return None


def longest_wait(values: Iterable[str], now: float) -> float | None:
    """Seconds until the latest of these moments; half a minute if all have passed, None if there is none."""
    waits = [wait for value in values if (wait := seconds_until(value, now)) is not None]
    if not waits:
        return None
    return min(max(waits), FOR_EVER_SECONDS) if max(waits) > 0 else PAST_WAIT_SECONDS
