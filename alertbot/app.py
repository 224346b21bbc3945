"""Builds the application: turns a configuration into the parts that do the work, `build(path) -> App`.

Anything that needs the database, or a library of one way to ask approvers, is imported where it is
created, so that commands that only read the configuration start without it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from alertbot.channels.directory import adapter_types, settings_types, specs
from alertbot.config import approvers, channel, partly, reading, region_pack, root
from alertbot.config.approvers import DAYS
from alertbot.config.watching import ConfirmSettings, MaintenanceSettings, PolicySettings, RuleSettings
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Channel
from alertbot.people.context import RequestSettings
from alertbot.people.rules import Duty, Shift
from alertbot.regions import facts, packs
from alertbot.regions.region import Region
from alertbot.texts.kinds.layers import shipped
from alertbot.texts.publisher import Override, Publisher
from alertbot.texts.wording import language
from alertbot.watch.rules_rule import Confirmation, Flapping, Policy, Rule, RuleMode, Transition, Window
from alertbot.watch.rules_signals import SignalGroup

if TYPE_CHECKING:
    from alertbot.alerts.requests.links import Key
    from alertbot.alerts.requests.queue import Way
    from alertbot.alerts.requests.telegram.bot import TelegramWay
    from alertbot.alerts.requests.telegram.webhook import Hook
    from alertbot.channels.base import Adapter
    from alertbot.channels.email.mailbox import ReturnsPlace
    from alertbot.channels.email.tokens import RecipientSeal
    from alertbot.config.approvers import MailApprovals
    from alertbot.config.channel import ChannelSettings
    from alertbot.config.root import Config
    from alertbot.config.secrets import WithSecrets
    from alertbot.config.watching import GroupSettings, ServiceSettings
    from alertbot.watch.context import Watch, WatchContext


@dataclass
class App:
    """A configured alertbot. Adapters and the database are created on first use."""

    config: "Config"
    publisher: Publisher
    path: Path
    _context: "WatchContext | None" = None
    _adapters: "dict[str, Adapter[Any]]" = field(default_factory=dict)
    _letters: "Adapter[Any] | None" = None  # for links to approve
    _team_bot: "TelegramWay | None" = None

    async def open(self, *, reading: bool = False) -> "WatchContext":
        """The context of verbs, with the database open: migrated, unless it is only to be read. Raises
        `StoreFailed`."""
        if self._context is None:
            from alertbot.db.database import Database
            from alertbot.watch.context import WatchContext

            url = self.config.database_url
            database = await (Database.open_to_read(url) if reading else Database.open(url))
            self._context = WatchContext(
                self.publisher,
                database,
                self.config.publish_delay,
                warn_before=self.config.numbers.warn_before,
                reach=reach_of(self.config),
                keep_addresses=self.config.retention.addresses,
                watch=self.watch,
            )
        return self._context

    @property
    def watch(self) -> "Watch":
        """The configuration of watching."""
        return watch_of(self.config)

    def ways(self, service: "WatchContext") -> "tuple[Way, ...]":
        """The configured ways to ask approvers; touches no network or secret."""
        mail = self.mail_approvals
        found: list[Way | None] = [self._telegram_way(service)]
        found += [None if mail is None else self._mail_way(service, mail)]
        return tuple(way for way in found if way is not None)

    def _telegram_way(self, service: "WatchContext") -> "TelegramWay | None":
        by = self.config.approvals_by
        if by is None or by.telegram is None:
            return None
        from alertbot.alerts.requests.telegram.bot import TelegramWay
        from alertbot.alerts.requests.telegram.listening import listen
        from alertbot.ops import overview

        if self._team_bot is None:
            listening = partial(listen, status=partial(overview.in_words, service))
            self._team_bot = TelegramWay(service, by.telegram, listening)
        return self._team_bot

    def hook(self, service: "WatchContext") -> "Hook | None":
        """The webhook of the team's bot; None without one."""
        way = self._telegram_way(service)
        return None if way is None else way.hook

    @property
    def mail_approvals(self) -> "MailApprovals | None":
        """The settings of approval by mail; None without it."""
        by = self.config.approvals_by
        return None if by is None else by.mail

    def link_key(self) -> "Key | None":
        """The key of approval links, if configured; reads the secret now. Raises `ConfigInvalid` if it
        is missing or could be guessed."""
        mail = self.mail_approvals
        return None if mail is None else _key_of(mail)

    def seals(self) -> "dict[str, RecipientSeal]":
        """Of each mail channel that has them, what opens its unsubscribe links; reads the secrets now. Raises
        `ConfigInvalid`."""
        found = [(name, getattr(one, "seal", None)) for name, one in self.config.channels.items()]
        return {
            name: seal(name)
            for name, seal in found
            if seal and self.config.channels[name].has_secret("link_secret")
        }

    def returns(self) -> "dict[str, ReturnsPlace]":
        """Of each channel that has one, the mailbox for mail that comes back."""
        found = {name: type(one).returned(one.settings) for name, one in self.adapters().items()}
        return {name: place for name, place in found.items() if place is not None}

    def _mail_way(self, service: "WatchContext", mail: "MailApprovals") -> "Way":
        """Approval by mail through a mail channel's settings, but without its unsubscribe headers."""
        from alertbot.alerts.requests.mail import MailWay

        if self._letters is None:
            settings = self.config.channels[mail.channel].model_copy(
                update={"unsubscribe": None, "one_click": None, "returns": None}
            )
            adapter_type = adapter_types()[settings.type]
            self._letters = adapter_type(self.publisher.channels[mail.channel], settings)
        return MailWay(service, self._letters, mail.base_url, lambda: _key_of(mail))

    def adapters(self) -> "Mapping[str, Adapter[Any]]":
        """One adapter per configured channel, but those that `build_partly` left out; touches no network, library or
        secret."""
        if not self._adapters:
            types = adapter_types()
            self._adapters = {
                name: types[settings.type](self.publisher.channels[name], settings)
                for name, settings in self.config.channels.items()
                if name in self.publisher.channels
            }
        return self._adapters

    def approver_settings(self) -> "Iterator[tuple[tuple[str, ...], WithSecrets]]":
        """The settings, with their place in the file, of every way to ask approvers."""
        return approvers.sections(self.config)

    async def close(self) -> None:
        adapters = [one for one in (*self._adapters.values(), self._letters) if one is not None]
        await asyncio.gather(
            *(adapter.close() for adapter in adapters)
        )  # none waits for another's peer
        if self._team_bot is not None:
            await self._team_bot.shut()
        if self._context is not None:
            await self._context.database.close()


def build(path: Path) -> App:
    """Read the configuration and create the application. Raises `ConfigInvalid` with every fault at
    once."""
    read = reading.read(path, settings_types(), specs())
    read = _at_home(read, region_pack.load(read.region, read.messages_folder, path))
    channels = {name: _channel(read, name, adapter_types()) for name in read.channels}
    return App(read, _publisher(read, channels), path)


def build_partly(path: Path) -> tuple[App, tuple[str, ...] | None]:
    """An application from the valid parts of a configuration, and the names of the sections left out
    (None: the whole is valid). For showing, halting, resuming and retracting; it must publish nothing else.
    Raises `ConfigInvalid` if the database's address is not known."""
    try:
        return build(path), None
    except ConfigInvalid:
        types = adapter_types()
    read, missing = partly.read_partly(path, _settings_types(types))
    channels, without = {}, set(missing)
    try:
        read = _at_home(read, region_pack.load(read.region, read.messages_folder, path))
    except ConfigInvalid:
        without.add("region")
    for name in read.channels:
        try:
            channels[name] = _channel(read, name, types)
        except ConfigInvalid:  # its recipients cannot be read
            without.add(f"channels.{name}")
    publisher = replace(_publisher(read, channels), unusable=frozenset(without))
    return App(read, publisher, path), tuple(sorted(without))


def _at_home(read: "Config", region: Region) -> "Config":
    """Goes by this country from here on. The configuration with the country's clock and languages where it gives
    none of its own; for France the languages are fr and en, as they were before there were countries."""
    facts.use(region)
    language.use(tuple(filter(None, (read.messages_folder,))))
    home: dict[str, Any] = {"timezone": region.zone}
    if region.code != packs.DEFAULT:
        home["languages"] = region.languages
    unset = {name: home[name] for name in home.keys() - read.organisation.model_fields_set}
    return read.model_copy(update={"organisation": read.organisation.model_copy(update=unset)})


def _settings_types(types: "Mapping[str, type[Adapter[Any]]]") -> "dict[str, type[ChannelSettings]]":
    """The settings class of every type of channel that can be loaded."""
    found = {}
    for name in types:
        try:
            found[name] = types[name].settings_type
        except ConfigInvalid:  # a package that is broken
            continue
    return found


def _channel(read: "Config", name: str, types: "Mapping[str, type[Adapter[Any]]]") -> Channel:
    settings = read.channels[name]
    return channel.channel_of(
        name,
        settings,
        types[settings.type].spec,
        types[settings.type].targets(settings),
        organisation=root.organisation_of(read),
        addresses=types[settings.type].addresses(settings),
    )


def _key_of(mail: "MailApprovals") -> "Key":
    from alertbot.alerts.requests.links import Key

    return Key.of(mail.secret("secret"))


def reach_of(read: "Config") -> "RequestSettings":
    """How approvers are asked under this configuration."""
    by = read.approvals_by
    ways = tuple(name for name in ("telegram", "mail") if by and getattr(by, name) is not None)
    chat = by.telegram.chat if by and by.telegram else None
    groups = {} if chat is None else {"telegram": str(chat)}
    desk, wall = (read.desk.url, read.desk.wall) if read.desk else (None, None)
    return RequestSettings(ways, groups, _duty(read), dict(_secrets(read)), desk, wall)


def _secrets(read: "Config") -> "Iterator[tuple[str, Callable[[], str]]]":
    by = read.approvals_by
    if by and by.telegram:
        yield "telegram", partial(by.telegram.secret, "bot_token")
    if by and by.mail:
        yield "mail", partial(by.mail.secret, "secret")
    if read.desk:  # no secret: an approval at another desk than the worker's own does not count
        yield from ((way, partial(str, read.desk.url)) for way in ("desk", "api"))


def watch_of(read: "Config") -> "Watch":
    """What is watched under this configuration, and which rules apply."""
    from alertbot.watch.context import Watch

    zone, watch = ZoneInfo(read.organisation.timezone), read.watch
    policy = policy_of(Policy(zone=zone), watch.policy)
    named: dict[str, ServiceSettings | GroupSettings] = {**watch.services, **watch.groups}
    return Watch(
        policy=policy,
        policies={name: policy_of(policy, one.policy) for name, one in named.items()},
        groups={name: SignalGroup(name, one.members, one.parent) for name, one in watch.groups.items()},
        titles={name: texts_of(one.title) for name, one in named.items()},
        rules=tuple(rule_of(name, one) for name, one in read.rules.items()),
        remind_before=read.promises.remind_before,
        silent_after={name: one.silent_after for name, one in read.sources.items() if one.silent_after},
        sources=tuple(read.sources),
        named=_services(read),
        confirmers={"": watch.confirmed_by, **{name: one.confirmed_by for name, one in named.items()}},
    )


def _services(read: "Config") -> frozenset[str]:
    """Every service that the configuration names."""
    found = {*read.watch.services, *read.watch.groups}
    for group in read.watch.groups.values():
        found |= {*group.members, *filter(None, [group.parent])}
    for source in read.sources.values():
        asked = (one.service for one in (source.probe, source.feed) if one is not None)
        found |= {*source.names.values(), *asked}
    for rule in read.rules.values():
        found |= {*rule.services}
    return frozenset(found)


def _duty(read: "Config") -> "Duty | None":
    given = read.duty
    if given is None:
        return None
    shifts = tuple(
        Shift(one.person, one.start, one.end, frozenset(map(DAYS.index, one.days)))
        for one in given.shifts
    )
    zone = ZoneInfo(read.organisation.timezone)
    return Duty(given.answer_within, zone, shifts, given.deputies)


def _publisher(read: "Config", channels: Mapping[str, Channel]) -> Publisher:
    folders = tuple(filter(None, (shipped(), read.messages_folder)))
    overrides = {
        kind: Override(rule.approvers, rule.expires_after) for kind, rule in read.approvals.items()
    }
    types = adapter_types()
    identities = {
        name: partial(types[read.channels[name].type].identity, read.channels[name])
        for name in channels
    }
    return Publisher(root.organisation_of(read), channels, folders, overrides, identities=identities)


AS_THEY_ARE = ("dwell", "reopen_within", "watch", "daily_cap", "stale_after", "critical_bypass")


def policy_of(below: Policy, given: PolicySettings) -> Policy:
    """The given settings over those of `below`."""
    changed: dict[str, Any] = {
        name: getattr(given, name) for name in AS_THEY_ARE if getattr(given, name) is not None
    }
    for name in ("confirm_down", "confirm_up"):
        if (asked := getattr(given, name)) is not None:
            changed[name] = _confirmation(asked)
    if given.flapping is not None:
        changed["flapping"] = Flapping(**given.flapping.model_dump())
    if given.remind_every is not None:
        changed["remind_every"] = given.remind_every or None
    if given.stale is not None:
        changed["propose_stale"] = given.stale == "propose"
    if given.maintenance is not None:
        changed["maintenance"] = tuple(map(_window, given.maintenance))
    return replace(below, **changed)


def texts_of(given: str | Mapping[str, str] | None) -> Mapping[str, str]:
    """Texts by language; one text for all under ""."""
    if given is None:
        return {}
    return {"": given} if isinstance(given, str) else dict(given)


def rule_of(name: str, given: RuleSettings) -> Rule:
    """The rule with this name. A delay makes it automatic."""
    return Rule(
        name=name,
        on=frozenset(map(Transition, given.when)),
        kind=given.kind,
        how=RuleMode.AUTO if given.auto_after is not None else RuleMode(given.policy),
        services=frozenset(given.services),
        after=given.auto_after or timedelta(),
        values=given.set,
        languages=given.languages or (),
        channels=given.channels or (),
        exercise=given.exercise,
    )


def _confirmation(given: ConfirmSettings) -> Confirmation:
    return Confirmation(given.count, given.length)


def _window(given: MaintenanceSettings) -> Window:
    return Window(
        starts=datetime.fromisoformat(given.starts) if given.starts else None,
        ends=datetime.fromisoformat(given.ends) if given.ends else None,
        days=tuple(map(DAYS.index, given.days)),
        from_=given.start,
        until=given.end,
    )
