"""What keeps a public page from being true, by the record alone: for `status`, which loads nothing that makes pages."""

from alertbot.core.model import Audience
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.pages import store_editions
from alertbot.people.context import Context


async def needs(service: Context, conn: Connection, channel: str) -> str | None:
    """What keeps the page of a channel from being true, by the record; None if nothing does."""
    last = await store_editions.latest(conn, channel)
    exercise = service.publisher.channels[channel].audience is Audience.EXERCISE
    if last is None:
        told = await store_editions.told_elsewhere(conn, exercise=exercise)
        if told is None:
            return None
        return _(
            "The page {channel} shows nothing yet, and {incident} was published before it: the next alert of {incident}"
            " will stand there."
        ).format(channel=channel, incident=told)
    if last.holds_until is None or last.holds_until > service.now:
        return None
    told = service.clock(last.holds_until)
    if await store_editions.stopped(conn, channel):
        sentence = _(
            "The page {channel} has been out of date since {time}; it is not renewed while it is halted."
        )
    else:
        sentence = _("The page {channel} has been out of date since {time}: is a worker running?")
    return sentence.format(channel=channel, time=told)
