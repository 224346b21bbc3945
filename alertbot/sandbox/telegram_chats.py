"""The chats a sandbox bot may write to, and how fast Telegram lets it."""

import re
import zlib

from alertbot.sandbox.accounts import Chat, TelegramAccount
from alertbot.sandbox.limits import Spacing, Timer

USERNAME = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}")
CHANNEL_IDS_BELOW = -1_000_000_000_000
PER_SECOND, CHAT_BURST = 30, 5
GROUP_PER_MINUTE = 20


class Chats:
    """Finds chats by number or `@name`."""

    def __init__(self, account: TelegramAccount) -> None:
        self._given = account.chats
        self._known: dict[str, Chat] = {}
        for chat in account.chats or ():
            self._remember(chat)

    def _remember(self, chat: Chat) -> Chat:
        self._known[str(chat.id)] = chat
        if chat.username:
            self._known["@" + chat.username.lower()] = chat
        return chat

    def find(self, address: str) -> Chat | None:
        """The chat at an address, None where there is none."""
        found = self._known.get(address.lower())
        if found is not None or self._given is not None:
            return found
        if USERNAME.fullmatch(address):
            number = CHANNEL_IDS_BELOW - 1_000_000_000 - zlib.crc32(address.lower().encode()) % 10**9
            return self._remember(Chat(number, "channel", address[1:], address[1:]))
        if not re.fullmatch(r"-?[1-9]\d{0,15}", address):
            return None
        number = int(address)
        kind = "private" if number > 0 else "channel" if number < CHANNEL_IDS_BELOW else "group"
        return self._remember(Chat(number, kind, f"{kind} {number}"))


class Flood:
    """One call a second to a chat (a short burst is tolerated), 30 a second in all, and 20 a minute
    to a group."""

    def __init__(self, timer: Timer, speed: float) -> None:
        self._timer, self._speed = timer, speed
        self._all = Spacing(1 / PER_SECOND / speed, PER_SECOND)
        self._chats: dict[int, list[Spacing]] = {}

    def wait(self, chat: Chat) -> float:
        """Seconds to wait before this chat may be written to; 0 when the call was counted."""
        now = self._timer()
        spacings = [self._all, *self._of(chat)]
        wait = max(spacing.wait(now) for spacing in spacings)
        if wait <= 0:
            for spacing in spacings:
                spacing.use(now)
        return wait

    def _of(self, chat: Chat) -> list[Spacing]:
        if chat.id not in self._chats:
            spacings = [Spacing(1 / self._speed, CHAT_BURST)]
            if chat.type in ("group", "supergroup"):
                spacings.append(Spacing(60 / GROUP_PER_MINUTE / self._speed, GROUP_PER_MINUTE))
            self._chats[chat.id] = spacings
        return self._chats[chat.id]
