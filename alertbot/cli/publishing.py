"""Sending and watching: run, status, deliveries, halt, resume, settle."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alertbot.cli.frame import (
    AsJson,
    TokenFile,
    act,
    console,
    emit,
    example,
    read,
    say,
    session,
    with_app,
)
from alertbot.errors import ConfigInvalid, Misuse, StoreFailed
from alertbot.words import _

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alertbot.app import App
    from alertbot.model import Channel, Person
    from alertbot.service.context import Context

PARTLY = 3  # the exit code: something failed, is uncertain or still waits
WATCH_SECONDS = 1.0
LARGEST_NUMBER = 2**63 - 1  # that a database holds

OneAlert = Annotated[
    str | None, typer.Argument(metavar=_("[ALERT]"), help=_("One alert; else everything."))
]
OnChannel = Annotated[str | None, typer.Option("--channel", metavar="C", help=_("Only this channel."))]


def register(app: typer.Typer) -> None:
    app.command(
        "run",
        help=_("Publish what is due until stopped; SIGTERM lets the calls under way end first."),
        epilog=example("alertbot run --once"),
    )(run)
    app.command(
        "status",
        help=_("What went out, what waits, what needs a person; and why anything was not sent."),
        epilog=example("alertbot status --watch"),
    )(status)
    app.command(
        "deliveries",
        help=_("Every delivery with its target, state, attempts, remote id and reason."),
        epilog=example("alertbot deliveries BKRT-1 --state uncertain"),
    )(deliveries)
    app.command(
        "halt",
        help=_("Stop at once: everything, one channel, or one alert. Needs no token."),
        epilog=example("alertbot halt --channel x_main"),
    )(halt)
    app.command(
        "resume",
        help=_("Go on after a halt, or after a channel was paused."),
        epilog=example("alertbot resume BKRT-1"),
    )(resume)
    app.command(
        "settle",
        help=_("Say what became of a delivery that was perhaps sent."),
        epilog=example("alertbot settle 17 --sent --url https://x.com/i/web/status/1"),
    )(settle)


def run(
    context: typer.Context,
    once: Annotated[
        bool,
        typer.Option("--once", help=_("Work until nothing is due, then leave: 0 all sent, 3 not all.")),
    ] = False,
    as_json: AsJson = False,
) -> None:
    from alertbot import logs
    from alertbot.service import working

    if once:
        _leave_with(with_app(context, working.run_once), as_json)
        return
    logs.ready()
    say(_("The worker is alive; it stops with Ctrl-C or SIGTERM."), as_json)
    tally = with_app(context, working.run_until_stopped)
    say(_("The worker has stopped; nothing is under way."), as_json)
    if as_json:
        emit(tally)


def drain_now(context: typer.Context, view: dict[str, Any], as_json: bool) -> None:
    """Work until nothing is claimable, then report one alert."""
    from alertbot.service import reading, working

    async def work(app: "App") -> tuple[dict[str, Any], dict[str, Any]]:
        tally = await working.run_once(app)
        return tally, await reading.brief(await app.open(), view["id"])

    tally, after = with_app(context, work)
    _leave_with(tally, as_json, document=after)


def _leave_with(tally: dict[str, Any], as_json: bool, document: dict[str, Any] | None = None) -> None:
    say(
        _("Sent {sent}, failed {failed}, uncertain {uncertain}, still waiting {waiting}.").format(
            **tally
        ),
        as_json,
    )
    if as_json:
        emit(document or tally)
    if any(tally[state] for state in ("failed", "uncertain", "expired", "skipped", "waiting")):
        raise typer.Exit(PARTLY)


def status(
    context: typer.Context,
    alert: OneAlert = None,
    watch: Annotated[
        bool, typer.Option("--watch", help=_("Look again every second; Ctrl-C ends."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import reading

    if watch and as_json:
        raise Misuse(_("--watch is for people and --json for machines; give one of them."))
    if watch:
        _watch(context, alert)
        return

    async def work(service: "Context") -> tuple[dict[str, Any], "ZoneInfo"]:
        return await reading.status(service, alert), service.voice.zone

    found, zone = read(context, work, partly=True)
    if as_json:
        emit(found)
        return
    from alertbot.preview.tables import status_view

    console().print(status_view(found, zone))


def _watch(context: typer.Context, alert: str | None) -> None:
    import asyncio
    from contextlib import suppress

    from rich.live import Live

    from alertbot.preview.tables import status_view
    from alertbot.service import reading

    screen = console()
    if not screen.is_terminal:
        raise Misuse(_("--watch needs a terminal; elsewhere run `alertbot status` again and again."))

    async def work(service: "Context") -> None:
        with Live(console=screen, auto_refresh=False) as live:
            while True:
                found = await reading.status(service, alert)
                live.update(status_view(found, service.voice.zone), refresh=True)
                await asyncio.sleep(WATCH_SECONDS)

    with suppress(KeyboardInterrupt):
        read(context, work, partly=True)


def deliveries(
    context: typer.Context,
    alert: OneAlert = None,
    state: Annotated[
        str | None, typer.Option(metavar="S", help=_("Only this state, for example uncertain."))
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=LARGEST_NUMBER, help=_("At most so many rows.")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import reading

    async def work(service: "Context") -> tuple[list[dict[str, Any]], "ZoneInfo"]:
        return await reading.deliveries(service, alert, state, limit), service.voice.zone

    rows, zone = read(context, work, partly=True)
    if as_json:
        emit([_with_moments(row) for row in rows])
        return
    from alertbot.preview.tables import deliveries_table

    console().print(deliveries_table(rows, zone))


def _with_moments(row: dict[str, Any]) -> dict[str, Any]:
    """A delivery with its moments in ISO 8601, as everywhere else in JSON."""
    seconds = {key: row[key] for key in ("retry_at", "attempted_at", "settled_at")}
    moments = {
        key: None if at is None else datetime.fromtimestamp(at, UTC) for key, at in seconds.items()
    }
    return row | moments


def halt(
    context: typer.Context,
    alert: OneAlert = None,
    channel: OnChannel = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar=_("ADDRESS"),
            help=_(
                "The database, where there is no configuration: sqlite:////FULL/PATH or postgresql://…"
            ),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    try:
        done = _stop(context, database, alert, channel)
    except (ConfigInvalid, StoreFailed) as error:
        raise StoreFailed(f"{error}\n{_how_to_stop()}") from error
    resuming = " ".join(filter(None, ("alertbot resume", alert, channel and f"--channel {channel}")))
    halted = _("Halted {what} at {at}: no further call starts. Go on with `{command}`.")
    at = f"{datetime.now().astimezone():%H:%M:%S}"
    say(halted.format(what=_scope(alert, channel), at=at, command=resuming), as_json)
    if as_json:
        emit(done)


def _stop(
    context: typer.Context, address: str | None, alert: str | None, channel: str | None
) -> dict[str, Any]:
    import asyncio

    from alertbot.service import halting
    from alertbot.store.database import Database

    path = session(context).config_path()
    url = address or _address_in(path)
    known = _channels_in(path) if channel and not address else None

    async def go() -> dict[str, Any]:
        opened = await Database.open_as_it_is(url)
        try:
            now = datetime.now(UTC)
            return await halting.stop(opened, alert, channel, now=now, channels=known)
        finally:
            await opened.close()

    return asyncio.run(go())


def _address_in(path: Path) -> str:
    from alertbot.config import database_settings

    if not path.exists():
        sentence = _("There is no configuration at {path}: name it with --config FILE.")
        raise ConfigInvalid(sentence.format(path=path.absolute()))
    return database_settings(path).database_url


def _channels_in(path: Path) -> "Mapping[str, Channel] | None":
    """For a channel that was never used; every other one is known to the database."""
    from alertbot.app import build_partly

    try:
        return build_partly(path)[0].voice.channels
    except ConfigInvalid:
        return None


def _how_to_stop() -> str:
    return _(
        "Nothing was halted. If you know the database: alertbot halt --database sqlite:////FULL/PATH/alertbot.db"
        " (or postgresql://USER@HOST:PORT/NAME). Otherwise stop every worker itself: `systemctl stop alertbot`,"
        " or `kill` the processes of `alertbot run` and `alertbot serve`; calls in progress finish first."
    )


def resume(
    context: typer.Context,
    alert: OneAlert = None,
    channel: OnChannel = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import halting

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await halting.resume(service, person, alert, channel)

    done = act(context, work, token_file, partly=True)
    scope = alert or channel
    say(_("{what} goes on.").format(what=scope) if scope else _("Everything goes on."), as_json)
    if as_json:
        emit(done)


def _scope(alert: str | None, channel: str | None) -> str:
    return alert or channel or _("everything")


def settle(
    context: typer.Context,
    delivery: Annotated[
        int,
        typer.Argument(
            metavar=_("DELIVERY"),
            min=1,
            max=LARGEST_NUMBER,
            help=_("Its number in `alertbot deliveries`."),
        ),
    ],
    sent: Annotated[bool, typer.Option("--sent", help=_("It is out: I have seen it."))] = False,
    resend: Annotated[bool, typer.Option("--resend", help=_("It is not out: send it again."))] = False,
    drop: Annotated[bool, typer.Option("--drop", help=_("Leave it; do not send it again."))] = False,
    url: Annotated[
        str | None, typer.Option(metavar="U", help=_("With --sent: where it stands."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import publishing

    chosen = [word for word, said in (("sent", sent), ("resend", resend), ("drop", drop)) if said]
    if len(chosen) != 1:
        raise Misuse(_("Say one of --sent, --resend and --drop."))

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await publishing.settle(service, person, delivery, chosen[0], url)

    row = act(context, work, token_file, partly=True)
    from alertbot.preview.states import state_word

    sentence = _("Delivery {id} is now {state}.")
    say(sentence.format(id=row["id"], state=state_word(row["state"])), as_json)
    if as_json:
        emit(row)
