"""The configuration as people look at it: every value and where it comes from, never a secret; the rule of approval of
each kind; what each channel reaches; the digests of the files that decide what is said; and what `check` finds."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from alertbot.app import App, build
from alertbot.config import reading
from alertbot.config.faults import node_at
from alertbot.config.secrets import WithSecrets
from alertbot.config.shapes import duration_text
from alertbot.config.yaml_reader import Node, parse
from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.model import Audience
from alertbot.core.words import _
from alertbot.ops.check import check_all
from alertbot.ops.views import ConfigCheckView
from alertbot.regions.facts import in_force
from alertbot.texts.kinds import catalogue
from alertbot.texts.kinds.kind_spec import in_words
from alertbot.texts.kinds.layers import fingerprint
from alertbot.texts.publisher import effective

MOST_ENTRIES = 5  # of a list that are written out
LONGEST_VALUE = 200
DIGITS = 16  # of a digest


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One value. `origin`: where it comes from, in words."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """`reaches`: whom, in words."""

    name: str
    type: str
    audience: Audience
    reaches: str
    languages: tuple[str, ...]
    targets: int


@dataclass(frozen=True, slots=True)
class KindLine:
    """What a kind of alert takes, and the digest of its files."""

    name: str
    title: str
    approvers: int
    expires_after: timedelta
    author_may_approve: bool
    digest: str


@dataclass(frozen=True, slots=True)
class SettingsView:
    """`region`: the code and the digest of the country pack."""

    path: str
    sandbox: bool
    channels: tuple[ChannelLine, ...]
    kinds: tuple[KindLine, ...]
    region: tuple[str, str]
    lines: tuple[SettingLine, ...]


@dataclass(frozen=True)
class SettingsOf:
    """The settings of one application."""

    app: App

    def shown(self) -> SettingsView:
        """As the application runs with them."""
        config = self.app.config
        return SettingsView(
            path=str(self.app.path),
            sandbox=config.organisation.sandbox,
            channels=tuple(_channels(self.app)),
            kinds=tuple(_kinds(self.app)),
            region=(in_force().code, in_force().fingerprint[:DIGITS]),
            lines=tuple(_lines(config, (), _root(self.app.path), self.app.path.name)),
        )

    def check(self) -> ConfigCheckView:
        """What `check` finds in the file as it is now; takes seconds, for a thread of its own. Raises
        `ConfigInvalid`."""
        return asyncio.run(_check(self.app.path))


async def _check(path: Path) -> ConfigCheckView:
    app = build(path)
    try:
        return await check_all(app, online=False)
    finally:
        await app.close()


def _channels(app: App) -> Iterator[ChannelLine]:
    sandbox = app.config.organisation.sandbox
    for name, one in app.publisher.channels.items():
        words = {
            Audience.LIVE: _("nobody: a rehearsal") if sandbox else _("THE PUBLIC"),
            Audience.EXERCISE: _("those who take part in exercises"),
            Audience.TEAM: _("the team"),
            Audience.RELAY: _("those who answer the public"),
        }
        said = words.get(one.audience, str(one.audience))
        yield ChannelLine(name, one.type, one.audience, said, one.languages, len(one.targets))


def _kinds(app: App) -> Iterator[KindLine]:
    publisher = app.publisher
    for kind in catalogue.load(*publisher.folders):
        asked = effective(kind.approvals, publisher.overrides.get(kind.name))
        yield KindLine(
            kind.name,
            in_words(kind.title),
            asked.approvers,
            asked.expires_after,
            asked.author_may_approve,
            fingerprint(kind.name, *publisher.folders)[:DIGITS],
        )


def _root(path: Path) -> Node | None:
    """The file as it is now; None if it cannot be read any more."""
    try:
        return parse(reading.content(path).decode("utf-8-sig", "replace")).root
    except AlertbotError:
        return None


def _lines(
    model: BaseModel, path: tuple[str, ...], root: Node | None, file: str
) -> Iterator[SettingLine]:
    """Every value under `path`, one a line."""
    hidden = {key for one in getattr(model, "secrets", ()) for key in one.keys}
    for name in type(model).model_fields:
        value, here = getattr(model, name), (*path, name)
        if name in hidden:
            continue
        if isinstance(value, BaseModel):
            yield from _lines(value, here, root, file)
        elif isinstance(value, Mapping) and any(isinstance(one, BaseModel) for one in value.values()):
            for key, one in value.items():
                yield from _lines(one, (*here, str(key)), root, file)
        elif value is not None:
            given = name in model.model_fields_set
            yield SettingLine(".".join(here), _told(value), _origin(here, root, file, given=given))
    if isinstance(model, WithSecrets):
        yield from _secrets(model, path)


def _origin(path: tuple[str, ...], root: Node | None, file: str, *, given: bool) -> str:
    node = node_at(root, path) if root is not None and given else None
    if node is not None:
        return _("{file}, line {n}").format(file=file, n=node.mark.line)
    return file if given else _("default")


def _secrets(model: WithSecrets, path: tuple[str, ...]) -> Iterator[SettingLine]:
    """That a secret is there, and where it is read; never its value."""
    for secret in model.secrets:
        if not model.has_secret(secret.name):
            continue
        variable, file = (getattr(model, key) for key in secret.keys)
        origin = (
            _("the environment variable {name}").format(name=variable)
            if variable
            else _("the file {name}").format(name=file)
        )
        value = _("set; not shown") if model.told(secret.name) else _("MISSING")
        yield SettingLine(".".join((*path, secret.name)), value, origin)


def _told(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(one, BaseModel) for one in value) or len(value) > MOST_ENTRIES:
            return _("{n} entries").format(n=len(value))
        return ", ".join(map(str, value)) or "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {one}" for key, one in value.items())[:LONGEST_VALUE] or "–"
    return str(value)[:LONGEST_VALUE]
