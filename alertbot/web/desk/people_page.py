"""People: who may do what, who confirmed them, who could act as somebody else; inviting, roles, sessions, revoking."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.model import Role
from alertbot.core.words import _
from alertbot.ops import team
from alertbot.ops.team import MemberView
from alertbot.people import accounts, signing_in
from alertbot.people.views import InvitationView, LinkCode
from alertbot.web.desk.room import (
    ROOT,
    Routes,
    Visit,
    once,
    page,
    shown_once,
    status_of,
    whole_number,
)

Do = Callable[[Visit, str], Awaitable[object]]


def add(routes: Routes) -> None:
    routes.get("/people", _people)
    routes.post("/people", _add)
    routes.get("/people/{person}", _person)
    routes.post("/people/{person}/invite", _invite)
    routes.post("/people/{person}/telegram", _telegram)
    for name, act in ACTS.items():
        routes.post(f"/people/{{person}}/{name}", _changing(act))


async def _people(visit: Visit) -> Response:
    return await _listed(visit)


async def _listed(visit: Visit, error: AlertbotError | None = None) -> Response:
    return await page(
        visit,
        "people.html.j2",
        200 if error is None else status_of(error),
        team=await team.team(visit.service),
        admin=Role.ADMIN in visit.person.roles,
        roles=tuple(map(str, Role)),
        chosen=visit.fields.get("role", ()),
        error=error,
    )


async def _person(visit: Visit) -> Response:
    return await _shown(visit)


async def _member(visit: Visit) -> MemberView:
    return await team.member(visit.service, visit.person, whole_number(visit.path("person")))


async def _shown(
    visit: Visit,
    error: AlertbotError | None = None,
    invitation: InvitationView | None = None,
    code: LinkCode | None = None,
) -> Response:
    found = await _member(visit)
    return await page(
        visit,
        "person.html.j2",
        200 if error is None else status_of(error),
        found=found,
        line=found.line,
        admin=Role.ADMIN in visit.person.roles,
        myself=found.line.id == visit.person.id,
        roles=tuple(map(str, Role)),
        invitation=invitation,
        code=code,
        typed=visit.field,
        error=error,
    )


async def _add(visit: Visit) -> Response:
    """Somebody new, with the link to give them. The token that is made with the account is shown to nobody: its owner
    makes one at the desk."""

    async def act() -> Response:
        name, roles = visit.field("name"), list(visit.fields.get("role", ()))
        made = await accounts.add_by(visit.service, visit.person, name, roles)
        visit.request.path_params["person"] = str(made.id)
        link = await accounts.invite(visit.service, visit.person, made.name)
        return await _shown(visit, invitation=link)

    try:
        return await shown_once(visit, f"{ROOT}/people", act)
    except AlertbotError as error:
        return await _listed(visit, error)


async def _invite(visit: Visit) -> Response:
    """Answered at once, without going on: the link is shown only here."""
    found = await _member(visit)

    async def act() -> Response:
        link = await accounts.invite(visit.service, visit.person, found.line.name)
        return await _shown(visit, invitation=link)

    try:
        return await shown_once(visit, f"{ROOT}/people/{found.line.id}", act)
    except AlertbotError as error:
        return await _shown(visit, error)


async def _telegram(visit: Visit) -> Response:
    """A code that links one's own Telegram account; answered at once, without going on: it is shown only here."""
    found = await _member(visit)

    async def act() -> Response:
        code = await accounts.link(visit.service, visit.person, found.line.name)
        return await _shown(visit, code=code)

    try:
        return await shown_once(visit, f"{ROOT}/people/{found.line.id}", act)
    except AlertbotError as error:
        return await _shown(visit, error)


def _changing(do: Do) -> Callable[[Visit], Awaitable[Response]]:
    async def changed(visit: Visit) -> Response:
        found = await _member(visit)

        async def act() -> str:
            await do(visit, found.line.name)
            return f"{ROOT}/people/{found.line.id}"

        try:
            return await once(visit, act)
        except AlertbotError as error:
            return await _shown(visit, error)

    return changed


async def _confirm(visit: Visit, name: str) -> None:
    await accounts.confirm(visit.service, visit.person, name)


async def _own_token(visit: Visit, name: str) -> None:
    await accounts.confirm(visit.service, visit.person, name, own_token=True)


async def _change_roles(visit: Visit, name: str) -> None:
    roles = list(visit.fields.get("role", ()))
    await accounts.change_roles(visit.service, visit.person, name, roles)


async def _revoke(visit: Visit, name: str) -> None:
    if visit.field("typed").strip().casefold() != name.casefold():
        sentence = _("To revoke {name} for good, type the name as it stands there.")
        raise Misuse(sentence.format(name=name))
    await accounts.revoke(visit.service, visit.person, name)


async def _end(visit: Visit, name: str) -> None:
    which = visit.field("session")
    number = None if which == "all" else whole_number(which)
    await signing_in.end_sessions(visit.service, visit.person, name, number)


async def _set_mail(visit: Visit, name: str) -> None:
    """Each person enters their own."""
    if not visit.field("address").strip():
        raise Misuse(_("Type the mail address."))
    await accounts.set_mail(visit.service, visit.person, name, visit.field("address"))


async def _forget_mail(visit: Visit, name: str) -> None:
    await accounts.set_mail(visit.service, visit.person, name, None)


async def _forget_telegram(visit: Visit, name: str) -> None:
    await accounts.unlink(visit.service, visit.person, name)


ACTS: dict[str, Do] = {
    "confirm": _confirm,
    "own-token": _own_token,
    "roles": _change_roles,
    "revoke": _revoke,
    "end": _end,
    "mail": _set_mail,
    "forget-mail": _forget_mail,
    "forget-telegram": _forget_telegram,
}
