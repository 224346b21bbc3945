"""Where a case is played: the real service on a database of its own, one channel that keeps its posts, and a
clock that moves only when it is set. Nothing leaves this process."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from alertbot.app import App, build
from alertbot.channels.memory import MemoryAdapter
from alertbot.errors import AlertbotError
from alertbot.model import Action, Person
from alertbot.model import Post as Published
from alertbot.replay.policy import CHANNEL, Playbook, configuration
from alertbot.service import ahead, deciding, expiry, people, reading, showing, watching, working
from alertbot.service.composing import load_kind
from alertbot.service.context import Context
from alertbot.store import due
from alertbot.store import reading as store
from alertbot.store.reading import Alert

AUTHOR, APPROVERS = "Camille", ("Dominique", "Sacha")
LONGEST_AHEAD = timedelta(days=90)


class CaseClock:
    """The case's time: it stands still until it is set anew, and never goes back."""

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
        """Who reads back the numbers that the author entered."""
        return self.approvers[0][0]


@dataclass
class Stage:
    """The service with its people. `looked_ahead`: when time alone may change something next. `not_ahead`:
    by rule, why it could not be approved ahead."""

    app: App
    service: Context
    clock: CaseClock
    staff: Staff
    looked_ahead: datetime | None = None
    not_ahead: dict[str, str] = field(default_factory=dict)
    _seen: int = 0  # posts that were collected

    async def work(self) -> list[Published]:
        """Decide, act and deliver until nothing is due at this moment; the texts that went out meanwhile."""
        await deciding.expire_overdue(self.service)
        await expiry.look(self.service)
        self.looked_ahead = await watching.look(self.service)
        if await self.service.database.read(lambda conn: due.due(conn, [CHANNEL])):
            await working.run_once(self.app)
            self.looked_ahead = await watching.look(self.service)
        adapter = self.app.adapters()[CHANNEL]
        assert isinstance(adapter, MemoryAdapter)
        fresh, self._seen = adapter.posts[self._seen :], len(adapter.posts)
        return [one for one in fresh if one.action is Action.PUBLISH]

    async def approve(self, alert: Alert) -> None:
        """As many people as the alert needs look at it and sign it. Raises `Refused` where a rule stands
        against it."""
        view = await reading.brief(self.service, alert.id)
        for person, token in self.staff.approvers[: view["approvals"]["needed"]]:
            await showing.show(self.service, alert.id, token)
            await deciding.approve(self.service, person, alert.id, None)

    def titles(self, kinds: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """What each kind of alert is called, by language."""
        return {name: load_kind(self.service.voice, name)[0].title for name in kinds}

    async def signed(self, alert: str) -> bool:
        """Whether a person approved it, or nobody did because it went out by itself."""
        now = self.service.now
        return bool(
            await self.service.database.read(lambda conn: store.approvals_of(conn, alert, now=now))
        )


@asynccontextmanager
async def staged(
    playbook: Playbook,
    begins: datetime,
    *,
    service: str,
    title: Mapping[str, str],
    zone: str,
    where: str,
) -> AsyncIterator[Stage]:
    """A stage in a folder that is gone afterwards. Raises `ConfigInvalid`, `StoreFailed`."""
    clock = CaseClock(begins)
    with TemporaryDirectory(prefix="alertbot-replay-") as folder:
        path = Path(folder) / "config.yaml"
        text = configuration(playbook, service=service, title=title, zone=zone, where=where)
        path.write_text(text, encoding="utf-8")
        app = build(path)
        app.voice = replace(app.voice, clock=clock)
        try:
            opened = await app.open()
            stage = Stage(app, opened, clock, await _hired(opened))
            for rule in playbook.automatic:
                await _approve_ahead(stage, rule)
            yield stage
        finally:
            await app.close()


async def _hired(service: Context) -> Staff:
    """Two admins who approve, and an author."""
    tokens: dict[str, str] = {}
    admin: str | None = None
    for name in (*APPROVERS, AUTHOR):
        role = "author" if name == AUTHOR else "approver"
        tokens[name] = (await people.add(service, admin, name, [role], None))["token"]
        admin = admin or tokens[name]
    acting = {name: await people.acting(service, token) for name, token in tokens.items()}
    return Staff(acting[AUTHOR], tuple((acting[name], tokens[name]) for name in APPROVERS))


async def _approve_ahead(stage: Stage, rule: str) -> None:
    """Two people look at what alerts of a rule will say, and approve ahead that they go out by themselves
    (R33). Where that is refused, people will be asked each time."""
    try:
        for person, token in stage.staff.approvers:
            await ahead.show(stage.service, rule, token)
            await ahead.preapprove(stage.service, person, rule, lasts=LONGEST_AHEAD)
    except AlertbotError as error:
        stage.not_ahead[rule] = str(error)
