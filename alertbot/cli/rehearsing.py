"""The evening of 2 June 2021, on loopback."""

import asyncio
import gc
import os
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from alertbot.app import App
from alertbot.cli.frame import AsJson, console, emit, say
from alertbot.cli.parsing import number, whole_number
from alertbot.cli.tables.show_rehearsal import show_evening, show_replay
from alertbot.config.shapes import Duration
from alertbot.core import logs, loops
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.ops.working import stop_signal
from alertbot.rehearsal.demo.evening import Evening, Guest, tell_evening
from alertbot.rehearsal.replay.page import render
from alertbot.rehearsal.replay.player import play
from alertbot.rehearsal.replay.results import Replay
from alertbot.rehearsal.replay.stage import Playbook, read_playbook
from alertbot.rehearsal.replay.timeline import Timeline, read_case
from alertbot.rehearsal.sandbox import faults
from alertbot.rehearsal.sandbox.server import SERVED, Sandbox
from alertbot.web.desk.wording import role_words
from alertbot.web.serving import listen, serve


def demo(
    output: Annotated[
        Path,
        typer.Option(metavar=_("DIR"), help=_("Folder for the wall, the database and the audit.")),
    ] = Path("demo-output"),
    desk: Annotated[
        bool,
        typer.Option(
            "--desk",
            help=_("Then leave the desk open on this machine, with a link for each of two people."),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    gc.enable()  # see `alertbot.__main__`

    if desk:
        logs.ready()
        told = loops.run(_at_desk(output, as_json))
    else:
        told = asyncio.run(tell_evening(output, console(as_json=True)))
        _show(told, as_json)
    if as_json:
        emit(told.view())
    if not told.complete:
        raise typer.Exit(3)


def _show(told: Evening, as_json: bool) -> None:
    if not as_json:
        show_evening(console(), told)


async def _at_desk(output: Path, as_json: bool) -> Evening:
    """The evening, and then its desk until SIGINT or SIGTERM."""

    with closing(listen(LOOPBACK, 0)) as place:  # kept until the desk opens: nobody else takes the port
        port: int = place.getsockname()[1]

        async def stay(app: App, told: Evening, guests: Sequence[Guest]) -> None:
            stop = stop_signal()
            _show(told, as_json)
            for line in welcome(guests):
                say(line, as_json)
            place.close()
            await serve(app, LOOPBACK, port, lambda _line: None, stop)

        return await tell_evening(output, console(as_json=True), stay, port)


LOOPBACK = "127.0.0.1"


def welcome(guests: Sequence[Guest]) -> list[str]:
    """How to look around, as sentences."""
    return [
        "",
        _(
            "The desk is open. Each link signs one person in, once; open the second one in a private window."
        ),
        *(f"  {one.name} ({', '.join(map(role_words, one.roles))})  {one.url}" for one in guests),
        _(
            "The clock of the desk goes on from the end of the case. Everything stays on this machine. Stop with Ctrl-C."
        ),
    ]


Port = Annotated[int, typer.Option(metavar=_("PORT"), parser=whole_number(0, 65535))]


def sandbox(
    x_port: Port = 8101,
    telegram_port: Port = 8102,
    bluesky_port: Port = 8103,
    mastodon_port: Port = 8104,
    smtp_port: Port = 8125,
    wall_port: Port = 8100,
    speed: Annotated[
        float,
        typer.Option(
            metavar=_("NUMBER"),
            parser=number(0.001),
            help=_("Shorten the platforms' limits: with 60, a minute becomes a second."),
        ),
    ] = 1.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar=_("FAULT"), help=_("A fault from `--list-faults`; repeatable.")),
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help=_("List the available faults."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    gc.enable()  # see `alertbot.__main__`
    if list_faults:
        known = dict(faults.listing())
        for order, what in known.items():
            say(f"{order:44} {what}", as_json)
        if as_json:
            emit(known)
        return
    orders = faults.Faults(fault or [])
    ports = (x_port, telegram_port, bluesky_port, mastodon_port, smtp_port, wall_port)
    asyncio.run(_serve(ports, speed, orders, as_json))


async def _serve(ports: tuple[int, ...], speed: float, orders: faults.Faults, as_json: bool) -> None:
    """Serve until SIGINT or SIGTERM."""

    stopped = stop_signal()
    given = {f"{name}_port": port for name, port in zip(SERVED, ports, strict=True)}
    platforms = Sandbox(**given, speed=speed, faults=orders)  # type: ignore[arg-type]
    async with platforms:
        addresses = {
            "x": platforms.x_url,
            "telegram": platforms.telegram_url,
            "bluesky": platforms.bluesky_url,
            "mastodon": platforms.mastodon_url,
            "smtp": f"127.0.0.1:{platforms.smtp_port}",
            "wall": platforms.wall_url,
        }
        for name, address in addresses.items():
            say(f"{name:10} {address}", as_json)
        say(_("Everything stays on this machine. Stop with Ctrl-C."), as_json)
        if as_json:
            emit(addresses)
        await stopped.wait()


LONGEST_DELAY_DAYS = 7


CountryCode = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar=_("CODE"),
        help=_(
            "The country pack its texts go by, such as GB; default: the case's own, else by its time zone."
        ),
    ),
]


def replay(
    case: Annotated[
        Path, typer.Argument(metavar=_("CASE_DIR"), help=_("The folder with the case's timeline.yaml."))
    ],
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            metavar=_("FILE"),
            help=_(
                "Rules and policy to use instead of the built-in ones: `rules:` and `watch:` as in a configuration."
            ),
        ),
    ] = None,
    region: CountryCode = None,
    approver_delay: Annotated[
        str,
        typer.Option(
            "--approver-delay",
            metavar=_("TIME"),
            help=_("How long approvers take to answer; default: 3m."),
        ),
    ] = "3m",
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar=_("FILE"), help=_("Write the story to a page, with a diagram.")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    delay = _delay(approver_delay)
    timeline, playbook = read_case(case, region), read_playbook(policy)
    played = _played(timeline, playbook, delay)
    if html is not None:
        _write(html, played)
    if as_json:
        emit(played.view())
    else:
        show_replay(console(), played)


def _delay(text: str) -> timedelta:
    try:
        found: timedelta = TypeAdapter(Duration).validate_python(text)
    except ValidationError:
        raise Misuse(
            _("--approver-delay {text} is not a duration such as 90s, 3m or 1h30m.").format(
                text=text[:40]
            )
        ) from None
    if found > timedelta(days=LONGEST_DELAY_DAYS):
        raise Misuse(
            _("--approver-delay {text} is longer than {days} days.").format(
                text=text[:40], days=LONGEST_DELAY_DAYS
            )
        )
    return found


def _played(timeline: Timeline, playbook: Playbook, delay: timedelta) -> Replay:
    """The replay, with its progress on stderr."""

    gc.enable()  # see `alertbot.__main__`
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    zone, steps = timeline.zone, [entry.at for entry in timeline.entries]
    where = console(as_json=True)
    with Progress(*columns, console=where, transient=True, disable=not where.is_terminal) as progress:
        bar = progress.add_task(_("starting"), total=len(steps) or 1)

        def moved(at: datetime) -> None:
            said = f"{at.astimezone(zone):%d/%m %H:%M}"
            progress.update(bar, completed=sum(one <= at for one in steps), description=said)

        return asyncio.run(play(timeline, playbook, approver_delay=delay, progress=moved))


def _write(path: Path, played: Replay) -> None:
    """The page, whole or not at all."""

    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(render(played), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Misuse(
            _("{path} cannot be written: {why}.").format(path=path, why=error.strerror)
        ) from None
    say(_("The story is in {path}.").format(path=path), as_json=True)
