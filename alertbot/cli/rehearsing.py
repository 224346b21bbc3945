"""Rehearsing on loopback: the sandbox platforms, and the evening of 2 June 2021."""

from pathlib import Path
from typing import Annotated

import typer

from alertbot.cli.frame import AsJson, console, emit, example, say
from alertbot.words import _

Port = Annotated[int, typer.Option(min=0, max=65535)]


def register(app: typer.Typer) -> None:
    app.command(
        "sandbox",
        help=_(
            "Serve an X API, a Telegram Bot API and a mail server on this machine, and a wall that shows what"
            " the public would see. State is in memory; Ctrl-C ends it."
        ),
        epilog=example("alertbot sandbox --fault telegram:flood:retry_after=3"),
    )(sandbox)
    app.command(
        "demo",
        help=_(
            "Replay the evening of 2 June 2021 as it could have been told, on loopback, in under a minute."
        ),
        epilog=example("alertbot demo"),
    )(demo)


def sandbox(
    x_port: Port = 8101,
    telegram_port: Port = 8102,
    smtp_port: Port = 8125,
    wall_port: Port = 8100,
    speed: Annotated[
        float,
        typer.Option(min=0.001, help=_("Shorten the platforms' limits: 60 makes minutes seconds.")),
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
    import asyncio
    import gc

    from alertbot.sandbox import faults

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
    import asyncio
    import signal

    from alertbot.sandbox.server import Sandbox

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


def demo(
    output: Annotated[
        Path,
        typer.Option(metavar=_("DIR"), help=_("Where the wall, the database and the audit are left.")),
    ] = Path("demo-output"),
    as_json: AsJson = False,
) -> None:
    import asyncio
    import gc

    from alertbot.demo.evening import play
    from alertbot.demo.report import show

    gc.enable()  # see `alertbot.__main__`

    told = asyncio.run(play(output, console(as_json=True)))
    if as_json:
        emit(told.document())
    else:
        show(console(), told)
    if not told.complete:
        raise typer.Exit(3)
