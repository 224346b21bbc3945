"""Who may act: people, roles and tokens."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alertbot.cli.frame import (
    AsJson,
    TokenFile,
    act,
    change,
    console,
    emit,
    example,
    read,
    say,
    session,
)
from alertbot.cli.typer_words import App
from alertbot.errors import Misuse
from alertbot.words import _

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alertbot.model import Person
    from alertbot.service.context import Context

Name = Annotated[
    str, typer.Argument(metavar=_("NAME"), help=_("The person, as the audit will name them."))
]
Days = Annotated[
    int | None,
    typer.Option("--expires-days", min=1, max=36_500, help=_("The token lapses after so many days.")),
]


def register(app: typer.Typer) -> None:
    people = App(
        help=_("Who may write, approve and administer."),
        epilog=example("alertbot people add Camille --role author"),
        no_args_is_help=True,
    )
    people.command(
        "add",
        help=_(
            "Add a person. The first two on an empty database become admins; from the second on an admin's"
            " token is needed, and from the third on a new approver or admin counts once another admin has"
            " confirmed. The token stands alone on the last line and is shown once."
        ),
        epilog=example("alertbot people add Dominique --role approver"),
    )(add)
    people.command("list", help=_("List people."), epilog=example("alertbot people list"))(list_)
    people.command(
        "confirm",
        help=_("Confirm an approver or admin that another admin added."),
        epilog=example("alertbot people confirm Dominique"),
    )(confirm)
    people.command(
        "revoke",
        help=_("Take away a person's token for good."),
        epilog=example("alertbot people revoke Dominique"),
    )(revoke)
    people.command(
        "rotate",
        help=_("Give a person a new token; the old one stops at once."),
        epilog=example("alertbot people rotate Dominique"),
    )(rotate)
    people.command(
        "link",
        help=_(
            "Print a one-time code that links your Telegram account: send it to the team's bot as /link CODE"
            " in a private chat within 15 minutes. Only the person can do it, with their own token."
        ),
        epilog=example("alertbot people link Dominique"),
    )(link)
    people.command(
        "unlink",
        help=_("Forget a person's Telegram account and open codes."),
        epilog=example("alertbot people unlink Dominique"),
    )(unlink)
    people.command(
        "mail",
        help=_("Say where links to approve are mailed to; --remove takes the address away."),
        epilog=example("alertbot people mail Dominique dominique@example.org"),
    )(mail)
    app.add_typer(people, name="people")


def _with_token(view: dict[str, Any], sentence: str, as_json: bool) -> None:
    """The token stands alone on the last line of stdout, or in the JSON document."""
    if as_json:
        say(sentence, as_json)
        emit(view)
    else:
        say(sentence)
        say(view["token"])


def add(
    context: typer.Context,
    name: Name,
    role: Annotated[
        list[str],
        typer.Option("--role", metavar="R", help=_("author, approver or admin; may be repeated.")),
    ],
    expires_days: Days = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import people

    token = session(context).token(token_file)
    view = change(context, lambda service: people.add(service, token, name, role, expires_days))
    counts = (
        _("{name} may act as {roles}. Their token, shown only this once:")
        if view["counts"]
        else _(
            "{name} is added as {roles} and counts once another admin has run `alertbot people confirm {name}`."
            " Their token, shown only this once:"
        )
    )
    _with_token(view, counts.format(name=view["name"], roles=", ".join(view["roles"])), as_json)


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    from alertbot.service import people

    async def work(service: "Context") -> tuple[list[dict[str, Any]], "ZoneInfo"]:
        return await people.everybody(service), service.voice.zone

    rows, zone = read(context, work)
    if as_json:
        emit(rows)
        return
    from alertbot.preview.tables import people_table

    console().print(people_table((row | {"expires_at": row["token_expires_at"]} for row in rows), zone))


def confirm(
    context: typer.Context, name: Name, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    from alertbot.service import people

    view = act(context, lambda service, person: people.confirm(service, person, name), token_file)
    _tell(view, _("{name} now counts as {roles}."), as_json)


def revoke(
    context: typer.Context, name: Name, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    from alertbot.service import people

    view = act(context, lambda service, person: people.revoke(service, person, name), token_file)
    _tell(view, _("{name} can no longer act."), as_json)


def rotate(
    context: typer.Context,
    name: Name,
    expires_days: Days = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import people

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await people.rotate(service, person, name, expires_days)

    view = act(context, work, token_file)
    sentence = _("The new token of {name}, shown only this once; the old one no longer works:")
    _with_token(view, sentence.format(name=view["name"]), as_json)


def _tell(view: dict[str, Any], sentence: str, as_json: bool) -> None:
    say(sentence.format(name=view["name"], roles=", ".join(view["roles"])), as_json)
    if as_json:
        emit(view)


def link(
    context: typer.Context, name: Name, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    from alertbot.service import contacts

    async def work(service: "Context", person: "Person") -> tuple[dict[str, Any], "ZoneInfo"]:
        return await contacts.link(service, person, name), service.voice.zone

    view, zone = act(context, work, token_file)
    sentence = _("Send this to the team's bot on Telegram, in a private chat, before {time}:")
    say(sentence.format(time=f"{view['expires_at'].astimezone(zone):%H:%M}"), as_json)
    if as_json:
        emit(view)
    else:
        say(f"/link {view['code']}")


def unlink(
    context: typer.Context, name: Name, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    from alertbot.service import contacts

    view = act(context, lambda service, person: contacts.unlink(service, person, name), token_file)
    sentence = (
        _("{name} is no longer linked to a Telegram account.")
        if view["unlinked"]
        else _("{name} was not linked to a Telegram account; open codes are void.")
    )
    say(sentence.format(name=view["name"]), as_json)
    if as_json:
        emit(view)


def mail(
    context: typer.Context,
    name: Name,
    address: Annotated[
        str | None, typer.Argument(metavar=_("[ADDRESS]"), help=_("The mail address."))
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help=_("Take the address away."))] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import contacts

    if (address is None) is not remove:
        raise Misuse(_("Give an address, or --remove."))

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await contacts.set_mail(service, person, name, address)

    view = act(context, work, token_file)
    sentence = (
        _("Links to approve go to {mail} for {name}.")
        if view["mail"]
        else _("{name} gets no links to approve by mail any more.")
    )
    say(sentence.format(name=view["name"], mail=view["mail"]), as_json)
    if as_json:
        emit(view)
