"""`test-send`: an alert's own texts on a team channel, marked so that nobody takes them for the real thing."""

import re
from dataclasses import replace
from html import escape

from alertbot.errors import Faulty, Refused
from alertbot.model import Audience, Channel, Composition, Identity, Message, Purpose
from alertbot.service.composing import compose_wishes
from alertbot.service.context import Context
from alertbot.service.wishes import Wishes
from alertbot.store import accounts, outbox, texts
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert
from alertbot.words import _

FIRST = 0
LASTS_SECONDS = 3600.0


async def enqueue(service: Context, conn: Connection, alert: Alert, channel: Channel) -> None:
    """Compose the alert for the team's channel and queue it. Raises `Refused` for any other audience."""
    from alertbot.service.publishing import entries

    if channel.audience is not Audience.TEAM:
        raise Refused(
            _("{channel} is not a channel of audience `team`: a test goes to the team only.").format(
                channel=channel.name
            )
        )
    composition = _compose(service, alert, channel)
    marked = [_marked(message) for message in composition.messages]
    await accounts.sync(conn, [channel])
    keys = await texts.add(conn, alert.id, alert.revision, marked, Purpose.TEST)
    await outbox.enqueue(
        conn,
        alert.id,
        channel.name,
        digest=alert.digest,
        priority=FIRST,
        ttl_seconds=LASTS_SECONDS,
        purpose=Purpose.TEST,
        exercise=alert.exercise,
        rows=entries(
            channel, dict(zip(keys, marked, strict=True)), composition.targets.get(channel.name, ())
        ),
    )


def _marked(message: Message) -> Message:
    """The same text under a line that says what it is, in its text, markup and subject."""
    mark = _("TEST for the team: not published")
    html = message.html
    if message.type == "email" and html is not None:
        line = f"<p><strong>{escape(mark)}</strong></p>"
        html = re.sub(r"(<body[^>]*>)", lambda found: found[1] + line, html, count=1)
    elif html is not None:
        html = f"<b>{escape(mark)}</b>\n\n{html}"
    subject = f"TEST {message.subject}" if message.subject else None
    return replace(message, text=f"{mark}\n\n{message.text}", html=html, subject=subject)


def _compose(service: Context, alert: Alert, channel: Channel) -> Composition:
    wishes = Wishes(
        alert.kind, alert.given, alert.languages, (channel.name,), alert.accepted, alert.exercise
    )
    identity = Identity(alert.incident, alert.id, alert.references)
    composition = compose_wishes(service.voice, wishes, identity, service.now).composition
    if composition.faults:
        raise Faulty(
            _("{alert} cannot be shown on {channel}.").format(alert=alert.id, channel=channel.name),
            composition.faults,
        )
    return composition
