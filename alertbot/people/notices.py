"""Notices to the team: sent on every channel with the audience `team`, through the same outbox as
alerts."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape
from typing import Protocol

from alertbot.core.model import Audience, Channel, Markup, Message, Purpose
from alertbot.core.words import _, language, ngettext, spoken
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts, store_outbox
from alertbot.people.context import Context
from alertbot.texts.posts.measure import counted

FIRST = 0  # a notice to the team goes before everything
LASTS_SECONDS = 24 * 3600.0
Words = Callable[[], tuple[str, str]]  # subject and text, in the language spoken where it is called
MOST_TOLD = 20  # lines of one notice; a Telegram message holds 4096 characters


async def work_waits(service: Context, conn: Connection, texts: Sequence[str]) -> None:
    """The program has raised tasks: one notice, however many they are."""
    shown = list(texts[:MOST_TOLD])
    if len(texts) > MOST_TOLD:
        shown.append(_("… and {count} more.").format(count=len(texts) - MOST_TOLD))
    subject = ngettext("A task for you", "{count} tasks for you", len(texts)).format(count=len(texts))
    body = "\n".join([f"{subject}:", *shown, _("To see them: `alertbot task list`.")])
    speech = language()  # that of the texts, which were written before
    await tell(service, conn, None, lambda: (subject, body), speech=speech)


def team(service: Context) -> tuple[Channel, ...]:
    return tuple(one for one in service.publisher.channels.values() if one.audience is Audience.TEAM)


class Subject(Protocol):
    """The alert that a notice is about, in its current state."""

    @property
    def id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def digest(self) -> str: ...


async def tell(
    service: Context,
    conn: Connection,
    alert: Subject | None,
    words: Words,
    *,
    urgent: bool = False,
    speech: str | None = None,
) -> None:
    """Queue a notice on every team channel, in the first language of the channel or in `speech`. `alert` None: it
    is about no alert, or about several. `urgent`: a halt of the channel or of the alert does not stop it."""
    name, revision = (alert.id, alert.revision) if alert else (None, 0)
    channels = team(service)
    whole = f"alertbot show {alert.id}" if alert else "alertbot status"
    await store_accounts.sync(conn, channels)
    for channel in channels:
        lang = speech or channel.languages[0]
        with spoken(lang):
            subject, text = words()
            message = _message(channel, subject, shortened(subject, text, whole, channel))
        keys = await store_outbox.add(conn, name, revision, [message], Purpose.NOTICE)
        await store_outbox.enqueue(
            conn,
            name,
            channel.name,
            digest=alert.digest if alert else _sum(text),
            priority=store_outbox.URGENT if urgent else FIRST,
            ttl_seconds=LASTS_SECONDS,
            purpose=Purpose.NOTICE,
            rows=[
                store_outbox.NewDelivery(target.address, key, message.lang)
                for target in channel.targets
                for key in keys
            ],
        )


def shortened(subject: str, text: str, whole: str, channel: Channel) -> str:
    """The text within the channel's limit. If it is too long, the subject is put in front and the
    longest lines are dropped one by one; the first dropped line is replaced by `whole`, the command
    that shows everything."""
    limit, spec = channel.spec.limit, channel.spec
    if limit is None or counted(text, spec) <= limit:
        return text
    lines = [subject, *text.split("\n")]
    pointer = _("(shortened; in full: {command})").format(command=whole)
    while counted("\n".join(lines), spec) > limit:
        left = [place for place, line in enumerate(lines) if line != pointer]
        if not left:
            break
        longest = max(left, key=lambda place: counted(lines[place], spec))
        lines[longest : longest + 1] = [] if pointer in lines else [pointer]
    return "\n".join(lines)


def _message(channel: Channel, subject: str, text: str) -> Message:
    """A notice in the channel's format, escaped, since names and reasons are data."""
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
        length=counted(text, channel.spec),
        limit=channel.spec.limit,
        measure=channel.spec.measure,
    )


def _sum(text: str) -> str:
    return sha256(text.encode()).hexdigest()
