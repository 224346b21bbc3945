"""How an account on X is configured."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from alertbot.config.channel import NetworkSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, ServerRoot, Variable
from alertbot.core.words import _

OAUTH1 = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")


class XSettings(NetworkSettings):
    """An account on X: four OAuth 1.0a secrets, or an OAuth 2.0 user token alone (it lapses)."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        *(Secret(name) for name in OAUTH1),
        Secret("bearer_token", about=_("An OAuth 2.0 user token; it expires after two hours.")),
    )
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = (OAUTH1, ("bearer_token",))

    type: Literal["x"] = Field(default="x", description="An account on X.")
    api_url: ServerRoot = Field(
        default="https://api.twitter.com",
        description="The root of X's API; https://api.x.com is the same service.",
        examples=["http://127.0.0.1:8101"],
    )
    account: str | None = Field(
        default=None,
        pattern=r"^@?[A-Za-z0-9_]{1,15}$",
        description="The account's name. `record` and `settle` take addresses of its posts only, and need it.",
        examples=["@alertes_exemple"],
    )
    consumer_key_env: Variable | None = None
    consumer_key_file: FilePath | None = None
    consumer_secret_env: Variable | None = None
    consumer_secret_file: FilePath | None = None
    access_token_env: Variable | None = None
    access_token_file: FilePath | None = None
    access_token_secret_env: Variable | None = None
    access_token_secret_file: FilePath | None = None
    bearer_token_env: Variable | None = None
    bearer_token_file: FilePath | None = None

    def warnings(self) -> Iterator[tuple[str, str]]:
        if self.has_secret("bearer_token"):
            told = _("this token expires, usually after two hours; the four OAuth 1.0a secrets do not.")
            yield "bearer_token_env", told
            if self.account is None:
                told = _(
                    "nothing in this token says whose it is, so that an approval could not cover which account posts. Set `account:` to its name."
                )
                yield "account", told
