"""Outcomes that every platform's adapter reports with the same messages, the times after which servers allow
another call, and pictures that are uploaded before their posts."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard

from alertbot.core.connecting import reason_of
from alertbot.core.errors import ChannelError, Rejected, Throttled, Unavailable, Uncertain, safe
from alertbot.core.frozen import dataclass
from alertbot.core.model import Picture, Post
from alertbot.core.words import _


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """What a server answered. Header names in lower case; `body`: the JSON, None if it is none. No message repeats
    one of the `secrets`."""

    status: int
    headers: Mapping[str, str]
    body: Any
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body, if it is an object; else {}."""
        return self.body if isinstance(self.body, dict) else {}

    def text(self, name: str) -> str:
        """A text among the fields; "" if there is none."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def part(self, name: str) -> Mapping[str, Any]:
        """An object among the fields; {} if there is none."""
        value = self.fields.get(name)
        return value if isinstance(value, dict) else {}

    def why(self, *names: str) -> str:
        """The server's reason, in the first of these fields that has one, as the end of a sentence."""
        told = next((self.text(name) for name in names if self.text(name)), "")
        return safe(told, *self.secrets).rstrip(".") or _("no reason given")


def json_of(content: bytes | bytearray) -> Any:
    """The JSON of a body; None if it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list of JSON; none if it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def read_only(platform: str, error: ChannelError) -> ChannelError:
    """The same error of a call that changes nothing that readers see: a lost answer is no worse than none."""
    return unusable(platform, error.code) if isinstance(error, Uncertain) else error


def unusable(platform: str, code: str) -> Unavailable:
    """A call that changes nothing that readers see was not answered, or not as it should be."""
    told = _("{platform} gave no answer that can be used ({code}).")
    return Unavailable(told.format(platform=platform, code=code), code=code)


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


def too_fast(platform: str, alert: str, wait: float) -> Throttled:
    """The platform allows the call only in `wait` seconds."""
    told = _("{platform}: too many calls; {alert} goes out as soon as {platform} allows it.")
    if wait >= LONG_WAIT_SECONDS:
        told = _("{platform}: no more calls for {hours} h; {alert} waits. Post it by hand.")
    told = told.format(platform=platform, alert=alert, hours=round(wait / 3600))
    return Throttled(told, wait=max(wait, 1.0), code="429")


def unexpected(platform: str, alert: str, status: int, why: str) -> ChannelError:
    """An answer to a post that the platform's own table does not know: it does not take this text, or it does not say
    whether it did."""
    error: type[ChannelError] = Uncertain
    told = _(
        "{platform} answered {alert} with {status}: it may be there. Check, then settle the delivery."
    )
    if is_refusal(status):
        error = Rejected
        told = _("{platform} refused the text of {alert}: {why}. Change the text and submit it again.")
    told = told.format(platform=platform, alert=alert, status=status, why=why)
    return error(told, code=str(status))


def is_refusal(status: int) -> bool:
    """Whether a server that answers so has surely not done what it was asked."""
    return 400 <= status < 500 and status != 408


UPLOAD_SECONDS = 20.0
UPLOAD_GOOD_FOR_SECONDS = 3600.0  # X keeps a picture that no post shows for a day
MOST_UPLOADS = 50


@dataclass(frozen=True, slots=True)
class UploadResult:
    """The result of one attempt: valid `until` (monotonic seconds), or no `media_id` and the reason."""

    attempt: int = 0
    media_id: str | None = None
    note: str = ""
    until: float = 0.0


class PictureUploads:
    """The pictures of one account on a platform that takes them before the post that shows them. A text never
    waits long for its picture nor fails because of it (R24): it goes without, with a note.

    `upload` makes the calls and returns the platform's id, or raises one of the channel errors.
    """

    def __init__(self, platform: str, upload: Callable[[Post, Picture], Awaitable[str]]) -> None:
        self._platform, self._upload = platform, upload
        self._results: dict[int, UploadResult] = {}  # by delivery

    async def upload(self, post: Post) -> UploadResult:
        """Upload the post's picture unless the platform has it already; once per attempt."""
        if post.picture is None:
            return UploadResult()
        known = self._results.get(post.delivery, UploadResult())
        if known.attempt != post.attempt and time.monotonic() >= known.until:
            known = self._results[post.delivery] = await self._in_time(post, post.picture)
            while len(self._results) > MOST_UPLOADS:  # what is over is forgotten in time
                self._results.pop(next(iter(self._results)))
        return known

    def refused(self, post: Post, why: str) -> None:
        """The platform no longer knows the picture, or refuses it here: this attempt goes without it."""
        self._results[post.delivery] = _without(post, f"{why}.")

    async def _in_time(self, post: Post, picture: Picture) -> UploadResult:
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                media_id = await self._twice(post, picture)
        except ChannelError as error:
            return _without(post, error.reason)
        except TimeoutError:
            return _without(post, _("{platform} took too long.").format(platform=self._platform))
        return UploadResult(post.attempt, media_id, until=time.monotonic() + UPLOAD_GOOD_FOR_SECONDS)

    async def _twice(self, post: Post, picture: Picture) -> str:
        """Nobody sees these calls: a lost answer is no reason not to repeat them."""
        with suppress(Uncertain, Unavailable):
            return await self._upload(post, picture)
        return await self._upload(post, picture)


def _without(post: Post, why: str) -> UploadResult:
    return UploadResult(post.attempt, note=_("Without its picture: {why}").format(why=why))
