"""What the bot does about what people write and press. Everything is answered, at least with a sentence."""

import logging
from typing import TYPE_CHECKING, Any

from alertbot.approval.moves import Verb
from alertbot.errors import AlertbotError, safe
from alertbot.model import Person
from alertbot.service import calling, contacts, pressing
from alertbot.teambot import buttons, wording
from alertbot.teambot.buttons import Press
from alertbot.teambot.commands import Commands
from alertbot.teambot.questions import ANSWER_WITHIN, Question, Questions
from alertbot.teambot.speaking import Speaker
from alertbot.teambot.way import TelegramWay
from alertbot.words import _

if TYPE_CHECKING:
    from telegram import CallbackQuery, Message, Update
    from telegram.ext import Application

log = logging.getLogger(__name__)

LONGEST_REASON = 2000
MARK = "✍"  # begins every question for a reason, so that one is known again after a restart


class Ear:
    """Hears one bot's updates. `forget` is to be called now and then."""

    def __init__(self, way: TelegramWay) -> None:
        self._way, self._service = way, way.service
        self._speaker = Speaker(way)
        self._commands = Commands(way, self._speaker)
        self._questions = Questions()

    def attach(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
        """Let the application call this."""
        from telegram.ext import CallbackQueryHandler, CommandHandler, MessageHandler, filters

        fresh = filters.UpdateType.MESSAGE
        application.add_handler(CallbackQueryHandler(self.pressed))
        for name, act in self._commands.by_name.items():
            application.add_handler(CommandHandler(name, act, filters=fresh))
        replies = fresh & filters.REPLY & filters.TEXT & ~filters.COMMAND
        application.add_handler(MessageHandler(replies, self.replied))
        alone = fresh & filters.ChatType.PRIVATE
        application.add_handler(MessageHandler(alone, self._commands.help))
        application.add_error_handler(_failed)

    async def pressed(self, update: "Update", _context: object) -> None:
        """Somebody pressed a button."""
        query = update.callback_query
        if query is None or query.message is None:
            return
        press, halting = buttons.read(query.data), buttons.halt_of(query.data)
        if halting is not None:
            await self._commands.halt_confirmed(query, halting[0])
        elif query.data == buttons.LEAVE:
            await self._commands.left(query)
        elif press is None:
            await self._speaker.pop(query, _("This button no longer serves; see /status."))
        else:
            await self._answered(query, press)
            await calling.attend(self._service, (self._way,))

    async def replied(self, update: "Update", _context: object) -> None:
        """Somebody answered a message: perhaps with a reason that was asked for."""
        message = update.message
        if message is None or message.from_user is None or message.reply_to_message is None:
            return
        asked = message.reply_to_message
        question = self._questions.find(message.chat.id, asked.message_id)
        if question is None or question.until <= self._service.now:
            if _is_question(asked):
                lapsed = _("This question has lapsed and nothing was changed; press the button again.")
                await self._speaker.reply(message, lapsed)
        elif question.user != message.from_user.id:
            await self._speaker.reply(message, _("Somebody else was asked; press the button yourself."))
        else:
            self._questions.drop(question)
            await self._speaker.reply(message, await self._sent_away(question, message.text or ""))
            await calling.attend(self._service, (self._way,))

    async def forget(self) -> None:
        """Tell those who gave no reason in time that nothing was changed."""
        for question in self._questions.lapsed(self._service.now):
            text = _("No reason came, so nothing was changed. Press the button again.")
            await self._speaker.replace(question.chat, question.message, text)

    async def _answered(self, query: "CallbackQuery", press: Press) -> None:
        person = await contacts.of_user(self._service, str(query.from_user.id))
        if person is None:
            await self._speaker.pop(query, wording.how_to_link())
            return
        try:
            said = await pressing.see(self._service, person, press.alert, press.digest)
            if said is None:
                said = await self._decided(query, person, press)
        except AlertbotError as error:
            said = str(error)
        await self._speaker.pop(query, said)
        await self._show_outcome(query, press)

    async def _decided(self, query: "CallbackQuery", person: Person, press: Press) -> str:
        """What the presser is told."""
        if press.verb is not Verb.APPROVE:
            return await self._ask_why(query, person, press)
        view = await pressing.approve(
            self._service, person, press.alert, press.digest, way=self._way.name
        )
        left = view["approvals"]["needed"] - len(view["approvals"]["given"])
        if "start" not in view:
            return _("Approved by you. {id} waits for {left} more.").format(id=view["id"], left=left)
        if view["start"]["worker_alive"]:
            return _("{id} is approved and goes out.").format(id=view["id"])
        return _("{id} is approved, but NO WORKER is alive: somebody must run `alertbot run`.").format(
            id=view["id"]
        )

    async def _ask_why(self, query: "CallbackQuery", person: Person, press: Press) -> str:
        await pressing.may_send_away(self._service, person, press.verb, press.alert, press.digest)
        sentence = (
            _("why does {alert} go back to its author? Answer this message.")
            if press.verb is Verb.RETURN
            else _("why is {alert} refused for good? Answer this message.")
        )
        user = query.from_user.id
        asked = await self._speaker.ask(
            query, person.name, f"{MARK} {{name}}: {sentence.format(alert=press.alert)}"
        )
        if asked is not None:
            chat, number = asked
            until = self._service.now + ANSWER_WITHIN
            self._questions.add(Question(chat, number, user, press, until))
        return _("Say why in an answer to my message.")

    async def _sent_away(self, question: Question, text: str) -> str:
        person = await contacts.of_user(self._service, str(question.user))
        if person is None:
            return wording.how_to_link()
        press = question.press
        try:
            view = await pressing.send_away(
                self._service,
                person,
                press.verb,
                press.alert,
                press.digest,
                text[:LONGEST_REASON],
                way=self._way.name,
            )
        except AlertbotError as error:
            return str(error)
        if press.verb is Verb.RETURN:
            return _("{id} went back to {author}.").format(**view)
        return _("{id} is rejected; it never goes out.").format(**view)

    async def _show_outcome(self, query: "CallbackQuery", press: Press) -> None:
        """In the message under the button, whichever copy it is; the queue knows only the last one."""
        outcome = await pressing.outcome(self._service, press.alert, press.digest)
        if outcome is not None and query.message is not None:
            caption = wording.settled(outcome, press.digest)
            await self._speaker.settle(query.message.chat.id, query.message.message_id, caption)


def _is_question(message: "Message") -> bool:
    sender = message.from_user
    return sender is not None and sender.is_bot and (message.text or "").startswith(MARK)


async def _failed(_update: object, context: Any) -> None:
    """An error in what is done about an update: told without what it holds."""
    error = context.error
    log.error("telegram: %s: %s", type(error).__name__, safe(str(error)))
