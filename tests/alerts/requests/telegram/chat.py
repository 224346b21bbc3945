"""A team whose bot runs against a sandbox: people write and press, and what the chats show is looked at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from alertbot.alerts.requests import queue
from alertbot.alerts.requests.telegram.bot import TelegramWay
from alertbot.alerts.requests.telegram.listening import listen
from alertbot.config.approvers import TelegramApprovals
from alertbot.core.model import Channel
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts
from alertbot.people.context import RequestSettings
from alertbot.people.rules import Duty
from alertbot.rehearsal.sandbox.accounts import TelegramPost
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.team import CHANNELS, Team, gather

GROUP = -42001  # to the sandbox a group; those below -100… are channels
USERS = {"ada": 5200000001, "bo": 5200000002, "cy": 5200000003}
STRANGER = 5200000099
PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.02


@dataclass
class Chat:
    """The team, the sandbox and the way between them."""

    team: Team
    sandbox: Sandbox
    way: TelegramWay
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def link(self, *names: str) -> None:
        """As by the bot, but faster."""
        for name in names:
            made = await accounts.link(self.team.service, self.team.people[name], name)
            assert await accounts.redeem(self.team.service, made.code, str(USERS[name]))

    async def ask(self) -> None:
        await queue.attend(self.team.service, (self.way,))

    def posts(self, chat: int = GROUP) -> list[TelegramPost]:
        return [post for post in self.sandbox.posts.telegram() if post.chat == chat]

    def request(self, chat: int = GROUP) -> TelegramPost:
        """The last request in a chat."""
        return [post for post in self.posts(chat) if self.document(post) is not None][-1]

    def document(self, post: TelegramPost) -> Any:
        return self.sandbox.telegram.document(post.chat, post.message)

    def press(self, label: str, by: str | int, post: TelegramPost | None = None) -> str:
        """Somebody presses a button under a message; the number of the answer that is awaited."""
        post = post or self.request()
        data = self.sandbox.telegram.buttons(post.chat, post.message)[label]
        return self.press_data(data, by, post)

    def press_data(self, data: str, by: str | int, post: TelegramPost) -> str:
        user = USERS[by] if isinstance(by, str) else by
        return self.sandbox.telegram.press(post.chat, post.message, data, user, str(by).title())

    def say(
        self, text: str, by: str | int, chat: int | None = None, reply_to: int | None = None
    ) -> int:
        user = USERS[by] if isinstance(by, str) else by
        return self.sandbox.telegram.say(chat or user, text, user, str(by).title(), reply_to)

    async def told(self, query: str) -> str:
        """What the one who pressed was told."""
        answers = self.sandbox.telegram.answers
        await self.until(lambda: any(answer.query == query for answer in answers))
        return next(answer.text for answer in answers if answer.query == query)

    async def answered(self, chat: int, number: int) -> str:
        """The bot's next message in a chat after a message of this number."""
        await self.until(lambda: any(post.message > number for post in self.posts(chat)))
        return next(post.text for post in self.posts(chat) if post.message > number)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is true."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not true():
                await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def connected(
    database: Database,
    *,
    group: int | None = GROUP,
    duty: Duty | None = None,
    channels: tuple[Channel, ...] = CHANNELS,
    languages: tuple[str, ...] = ("en", "fr"),
    **changes: Any,
) -> AsyncIterator[Chat]:
    """A team with a bot that does not listen yet."""
    async with Sandbox(speed=1000) as sandbox:
        settings = TelegramApprovals(
            api_url=sandbox.telegram_url, bot_token_env="ALERTBOT_BOT", chat=group, **changes
        )
        settings.bind("approvals_by.telegram", settings.home, sandbox=True)
        team = await gather(database, channels)
        groups = {} if group is None else {"telegram": str(group)}
        secrets = {"telegram": partial(settings.secret, "bot_token")}
        reach = RequestSettings(("telegram",), groups, duty, secrets)
        organisation = replace(team.service.publisher.organisation, languages=languages)
        publisher = replace(team.service.publisher, organisation=organisation)
        team.service = replace(team.service, reach=reach, publisher=publisher)
        listening = partial(listen, status=partial(overview.in_words, team.service))
        way = TelegramWay(team.service, settings, listening)
        try:
            yield Chat(team, sandbox, way)
        finally:
            await way.shut()


async def _nothing(_chat: Chat) -> None:
    return


@asynccontextmanager
async def listening(
    database: Database, *, beside: Callable[[Chat], Awaitable[None]] = _nothing, **options: Any
) -> AsyncIterator[Chat]:
    """The same, and the bot listens; bo and cy are linked. `beside`: what else runs until `chat.stop`."""
    async with connected(database, **options) as chat:
        await chat.link("bo", "cy")
        pages = asyncio.ensure_future(beside(chat))
        await asyncio.sleep(0)
        hearing = asyncio.create_task(chat.way.listen(chat.stop))
        try:
            yield chat
        finally:
            chat.stop.set()
            await asyncio.gather(pages, hearing)
