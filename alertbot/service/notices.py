"""What the program tells the team: on every channel of audience `team`, through the same outbox."""

from collections.abc import Sequence
from datetime import datetime

from alertbot.compose.measure import measure
from alertbot.model import Audience, Channel, Markup, Message, Person, Purpose
from alertbot.service.context import Context
from alertbot.store import accounts, audit, outbox, texts
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert
from alertbot.words import _, language, ngettext

FIRST = 0  # a notice to the team goes before everything
LASTS_SECONDS = 24 * 3600.0
MOST_TOLD = 20  # lines of one notice; a Telegram message holds 4096 characters


async def approval_wanted(service: Context, conn: Connection, alert: Alert) -> None:
    """Somebody submitted an alert. Carries the audit's head, so that a cut chain shows later."""
    head = await audit.head(conn)
    await _tell(
        service,
        conn,
        alert,
        _("Approval wanted: {alert} ({kind})").format(alert=alert.id, kind=alert.kind),
        _(
            "{alert} ({kind}) waits for approval until {until}.\nDigest {digest}\nLook at it: alertbot show"
            " {alert}\nThen: alertbot approve {alert}\nAudit: {count} rows, head {head}"
        ).format(
            alert=alert.id,
            kind=alert.kind,
            until=_clock(service, alert),
            digest=alert.digest[:12],
            count=head.count,
            head=head.digest,
        ),
    )


async def countdown(service: Context, conn: Connection, alert: Alert, goes_at: datetime) -> None:
    """An alert goes out by itself unless somebody stops it."""
    time = goes_at.astimezone(service.voice.zone).strftime("%H:%M:%S")
    await _tell(
        service,
        conn,
        alert,
        _("{alert} goes out by itself at {time}").format(alert=alert.id, time=time),
        _(
            "{alert} ({kind}) was approved ahead and goes out by itself at {time}.\nLook at it: alertbot show"
            " {alert}\nStop it: alertbot rules abort {alert}"
        ).format(alert=alert.id, kind=alert.kind, time=time),
    )


async def glass_broken(
    service: Context, conn: Connection, alert: Alert, actor: Person, reason: str
) -> None:
    """One person published alone."""
    head = await audit.head(conn)
    await _tell(
        service,
        conn,
        alert,
        _("BREAK-GLASS: {name} published {alert} alone").format(name=actor.name, alert=alert.id),
        _(
            "{name} published {alert} ({kind}) alone.\nReason: {reason}\nAnother approver must look and then"
            " run: alertbot countersign {alert}\nAudit: {count} rows, head {head}"
        ).format(
            name=actor.name,
            alert=alert.id,
            kind=alert.kind,
            reason=reason,
            count=head.count,
            head=head.digest,
        ),
    )


async def countdown_stopped(service: Context, conn: Connection, alert: Alert, by: str) -> None:
    """Somebody stopped an alert that would have gone out by itself."""
    await _tell(
        service,
        conn,
        alert,
        _("{alert} does not go out by itself").format(alert=alert.id),
        _(
            "{name} stopped the countdown of {alert} ({kind}): it does not go out by itself. It waits for"
            " people: alertbot show {alert}, then alertbot approve {alert} or alertbot discard {alert}"
        ).format(name=by, alert=alert.id, kind=alert.kind),
    )


async def work_waits(service: Context, conn: Connection, texts: Sequence[str]) -> None:
    """The program found something to do (see `service.tasks`): one message, however many they are."""
    shown = list(texts[:MOST_TOLD])
    if len(texts) > MOST_TOLD:
        shown.append(_("… and {count} more.").format(count=len(texts) - MOST_TOLD))
    subject = ngettext("A task for you", "{count} tasks for you", len(texts)).format(count=len(texts))
    body = "\n".join([f"{subject}:", *shown, _("They are listed by `alertbot task list`.")])
    await _tell(service, conn, None, subject, body)


def team(service: Context) -> tuple[Channel, ...]:
    return tuple(one for one in service.voice.channels.values() if one.audience is Audience.TEAM)


async def _tell(
    service: Context, conn: Connection, alert: Alert | None, subject: str, text: str
) -> None:
    """On every team channel. `alert` None: the notice is about no alert, or about several."""
    name, revision, digest = (
        (alert.id, alert.revision, alert.digest) if alert else (None, 0, _sum(text))
    )
    channels = team(service)
    whole = f"alertbot show {alert.id}" if alert else "alertbot status"
    await accounts.sync(conn, channels)
    for channel in channels:
        message = _message(channel, subject, shortened(subject, text, whole, channel))
        keys = await texts.add(conn, name, revision, [message], Purpose.NOTICE)
        await outbox.enqueue(
            conn,
            name,
            channel.name,
            digest=digest,
            priority=FIRST,
            ttl_seconds=LASTS_SECONDS,
            purpose=Purpose.NOTICE,
            rows=[
                outbox.Entry(target.address, key, language())
                for target in channel.targets
                for key in keys
            ],
        )


def shortened(subject: str, text: str, whole: str, channel: Channel) -> str:
    """The text as long as the channel takes it. Of one that is too long the longest lines are left out, one
    after the other, and the others stay whole, the subject before them; the first one left out gives its
    place to the command that shows everything, `whole`."""
    limit, how = channel.spec.limit, channel.spec.measure
    if limit is None or measure(text, how) <= limit:
        return text
    lines = [subject, *text.split("\n")]
    pointer = _("(shortened; all of it: {command})").format(command=whole)
    while measure("\n".join(lines), how) > limit:
        left = [place for place, line in enumerate(lines) if line != pointer]
        if not left:
            break
        longest = max(left, key=lambda place: measure(lines[place], how))
        lines[longest : longest + 1] = [] if pointer in lines else [pointer]
    return "\n".join(lines)


def _message(channel: Channel, subject: str, text: str) -> Message:
    """A notice in the channel's form: escaped, since names and reasons are data."""
    from html import escape

    html = None
    if channel.spec.markup is Markup.TELEGRAM:
        html = escape(text, quote=False)
    elif channel.spec.markup is Markup.EMAIL:
        html = f'<!doctype html><meta charset="utf-8"><pre>{escape(text)}</pre>'
    return Message(
        channel=channel.name,
        type=channel.type,
        lang=language(),
        part=1,
        parts=1,
        text=text,
        html=html,
        subject=subject if channel.spec.markup is Markup.EMAIL else None,
        length=measure(text, channel.spec.measure),
        limit=channel.spec.limit,
        measure=channel.spec.measure,
    )


def _sum(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()


def _clock(service: Context, alert: Alert) -> str:
    if alert.pending_until is None:
        return "–"
    return alert.pending_until.astimezone(service.voice.zone).strftime(_("%H:%M on %d/%m"))
