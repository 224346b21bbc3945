"""What the program goes by and what the public page shows: the facts of the country pack, which named people confirm; and
every page of this installation with the edition that stands."""

from datetime import datetime

from starlette.responses import Response

from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.words import _, language
from alertbot.people import confirming
from alertbot.people.rules import ROLES
from alertbot.regions import packs
from alertbot.regions.facts import in_force
from alertbot.web.desk.room import ROOT, Routes, Visit, once, page, status_of


def add(routes: Routes) -> None:
    routes.get("/country", _country)
    routes.post("/country/confirm", _confirm)
    routes.get("/public-page", _public)


async def _country(visit: Visit) -> Response:
    return await _facts(visit)


async def _facts(visit: Visit, error: AlertbotError | None = None) -> Response:
    return await page(
        visit,
        "country.html.j2",
        200 if error is None else status_of(error),
        error=error,
        pack=packs.view(in_force(), language()),
        trusted=packs.trusted(in_force()),
        confirmed=await visit.service.database.read(confirming.confirmed),
        can=bool(visit.person.roles & ROLES["regions"]),
        when=lambda text: visit.service.clock(datetime.fromisoformat(text)),
        others=[one for one in packs.shipped_codes() if one != in_force().code],
    )


async def _confirm(visit: Visit) -> Response:
    """For the facts that the page showed: of a pack that changed meanwhile nobody has read anything."""

    async def act() -> str:
        if visit.field("fingerprint") != in_force().fingerprint:
            raise Misuse(_("The pack has changed since this page was opened. Read it again."))
        if visit.field("read") != "yes":
            raise Misuse(_("Tick the box to say that you have read the facts, then confirm them."))
        await confirming.confirm(visit.service, visit.person, in_force().code)
        return f"{ROOT}/country"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _facts(visit, error)


async def _public(visit: Visit) -> Response:
    shown = visit.desk.pages
    return await page(visit, "public_page.html.j2", pages=await shown() if shown else ())
