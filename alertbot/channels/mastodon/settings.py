"""How an account on a Mastodon server is configured."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from alertbot.config.channel import NetworkSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, ServerRoot, Variable
from alertbot.core.model import ChannelSpec
from alertbot.core.words import _


class MastodonSettings(NetworkSettings):
    """An account on a Mastodon server, by an access token."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret(
            "access_token",
            about=_(
                "A token with the scopes read:accounts, read:statuses, write:statuses and write:media."
            ),
        ),
    )

    type: Literal["mastodon"] = Field(default="mastodon", description="An account on Mastodon.")
    api_url: ServerRoot = Field(
        description="The server.", examples=["https://social.example.org", "http://127.0.0.1:8104"]
    )
    account: str | None = Field(
        default=None,
        pattern=r"^@?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,98}[A-Za-z0-9_])?$",
        description="The account's name. `record` and `settle` take addresses of its posts only, and need it.",
        examples=["@alertes"],
    )
    most_characters: int = Field(
        default=500,
        ge=200,
        le=100_000,
        description="How long a post may be there; `check --online` asks the server.",
        examples=[1000],
    )
    visibility: Literal["public", "unlisted", "private"] = Field(
        default="public",
        description="Who sees the posts; an account for exercises may show them to its followers only (private).",
    )
    access_token_env: Variable | None = None
    access_token_file: FilePath | None = None

    def warnings(self) -> Iterator[tuple[str, str]]:
        if self.account is None:
            told = _(
                "nothing in this token says whose it is, so that an approval could not cover which account posts. Set `account:` to its name."
            )
            yield "account", told

    def narrowed(self, spec: ChannelSpec) -> ChannelSpec:
        """With this server's limit."""
        return replace(spec, limit=self.most_characters)
