"""Commands that halt and resume, and `settle` for a delivery that was perhaps sent."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from alertbot.alerts import halting, publishing
from alertbot.alerts.views import HaltView, SettledView
from alertbot.app import build_partly
from alertbot.cli.frame import AsJson, OneAlert, TokenFile, emit, say, session
from alertbot.cli.parsing import offered, whole_number
from alertbot.cli.running import act
from alertbot.cli.tables.show_tables import state_word
from alertbot.config.partly import database_settings
from alertbot.core.errors import ConfigInvalid, Misuse, StoreFailed
from alertbot.core.model import Channel, Person
from alertbot.core.words import _
from alertbot.db.database import Database
from alertbot.watch.context import WatchContext

LARGEST_NUMBER = 2**63 - 1  # that a database holds

OnChannel = Annotated[
    str | None,
    typer.Option(
        "--channel", metavar="C", help=_("Only this channel."), autocompletion=offered("channels")
    ),
]


def halt(
    context: typer.Context,
    alert: OneAlert = None,
    channel: OnChannel = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar=_("ADDRESS"),
            help=_(
                "The database, if there is no configuration: sqlite:////FULL/PATH or postgresql://…"
            ),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    try:
        done = _stop(context, database, alert, channel)
    except (ConfigInvalid, StoreFailed) as error:
        raise StoreFailed(f"{error}\n{_how_to_stop()}") from error
    tell_halted(alert, channel, as_json)
    if as_json:
        emit(done)


def tell_halted(alert: str | None, channel: str | None, as_json: bool) -> None:
    """Print what was halted, and how to go on."""
    resuming = " ".join(filter(None, ("alertbot resume", alert, channel and f"--channel {channel}")))
    halted = _("Halted {what} at {at}: no new call starts. Resume with `{command}`.")
    at = f"{datetime.now().astimezone():%H:%M:%S (%Z)}"
    say(halted.format(what=_scope(alert, channel), at=at, command=resuming), as_json)


def _stop(
    context: typer.Context, address: str | None, alert: str | None, channel: str | None
) -> HaltView:
    path = session(context).config_path()
    url = address or _address_in(path)
    known = _channels_in(path) if channel and not address else None

    async def go() -> HaltView:
        opened = await Database.open_as_it_is(url)
        try:
            now = datetime.now(UTC)
            return await halting.stop(opened, alert, channel, now=now, channels=known)
        finally:
            await opened.close()

    return asyncio.run(go())


def _address_in(path: Path) -> str:
    if not path.exists():
        sentence = _("No configuration at {path}. Give its path with --config FILE.")
        raise ConfigInvalid(sentence.format(path=path.absolute()))
    return database_settings(path).database_url


def _channels_in(path: Path) -> Mapping[str, Channel] | None:
    """The configured channels, for one that was never used; every other one is known to the database."""
    try:
        return build_partly(path)[0].publisher.channels
    except ConfigInvalid:
        return None


def _how_to_stop() -> str:
    return _(
        "Nothing was halted. If you know the database: alertbot halt --database"
        " sqlite:////FULL/PATH/alertbot.db (or postgresql://USER@HOST:PORT/NAME). Otherwise stop the"
        " workers: `systemctl stop alertbot`, or `kill` every `alertbot run` and `alertbot serve`;"
        " calls in progress finish first."
    )


def resume(
    context: typer.Context,
    alert: OneAlert = None,
    channel: OnChannel = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> HaltView:
        return await halting.resume(service, person, alert, channel)

    done = act(context, work, token_file, partly=True)
    tell_resumed(alert, channel, as_json)
    if as_json:
        emit(done)


def tell_resumed(alert: str | None, channel: str | None, as_json: bool) -> None:
    """Print what goes on."""
    scope = alert or channel
    say(_("Resumed: {what}.").format(what=scope) if scope else _("Resumed: everything."), as_json)


def _scope(alert: str | None, channel: str | None) -> str:
    return alert or channel or _("everything")


def settle(
    context: typer.Context,
    delivery: Annotated[
        int,
        typer.Argument(
            metavar=_("DELIVERY"),
            parser=whole_number(1, LARGEST_NUMBER),
            help=_("Its number in `alertbot deliveries`."),
            autocompletion=offered("uncertain"),
        ),
    ],
    sent: Annotated[bool, typer.Option("--sent", help=_("It went out; I have seen it."))] = False,
    resend: Annotated[
        bool, typer.Option("--resend", help=_("It did not go out; send it again."))
    ] = False,
    drop: Annotated[bool, typer.Option("--drop", help=_("Leave it; do not send again."))] = False,
    url: Annotated[str | None, typer.Option(metavar="U", help=_("With --sent: its address."))] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    chosen = [word for word, said in (("sent", sent), ("resend", resend), ("drop", drop)) if said]
    if len(chosen) != 1:
        raise Misuse(_("Give one of --sent, --resend or --drop."))

    async def work(service: WatchContext, person: Person) -> SettledView:
        return await publishing.settle(service, person, delivery, chosen[0], url)

    row = act(context, work, token_file, partly=True)
    sentence = _("Delivery {id} is now: {state}.")
    say(sentence.format(id=row.id, state=state_word(row.state)), as_json)
    if as_json:
        emit(row)
