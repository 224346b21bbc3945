"""The one place that turns a configuration into the parts that work: `build(path) -> App`.

Imports stay inside the functions, so that a preview without a configuration loads none of this.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from alertbot.channels import specs
from alertbot.errors import ConfigInvalid
from alertbot.model import Channel, Organisation, Target
from alertbot.service.voice import Voice

if TYPE_CHECKING:
    from alertbot.approval.duty import Duty
    from alertbot.approval.link_keys import Key
    from alertbot.channels.base import Adapter
    from alertbot.config import ChannelSettings, Config, WithSecrets
    from alertbot.service.calling import Way
    from alertbot.service.context import Context, Reach, Watch
    from alertbot.settings.approvals_by import MailApprovals
    from alertbot.settings.watching import GroupSettings, ServiceSettings
    from alertbot.teambot.way import TelegramWay
    from alertbot.teambot.webhook import Hook

UNCONFIGURED = Organisation(
    name="Organisation",
    languages=("fr", "en"),
    timezone="Europe/Paris",
    verification_page="https://www.example.org/alert",
    sandbox=True,
)


def unconfigured_voice() -> Voice:
    """Who speaks where there is no configuration: one X, one Telegram and one mail channel, fr and en."""
    from alertbot.compose.catalogue import shipped

    languages = UNCONFIGURED.languages
    readers = tuple(Target(f"reader-{lang}@example.org", lang) for lang in languages)
    targets = {"x": (Target("x"),), "telegram": (Target("@example"),), "email": readers}
    channels = {
        name: Channel(
            name, specs.SHIPPED[name], languages, targets=places, pace=specs.SHIPPED[name].pace
        )
        for name, places in targets.items()
    }
    return Voice(UNCONFIGURED, channels, (shipped(),))


def voice_for(named: Path | None, path: Path) -> Voice:
    """Who speaks: as configured where a configuration was named or lies at `path`, else a default voice.

    Raises `ConfigInvalid` for a configuration that is named and missing, or is wrong.
    """
    if named is None and not path.exists():
        return unconfigured_voice()
    return build(path).voice


@dataclass
class App:
    """A configured alertbot. Adapters and the database are made when first asked for."""

    config: "Config"
    voice: Voice
    path: Path
    _context: "Context | None" = None
    _adapters: "dict[str, Adapter[Any]]" = field(default_factory=dict)
    _letters: "Adapter[Any] | None" = None  # for links to approve
    _team_bot: "TelegramWay | None" = None

    async def open(self, *, reading: bool = False) -> "Context":
        """The service's context, with the database open: migrated, unless it is only to be read. Raises
        `StoreFailed`."""
        if self._context is None:
            from alertbot.service.context import Context
            from alertbot.store.database import Database

            url = self.config.database_url
            database = await (Database.open_to_read(url) if reading else Database.open(url))
            self._context = Context(
                self.voice,
                database,
                self.config.publish_delay,
                warn_before=self.config.numbers.warn_before,
                reach=reach_of(self.config),
                watch=self.watch,
            )
        return self._context

    @property
    def watch(self) -> "Watch":
        """What is watched, as configured."""
        return watch_of(self.config)

    def ways(self, service: "Context") -> "tuple[Way, ...]":
        """What asks approvers, as configured; no network, library or secret is touched."""
        mail = self.mail_approvals
        found: list[Way | None] = [self._telegram_way(service)]
        found += [None if mail is None else self._mail_way(service, mail)]
        return tuple(way for way in found if way is not None)

    def _telegram_way(self, service: "Context") -> "TelegramWay | None":
        by = self.config.approvals_by
        if by is None or by.telegram is None:
            return None
        from alertbot.teambot.way import TelegramWay

        if self._team_bot is None:
            self._team_bot = TelegramWay(service, by.telegram)
        return self._team_bot

    def hook(self, service: "Context") -> "Hook | None":
        """Where Telegram calls the team's bot; None where it does not."""
        way = self._telegram_way(service)
        return None if way is None else way.hook

    @property
    def mail_approvals(self) -> "MailApprovals | None":
        """How approvers are asked by mail; None where they are not."""
        by = self.config.approvals_by
        return None if by is None else by.mail

    def link_key(self) -> "Key | None":
        """What links to approve are derived from, where they are configured; reads the secret now.
        Raises `ConfigInvalid`."""
        mail = self.mail_approvals
        return None if mail is None else _key_of(mail)

    def _mail_way(self, service: "Context", mail: "MailApprovals") -> "Way":
        """Letters go as a mail channel's settings say, but not as its mails: nobody unsubscribes from
        being asked."""
        from alertbot.channels.directory import adapter_types
        from alertbot.service.mail_way import MailWay

        if self._letters is None:
            settings = self.config.channels[mail.channel].model_copy(update={"unsubscribe": None})
            adapter_type = adapter_types()[settings.type]
            self._letters = adapter_type(self.voice.channels[mail.channel], settings)
        return MailWay(service, self._letters, mail.base_url, lambda: _key_of(mail))

    def adapters(self) -> "Mapping[str, Adapter[Any]]":
        """One adapter per configured channel; no network, library or secret is touched."""
        if not self._adapters:
            from alertbot.channels.directory import adapter_types

            types = adapter_types()
            self._adapters = {
                name: types[settings.type](self.voice.channels[name], settings)
                for name, settings in self.config.channels.items()
            }
        return self._adapters

    def approver_settings(self) -> "Iterator[tuple[tuple[str, ...], WithSecrets]]":
        """The settings, with their place, of every way to ask approvers."""
        from alertbot import config

        return config.sections(self.config.approvals_by)

    async def close(self) -> None:
        import asyncio  # a preview starts without it

        adapters = [one for one in (*self._adapters.values(), self._letters) if one is not None]
        await asyncio.gather(
            *(adapter.close() for adapter in adapters)
        )  # none waits for another's peer
        if self._team_bot is not None:
            await self._team_bot.shut()
        if self._context is not None:
            await self._context.database.close()


def build(path: Path) -> App:
    """Read the configuration and wire the parts. Raises `ConfigInvalid` with every fault at once."""
    from alertbot import config
    from alertbot.channels.directory import adapter_types

    types = adapter_types()
    read = config.read(
        path,
        {name: adapter.settings_type for name, adapter in types.items()},
        {name: adapter.spec for name, adapter in types.items()},
    )
    channels = {name: _channel(read, name, types) for name in read.channels}
    return App(read, _voice(read, channels), path)


def build_partly(path: Path) -> tuple[App, tuple[str, ...] | None]:
    """What works under this configuration even where some of it is wrong, and the names of the sections that
    are left out (None: it is whole). To look, to stop and to go on; what it makes must not publish. Raises `ConfigInvalid` where
    it does not say where the database is."""
    from alertbot import config
    from alertbot.channels.directory import adapter_types

    try:
        return build(path), None
    except ConfigInvalid:
        types = adapter_types()
    read, missing = config.read_partly(path, _settings_types(types))
    channels, without = {}, set(missing)
    for name in read.channels:
        try:
            channels[name] = _channel(read, name, types)
        except ConfigInvalid:  # its recipients cannot be read
            without.add(f"channels.{name}")
    return App(read, _voice(read, channels), path), tuple(sorted(without))


def _settings_types(types: "Mapping[str, type[Adapter[Any]]]") -> "dict[str, type[ChannelSettings]]":
    """The settings of every type of channel that can be loaded."""
    found = {}
    for name in types:
        try:
            found[name] = types[name].settings_type
        except ConfigInvalid:  # a package that is broken
            continue
    return found


def _channel(read: "Config", name: str, types: "Mapping[str, type[Adapter[Any]]]") -> Channel:
    from alertbot import config

    settings = read.channels[name]
    return config.channel_of(
        name,
        settings,
        types[settings.type].spec,
        types[settings.type].targets(settings),
        organisation=config.organisation_of(read),
    )


def _key_of(mail: "MailApprovals") -> "Key":
    from alertbot.approval.link_keys import Key

    return Key.of(mail.secret("secret"))


def reach_of(read: "Config") -> "Reach":
    """How approvers are asked under this configuration."""
    from alertbot.service.context import Reach

    by = read.approvals_by
    ways = tuple(name for name in ("telegram", "mail") if by and getattr(by, name) is not None)
    chat = by.telegram.chat if by and by.telegram else None
    return Reach(ways, {} if chat is None else {"telegram": str(chat)}, _duty(read))


def watch_of(read: "Config") -> "Watch":
    """What is watched under this configuration, and what is written when a state changes."""
    from alertbot import watched
    from alertbot.incident.grouping import Group
    from alertbot.incident.policy import Policy
    from alertbot.service.context import Watch

    zone, watch = ZoneInfo(read.organisation.timezone), read.watch
    policy = watched.policy_of(Policy(zone=zone), watch.policy)
    named: dict[str, ServiceSettings | GroupSettings] = {**watch.services, **watch.groups}
    return Watch(
        policy=policy,
        policies={name: watched.policy_of(policy, one.policy) for name, one in named.items()},
        groups={name: Group(name, one.members, one.parent) for name, one in watch.groups.items()},
        titles={name: watched.texts_of(one.title) for name, one in named.items()},
        rules=tuple(watched.rule_of(name, one) for name, one in read.rules.items()),
        remind_before=read.promises.remind_before,
        silent_after={name: one.silent_after for name, one in read.sources.items() if one.silent_after},
    )


def _duty(read: "Config") -> "Duty | None":
    from alertbot.approval.duty import Duty, Shift
    from alertbot.settings.approvals_by import DAYS

    given = read.duty
    if given is None:
        return None
    shifts = tuple(
        Shift(one.person, one.start, one.end, frozenset(map(DAYS.index, one.days)))
        for one in given.shifts
    )
    zone = ZoneInfo(read.organisation.timezone)
    return Duty(given.answer_within, zone, shifts, given.deputies)


def _voice(read: "Config", channels: Mapping[str, Channel]) -> Voice:
    from alertbot import config
    from alertbot.approval.policy import Override
    from alertbot.compose.catalogue import shipped

    folders = tuple(filter(None, (shipped(), read.messages_folder)))
    overrides = {
        kind: Override(rule.approvers, rule.expires_after) for kind, rule in read.approvals.items()
    }
    return Voice(config.organisation_of(read), channels, folders, overrides)
