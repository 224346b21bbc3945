"""Who may use the sandbox, and under which names it speaks: fictional accounts with fixed keys.

The keys are no secrets: they open nothing but a sandbox. They are fixed so that an example
configuration works with any sandbox.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class XAccount:
    """The one X user of the sandbox and the keys of its application."""

    consumer_key: str = "sandbox-consumer-key"
    consumer_secret: str = "sandbox-consumer-secret"  # noqa: S105
    access_token: str = "1400000000000000001-sandbox-access-token"  # noqa: S105
    access_token_secret: str = "sandbox-access-token-secret"  # noqa: S105
    bearer_token: str = "sandbox-user-token"  # noqa: S105
    id: str = "1400000000000000001"
    username: str = "sandbox"
    name: str = "Sandbox"
    self_replies: bool = True  # False: every reply is refused, as for an account nobody summoned


@dataclass(frozen=True, slots=True)
class Chat:
    """A Telegram chat the bot is in. `type`: private, group, supergroup or channel."""

    id: int
    type: str
    title: str
    username: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The chat as the Bot API writes it."""
        answer: dict[str, Any] = {"id": self.id, "type": self.type}
        answer["first_name" if self.type == "private" else "title"] = self.title
        if self.username:
            answer["username"] = self.username
        return answer


@dataclass(frozen=True, slots=True)
class TelegramAccount:
    """The one bot of the sandbox.

    `chats` None: every well-formed address is a chat the bot may write to (`@name` and `-100…` a
    channel, another negative number a group, a positive one a person). Else only those given exist.
    """

    token: str = "1400000001:sandbox-bot-token-for-rehearsals-only"  # noqa: S105
    name: str = "Sandbox"
    username: str = "sandbox_bot"
    chats: tuple[Chat, ...] | None = None

    @property
    def id(self) -> int:
        return int(self.token.partition(":")[0])


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """The mail server's demands. With a `username`, mail is taken only after a login."""

    username: str | None = None
    password: str = ""
