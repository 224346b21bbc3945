"""Reading numbers back: one territory at a time, by one person at a time. The digits are typed from the source and
never shown before; how the test call went is noted with them."""

from starlette.responses import Response

from alertbot.alerts.lists import still_public
from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.words import _, language
from alertbot.numbers import consulting, verifying
from alertbot.numbers.rules_entry import Entry, TestCall
from alertbot.numbers.verifying import NotVerified, Verification, VerificationRound
from alertbot.numbers.views import CheckView
from alertbot.people.rules import require_role
from alertbot.regions.facts import find
from alertbot.web.desk.numbers_page import HERE
from alertbot.web.desk.room import Routes, Visit, address, leaf, once, page, status_of

PLACE = f"{HERE}/read-back"
MOST_PLACES = 60  # lines of one page
MOST_SKIPPED = 200
LONGEST_NUMBER = 9


def add(routes: Routes) -> None:
    routes.get("/numbers/read-back", _places)
    routes.post("/numbers/read-back", _take)
    routes.get("/numbers/read-back/{territory}", _sitting)
    routes.post("/numbers/read-back/{territory}", _read)


async def _places(visit: Visit) -> Response:
    found = await verifying.places(visit.service, visit.person)
    mine = visit.person.name
    return await page(
        visit,
        "read_back.html.j2",
        places=leaf(visit, sorted(found, key=lambda one: not one.waiting), MOST_PLACES),
        waiting=sum(one.waiting for one in found),
        own=sum(one.own for one in found),
        mine=mine,
    )


async def _take(visit: Visit) -> Response:
    """From now on this territory is this person's, for a while."""
    territory = visit.field("territory")

    async def act() -> str:
        await verifying.take(visit.service, visit.person, territory)
        return address(f"{PLACE}/{territory}", entry=visit.field("entry"))

    return await once(visit, act)


async def _sitting(visit: Visit) -> Response:
    require_role("numbers_verify", visit.person)
    return await _shown(visit)


def _skipped(visit: Visit) -> tuple[str, ...]:
    """What this person put off in this sitting."""
    given = visit.field("skip") or visit.request.query_params.get("skip", "")
    return tuple(filter(None, given.split(",")[:MOST_SKIPPED]))


async def _shown(visit: Visit, error: AlertbotError | None = None) -> Response:
    territory = visit.path("territory")
    here = await verifying.round_of(visit.service, visit.person, territory)
    entry = _next(
        here, visit.field("entry") or visit.request.query_params.get("entry", ""), _skipped(visit)
    )
    place = find(territory)
    claim = next(iter(here.claims), None) if here else None
    return await page(
        visit,
        "read_back_one.html.j2",
        200 if error is None else status_of(error),
        error=error,
        territory=territory,
        name=place.name_in(language()) if place else territory,
        reading=here,
        claim=claim,
        mine=claim is not None and claim.person == visit.person.name,
        entry=entry,
        described=verifying.described(entry) if entry else "",
        before=await _before(visit, entry),
        done=visit.request.query_params.get("done", "") if error is None else "",
        skip=",".join(_skipped(visit)),
        calls=[str(one) for one in TestCall],
        typed=visit.field,
    )


def _next(here: VerificationRound | None, wanted: str, skipped: tuple[str, ...]) -> Entry | None:
    """The entry that is asked for, else the first that was not put off, else the first of those."""
    waiting = here.waiting if here else ()
    asked = [one for one in waiting if one.name == wanted and wanted not in skipped]
    fresh = [one for one in waiting if one.name not in skipped]
    return next(iter([*asked, *fresh, *waiting]), None)


async def _before(visit: Visit, entry: Entry | None) -> list[CheckView]:
    """The attempts to read back this form of the entry, the last first."""
    if entry is None:
        return []
    found = await consulting.show(visit.service, entry.name)
    return [one for one in found.checks if one.version == entry.row.version][::-1]


async def _read(visit: Visit) -> Response:
    territory, name, do = visit.path("territory"), visit.field("entry"), visit.field("do")
    skipped = [one for one in _skipped(visit) if one != name]

    async def act() -> str:
        if do == "leave":
            await verifying.leave(visit.service, visit.person, [territory])
            return PLACE
        if do == "skip":
            return address(f"{PLACE}/{territory}", skip=",".join([*skipped, name]))
        try:
            await still_public.verify(visit.service, visit.person, name, _given(visit))
        except NotVerified:  # it is recorded; the page shows the attempt
            return address(f"{PLACE}/{territory}", entry=name, skip=",".join(skipped), done="not")
        return address(f"{PLACE}/{territory}", skip=",".join(skipped), done=name)

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


def _given(visit: Visit) -> Verification:
    version = visit.field("version")
    if not (version.isascii() and version.isdigit() and len(version) < LONGEST_NUMBER):
        raise Misuse(_("This form is not valid. Load the page again."))
    if not visit.field("digits").strip():
        raise Misuse(_("Type the digits of the number, from its source."))
    if not visit.field("call"):
        raise Misuse(_("Say how the test call went."))
    at, note = (visit.field(one).strip() or None for one in ("called_at", "note"))
    return Verification(visit.field("digits"), visit.field("call"), at, note, int(version))
