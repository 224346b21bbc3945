"""How a chat on Telegram is configured."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from alertbot.config import ChannelSettings, FilePath, Secret, ServerRoot, SomeDuration, Variable
from alertbot.words import _

ChatName = Annotated[str, Field(pattern=r"^(@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,19})$")]


class TelegramSettings(ChannelSettings):
    """A bot that writes to one chat, group or channel."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("bot_token", about=_("The token that @BotFather gave for the bot.")),
    )

    type: Literal["telegram"] = Field(default="telegram", description="A chat on Telegram.")
    api_url: ServerRoot = Field(
        default="https://api.telegram.org",
        description="The root of the Bot API.",
        examples=["http://127.0.0.1:8102"],
    )
    bot_token_env: Variable | None = None
    bot_token_file: FilePath | None = None
    chat: int | ChatName = Field(
        description="@name of a public channel or group, or the number of a chat.",
        examples=["@alertes_exemple", -1001234567890],
    )
    connect_within: SomeDuration = timedelta(seconds=5)
    answer_within: SomeDuration = timedelta(seconds=30)
