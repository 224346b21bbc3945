"""Asking approvers by mail, with a link, for when the messenger is down.

The mail contains the link and is not stored. It is plain text, so that no address hides behind words.
"""

from collections.abc import Callable
from typing import Any

from alertbot.alerts.hand.giving import HandTaskView
from alertbot.alerts.requests import links
from alertbot.alerts.requests.links import Key, hash_of
from alertbot.alerts.requests.text import Ask
from alertbot.channels.base import Adapter
from alertbot.core.errors import ChannelDown, ConfigInvalid, Rejected, Scope
from alertbot.core.model import Post
from alertbot.core.words import _, language, ngettext, told
from alertbot.people.context import Context
from alertbot.texts.preview.phrases import stated


class MailWay:
    """A `Way` (see `requests.queue`) through an email adapter. `base_url`: the start of every link.
    `key` is called for each mail and may raise `ConfigInvalid`."""

    name = links.WAY

    def __init__(
        self, service: Context, adapter: Adapter[Any], base_url: str, key: Callable[[], Key]
    ) -> None:
        self._service = service
        self._adapter = adapter
        self._base_url = base_url.rstrip("/")
        self._key = key

    async def ask(self, ask: Ask) -> str | None:
        """Send the mail; a repeat has the same link and Message-ID. Raises `ChannelError` (`Rejected`
        without a mail address)."""
        if ask.person_id is None or ask.until is None:
            raise Rejected(
                _("{alert}: an approval link goes to one person only.").format(alert=ask.alert),
                scope=Scope.RECIPIENT,
            )
        token = await links.issue(
            self._service,
            self._secret(),
            alert=ask.alert,
            digest=ask.digest,
            person_id=ask.person_id,
            until=ask.until,
            address=ask.address,
        )
        reference = f"ask.{ask.alert}.{hash_of(token)[:16]}"
        if ask.hand is not None:
            text = hand_letter(ask.hand, ask.person or "", f"{self._base_url}/t/{token}")
            await self._send(
                ask, _("To be posted by you: {alert}").format(alert=ask.alert), text, reference
            )
            return reference
        await self._send(ask, subject(ask), letter(ask, f"{self._base_url}/a/{token}"), reference)
        return reference

    async def close(self, ask: Ask, outcome: str) -> None:
        """Send a short mail in the same thread with the outcome."""
        said = _("{outcome}\nYou do not need to do anything; the link no longer works.")
        reference = ask.message_ref or f"ask.{ask.alert}.{ask.call}"
        await self._send(
            ask,
            _("Decided: {alert}").format(alert=ask.alert),
            said.format(outcome=outcome),
            f"{reference}.closed",
            (reference,),
        )

    async def _send(
        self, ask: Ask, title: str, text: str, message_id: str, references: tuple[str, ...] = ()
    ) -> None:
        await self._adapter.publish(
            Post(
                alert=ask.alert,
                delivery=ask.call,
                attempt=1,
                target=ask.address,
                lang=language(),
                text=text,
                subject=title,
                message_id=message_id,
                references=references,
            )
        )

    def _secret(self) -> Key:
        try:
            return self._key()
        except ConfigInvalid as fault:
            raise ChannelDown(str(fault), code="secret") from None


def subject(ask: Ask) -> str:
    """The mail's subject line."""
    said = _("Approval needed: {alert} ({kind})").format(alert=ask.alert, kind=ask.kind)
    return _("EXERCISE: {title}").format(title=said) if ask.exercise else said


def letter(ask: Ask, link: str) -> str:
    """The mail's text: what a person needs to decide, and the link."""
    blocks = [
        _("{name}, your approval is needed: {alert}, {title}.").format(
            name=ask.person, alert=ask.alert, title=ask.title
        ),
        _("No one on duty has answered; you are asked as deputy.") if ask.deputy else "",
        "\n".join(stated(name, value) for name, value in _facts(ask)),
        ask.doubt,
        _("The first text begins:\n{lines}").format(lines=_quoted(ask.first_lines)),
        _("Read all texts, then approve, return or reject:\n{link}").format(link=link),
        _(
            "This link is yours alone and works once. Anyone who has it can decide in your name: do"
            " not forward it. Opening it decides nothing."
        ),
        _("Or on the command line: alertbot show {alert}, then alertbot approve {alert}").format(
            alert=ask.alert
        ),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def hand_letter(view: HandTaskView, name: str, link: str) -> str:
    """The mail's text about a post by hand: what to do, the words, and the link."""
    blocks = [
        _("{name}, please post this by hand: {alert}, {place}.").format(
            name=name, alert=view.task.alert, place=view.place
        ),
        view.stop,
        view.instruction,
        _("--- the words begin below this line ---\n{words}\n--- and end above this one ---").format(
            words=view.words
        )
        if view.words
        else "",
        _("The picture is on the page below. Its text alternative: {alt}").format(alt=view.alt)
        if view.alt
        else "",
        _("When it is done, or if it cannot be done, say so here:\n{link}").format(link=link),
        _("This link is yours alone. Anyone who has it can answer in your name: do not forward it."),
        _("Or on the command line: alertbot task show {id}").format(id=view.task.id),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _facts(ask: Ask) -> list[tuple[str, str]]:
    channels = ", ".join(f"{name} ({', '.join(langs)})" for name, langs in ask.channels.items())
    needed = ngettext("{number} needed", "{number} needed", ask.needed).format(number=ask.needed)
    return [
        (_("Reaches"), ask.audience),
        (_("Channels"), channels),
        (_("Written by"), ask.author),
        (_("Approvals"), "; ".join(filter(None, [needed, ", ".join(ask.given)]))),
        (_("Decide before"), told(ask.until, ask.until.tzinfo) if ask.until else "–"),
        (_("Digest"), ask.digest[:12]),
    ]


def _quoted(lines: str) -> str:
    return "\n".join(f"> {line}" for line in lines.splitlines())
