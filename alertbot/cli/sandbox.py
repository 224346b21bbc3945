"""Rehearsing on loopback: the sandbox platforms."""

import asyncio
import gc
import signal
from typing import Annotated

import typer

from alertbot.cli.frame import AsJson, emit, say
from alertbot.cli.misuse import number, whole_number
from alertbot.sandbox import faults
from alertbot.sandbox.server import Sandbox
from alertbot.words import _

Port = Annotated[int, typer.Option(metavar=_("PORT"), parser=whole_number(0, 65535))]


def sandbox(
    x_port: Port = 8101,
    telegram_port: Port = 8102,
    smtp_port: Port = 8125,
    wall_port: Port = 8100,
    speed: Annotated[
        float,
        typer.Option(
            metavar=_("NUMBER"),
            parser=number(0.001),
            help=_("Shorten the platforms' limits: 60 makes minutes seconds."),
        ),
    ] = 1.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar=_("FAULT"), help=_("A fault, as in `--list-faults`; may be repeated.")),
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help=_("List the faults that can be ordered."))
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
    asyncio.run(_serve((x_port, telegram_port, smtp_port, wall_port), speed, orders, as_json))


async def _serve(ports: tuple[int, int, int, int], speed: float, orders: object, as_json: bool) -> None:
    """Serve until SIGINT or SIGTERM."""

    x, telegram, smtp, wall = ports
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stopped.set)
    platforms = Sandbox(
        x_port=x,
        telegram_port=telegram,
        smtp_port=smtp,
        wall_port=wall,
        speed=speed,
        faults=orders,  # type: ignore[arg-type]
    )
    async with platforms:
        addresses = {
            "x": platforms.x_url,
            "telegram": platforms.telegram_url,
            "smtp": f"127.0.0.1:{platforms.smtp_port}",
            "wall": platforms.wall_url,
        }
        for name, address in addresses.items():
            say(f"{name:10} {address}", as_json)
        say(_("Everything stays on this machine. Ctrl-C ends it."), as_json)
        if as_json:
            emit(addresses)
        await stopped.wait()
