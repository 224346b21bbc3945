"""Secrets: named in the configuration, never written in it: `<name>_env` or `<name>_file`.

They are read when used. In a sandbox (every address on loopback) a secret whose variable is not set has
a fixed stand-in, which only the sandbox platforms accept.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, PrivateAttr

from alertbot.config.shapes import Settings
from alertbot.core.connecting import host_of, is_loopback
from alertbot.core.errors import ConfigInvalid
from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.words import _

LONGEST_SECRET_BYTES = 65_536
READABLE_BY_OTHERS = 0o077
HANDED_IN = ("/run/credentials", "/run/secrets")
# Services that Apprise serves by a plain call to the host in the address, and nowhere else.
SANDBOX_SCHEMES = ("json://", "xml://", "form://")

# The keys that the sandbox's own accounts have (`alertbot.sandbox.accounts`).
SANDBOX_SECRETS: Mapping[str, str] = {
    "consumer_key": "sandbox-consumer-key",
    "consumer_secret": "sandbox-consumer-secret",
    "access_token": "1400000000000000001-sandbox-access-token",
    "access_token_secret": "sandbox-access-token-secret",
    "bearer_token": "sandbox-user-token",
    "bot_token": "1400000001:sandbox-bot-token-for-rehearsals-only",
    "app_password": "sandbox-app-password",
    "username": "sandbox-username",
    "password": "sandbox-password",
    "secret": "sandbox-secret-for-rehearsals-only",
    "url": "json://127.0.0.1:8100/apprise",
}


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of a channel, declared once; the fields `<name>_env` and `<name>_file` belong to it.

    `address`: its value is itself an address, which a sandbox requires to be on loopback.
    """

    name: str
    about: str = ""
    address: bool = False

    @property
    def keys(self) -> tuple[str, str]:
        return f"{self.name}_env", f"{self.name}_file"


def _schema_of_secrets(schema: dict[str, Json], settings: type["WithSecrets"]) -> None:
    """The rules about secrets in JSON Schema, for editors: never both forms, and one of the sets."""

    def named(secret: Secret) -> dict[str, Json]:
        return {"oneOf": [{"required": [key]} for key in secret.keys]}

    if not settings.secrets:
        return
    by_name = {secret.name: secret for secret in settings.secrets}
    schema["allOf"] = [{"not": {"required": list(secret.keys)}} for secret in settings.secrets]
    schema["anyOf"] = [
        {"allOf": [named(by_name[name]) for name in names]} if names else {}
        for names in settings.secret_sets or (tuple(by_name),)
    ]


class WithSecrets(Settings):
    """Settings that name secrets.

    `secrets` declares them; `secret_sets` says which belong together: the file gives exactly one of the
    sets, completely. An empty set among them means that none is also fine; without sets, all of
    `secrets` are needed.
    """

    model_config = ConfigDict(json_schema_extra=_schema_of_secrets)

    secrets: ClassVar[tuple[Secret, ...]] = ()
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = ()

    _place: str = PrivateAttr(default="")
    _folder: Path = PrivateAttr(default_factory=Path)
    _sandbox: bool = PrivateAttr(default=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for secret in cls.secrets:
            if absent := [key for key in secret.keys if key not in cls.model_fields]:
                raise TypeError(f"{cls.__name__} declares the secret {secret.name} but no {absent[0]}")
            cls._describe(secret)

    @classmethod
    def _describe(cls, secret: Secret) -> None:
        told = (
            _("The environment variable that holds {name}.").format(name=secret.name),
            _("The file that holds only {name}, on one line.").format(name=secret.name),
        )
        for key, sentence in zip(secret.keys, told, strict=True):
            field = cls.model_fields[key]
            field.description = field.description or f"{sentence} {secret.about}".strip()

    def bind(self, place: str, folder: Path, *, sandbox: bool = False) -> None:
        """Set where these settings are (`channels.x_main`), what relative paths start from, and whether
        stand-ins may be used. Called once by `read`."""
        self._place, self._folder, self._sandbox = place, folder, sandbox

    @property
    def home(self) -> Path:
        """What relative paths start from: the folder of the configuration file."""
        return self._folder

    def addresses(self) -> tuple[str, ...] | None:
        """Every server these settings lead to, as hosts or URLs, without those in a secret (checked when
        it is read). None: unknown, or a public platform. Override it if the settings have neither
        `api_url` nor `host`."""
        keys = [key for key in ("api_url", "host") if key in type(self).model_fields]
        found = tuple(str(value) for key in keys if (value := getattr(self, key)))
        known = keys or any(secret.address for secret in self.secrets)
        return found if known and len(found) == len(keys) else None

    def on_loopback(self) -> bool:
        """Whether these settings certainly lead only to this machine."""
        addresses = self.addresses()
        return addresses is not None and all(is_loopback(address) for address in addresses)

    def has_secret(self, name: str) -> bool:
        """Whether the file names this secret; its value is not read."""
        return any(getattr(self, key) is not None for key in (f"{name}_env", f"{name}_file"))

    def secret(self, name: str) -> str:
        """The value of a secret, read now. Raises `ConfigInvalid`, naming the variable or the file, if
        it cannot be read."""
        declared = next(secret for secret in self.secrets if secret.name == name)
        value = self._value(name)
        if self._sandbox and declared.address and not _safe_in_sandbox(value):
            raise ConfigInvalid(
                _("{place}: {name} points to {host}, which a sandbox must not contact. Use"
" json://127.0.0.1:PORT/ or remove `sandbox: true`.").format(
                    place=self._place, name=name, host=_shown_host(value)
                )
            )  # fmt: skip
        return value

    def told(self, name: str) -> str:
        """The value of a secret, or "" where it is not configured or cannot be read here."""
        try:
            return self.secret(name) if self.has_secret(name) else ""
        except ConfigInvalid:
            return ""

    def missing_secrets(self) -> list[str]:
        """One sentence for every named secret that cannot be read."""
        return list(self._unreadable())

    def exposed_secrets(self) -> list[str]:
        """One sentence for every secret file that other users of the machine can read. Files passed in
        by systemd or a container engine are not checked: nobody else sees them."""
        files = [path for path in map(self._file, self._names()) if path and not _handed_in(path)]
        return [
            _("{place}: other users can read {file}; run `chmod 600 {file}`.").format(
                place=self._place, file=path
            )
            for path in files
            if path.is_file() and path.stat().st_mode & READABLE_BY_OTHERS
        ]

    def _names(self) -> list[str]:
        return [secret.name for secret in self.secrets if self.has_secret(secret.name)]

    def _unreadable(self) -> Iterator[str]:
        for name in self._names():
            try:
                self.secret(name)
            except ConfigInvalid as fault:
                yield str(fault)

    def _file(self, name: str) -> Path | None:
        path: Path | None = getattr(self, f"{name}_file")
        return None if path is None else self._folder / path.expanduser()

    def _value(self, name: str) -> str:
        path = self._file(name)
        if path is not None:
            return self._from_file(name, path)
        variable: str | None = getattr(self, f"{name}_env")
        if variable is None:
            raise self._missing(_("{name} is not configured.").format(name=name))
        value = os.environ.get(variable, "").strip()
        if value:
            return value
        if self._sandbox and self.on_loopback() and name in SANDBOX_SECRETS:
            return SANDBOX_SECRETS[name]
        raise self._missing(
            _("the environment variable {variable} ({name}) is not set.").format(
                variable=variable, name=name
            )
        )

    def _from_file(self, name: str, path: Path) -> str:
        try:
            with path.open("rb") as file:
                value = file.read(LONGEST_SECRET_BYTES).decode().strip()
        except OSError as error:
            raise self._missing(
                _("the file {file} ({name}) cannot be read: {why}.").format(
                    file=path, name=name, why=error.strerror
                )
            ) from None
        except UnicodeDecodeError:
            raise self._missing(
                _("the file {file} ({name}) is not text.").format(file=path, name=name)
            ) from None
        if not value or len(value.splitlines()) > 1:
            raise self._missing(
                _("the file {file} ({name}) must contain one line, the secret.").format(
                    file=path, name=name
                )
            )
        return value

    def _missing(self, sentence: str) -> ConfigInvalid:
        return ConfigInvalid(f"{self._place}: {sentence}" if self._place else sentence)


def _handed_in(path: Path) -> bool:
    return any(path.is_relative_to(place) for place in HANDED_IN)


def _safe_in_sandbox(address: str) -> bool:
    return address.startswith(SANDBOX_SCHEMES) and is_loopback(address)


def _shown_host(address: str) -> str:
    """The host, if it is not secret: Apprise addresses may carry tokens there."""
    return (
        host_of(address)
        if address.startswith(SANDBOX_SCHEMES)
        else address.partition("://")[0] + "://…"
    )
