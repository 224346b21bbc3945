"""Settings of four made-up types of channel, shaped like the shipped ones."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from alertbot.config.channel import ChannelSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, Port, ServerRoot, Settings, Variable


class MicroblogSettings(ChannelSettings):
    """An account that takes four keys, or one token."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("consumer_key"),
        Secret("consumer_secret"),
        Secret("bearer_token"),
    )
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("consumer_key", "consumer_secret"),
        ("bearer_token",),
    )
    api_url: ServerRoot = "https://api.example.com"
    consumer_key_env: Variable | None = None
    consumer_key_file: FilePath | None = None
    consumer_secret_env: Variable | None = None
    consumer_secret_file: FilePath | None = None
    bearer_token_env: Variable | None = None
    bearer_token_file: FilePath | None = None


class ChatSettings(ChannelSettings):
    """A bot that posts to one chat."""

    secrets: ClassVar[tuple[Secret, ...]] = (Secret("bot_token"),)
    api_url: ServerRoot | None = None
    chat: str | int = Field(description="Where to post.", examples=["@example_alerts"])
    bot_token_env: Variable | None = None
    bot_token_file: FilePath | None = None


class Recipient(Settings):
    """One mailbox."""

    address: str
    lang: str | None = None


class MailSettings(ChannelSettings):
    """A mail server."""

    secrets: ClassVar[tuple[Secret, ...]] = (Secret("username"), Secret("password"))
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = ((), ("username", "password"))
    host: str
    port: Port = 25
    security: Literal["none", "starttls", "tls"] = "starttls"
    recipients: tuple[Recipient, ...] | FilePath
    username_env: Variable | None = None
    username_file: FilePath | None = None
    password_env: Variable | None = None
    password_file: FilePath | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.security == "none" and not self.on_loopback():
            yield "security", "plain text is for 127.0.0.1 only"


class ServiceSettings(ChannelSettings):
    """Anything whose address is a secret."""

    secrets: ClassVar[tuple[Secret, ...]] = (Secret("url", address=True),)
    url_env: Variable | None = None
    url_file: FilePath | None = None


class ScreenSettings(ChannelSettings):
    """The terminal."""

    def addresses(self) -> tuple[str, ...]:
        return ()


TYPES: dict[str, type[ChannelSettings]] = {
    "microblog": MicroblogSettings,
    "chat": ChatSettings,
    "mail": MailSettings,
    "service": ServiceSettings,
    "screen": ScreenSettings,
}
