"""Who may act (people, roles, tokens, ways to reach them), and what waits for a person: task list, task done."""

import sys
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from alertbot.alerts.hand import doing, giving
from alertbot.alerts.hand.doing import HandAnswer
from alertbot.alerts.hand.giving import HandTaskView
from alertbot.cli.frame import AsJson, TokenFile, console, emit, say, session
from alertbot.cli.parsing import whole_number
from alertbot.cli.running import act, change, read
from alertbot.cli.tables.show_incidents import tasks_table
from alertbot.cli.tables.show_tables import people_table
from alertbot.core.errors import Misuse
from alertbot.core.model import Person, Picture
from alertbot.core.words import _, told
from alertbot.people import accounts, signing_in, tasks
from alertbot.people.views import (
    InvitationView,
    IssuedToken,
    LinkCode,
    MailAddress,
    PersonLine,
    PersonView,
    SessionView,
    TaskView,
)
from alertbot.watch.context import WatchContext

Name = Annotated[
    str, typer.Argument(metavar=_("NAME"), help=_("The person's name, as it will appear in the audit."))
]
Days = Annotated[
    int | None,
    typer.Option(
        "--expires-days", parser=whole_number(1, 36_500), help=_("The token expires after N days.")
    ),
]


def _with_token(view: IssuedToken, sentence: str, as_json: bool) -> None:
    """Print the token alone on the last line of stdout, or in the JSON document."""
    if as_json:
        say(sentence, as_json)
        emit(view)
    else:
        say(sentence)
        say(view.token)


def add(
    context: typer.Context,
    name: Name,
    role: Annotated[
        list[str],
        typer.Option("--role", metavar="R", help=_("author, approver or admin; repeatable.")),
    ],
    expires_days: Days = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    token = session(context).token(token_file)
    view = change(context, lambda service: accounts.add(service, token, name, role, expires_days))
    counts = (
        _("{name} now counts as {roles}. The token, shown only this once:")
        if view.counts
        else _(
            "Added {name} as {roles}; this counts once another admin has run `alertbot people confirm"
            " {name}`. The token, shown only this once:"
        )
    )
    _with_token(view, counts.format(name=view.name, roles=", ".join(view.roles)), as_json)


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    async def work(service: WatchContext) -> tuple[list[PersonLine], ZoneInfo]:
        return await accounts.everybody(service), service.publisher.zone

    rows, zone = read(context, work)
    if as_json:
        emit(rows)
        return

    console().print(people_table(rows, zone))


def confirm(
    context: typer.Context,
    name: Name,
    own_token: Annotated[
        bool,
        typer.Option(
            "--own-token",
            help=_(
                "This person told you that they renewed their token themselves: nobody else knows it."
            ),
        ),
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> PersonView:
        return await accounts.confirm(service, person, name, own_token=own_token)

    view = act(context, work, token_file)
    said = (
        _("{name} alone knows the token of {name}, and counts as {roles}.")
        if own_token
        else _("{name} now counts as {roles}.")
    )
    _tell(view, said, as_json)


def roles(
    context: typer.Context,
    name: Name,
    role: Annotated[
        list[str],
        typer.Option("--role", metavar="R", help=_("author, approver or admin; repeatable.")),
    ],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> PersonLine:
        return await accounts.change_roles(service, person, name, role)

    view = act(context, work, token_file)
    _tell(view, _("{name} has these roles: {roles}."), as_json)
    if view.roles_asked:
        waits = _("{asked} counts once another admin has run `alertbot people confirm {name}`.")
        say(waits.format(asked=", ".join(view.roles_asked), name=view.name), as_json)


def list_sessions(
    context: typer.Context,
    name: Name,
    end: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole_number(1, 2**31 - 1), help=_("End the session with this number.")
        ),
    ] = None,
    end_all: Annotated[bool, typer.Option("--end-all", help=_("End all of them."))] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    if end is not None and end_all:
        raise Misuse(_("Give --end N or --end-all, not both."))

    async def work(service: WatchContext, person: Person) -> tuple[list[SessionView], ZoneInfo]:
        if end is not None or end_all:
            await signing_in.end_sessions(service, person, name, end)
        found = await signing_in.sessions(service, person, name)
        return [signing_in.view(one) for one in found], service.publisher.zone

    rows, zone = act(context, work, token_file)
    if as_json:
        emit(rows)
        return
    for row in rows:
        line = _("{id}  {device}  since {since}, last seen {seen}")
        say(
            line.format(
                id=row.id,
                device=row.device,
                since=told(row.started_at, zone),
                seen=told(row.seen_at, zone),
            )
        )
    if not rows:
        say(_("{name} is signed in nowhere.").format(name=name))


def revoke(
    context: typer.Context, name: Name, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    view = act(context, lambda service, person: accounts.revoke(service, person, name), token_file)
    _tell(view, _("{name} can no longer act."), as_json)


def rotate(
    context: typer.Context,
    name: Name,
    expires_days: Days = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> IssuedToken:
        return await accounts.rotate(service, person, name, expires_days)

    view = act(context, work, token_file)
    sentence = _("New token for {name}, shown only this once; the old one no longer works:")
    _with_token(view, sentence.format(name=view.name), as_json)


def invite(
    context: typer.Context, name: Name, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    async def work(service: WatchContext, person: Person) -> tuple[InvitationView, ZoneInfo]:
        return await accounts.invite(service, person, name), service.publisher.zone

    view, zone = act(context, work, token_file)
    sentence = _("{name} can sign in at the desk once with this link, before {time}:")
    say(sentence.format(name=view.name, time=told(view.expires_at, zone)), as_json)
    if view.shared:
        warning = _(
            "You have seen it, so {name} and you count as one hand until {name} has renewed the token at the desk and"
            " another admin has run `alertbot people confirm {name} --own-token`."
        )
        print(warning.format(name=view.name), file=sys.stderr)
    if as_json:
        emit(view)
    else:
        say(view.url)


def _tell(view: PersonView, sentence: str, as_json: bool) -> None:
    say(sentence.format(name=view.name, roles=", ".join(view.roles)), as_json)
    if as_json:
        emit(view)


def link(
    context: typer.Context, name: Name, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    async def work(service: WatchContext, person: Person) -> tuple[LinkCode, ZoneInfo]:
        return await accounts.link(service, person, name), service.publisher.zone

    view, zone = act(context, work, token_file)
    sentence = _("Send this to the team's bot on Telegram, in a private chat, before {time}:")
    say(sentence.format(time=told(view.expires_at, zone)), as_json)
    if as_json:
        emit(view)
    else:
        say(f"/link {view.code}")


def unlink(
    context: typer.Context, name: Name, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    view = act(context, lambda service, person: accounts.unlink(service, person, name), token_file)
    sentence = (
        _("{name} is no longer linked to a Telegram account.")
        if view.unlinked
        else _("{name} was not linked to a Telegram account; open codes were cancelled.")
    )
    say(sentence.format(name=view.name), as_json)
    if as_json:
        emit(view)


def mail(
    context: typer.Context,
    name: Name,
    address: Annotated[
        str | None, typer.Argument(metavar=_("[ADDRESS]"), help=_("The mail address."))
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help=_("Delete the address."))] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    if (address is None) is not remove:
        raise Misuse(_("Give an address, or --remove."))

    async def work(service: WatchContext, person: Person) -> MailAddress:
        return await accounts.set_mail(service, person, name, address)

    view = act(context, work, token_file)
    sentence = (
        _("Approval links for {name} go to {mail}.")
        if view.mail
        else _("{name} no longer gets approval links by mail.")
    )
    say(sentence.format(name=view.name, mail=view.mail), as_json)
    if as_json:
        emit(view)


LARGEST_NUMBER = 2**31 - 1  # that a task's number can be


def list_tasks(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help=_("Include tasks that are done."))] = False,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext) -> tuple[list[TaskView], ZoneInfo]:
        rows = await tasks.listing(service, every=every)
        said = await service.database.read(lambda conn: giving.as_they_stand(conn, rows))
        return said, service.publisher.zone

    rows, zone = read(context, work)
    if as_json:
        emit(rows)
        return

    console().print(tasks_table(rows, zone))


TaskNumber = Annotated[
    int,
    typer.Argument(
        metavar=_("TASK"),
        parser=whole_number(1, LARGEST_NUMBER),
        help=_("Its number in `alertbot task list`."),
    ),
]


def show_task(
    context: typer.Context,
    task: TaskNumber,
    picture: Annotated[
        Path | None, typer.Option(metavar=_("FILE"), help=_("Save the picture in this file."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    view, image = read(context, lambda service: giving.shown(service, task))
    if picture is not None:
        _save(picture, image)
    if as_json:
        emit(view)
        return
    for line in filter(None, [view.stop, view.instruction, _picture_line(view)]):
        print(line, file=sys.stderr)
    print(file=sys.stderr)
    if view.words:
        say(view.words)
    if view.task.done_at is None:
        print(f"\n{_how_to_answer(view)}", file=sys.stderr)


def _picture_line(view: HandTaskView) -> str:
    if view.picture is None:
        return ""
    said = _("The picture: alertbot task show {id} --picture FILE. Its text alternative: {alt}")
    return said.format(id=view.task.id, alt=view.alt or "–")


def _how_to_answer(view: HandTaskView) -> str:
    return _(
        "When it is done: alertbot task done {id} --link https://… or --at 19:31. If it is not: alertbot task not-done"
        " {id} --reason …"
    ).format(id=view.task.id)


def _save(path: Path, image: Picture | None) -> None:
    if image is None:
        raise Misuse(_("This task has no picture."))
    try:
        with path.open("xb") as file:
            file.write(image.content)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Misuse(
            _("The picture cannot be saved in {path}: {why}.").format(path=path, why=why)
        ) from None


def done(
    context: typer.Context,
    task: TaskNumber,
    outcome: Annotated[
        str | None, typer.Option(metavar=_("TEXT"), help=_("What was done, for the audit."))
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(metavar=_("URL"), help=_("Of what was posted by hand: where it stands.")),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar=_("TIME"), help=_("Of what was posted by hand: when, such as 19:31.")),
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    if link or at:
        _answer(context, task, HandAnswer(link=link, at=at), token_file, as_json)
        return

    async def work(service: WatchContext, person: Person) -> TaskView:
        return await tasks.done(service, person, task, outcome)

    view = act(context, work, token_file)
    say(_("Task {id} is done: {text}").format(id=view.id, text=view.text), as_json)
    if as_json:
        emit(view)


def not_done(
    context: typer.Context,
    task: TaskNumber,
    reason: Annotated[
        str,
        typer.Option(metavar=_("WHY"), help=_("Why it was not posted, for the team and the audit.")),
    ],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    _answer(context, task, HandAnswer(why_not=reason), token_file, as_json)


def _answer(
    context: typer.Context, task: int, said: HandAnswer, token_file: Path | None, as_json: bool
) -> None:
    async def work(service: WatchContext, person: Person) -> HandTaskView:
        return await doing.answer(service, person, task, said)

    view = act(context, work, token_file)
    told_so = _("{alert}, {place}: {outcome}").format(
        alert=view.task.alert, place=view.place, outcome=view.task.outcome
    )
    say(told_so, as_json)
    if as_json:
        emit(view)
