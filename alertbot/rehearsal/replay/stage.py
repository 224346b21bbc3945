"""The stage of a replay: rules and policy from a file, a configuration for one case, its people, its
clock, and the application. Texts are written for X, Telegram and mail, and kept in memory."""

import json
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import Field, ValidationError

from alertbot.alerts import approving, showing, store_reading
from alertbot.alerts.compose import load_kind
from alertbot.alerts.store_reading import Alert
from alertbot.app import App, build
from alertbot.channels import base
from alertbot.channels.memory import MemoryAdapter
from alertbot.config.faults import findings
from alertbot.config.root import Config
from alertbot.config.shapes import Name, Settings
from alertbot.config.watching import PromiseSettings, RuleSettings, WatchSettings
from alertbot.config.yaml_faults import FileFault, Mark
from alertbot.config.yaml_reader import Node, parse, plain, text_of
from alertbot.core.errors import AlertbotError, ConfigInvalid
from alertbot.core.frozen import dataclass
from alertbot.core.model import Action, ChannelSpec, Pace, Person, Post, Price
from alertbot.core.words import _, ngettext
from alertbot.delivery import store_claim
from alertbot.ops import working
from alertbot.people import accounts
from alertbot.regions.region import Region
from alertbot.rehearsal import hiring
from alertbot.watch import reminders, watching
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import signing
from alertbot.watch.rules_rule import placed

SHIPPED = Path(__file__).with_name("policy.yaml")

ByHand = Literal[
    "provisional_number",
    "withdrawal",
    "correction",
    "denial",
    "denial_of_a_number",
    "false_alert",
    "inquiry",
]
WRITTEN = ("fr", "en")  # the languages that the shipped rules have words for


class PolicyFile(Settings):
    """What a replay reads from a file; the rest of a configuration may be in it and is ignored."""

    watch: WatchSettings = Field(default=WatchSettings(), description="How sceptical to be.")
    rules: dict[Name, RuleSettings] = Field(
        default_factory=dict, description="What is written when a state changes."
    )
    promises: PromiseSettings = Field(default=PromiseSettings(), description="The next update.")
    by_hand: dict[ByHand, dict[Name, Any]] = Field(
        default_factory=dict, description="What a person writes, by kind."
    )


@dataclass(frozen=True, slots=True)
class Playbook:
    """The file's sections as plain values. `automatic`: the rules that are automatic once two people
    have approved them in advance."""

    sections: Mapping[str, Any]
    automatic: tuple[str, ...]
    by_hand: Mapping[str, Mapping[str, Any]]


def read_playbook(path: Path | None) -> Playbook:
    """The rules of a file, else the shipped ones. Raises `ConfigInvalid` with every fault."""
    shipped = _checked(SHIPPED)
    given = shipped if path is None else _checked(path)
    sections = {key: value for key, value in given.items() if key != "by_hand"}
    rules = {name: one for name, one in sections.get("rules", {}).items() if not one.get("exercise")}
    return Playbook(
        sections,
        tuple(
            name for name, rule in rules.items() if rule.get("policy") == "auto" or "auto_after" in rule
        ),
        {**shipped["by_hand"], **given.get("by_hand", {})},
    )


def languages_of(region: Region) -> tuple[str, ...]:
    """What a replay writes in: French and English, where the country speaks French; else English."""
    return tuple(lang for lang in WRITTEN if lang == "en" or lang in region.languages)


def spoken_in(value: Any, languages: Collection[str]) -> Any:
    """A value without the languages that are not spoken there."""
    if isinstance(value, Mapping):
        if set(value) <= {*WRITTEN}:
            return {lang: text for lang, text in value.items() if lang in languages}
        return {key: spoken_in(one, languages) for key, one in value.items()}
    return value


def configuration(
    playbook: Playbook, region: Region, *, service: str, title: Mapping[str, str], zone: str, where: str
) -> str:
    """A complete configuration for one case: no recipients, one service, the playbook's rules on channels
    that keep their posts."""
    watch = dict(playbook.sections.get("watch", {}))
    services = {service: {"title": dict(title)}} | watch.get("services", {})
    rules = {name: _public(rule) for name, rule in playbook.sections.get("rules", {}).items()}
    languages = languages_of(region)
    return json.dumps(
        {
            "organisation": {
                "name": _ORGANISATION,
                "languages": languages,
                "timezone": zone,
                "verification_page": "https://www.example.org/alert",
                "sandbox": True,
            },
            "region": region.code,
            "database": "sqlite:///replay.db",
            "channels": {name: {"type": "memory", "read_back": False} for name in CHANNELS},
            "watch": watch | {"services": services},
            "rules": spoken_in(placed(rules, {"where": where}), languages),
            "promises": playbook.sections.get("promises", {}),
        }
    )


def _public(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """A rule for the replay's channel. An exercise tells the public nothing."""
    if rule.get("exercise"):
        return {
            "when": rule["when"],
            "kind": rule["kind"],
            "services": rule.get("services", []),
            "policy": "off",
        }
    return {key: value for key, value in rule.items() if key not in ("channels", "exercise")}


CHANNELS = {spec.type: spec for spec in (base.X, base.TELEGRAM, base.EMAIL)}
_ORGANISATION = "Replay"


def _kept(spec: ChannelSpec) -> ChannelSpec:
    """What a channel's texts depend on; in memory there is nothing to wait for, to edit or to look up."""
    return replace(
        spec,
        per_recipient=False,
        can_edit=False,
        can_delete=False,
        can_pin=False,
        can_read_back=False,
        can_picture=False,
        can_reconcile=False,
        pace=Pace(),
        price=Price(),
    )


def _checked(path: Path) -> Mapping[str, Any]:
    document = parse(text_of(path))
    found = document.faults
    root = document.root or Node(Mark(), {})
    if not isinstance(root.value, dict):
        sentence = _("the file must contain keys such as `watch:` and `rules:`")
        raise _invalid(path, [FileFault(root.mark, (), sentence)])
    whole = plain(root)
    mine = {key: value for key, value in whole.items() if _is_mine(key)}
    try:
        PolicyFile.model_validate_json(json.dumps(mine))
    except ValidationError as error:
        found += findings(error.errors(include_url=False, include_input=False), root, PolicyFile)
    if found:
        raise _invalid(path, found)
    return mine


def _is_mine(key: str) -> bool:
    return key in PolicyFile.model_fields or key not in Config.model_fields


def _invalid(path: Path, found: list[FileFault]) -> ConfigInvalid:
    found = sorted(dict.fromkeys(found), key=lambda one: one.mark)
    head = ngettext("{path} has {n} fault:", "{path} has {n} faults:", len(found))
    return ConfigInvalid(
        head.format(path=path, n=len(found)), [one.line(str(path)) for one in found[:50]]
    )


AUTHOR, APPROVERS = "Camille", ("Dominique", "Sacha")
LONGEST_AHEAD = timedelta(days=90)


class CaseClock:
    """The case's clock: it stands still until it is set, and never goes back."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def set(self, at: datetime) -> None:
        self._at = max(self._at, at.astimezone(UTC))

    def __call__(self) -> datetime:
        return self._at


@dataclass(frozen=True, slots=True)
class Staff:
    """The people of the replay: an author, and two approvers with their tokens."""

    author: Person
    approvers: tuple[tuple[Person, str], ...]

    @property
    def reader(self) -> Person:
        """The person who reads back the numbers entered by the author."""
        return self.approvers[0][0]


@dataclass(frozen=True, slots=True)
class ChannelPost:
    """A text as it was published on a channel."""

    channel: str
    post: Post


@dataclass
class Stage:
    """The application with its people. `looked_ahead`: when time alone may change something next.
    `not_ahead`: by rule, why it could not be approved in advance."""

    app: App
    service: WatchContext
    clock: CaseClock
    staff: Staff
    looked_ahead: datetime | None = None
    not_ahead: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)  # posts that were collected, by channel

    async def work(self) -> list[ChannelPost]:
        """Decide, act and deliver until nothing is due at this time; returns the texts published
        meanwhile."""
        await approving.expire_overdue(self.service)
        await reminders.look(self.service)
        self.looked_ahead = await watching.look(self.service)
        if await self.service.database.read(lambda conn: store_claim.due(conn, [*CHANNELS])):
            await working.run_once(self.app)
            self.looked_ahead = await watching.look(self.service)
        return [one for channel in CHANNELS for one in self._fresh(channel)]

    def _fresh(self, channel: str) -> Iterator[ChannelPost]:
        adapter = self.app.adapters()[channel]
        assert isinstance(adapter, MemoryAdapter)
        fresh, self._seen[channel] = adapter.posts[self._seen.get(channel, 0) :], len(adapter.posts)
        for post in fresh:
            if post.action is Action.PUBLISH:
                yield ChannelPost(channel, post)

    async def approve(self, alert: Alert) -> None:
        """Have as many people as needed approve the alert. Raises `Refused` if a rule forbids it."""
        view = await showing.brief(self.service, alert.id)
        for person, token in self.staff.approvers[: view.approvals.needed]:
            await showing.show(self.service, alert.id, token)
            await approving.approve(self.service, person, alert.id, None)

    def titles(self, kinds: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """The title of each kind, by language."""
        return {name: load_kind(self.service.publisher, name).title for name in kinds}

    async def signed(self, alert: str) -> bool:
        """Whether a person approved it; False if it went out automatically."""
        now = self.service.now
        return bool(
            await self.service.database.read(
                lambda conn: store_reading.approvals_of(conn, alert, now=now)
            )
        )


@asynccontextmanager
async def staged(
    playbook: Playbook,
    region: Region,
    begins: datetime,
    *,
    service: str,
    title: Mapping[str, str],
    zone: str,
    where: str,
) -> AsyncIterator[Stage]:
    """A stage in a temporary folder. Raises `ConfigInvalid` or `StoreFailed`."""
    clock = CaseClock(begins)
    with TemporaryDirectory(prefix="alertbot-replay-") as folder:
        path = Path(folder) / "config.yaml"
        text = configuration(playbook, region, service=service, title=title, zone=zone, where=where)
        path.write_text(text, encoding="utf-8")
        app = build(path)
        channels = {
            name: replace(one, spec=_kept(CHANNELS[name]))
            for name, one in app.publisher.channels.items()
        }
        app.publisher = replace(app.publisher, clock=clock, channels=channels)
        try:
            opened = await app.open()
            stage = Stage(app, opened, clock, await _hired(opened))
            for rule in playbook.automatic:
                await _approve_ahead(stage, rule)
            yield stage
        finally:
            await app.close()


async def _hired(service: WatchContext) -> Staff:
    """Add two admins who approve, and an author."""
    tokens = await hiring.hire(service, APPROVERS, AUTHOR)
    acting = {name: await accounts.acting(service, token) for name, token in tokens.items()}
    return Staff(acting[AUTHOR], tuple((acting[name], tokens[name]) for name in APPROVERS))


async def _approve_ahead(stage: Stage, rule: str) -> None:
    """Two people approve a rule in advance (R33). If that is refused, people will be asked each time."""
    try:
        for person, token in stage.staff.approvers:
            await signing.show(stage.service, rule, token)
            await signing.preapprove(stage.service, person, rule, lasts=LONGEST_AHEAD)
    except AlertbotError as error:
        stage.not_ahead[rule] = str(error)
