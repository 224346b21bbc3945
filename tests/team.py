"""A team at work in a test: a service on memory channels, its people, and the worker."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alertbot.alerts import approving, showing, writing
from alertbot.alerts.compose import DraftRequest, load_kind
from alertbot.alerts.views import AlertView
from alertbot.channels import base
from alertbot.channels.hand import HandAdapter, HandSettings
from alertbot.channels.memory import MemoryAdapter
from alertbot.core.hands import HandWork
from alertbot.core.model import Audience, Channel, Organisation, Person, Target
from alertbot.db.database import Database
from alertbot.delivery.runners import LocalRunner, RunTally
from alertbot.numbers import changing, consulting, verifying
from alertbot.numbers.reading import read_numbers
from alertbot.ops import overview, working
from alertbot.people import accounts
from alertbot.rehearsal import hiring
from alertbot.texts.fields.moments import moment
from alertbot.texts.kinds.layers import shipped
from alertbot.texts.publisher import Publisher
from alertbot.watch.context import WatchContext

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


def channel(
    name: str, audience: Audience = Audience.LIVE, languages: tuple[str, ...] = ("fr", "en")
) -> Channel:
    return Channel(name, base.MEMORY, languages, audience, (Target(name),))


CHANNELS = (
    channel("public"),
    channel("second"),
    channel("team", Audience.TEAM, ("en", "fr")),
    channel("drill", Audience.EXERCISE),
)


@dataclass
class Team:
    """The service with people by name, and adapters whose posts can be looked at."""

    service: WatchContext
    clock: Clock
    adapters: dict[str, MemoryAdapter]
    people: dict[str, Person] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    async def join(self, name: str, *roles: str) -> None:
        """One more person, a hand of their own, whom the two admins agreed on."""
        bo, cy = self.tokens["bo"], self.tokens["cy"]
        self.tokens[name] = await hiring.join(self.service, bo, cy, name, roles)
        self.people[name] = await accounts.acting(self.service, self.tokens[name])

    async def draft(self, kind: str = "status", by: str = "ada", **options: Any) -> AlertView:
        incident = options.pop("incident", None)
        new = bool(options.pop("new_incident", incident is None))
        not_before = options.pop("not_before", None)
        assistant = options.pop("assistant", None)
        given = options.pop("given", None)
        if given is None and "numbers" in example(self.service, kind):
            await self.register(example(self.service, kind)["numbers"])
        values = example(self.service, kind) | options.pop("changes", {}) if given is None else given
        if kind == "end":
            options.setdefault("accepted", {"unconfirmed": "the SAMU said so on the phone"})
        wishes = DraftRequest(kind, values, **options)
        return await writing.draft(
            self.service,
            self.people[by],
            wishes,
            incident=incident,
            new_incident=new,
            not_before=not_before,
            assistant=assistant,
        )

    async def register(
        self, rows: Sequence[Mapping[str, Any]], *, verified: bool = True
    ) -> tuple[str, ...]:
        """The rows in the register, entered by ada and verified by bo; the names of their entries."""
        return await registered(
            self.service, self.people["ada"], self.people["bo"], rows, verified=verified
        )

    async def pending(self, kind: str = "status", **options: Any) -> AlertView:
        view = await self.draft(kind, **options)
        return await writing.submit(self.service, self.people["ada"], view.id)

    async def approve(self, alert: str, by: str = "bo", digest: str | None = None) -> AlertView:
        if digest is None:
            await showing.show(self.service, alert, self.tokens[by])
        return await approving.approve(self.service, self.people[by], alert, digest)

    async def approved(self, kind: str = "status", **options: Any) -> AlertView:
        view = await self.pending(kind, **options)
        for name in ("bo", "cy"):
            if view.state == "pending":
                view = await self.approve(view.id, name)
        return view

    async def work(self, patience: float = 1.0) -> RunTally:
        runner = LocalRunner(
            self.service.database, self.adapters, hooks=working.hooks(self.service), lease=2.0
        )
        return await runner.run_once(patience)

    async def state(self, alert: str) -> str:
        return str((await showing.brief(self.service, alert)).state)

    async def verbs(self) -> list[str]:
        return [str(row["verb"]) for row in await overview.audit_export(self.service)]


async def registered(
    service: WatchContext,
    author: Person,
    verifier: Person,
    rows: Sequence[Mapping[str, Any]],
    *,
    verified: bool = True,
) -> tuple[str, ...]:
    """Rows in the register, read back by another person; the names of their entries."""
    now = service.now
    read = read_numbers(rows, moment=lambda given, zone: moment(given, now=now, zone=zone))
    await changing.import_(service, author, read, "rows.csv")
    found = {one.row.identity: one for one in await consulting.entries(service, None)}
    entries = [found[row.identity] for row in read.rows]
    for entry in entries:
        if verified and not entry.row.verified:
            typed = verifying.Verification(entry.row.number, "answered")
            await verifying.verify(service, verifier, entry.name, typed)
    return tuple(entry.name for entry in entries)


def example(service: WatchContext, kind: str) -> dict[str, Any]:
    return dict(load_kind(service.publisher, kind).example)


def memory(one: Channel, handler: Callable[..., Any] | None = None) -> MemoryAdapter:
    settings = MemoryAdapter.settings_type(type="memory")
    return MemoryAdapter(one, settings, handler) if handler else MemoryAdapter(one, settings)


def hand(
    name: str = "whatsapp",
    who: str = "ada",
    languages: tuple[str, ...] = ("fr",),
    **more: Any,
) -> Channel:
    """A place where a person posts."""
    return Channel(
        name,
        base.HAND,
        languages,
        Audience.LIVE,
        (Target("WhatsApp « Préfet 69 »"),),
        hand=HandWork(who, timedelta(minutes=15)),
        **more,
    )


def by_hand(one: Channel) -> HandAdapter:
    place, who = one.targets[0].address, one.hand.who if one.hand else "duty"
    return HandAdapter(one, HandSettings(type="hand", where=place, who=who, audience=one.audience))


async def gather(
    database: Database,
    channels: tuple[Channel, ...] = CHANNELS,
    overrides: Mapping[str, Any] | None = None,
    handlers: Mapping[str, Callable[..., Any]] | None = None,
) -> Team:
    """A team of an author (ada) and two approvers (bo, cy)."""
    clock = Clock()
    organisation = Organisation(
        "Préfecture d'essai", verification_page="https://www.example.org/", sandbox=True
    )
    publisher = Publisher(
        organisation, {one.name: one for one in channels}, (shipped(),), overrides or {}, clock
    )
    adapters: dict[str, Any] = {
        one.name: by_hand(one) if one.hand else memory(one, (handlers or {}).get(one.name))
        for one in channels
    }
    team = Team(WatchContext(publisher, database), clock, adapters)
    team.tokens |= await hiring.hire(team.service, ("bo", "cy"), "ada")
    for name, token in team.tokens.items():
        team.people[name] = await accounts.acting(team.service, token)
    return team
