"""The evening of 2 June 2021, told with alertbot: the real service, the real client libraries, loopback
platforms, and the case's own clock."""

import shutil
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from alertbot.app import App, build
from alertbot.core.errors import Misuse
from alertbot.core.words import _, language
from alertbot.numbers.rules_entry import Standing
from alertbot.ops import overview
from alertbot.rehearsal.demo.story import StoryStage, hire
from alertbot.rehearsal.sandbox.public_view import render_wall

if TYPE_CHECKING:
    from rich.console import Console

    from alertbot.rehearsal.sandbox.server import Sandbox


HERE = Path(__file__).parent
CASE = HERE / "june_2021.yaml"
FILES = ("numbers.csv", "vendee.csv", "press.csv")


class EveningClock:
    """The case's time: set to a moment, it runs on from there as fast as real time."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def set(self, at: datetime) -> None:
        self._at, self._real = at, time.time()

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=time.time() - self._real)

    def of_real(self, epoch: float) -> datetime:
        """The case's time at a real moment since the last `set`."""
        return self._at + timedelta(seconds=epoch - self._real)


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """One alert on one channel, as it went out. `delay`: since the fault began, by the case's clock."""

    alert: str
    kind: str
    channel: str
    state: str
    parts: int
    remote_ids: tuple[str, ...]
    delay: timedelta
    why: str


@dataclass
class Evening:
    """What the demo did, and where it left it."""

    title: str
    fault_at: datetime
    in_reality: dict[str, int]
    rows: list[ToldAlert] = field(default_factory=list)
    wall: str = ""
    database: str = ""
    seconds: float = 0.0
    audit_head: str = ""
    register: dict[Standing, int] = field(default_factory=dict)  # entries by where they stand

    @property
    def complete(self) -> bool:
        return bool(self.rows) and all(row.state == "sent" for row in self.rows)

    def document(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "case": self.title,
            "complete": self.complete,
            "fault_at": self.fault_at.isoformat(),
            "rows": [
                {
                    "alert": row.alert,
                    "kind": row.kind,
                    "channel": row.channel,
                    "state": row.state,
                    "parts": row.parts,
                    "remote_ids": list(row.remote_ids),
                    "delay_seconds": row.delay.total_seconds(),
                }
                for row in self.rows
            ],
            "wall": self.wall,
            "database": self.database,
            "audit_head": self.audit_head,
            "register": self.register,
            "seconds": round(self.seconds, 2),
        }


async def tell_evening(output: Path, console: "Console") -> Evening:
    """Play the whole evening into `output` (made anew). Progress goes to `console`."""
    case = yaml.safe_load(CASE.read_text(encoding="utf-8"))
    begun = time.monotonic()
    _prepare(output)
    clock = EveningClock(case["fault_at"])
    evening = Evening(_said(case["case"]), case["fault_at"], case["in_reality"])
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
    )
    async with Sandbox(clock=clock, speed=60, title=evening.title) as sandbox:
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress, chdir(output):
            bar = progress.add_task(_("starting"), total=len(case["steps"]))
            app = _build(Path("config.yaml"), sandbox, clock)
            try:
                await _tell(
                    app,
                    case,
                    clock,
                    evening,
                    lambda said: progress.update(bar, advance=1, description=said),
                )
            finally:
                await app.close()
        evening.wall = _hang(sandbox, output, evening.title)
    evening.database = str(output / "alertbot.db")
    evening.seconds = time.monotonic() - begun
    return evening


def _prepare(output: Path) -> None:
    """An empty folder with the case's files. Refuses a folder that holds anything but an earlier demo."""
    if output.exists() and any(output.iterdir()) and not (output / ".alertbot-demo").exists():
        raise Misuse(
            _("{folder} is not empty and holds no earlier demo; give another with --output.").format(
                folder=output
            )
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


def _build(path: Path, sandbox: "Sandbox", clock: Callable[[], datetime]) -> App:
    """The application as configured for this sandbox, on the case's clock."""
    text = (HERE / "config.yaml").read_text(encoding="utf-8")
    path.write_text(
        text.format(x=sandbox.x_url, telegram=sandbox.telegram_url, smtp=sandbox.smtp_port),
        encoding="utf-8",
    )
    app = build(path)
    app.publisher = replace(app.publisher, clock=clock)
    return app


async def _tell(
    app: App, case: dict[str, Any], clock: EveningClock, evening: Evening, step: Callable[[str], None]
) -> None:
    """Every step of the case in order, on the case's clock."""
    service = await app.open()
    stage = StoryStage(app, service, clock, await hire(service, case["people"]))
    for entry in case["steps"]:
        step(f"{entry['at']:%d/%m %H:%M}  {_said(entry['why'])}")
        clock.set(entry["at"])
        view = await stage.play(entry)
        if view is not None:
            evening.rows += await _rows(app, view, clock, evening.fault_at, _said(entry["why"]))
    evening.register = await stage.register()
    evening.audit_head = (await overview.audit_head(service)).head


async def _rows(
    app: App, view: dict[str, Any], clock: EveningClock, fault_at: datetime, why: str
) -> list[ToldAlert]:
    """One row per channel of an alert, from what the outbox says of it."""
    service = await app.open()
    deliveries = await overview.deliveries(service, view["id"], None, None)
    rows = []
    for channel in view["channels"]:
        mine = [
            one for one in deliveries if one["channel"] == channel and one["purpose"] == "publication"
        ]
        states = {one["state"] for one in mine}
        settled = [clock.of_real(one["settled_at"]) for one in mine if one["settled_at"]]
        rows.append(
            ToldAlert(
                alert=view["id"],
                kind=view["kind"],
                channel=channel,
                state="sent" if states == {"sent"} else ", ".join(sorted(states - {"sent"})) or "–",
                parts=len(mine),
                remote_ids=tuple(str(one["remote_id"]) for one in mine if one["remote_id"]),
                delay=(min(settled) if settled else clock()) - fault_at,
                why=why,
            )
        )
    return rows


def _hang(sandbox: "Sandbox", output: Path, title: str) -> str:
    """Write the wall to a file; its address."""
    path = (output / "wall.html").resolve()
    path.write_text(render_wall(sandbox.posts, title, lang=language()), encoding="utf-8")
    return path.as_uri()


def _said(by_lang: dict[str, str]) -> str:
    return by_lang.get(language(), by_lang["en"])
