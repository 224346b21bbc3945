"""Handling the bot's updates: button presses, reasons given as replies, commands (/halt, /status, /link,
/help), and the limit on guessing codes. Pending questions are kept in memory: after a restart the
button must be pressed again."""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from telegram.ext import CallbackQueryHandler, CommandHandler, MessageHandler, filters

from alertbot.alerts import halting, showing
from alertbot.alerts.hand import doing
from alertbot.alerts.hand.doing import HandAnswer
from alertbot.alerts.requests import buttons, queue
from alertbot.alerts.requests.telegram import wording
from alertbot.alerts.requests.telegram.bot import BotReplies, TelegramWay
from alertbot.alerts.requests.telegram.wording import Press, TaskPress
from alertbot.core.errors import AlertbotError, safe
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.people import accounts
from alertbot.people.rules import Verb

if TYPE_CHECKING:
    from telegram import CallbackQuery, Message, Update, User
    from telegram.ext import Application


Status = Callable[[], Awaitable[str]]  # how things stand, in plain text

ANSWER_WITHIN = timedelta(minutes=10)
MOST_GUESSES, GUESSES_PER = 5, timedelta(hours=1)
MOST_GUESSERS = 10_000


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question for a reason, to one user, in one message."""

    chat: int
    message: int
    user: int
    press: Press | TaskPress
    until: datetime


class Questions:
    """Questions not answered yet."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], PendingQuestion] = {}

    def add(self, question: PendingQuestion) -> None:
        self._open[question.chat, question.message] = question

    def find(self, chat: int, message: int) -> PendingQuestion | None:
        return self._open.get((chat, message))

    def drop(self, question: PendingQuestion) -> None:
        self._open.pop((question.chat, question.message), None)

    def lapsed(self, now: datetime) -> Iterator[PendingQuestion]:
        """Remove and return the questions that were not answered in time."""
        for question in [one for one in self._open.values() if one.until <= now]:
            self.drop(question)
            yield question


@dataclass
class WrongCodeLimit:
    """Counts wrong codes per user; a few an hour are allowed."""

    _wrong: dict[int, list[datetime]] = field(default_factory=dict)

    def too_many(self, user: int, now: datetime) -> bool:
        recent = [at for at in self._wrong.get(user, ()) if now - at < GUESSES_PER]
        self._wrong[user] = recent
        return len(recent) >= MOST_GUESSES

    def note(self, user: int, now: datetime) -> None:
        if len(self._wrong) >= MOST_GUESSERS:
            self._wrong.clear()
        self._wrong.setdefault(user, []).append(now)


LONGEST_NAME = 60
Act = Callable[["Update", Any], Coroutine[Any, Any, None]]


class Commands:
    """The bot's commands. `status`: the text for /status."""

    def __init__(self, way: TelegramWay, speaker: BotReplies, status: Status) -> None:
        self._way, self._service, self._speaker = way, way.service, speaker
        self._status = status
        self._guesses = WrongCodeLimit()

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
        """List the commands; a stranger only learns how to get linked."""
        message = update.message
        if message is None or message.from_user is None or not _private(message):
            return
        person = await accounts.of_user(self._service, str(message.from_user.id))
        text = wording.how_to_link() if person is None else wording.greeting(person.name)
        await self._speaker.reply(message, text)

    async def link(self, update: "Update", context: Any) -> None:
        """Link the sender to the person who owns the code."""
        message = update.message
        if message is None or message.from_user is None:
            return
        code = " ".join(context.args or ())
        if not _private(message):
            await accounts.spoil(self._service, code)
            text = _(
                "Send this in a private chat with me. Others have seen this code, so it is void; make a new one."
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
            text = await self._status()
        except AlertbotError as error:
            text = str(error)
        await self._speaker.reply(message, text)

    async def halt(self, update: "Update", context: Any) -> None:
        """Ask for confirmation by one more press. Anyone in the team's group may halt."""
        message = update.message
        if message is None or not await self._in_group(message):
            return
        named = " ".join(context.args or ())
        try:
            alert = (await showing.brief(self._service, named)).id if named else None
        except AlertbotError as error:
            await self._speaker.reply(message, str(error))
            return
        text = (
            _("Halt {what}? No new call will start.").format(what=alert)
            if alert
            else _("Halt everything? No new call will start.")
        )
        await self._speaker.reply(message, text, wording.of_halt(alert))

    async def halt_confirmed(self, query: "CallbackQuery", alert: str | None) -> None:
        if query.message is None or not self._way.in_group(query.message.chat.id):
            await self._speaker.pop(query, _("This works only in the team's group."))
            return
        who = await self._name(query.from_user)
        try:
            await halting.halt(self._service, alert, None, by=who)
        except AlertbotError as error:
            await self._speaker.pop(query, str(error))
            return
        local = self._service.now.astimezone(self._service.publisher.zone)
        text = _(
            "Halted: {what}, by {name} at {at}. No new call starts. Resume with `{command}`."
        ).format(
            what=alert or _("everything"),
            name=who,
            at=f"{local:%H:%M:%S (%Z)}",
            command=" ".join(filter(None, ("alertbot resume", alert))),
        )
        await self._speaker.replace(query.message.chat.id, query.message.message_id, text)
        await self._speaker.pop(query, _("Halted."))

    async def left(self, query: "CallbackQuery") -> None:
        """Handle a cancelled halt."""
        if query.message is not None:
            text = _("Nothing was halted.")
            await self._speaker.replace(query.message.chat.id, query.message.message_id, text)
            await self._speaker.pop(query, text)

    async def _linked(self, user: "User", code: str) -> str:
        now = self._service.now
        if self._guesses.too_many(user.id, now):
            return _("Too many wrong codes; try again in an hour.")
        try:
            person = await accounts.redeem(self._service, code, str(user.id))
        except AlertbotError as error:
            return str(error)
        if person is None:
            self._guesses.note(user.id, now)
            return _(
                "This code is wrong, used or expired. Run `alertbot people link NAME` for a new one."
            )
        return wording.greeting(person.name)

    async def _may_look(self, message: "Message") -> bool:
        """Anyone in the group; in private, linked people who still count."""
        if self._way.in_group(message.chat.id):
            return True
        if not _private(message) or message.from_user is None:
            return False
        person = await accounts.of_user(self._service, str(message.from_user.id))
        if person is not None and person.counts:
            return True
        await self._speaker.reply(message, wording.how_to_link())
        return False

    async def _in_group(self, message: "Message") -> bool:
        """Whether this is the team's group; in private the sender is told where to go."""
        if self._way.in_group(message.chat.id):
            return True
        if _private(message) and message.from_user is not None:
            person = await accounts.of_user(self._service, str(message.from_user.id))
            text = (
                wording.how_to_link() if person is None else _("This works only in the team's group.")
            )
            await self._speaker.reply(message, text)
        return False

    async def _name(self, user: "User") -> str:
        """The name for the audit: a linked person's, else the one Telegram shows."""
        person = await accounts.of_user(self._service, str(user.id))
        if person is not None:
            return person.name
        shown = "".join(letter for letter in user.first_name if letter.isprintable())[:LONGEST_NAME]
        return f"{halting.HALTER} ({shown}, Telegram)"


def _private(message: "Message") -> bool:
    return str(message.chat.type) == "private"


log = logging.getLogger(__name__)

LONGEST_REASON = 2000
MARK = "✍"  # begins every question for a reason, so that one is known again after a restart


class UpdateHandlers:
    """Handles one bot's updates. Call `forget` regularly."""

    def __init__(self, way: TelegramWay, status: Status) -> None:
        self._way, self._service = way, way.service
        self._speaker = BotReplies(way)
        self._commands = Commands(way, self._speaker, status)
        self._questions = Questions()

    def attach(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
        """Register the handlers with the application."""
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
        """A button was pressed."""
        query = update.callback_query
        if query is None or query.message is None:
            return
        press, halting = wording.read(query.data), wording.halt_of(query.data)
        if halting is not None:
            await self._commands.halt_confirmed(query, halting[0])
        elif query.data == wording.LEAVE:
            await self._commands.left(query)
        elif (handed := wording.task_press(query.data)) is not None:
            await self._hand_pressed(query, handed)
        elif press is None:
            await self._speaker.pop(query, _("This button no longer works; see /status."))
        else:
            await self._answered(query, press)
            await queue.attend(self._service, (self._way,))

    async def replied(self, update: "Update", _context: object) -> None:
        """A message was replied to, perhaps with the reason that was asked for."""
        message = update.message
        if message is None or message.from_user is None or message.reply_to_message is None:
            return
        asked = message.reply_to_message
        question = self._questions.find(message.chat.id, asked.message_id)
        if question is None or question.until <= self._service.now:
            if _is_question(asked):
                lapsed = _("This question has expired and nothing was changed. Press the button again.")
                await self._speaker.reply(message, lapsed)
        elif question.user != message.from_user.id:
            await self._speaker.reply(
                message, _("Someone else was asked this; press the button yourself.")
            )
        else:
            self._questions.drop(question)
            await self._speaker.reply(message, await self._given(question, message.text or ""))
            await queue.attend(self._service, (self._way,))

    async def forget(self) -> None:
        """Tell people who gave no reason in time that nothing was changed."""
        for question in self._questions.lapsed(self._service.now):
            text = _("No reason was given, so nothing was changed. Press the button again.")
            await self._speaker.replace(question.chat, question.message, text)

    async def _answered(self, query: "CallbackQuery", press: Press) -> None:
        person = await accounts.of_user(self._service, str(query.from_user.id))
        if person is None:
            await self._speaker.pop(query, wording.how_to_link())
            return
        try:
            said = await buttons.see(self._service, person, press.alert, press.digest)
            if said is None:
                said = await self._decided(query, person, press)
        except AlertbotError as error:
            said = str(error)
        await self._speaker.pop(query, said)
        await self._show_outcome(query, press)

    async def _decided(self, query: "CallbackQuery", person: Person, press: Press) -> str:
        """The answer to the person who pressed."""
        if press.verb is not Verb.APPROVE:
            return await self._ask_why(query, person, press)
        view = await buttons.approve_by_button(
            self._service, person, press.alert, press.digest, way=self._way.name
        )
        if view.start is None:
            said = _("You approved {id}. It needs {left} more.")
            return said.format(id=view.id, left=view.approvals.left)
        if view.start.worker_alive:
            return _("{id} is approved and goes out.").format(id=view.id)
        return _("{id} is approved, but NO WORKER is running: someone must run `alertbot run`.").format(
            id=view.id
        )

    async def _ask_why(self, query: "CallbackQuery", person: Person, press: Press) -> str:
        await buttons.may_send_away(self._service, person, press.verb, press.alert, press.digest)
        sentence = (
            _("why does {alert} go back to its author? Reply to this message.")
            if press.verb is Verb.RETURN
            else _("why is {alert} rejected for good? Reply to this message.")
        )
        user = query.from_user.id
        asked = await self._speaker.ask(
            query, person.name, f"{MARK} {{name}}: {sentence.format(alert=press.alert)}"
        )
        if asked is not None:
            chat, number = asked
            until = self._service.now + ANSWER_WITHIN
            self._questions.add(PendingQuestion(chat, number, user, press, until))
        return _("Give the reason in a reply to my message.")

    async def _hand_pressed(self, query: "CallbackQuery", press: TaskPress) -> None:
        """Ask where or when it was posted, or why it was not."""
        person = await accounts.of_user(self._service, str(query.from_user.id))
        if person is None:
            await self._speaker.pop(query, wording.how_to_link())
            return
        sentence = (
            _(
                "where does it stand, or when was it posted? Reply with the address, or with the time, such as 19:31."
            )
            if press.done
            else _("why was it not posted? Reply to this message.")
        )
        hint = _("https://… or 19:31") if press.done else _("Reason")
        try:
            await doing.require_open(self._service, person, press.task)
        except AlertbotError as error:
            await self._speaker.pop(query, str(error))
            return
        asked = await self._speaker.ask(query, person.name, f"{MARK} {{name}}: {sentence}", hint)
        if asked is not None:
            until = self._service.now + ANSWER_WITHIN
            self._questions.add(PendingQuestion(*asked, query.from_user.id, press, until))
        await self._speaker.pop(query, _("Answer in a reply to my message."))

    async def _given(self, question: PendingQuestion, text: str) -> str:
        """What follows from the answer to a question."""
        person = await accounts.of_user(self._service, str(question.user))
        if person is None:
            return wording.how_to_link()
        press = question.press
        if isinstance(press, Press):
            return await self._sent_away(person, press, text)
        said = doing.read(text) if press.done else HandAnswer(why_not=text[:LONGEST_REASON])
        try:
            view = await doing.answer(
                self._service, person, press.task, replace(said, way=self._way.name)
            )
        except AlertbotError as error:
            return _("{error} Press the button again.").format(error=error)
        return _("{alert}, {place}: {outcome}").format(
            alert=view.task.alert, place=view.place, outcome=view.task.outcome
        )

    async def _sent_away(self, person: Person, press: Press, text: str) -> str:
        try:
            view = await buttons.send_away(
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
            return _("{id} went back to {author}.").format(id=view.id, author=view.author)
        return _("{id} is rejected; it will never go out.").format(id=view.id)

    async def _show_outcome(self, query: "CallbackQuery", press: Press) -> None:
        """Show the outcome in the message under the button, whichever copy it is; the queue knows only
        the last one."""
        outcome = await buttons.outcome(self._service, press.alert, press.digest)
        if outcome is not None and query.message is not None:
            caption = wording.settled(outcome, press.digest)
            await self._speaker.settle(query.message.chat.id, query.message.message_id, caption)


def _is_question(message: "Message") -> bool:
    sender = message.from_user
    return sender is not None and sender.is_bot and (message.text or "").startswith(MARK)


async def _failed(_update: object, context: Any) -> None:
    """Log an error in handling an update, without the update's content."""
    error = context.error
    log.error("telegram: %s: %s", type(error).__name__, safe(str(error)))
