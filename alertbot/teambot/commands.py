"""Commands to the bot: /link in private, /halt in the team's group, /status for linked people and the group."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from alertbot.errors import AlertbotError
from alertbot.service import contacts, halting, reading
from alertbot.teambot import buttons, wording
from alertbot.teambot.questions import Guesses
from alertbot.teambot.speaking import Speaker
from alertbot.teambot.way import TelegramWay
from alertbot.words import _

if TYPE_CHECKING:
    from telegram import CallbackQuery, Message, Update, User

LONGEST_NAME = 60
Act = Callable[["Update", Any], Coroutine[Any, Any, None]]


class Commands:
    """One bot's commands."""

    def __init__(self, way: TelegramWay, speaker: Speaker) -> None:
        self._way, self._service, self._speaker = way, way.service, speaker
        self._guesses = Guesses()

    @property
    def by_name(self) -> dict[str, Act]:
        return {
            "start": self.help,
            "help": self.help,
            "link": self.link,
            "status": self.status,
            "halt": self.halt,
        }

    async def help(self, update: "Update", _context: object) -> None:
        """What there is to do here; a stranger is told how to be linked and nothing else."""
        message = update.message
        if message is None or message.from_user is None or not _private(message):
            return
        person = await contacts.of_user(self._service, str(message.from_user.id))
        text = wording.how_to_link() if person is None else wording.greeting(person.name)
        await self._speaker.reply(message, text)

    async def link(self, update: "Update", context: Any) -> None:
        """Link the sender to the person whose code it is."""
        message = update.message
        if message is None or message.from_user is None:
            return
        code = " ".join(context.args or ())
        if not _private(message):
            await contacts.spoil(self._service, code)
            text = _(
                "Only in a private chat with me. Others have seen this code: it is void, make another."
            )
        elif not code:
            text = wording.how_to_link()
        else:
            text = await self._linked(message.from_user, code)
        await self._speaker.reply(message, text)

    async def status(self, update: "Update", _context: object) -> None:
        message = update.message
        if message is None or not await self._may_look(message):
            return
        try:
            text = wording.status(await reading.status(self._service, None))
        except AlertbotError as error:
            text = str(error)
        await self._speaker.reply(message, text)

    async def halt(self, update: "Update", context: Any) -> None:
        """Ask for one more press, against slips of the finger. Anybody in the team's group may."""
        message = update.message
        if message is None or not await self._in_group(message):
            return
        named = " ".join(context.args or ())
        try:
            alert = (await reading.brief(self._service, named))["id"] if named else None
        except AlertbotError as error:
            await self._speaker.reply(message, str(error))
            return
        text = (
            _("Halt {what}? No further call starts then.").format(what=alert)
            if alert
            else _("Halt everything? No further call starts then.")
        )
        await self._speaker.reply(message, text, buttons.of_halt(alert))

    async def halt_confirmed(self, query: "CallbackQuery", alert: str | None) -> None:
        if query.message is None or not self._way.in_group(query.message.chat.id):
            await self._speaker.pop(query, _("Only in the team's group."))
            return
        who = await self._name(query.from_user)
        try:
            await halting.halt(self._service, alert, None, by=who)
        except AlertbotError as error:
            await self._speaker.pop(query, str(error))
            return
        local = self._service.now.astimezone(self._service.voice.zone)
        text = _(
            "Halted: {what}, by {name} at {at}. No further call starts. Go on with `{command}`."
        ).format(
            what=alert or _("everything"),
            name=who,
            at=f"{local:%H:%M:%S}",
            command=" ".join(filter(None, ("alertbot resume", alert))),
        )
        await self._speaker.replace(query.message.chat.id, query.message.message_id, text)
        await self._speaker.pop(query, _("Halted."))

    async def left(self, query: "CallbackQuery") -> None:
        """Somebody thought better of halting."""
        if query.message is not None:
            text = _("Nothing was halted.")
            await self._speaker.replace(query.message.chat.id, query.message.message_id, text)
            await self._speaker.pop(query, text)

    async def _linked(self, user: "User", code: str) -> str:
        now = self._service.now
        if self._guesses.too_many(user.id, now):
            return _("Too many wrong codes; try again in an hour.")
        try:
            person = await contacts.redeem(self._service, code, str(user.id))
        except AlertbotError as error:
            return str(error)
        if person is None:
            self._guesses.note(user.id, now)
            return _(
                "This code is wrong, used or too old: run `alertbot people link NAME` for another."
            )
        return wording.greeting(person.name)

    async def _may_look(self, message: "Message") -> bool:
        """In the group everybody; in private those who are linked, and still count."""
        if self._way.in_group(message.chat.id):
            return True
        if not _private(message) or message.from_user is None:
            return False
        person = await contacts.of_user(self._service, str(message.from_user.id))
        if person is not None and person.counts:
            return True
        await self._speaker.reply(message, wording.how_to_link())
        return False

    async def _in_group(self, message: "Message") -> bool:
        """Whether this is the team's group; in private it is said where to go."""
        if self._way.in_group(message.chat.id):
            return True
        if _private(message) and message.from_user is not None:
            person = await contacts.of_user(self._service, str(message.from_user.id))
            text = wording.how_to_link() if person is None else _("Only in the team's group.")
            await self._speaker.reply(message, text)
        return False

    async def _name(self, user: "User") -> str:
        """Who halts, for the audit: a linked person, else anybody, by the name Telegram shows."""
        person = await contacts.of_user(self._service, str(user.id))
        if person is not None:
            return person.name
        shown = "".join(letter for letter in user.first_name if letter.isprintable())[:LONGEST_NAME]
        return f"{halting.HALTER} ({shown}, Telegram)"


def _private(message: "Message") -> bool:
    return str(message.chat.type) == "private"
