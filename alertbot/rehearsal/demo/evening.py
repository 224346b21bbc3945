"""The demo: the evening of 2 June 2021 handled with alertbot, with the real verbs and client libraries,
sandbox platforms on loopback, and the clock of the case."""

import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from alertbot.alerts import approving, following, showing, taking_back, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.views import AlertView
from alertbot.app import App, build
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person, Purpose
from alertbot.core.words import _, language
from alertbot.numbers import changing, consulting, verifying
from alertbot.numbers.reading import read_numbers
from alertbot.numbers.rules_entry import Standing
from alertbot.ops import overview, working
from alertbot.people import accounts
from alertbot.rehearsal import hiring
from alertbot.rehearsal.sandbox.public_view import render_wall
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.watch.context import WatchContext

if TYPE_CHECKING:
    from rich.console import Console


Entry = Mapping[str, Any]


class StoryClock(Protocol):
    def set(self, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class EveningStaff:
    """The people of the evening: an author, and approvers with their tokens."""

    author: Person
    approvers: tuple[tuple[Person, str], ...]


async def hire(service: WatchContext, names: Mapping[str, Any]) -> EveningStaff:
    """Add two admins who approve, and an author."""
    tokens = await hiring.hire(service, names["approvers"], names["author"])
    acting = {name: await accounts.acting(service, token) for name, token in tokens.items()}
    approvers = tuple((acting[name], tokens[name]) for name in names["approvers"])
    return EveningStaff(acting[names["author"]], approvers)


@dataclass
class StoryStage:
    """Where the story is played. `told`: the alerts that later steps follow, by the name a step gave."""

    app: App
    service: WatchContext
    clock: StoryClock
    staff: EveningStaff
    incident: str | None = None
    told: dict[str, str] = field(default_factory=dict)

    async def play(self, entry: Entry) -> AlertView | None:
        """Do one step; returns the alert it published, or None."""
        if "numbers" in entry:
            await self._numbers(entry["numbers"])
            return None
        view = await self._written(entry)
        self.incident = view.incident
        self.told[entry.get("as", view.id)] = view.id
        return await self._published(view, entry["at"] + timedelta(minutes=entry["approved_after"]))

    async def _written(self, entry: Entry) -> AlertView:
        """The draft of a step, which contains exactly one of `ways`."""
        ways: dict[str, Callable[[Any, FollowRequest], Awaitable[AlertView]]] = {
            "draft": self._draft,
            "update": self._update,
            "correct": self._correct,
            "withdraw": self._withdraw,
            "end": self._end,
        }
        way = next(name for name in ways if name in entry)
        said = FollowRequest(entry.get("values", {}), entry.get("accepted", {}))
        return await ways[way](entry[way], said)

    async def _published(self, view: AlertView, at: datetime) -> AlertView:
        await writing.submit(self.service, self.staff.author, view.id)
        self.clock.set(at)
        for approver, token in self.staff.approvers[: view.approvals.needed]:
            await showing.show(self.service, view.id, token)
            await approving.approve(self.service, approver, view.id, None)
        await working.run_once(self.app)
        return view

    async def _draft(self, kind: str, said: FollowRequest) -> AlertView:
        wishes = DraftRequest(kind, said.changes, accepted=said.accepted)
        return await writing.draft(self.service, self.staff.author, wishes, incident=self.incident)

    async def _update(self, alert: str, said: FollowRequest) -> AlertView:
        return await following.update(self.service, self.staff.author, self.told[alert], said)

    async def _correct(self, what: Entry, said: FollowRequest) -> AlertView:
        wrong = WrongNumbers([await self._entry(what["wrong"])])
        return await following.correct(
            self.service, self.staff.author, self.told[what["alert"]], said, wrong
        )

    async def _withdraw(self, what: Entry, said: FollowRequest) -> AlertView:
        which = taking_back.NumberSelection(query=what["numbers"], but=what["but"])
        return await taking_back.withdraw(self.service, self.staff.author, which, said)

    async def _end(self, _what: object, said: FollowRequest) -> AlertView:
        return await following.end(self.service, self.staff.author, self.incident or "", said)

    async def _numbers(self, step: Entry) -> None:
        """Import a file into the register; then another person reads every new number back, from that
        person's list of test calls."""
        read = read_numbers(Path(step["import"]))
        await changing.import_(self.service, self.staff.author, read, step["import"])
        called = {str(row): row.number for row in read.rows}
        person, _token = self.staff.approvers[-1]
        for entry in await consulting.listing(self.service, None, "unverified"):
            heard = verifying.Verification(called[entry.said], "answered")
            await verifying.verify(self.service, person, entry.entry, heard)

    async def _entry(self, query: str) -> str:
        """The oldest entry in force for a query: the published one."""
        found = await consulting.listing(self.service, query, "in-force")
        return min((one.entry for one in found), key=lambda name: int(name[1:]))

    async def register(self) -> dict[Standing, int]:
        """The number of register entries by standing, at the end."""
        rows = [
            row
            for standing in Standing
            for row in await consulting.listing(self.service, None, standing.value)
        ]
        return dict(Counter(row.standing for row in rows))


HERE = Path(__file__).parent
CASE = HERE / "june_2021.yaml"
FILES = ("numbers.csv", "vendee.csv", "press.csv")


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who looks around at the desk of the evening. `url` signs them in once."""

    name: str
    roles: tuple[str, ...]
    url: str


Stay = Callable[[App, "Evening", Sequence[Guest]], Awaitable[None]]
DESK_PORT = 8470


class EveningClock:
    """The clock of the case: once set, it runs on in real time."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def set(self, at: datetime) -> None:
        self._at, self._real = at, time.time()

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=time.time() - self._real)

    def of_real(self, at: datetime) -> datetime:
        """The case's time for a real time since the last `set`."""
        return self._at + timedelta(seconds=at.timestamp() - self._real)


@dataclass(frozen=True, slots=True)
class PlayedAlert:
    """One alert on one channel, as published. `delay`: since the fault began, by the case's clock."""

    alert: str
    kind: str
    channel: str
    state: str
    parts: int
    remote_ids: tuple[str, ...]
    delay: timedelta
    why: str


@dataclass(frozen=True, slots=True)
class PlayedAlertView:
    """One alert on one channel as `alertbot demo --json` prints it."""

    alert: str
    kind: str
    channel: str
    state: str
    parts: int
    remote_ids: tuple[str, ...]
    delay_seconds: float


@dataclass(frozen=True, slots=True)
class EveningView:
    """What `alertbot demo --json` prints. `register`: how many entries stand where in the end."""

    case: str
    complete: bool
    fault_at: datetime
    rows: tuple[PlayedAlertView, ...]
    wall: str
    page: str
    database: str
    audit_head: str
    register: Mapping[Standing, int]
    seconds: float


@dataclass
class Evening:
    """What the demo did, and the files it wrote."""

    title: str
    fault_at: datetime
    in_reality: dict[str, int]
    rows: list[PlayedAlert] = field(default_factory=list)
    wall: str = ""
    page: str = ""
    database: str = ""
    seconds: float = 0.0
    audit_head: str = ""
    register: dict[Standing, int] = field(default_factory=dict)  # entries by where they stand

    @property
    def complete(self) -> bool:
        return bool(self.rows) and all(row.state == "sent" for row in self.rows)

    def view(self) -> EveningView:
        """What `alertbot demo --json` prints."""
        return EveningView(
            case=self.title,
            complete=self.complete,
            fault_at=self.fault_at,
            rows=tuple(_line(row) for row in self.rows),
            wall=self.wall,
            page=self.page,
            database=self.database,
            audit_head=self.audit_head,
            register=self.register,
            seconds=round(self.seconds, 2),
        )


def _line(row: PlayedAlert) -> PlayedAlertView:
    return PlayedAlertView(
        alert=row.alert,
        kind=row.kind,
        channel=row.channel,
        state=row.state,
        parts=row.parts,
        remote_ids=row.remote_ids,
        delay_seconds=row.delay.total_seconds(),
    )


async def tell_evening(
    output: Path, console: "Console", stay: Stay | None = None, port: int = DESK_PORT
) -> Evening:
    """Play the whole evening into `output` (created afresh). Progress goes to `console`. `stay` is awaited afterwards,
    in that folder, while the platforms still run and the case's clock goes on; `port`: of its desk. Raises `Misuse` for a
    folder that is not an earlier demo's."""
    case = yaml.safe_load(CASE.read_text(encoding="utf-8"))
    begun = time.monotonic()
    place = _prepare(output)
    clock = EveningClock(case["fault_at"])
    evening = Evening(_language_text(case["case"]), case["fault_at"], case["in_reality"])
    async with Sandbox(clock=clock, speed=60, title=evening.title) as sandbox:
        with chdir(output):
            app = _build(Path("config.yaml"), sandbox, clock, port)
            try:
                staff = await _watched(app, case, clock, evening, console)
                evening.wall, evening.page = _hang(sandbox, place, evening.title)
                evening.database = str(output / "alertbot.db")
                evening.seconds = time.monotonic() - begun
                if stay is not None:
                    await stay(app, evening, await _guests(app, staff))
            finally:
                await app.close()
    return evening


async def _watched(
    app: App, case: Mapping[str, Any], clock: EveningClock, evening: Evening, console: "Console"
) -> EveningStaff:
    """The whole case, with its progress on `console`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task(_("starting"), total=len(case["steps"]))

        def step(said: str) -> None:
            progress.update(bar, advance=1, description=said)

        return await _tell(app, case, clock, evening, step)


async def _guests(app: App, staff: EveningStaff) -> tuple[Guest, ...]:
    """The author and the first approver, each with a link of their own making: two hands, as before."""
    service = await app.open()
    people = (staff.author, staff.approvers[0][0])
    links = [await accounts.invite(service, who, who.name) for who in people]
    return tuple(
        Guest(who.name, tuple(sorted(who.roles)), link.url)
        for who, link in zip(people, links, strict=True)
    )


def _prepare(output: Path) -> Path:
    """An empty folder with the case's files; its whole path. Raises `Misuse` for a folder that holds anything but an
    earlier demo."""
    if output.exists() and any(output.iterdir()) and not (output / ".alertbot-demo").exists():
        raise Misuse(
            _(
                "{folder} is not empty and contains no earlier demo; give another folder with --output."
            ).format(folder=output)
        )
    try:
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        (output / ".alertbot-demo").touch()
        for name in FILES:
            shutil.copy(HERE / name, output / name)
    except OSError as error:
        raise Misuse(
            _("{folder} cannot be written: {why}.").format(folder=output, why=error.strerror)
        ) from None
    return output.resolve()


def _build(path: Path, sandbox: Sandbox, clock: Callable[[], datetime], port: int) -> App:
    """The application configured for this sandbox, on the case's clock."""
    text = (HERE / "config.yaml").read_text(encoding="utf-8")
    path.write_text(
        text.format(
            x=sandbox.x_url,
            telegram=sandbox.telegram_url,
            bluesky=sandbox.bluesky_url,
            mastodon=sandbox.mastodon_url,
            smtp=sandbox.smtp_port,
            wall=sandbox.wall_url,
            desk=port,
        ),
        encoding="utf-8",
    )
    app = build(path)
    app.publisher = replace(app.publisher, clock=clock)
    return app


async def _tell(
    app: App,
    case: Mapping[str, Any],
    clock: EveningClock,
    evening: Evening,
    step: Callable[[str], None],
) -> EveningStaff:
    """Every step of the case in order, on the case's clock."""
    service = await app.open()
    stage = StoryStage(app, service, clock, await hire(service, case["people"]))
    for entry in case["steps"]:
        step(f"{entry['at']:%d/%m %H:%M}  {_language_text(entry['why'])}")
        clock.set(entry["at"])
        view = await stage.play(entry)
        if view is not None:
            evening.rows += await _rows(
                app, view, clock, evening.fault_at, _language_text(entry["why"])
            )
    evening.register = await stage.register()
    evening.audit_head = (await overview.audit_head(service)).head
    return stage.staff


async def _rows(
    app: App, view: AlertView, clock: EveningClock, fault_at: datetime, why: str
) -> list[PlayedAlert]:
    """One row per channel of an alert, from the outbox."""
    service = await app.open()
    deliveries = await overview.deliveries(service, view.id, None, None)
    rows = []
    for channel in view.channels:
        mine = [
            one for one in deliveries if one.channel == channel and one.purpose is Purpose.PUBLICATION
        ]
        states = {str(one.state) for one in mine}
        settled = [clock.of_real(one.settled_at) for one in mine if one.settled_at]
        rows.append(
            PlayedAlert(
                alert=view.id,
                kind=view.kind,
                channel=channel,
                state="sent" if states == {"sent"} else ", ".join(sorted(states - {"sent"})) or "–",
                parts=len(mine),
                remote_ids=tuple(one.remote_id for one in mine if one.remote_id),
                delay=(min(settled) if settled else clock()) - fault_at,
                why=why,
            )
        )
    return rows


def _hang(sandbox: Sandbox, output: Path, title: str) -> tuple[str, str]:
    """Write the public view to a file; returns its address, and that of the public page."""
    path, page = output / "wall.html", Path("page", "current", "index.html")
    wall = render_wall(sandbox.posts, title, lang=language(), page=page.as_posix())
    path.write_text(wall, encoding="utf-8")
    return path.as_uri(), (output / page).as_uri()


def _language_text(by_lang: dict[str, str]) -> str:
    return by_lang.get(language(), by_lang["en"])
