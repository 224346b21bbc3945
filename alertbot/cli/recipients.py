"""Who is not to be written to any more, and whose addresses are erased: recipients list, suppress, release, bounces,
erase, expire."""

import json
import sys
from dataclasses import asdict
from datetime import datetime, time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from alertbot.alerts.addresses import erasing
from alertbot.alerts.addresses.erasing import ErasedView
from alertbot.app import App
from alertbot.channels.email.returned import split
from alertbot.cli.backups import day_of
from alertbot.cli.frame import AsJson, TokenFile, console, emit, say
from alertbot.cli.running import act, read, with_app
from alertbot.cli.tables.show_tables import recipients_table
from alertbot.core.errors import Misuse
from alertbot.core.model import Person
from alertbot.core.words import _, ngettext
from alertbot.delivery.views import Suppressed, SuppressedAddress
from alertbot.ops.returning import ReturnsKeeper, added
from alertbot.people import recipients
from alertbot.people.recipients import ReturnedView, SuppressionView
from alertbot.watch.context import WatchContext

Addresses = Annotated[
    list[str] | None,
    typer.Argument(metavar=_("ADDRESS"), help=_("Mail addresses."), show_default=False),
]
AddressFile = Annotated[
    Path | None,
    typer.Option("--file", metavar=_("FILE"), help=_("A file with one address on each line.")),
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", metavar=_("TEXT"), help=_("Why; recorded in the audit.")),
]


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    async def work(service: WatchContext) -> tuple[list[SuppressedAddress], ZoneInfo]:
        return await recipients.listing(service), service.publisher.zone

    rows, zone = read(context, work, partly=True)
    if as_json:
        emit(rows)
    elif not rows:
        say(_("Every recipient is written to; no mail has come back."))
    else:
        table: Table = recipients_table(rows, zone)
        console().print(table)


def suppress(
    context: typer.Context,
    addresses: Addresses = None,
    file: AddressFile = None,
    unsubscribed: Annotated[
        bool, typer.Option("--unsubscribed", help=_("They asked for no more mail."))
    ] = False,
    erased: Annotated[
        bool, typer.Option("--erased", help=_("They asked to be erased: only a hash is kept."))
    ] = False,
    reason: Reason = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    if unsubscribed and erased:
        raise Misuse(_("Give --unsubscribed or --erased, not both."))
    asked = Suppressed.UNSUBSCRIBED if unsubscribed else Suppressed.ERASED
    why = asked if unsubscribed or erased else Suppressed.BY_HAND
    wanted = _given(addresses, file)

    async def work(service: WatchContext, person: Person) -> SuppressionView:
        return await recipients.suppress(service, person, wanted, why, reason)

    view = act(context, work, token_file)
    told = ngettext(
        "{n} address is no longer written to", "{n} addresses are no longer written to", view.changed
    )
    was = ngettext("{n} was not written to before", "{n} were not written to before", view.unchanged)
    _tell(view, told, was, as_json)


def release(
    context: typer.Context,
    addresses: Addresses = None,
    file: AddressFile = None,
    reason: Reason = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    wanted = _given(addresses, file)

    async def work(service: WatchContext, person: Person) -> SuppressionView:
        return await recipients.release(service, person, wanted, reason)

    view = act(context, work, token_file)
    told = ngettext(
        "{n} address is written to again", "{n} addresses are written to again", view.changed
    )
    was = ngettext("{n} was written to already", "{n} were written to already", view.unchanged)
    _tell(view, told, was, as_json)


def bounces(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar=_("FILE"),
            help=_("Mails or mboxes; - reads stdin. Without: the mailboxes of `returns_host`."),
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    mails = [one for file in files or () for one in split(_content(file))]

    async def work(app: App) -> ReturnedView:
        if files:
            return await recipients.returned(await app.open(), app.seals(), mails)
        return await _read_mailboxes(app)

    view = with_app(context, work)
    if as_json:
        emit(view)
        return
    told = _(
        "{read} mails read: {suppressed} addresses that do not exist are no longer written to, {counted} failures may"
        " pass, {ours} refused our mail, {foreign} were none of ours, {nothing} told of no failure, {erased} were of"
        " addresses that were erased, {known} were counted before."
    )
    say(told.format(**asdict(view)))


def erase(
    context: typer.Context,
    addresses: Addresses = None,
    file: AddressFile = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar=_("FILE"),
            help=_("A file with the keys of addresses, or what `recipients list --json` said."),
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=_("Only show what would be erased."))
    ] = False,
    reason: Reason = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    wanted = _given(addresses, file)
    known = _keys(keys) if keys is not None else []

    async def work(service: WatchContext, person: Person) -> ErasedView:
        return await erasing.erase(service, person, wanted, reason, keys=known, dry_run=dry_run)

    _tell_erased(act(context, work, token_file), as_json)


def expire(
    context: typer.Context,
    before: Annotated[
        str | None,
        typer.Option(
            "--before",
            metavar=_("DAY"),
            help=_("Only what was over before this day; otherwise as `retention:` says."),
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=_("Only show what would be erased."))
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    day = None if before is None else day_of(before)

    async def work(service: WatchContext, person: Person) -> ErasedView:
        zone = service.publisher.zone
        moment = None if day is None else datetime.combine(day, time(), zone)
        return await erasing.expire(service, person, moment, dry_run=dry_run)

    _tell_erased(act(context, work, token_file), as_json)


def _keys(file: Path) -> list[str]:
    text = "\n".join(_given(None, file))
    try:
        rows = json.loads(text)
    except ValueError:
        return text.split()
    found = [row.get("key") for row in rows if isinstance(row, dict) and row.get("reason") == "erased"]
    return [str(one) for one in found]


def _tell_erased(view: ErasedView, as_json: bool) -> None:
    if as_json:
        emit(view)
        return
    told = (
        _(
            "Would be erased. Alerts: {alerts}; recipients: {targets}; deliveries: {deliveries}; listed: {suppressed}."
        )
        if view.dry_run
        else _(
            "Erased. Alerts: {alerts}; recipients: {targets}; deliveries: {deliveries}; listed: {suppressed}."
        )
    )
    say(
        told.format(
            targets=view.targets,
            deliveries=view.deliveries,
            alerts=view.alerts,
            suppressed=view.suppressed,
        )
    )
    for one in view.stays:
        still = _("{alert} still holds some ({n}): {why}. The worker erases them afterwards.")
        say(still.format(alert=one.alert, n=one.rows, why=one.why))
    if view.dry_run:
        return
    if view.before is None:
        say(
            _("They are written to no more, whatever list they stand on. Take them off your lists too.")
        )
    say(
        _(
            "The files of the database may still hold traces of what was erased: `alertbot db compact`. Backups hold it"
            " until they are thrown away."
        )
    )


async def _read_mailboxes(app: App) -> ReturnedView:
    places = app.returns()
    if not places:
        told = _("Which file? No channel has a mailbox for mail that comes back (`returns_host`).")
        raise Misuse(told)
    service = await app.open()
    keepers = [ReturnsKeeper(service, name, place, app.seals) for name, place in places.items()]
    return added([await one.read() for one in keepers])


def _content(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        told = _("The file {file} cannot be read: {why}.").format(file=file, why=error.strerror)
        raise Misuse(told) from None


def _given(addresses: list[str] | None, file: Path | None) -> list[str]:
    found = list(addresses or ())
    if file is not None:
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except OSError as error:
            told = _("The file {file} cannot be read: {why}.").format(file=file, why=error.strerror)
            raise Misuse(told) from None
        except UnicodeDecodeError:
            raise Misuse(_("The file {file} is not UTF-8 text.").format(file=file)) from None
        found += [line.strip() for line in lines if line.strip()]
    return found


def _tell(view: SuppressionView, told: str, was: str, as_json: bool) -> None:
    if as_json:
        emit(view)
        return
    unchanged = f" ({was.format(n=view.unchanged)})" if view.unchanged else ""
    say(told.format(n=view.changed) + unchanged + ".")
