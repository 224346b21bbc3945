"""How an account on Bluesky is configured."""

from typing import ClassVar, Literal

from pydantic import Field

from alertbot.config.channel import NetworkSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, ServerRoot, Variable
from alertbot.core.words import _


class BlueskySettings(NetworkSettings):
    """An account on Bluesky, by an app password."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("app_password", about=_("An app password, made in the settings of the account.")),
    )

    type: Literal["bluesky"] = Field(default="bluesky", description="An account on Bluesky.")
    api_url: ServerRoot = Field(
        default="https://bsky.social",
        description="The server that holds the account.",
        examples=["http://127.0.0.1:8103"],
    )
    account: str = Field(
        pattern=r"^@?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
        max_length=253,
        description="The handle. Your own domain as a handle proves to readers whose account it is.",
        examples=["alertes.example.fr"],
    )
    app_password_env: Variable | None = None
    app_password_file: FilePath | None = None

    @property
    def handle(self) -> str:
        """As it stands in addresses."""
        return self.account.removeprefix("@").lower()
