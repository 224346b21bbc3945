"""Numbers: the register by territory, what is missing in it, one number with its history and where the public reads
it, and taking numbers out. Entering them is in `entering_page`, reading them back in `read_back_page`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from alertbot.alerts import following, showing, taking_back
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists import still_public
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.taking_back import NumberSelection
from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.model import AlertState, DeliveryState
from alertbot.core.words import _, language
from alertbot.delivery.views import DeliveryView
from alertbot.numbers import consulting
from alertbot.numbers.rules_checks import CoverageLevel
from alertbot.numbers.rules_entry import Standing, TestCall, in_words
from alertbot.numbers.rules_sheet import to_csv
from alertbot.numbers.views import (
    CoverageView,
    NumberHistory,
    NumberView,
    StillPublic,
    VersionView,
)
from alertbot.ops import overview
from alertbot.people.rules import ROLES
from alertbot.regions.facts import find, order_of, service_named, whole_country
from alertbot.regions.region import worded
from alertbot.web.desk import typed_form
from alertbot.web.desk.room import (
    PAGE_HEADERS,
    ROOT,
    Routes,
    Visit,
    address,
    leaf,
    once,
    page,
    status_of,
)

HERE = f"{ROOT}/numbers"
MOST_ENTRIES, MOST_PLACES, MOST_COVERED = 40, 110, 60  # lines of one page
MOST_FINDINGS = 30
URGENT = (Standing.EXPIRED, Standing.UNVERIFIED)
TROUBLED = {CoverageLevel.NONE: "none", CoverageLevel.PARTIAL: "partly"}


@dataclass(frozen=True, slots=True)
class NumberLine:
    """An entry in one line. `digits`: empty where this reader is still to read it back."""

    entry: str
    where: str
    what: str
    limits: str  # zone and condition
    digits: str
    covered: bool
    standing: Standing
    standing_words: str
    until: str


def add(routes: Routes) -> None:
    """The last of the pages under `/numbers`: `{entry}` would take the names of the others."""
    routes.get("/numbers", _register)
    routes.get("/numbers/coverage", _coverage)
    routes.get("/numbers/register.csv", _export)
    routes.get("/numbers/withdraw", _withdrawing)
    routes.post("/numbers/withdraw", _withdraw)
    routes.post("/numbers/tell", _tell)
    routes.get("/numbers/{entry}", _one)


# --- lines ----------------------------------------------------------------------------------------


def covered(visit: Visit, one: NumberView) -> bool:
    """Whether the digits are kept from this reader, who may be the one to type them again."""
    to_read = one.standing is Standing.UNVERIFIED and one.entered_by != visit.person.name
    return to_read and bool(visit.person.roles & ROLES["numbers_verify"])


def line_of(visit: Visit, one: NumberView) -> NumberLine:
    lang, hidden = language(), covered(visit, one)
    ends = min((at for at in (one.valid_until, one.review_at) if at), default=None)
    limits = [worded(one.zone, lang), worded(one.condition, lang)]
    return NumberLine(
        entry=one.entry,
        where=f"{one.territory} {one.territory_name}",
        what=service_named(one.service).name_in(lang),
        limits=" · ".join(filter(None, limits)),
        digits="" if hidden else one.number or worded(one.place, lang),
        covered=hidden,
        standing=one.standing,
        standing_words=in_words(one.standing),
        until=visit.service.clock(ends) if ends else "",
    )


def lines_of(visit: Visit, found: Iterable[NumberView]) -> list[NumberLine]:
    return [line_of(visit, one) for one in found]


# --- the register ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TerritoryLine:
    """A territory with how many of its entries have each standing."""

    code: str
    name: str
    counts: Mapping[str, int]
    urgent: bool


async def _register(visit: Visit) -> Response:
    asked = visit.request.query_params.get("q", "").strip()
    wanted = visit.request.query_params.get("standing", "")
    error: AlertbotError | None = None
    try:
        found = await consulting.listing(visit.service, asked or None, wanted or None)
    except Misuse as misuse:
        found, error = [], misuse
    counts = Counter(one.standing for one in found)
    by_place = not asked and not wanted
    return await page(
        visit,
        "numbers.html.j2",
        200 if error is None else status_of(error),
        error=error,
        asked=asked,
        wanted=wanted,
        standings=[(str(one), in_words(one)) for one in Standing],
        counts=[(str(one), in_words(one), counts[one]) for one in Standing if counts[one]],
        total=len(found),
        places=leaf(visit, _by_place(found), MOST_PLACES) if by_place else None,
        entries=None if by_place else leaf(visit, lines_of(visit, found), MOST_ENTRIES),
        known=typed_form.suggestions()["territories"],
    )


def _by_place(found: Sequence[NumberView]) -> list[TerritoryLine]:
    groups: dict[str, list[NumberView]] = defaultdict(list)
    for one in found:
        groups[one.territory].append(one)
    return [
        TerritoryLine(
            code,
            group[0].territory_name,
            {
                in_words(standing): sum(1 for one in group if one.standing is standing)
                for standing in Standing
                if any(one.standing is standing for one in group)
            },
            any(one.standing in URGENT for one in group),
        )
        for code, group in sorted(groups.items(), key=lambda item: order_of(item[0]))
    ]


async def _export(visit: Visit) -> Response:
    """The register, or what a query finds, as a file that can be imported again."""
    rows = await consulting.export(visit.service, visit.request.query_params.get("q") or None)
    headers = PAGE_HEADERS | {"content-disposition": 'attachment; filename="register.csv"'}
    return Response(to_csv(rows).encode("utf-8-sig"), media_type="text/csv", headers=headers)


# --- what is missing ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """A territory: the services without a number in force, and those with one for some callers only."""

    code: str
    name: str
    none: tuple[str, ...]
    partly: tuple[str, ...]


async def _coverage(visit: Visit) -> Response:
    asked = visit.request.query_params.get("q", "").strip()
    error: AlertbotError | None = None
    try:
        found = await consulting.check(visit.service, asked or None, covered=True)
        listed = await consulting.listing(visit.service, asked or None, None)
    except Misuse as misuse:
        found, listed, error = None, [], misuse
    lines = _missing(found.coverage) if found else []
    stale = [one for one in listed if one.standing in URGENT]
    findings = [one for one in found.findings if one.severity == "warning"] if found else []
    return await page(
        visit,
        "coverage.html.j2",
        200 if error is None else status_of(error),
        error=error,
        asked=asked,
        whole=whole_country(),
        places=len({one.territory for one in found.coverage}) if found else 0,
        lines=leaf(visit, lines, MOST_COVERED),
        unread=sum(1 for one in stale if one.standing is Standing.UNVERIFIED),
        old=lines_of(visit, [one for one in stale if one.standing is Standing.EXPIRED][:MOST_FINDINGS]),
        findings=findings[:MOST_FINDINGS],
        more=max(0, len(findings) - MOST_FINDINGS),
    )


def _missing(found: Sequence[CoverageView]) -> list[CoverageLine]:
    """The territories where callers of some service are left without, those with the most first."""
    groups: dict[str, list[CoverageView]] = defaultdict(list)
    for one in found:
        groups[one.territory].append(one)
    lines = []
    for code, group in groups.items():
        none, partly = (
            tuple(_services(one) for one in group if one.cover is cover) for cover in TROUBLED
        )
        if none or partly:
            place = find(code)
            lines.append(CoverageLine(code, place.name_in(language()) if place else "", none, partly))
    return sorted(lines, key=lambda one: (-len(one.none), -len(one.partly), order_of(one.code)))


def _services(one: CoverageView) -> str:
    return _(" or ").join(service_named(key).name_in(language()) for key in one.services)


# --- one number -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublicPlace:
    """Where an alert that gives a number was delivered. `uncertain`: it may stand there."""

    channel: str
    url: str
    uncertain: bool


@dataclass(frozen=True, slots=True)
class CarryingAlert:
    """An alert that gave a number. `taken_back`: a later one of its incident said that it is over."""

    alert: str
    state: AlertState
    taken_back: bool
    places: tuple[PublicPlace, ...]


async def _one(visit: Visit) -> Response:
    return await shown(visit, visit.path("entry"))


async def shown(visit: Visit, name: str, error: AlertbotError | None = None) -> Response:
    """The page of an entry. `error`: why a form was refused."""
    found = await consulting.show(visit.service, name)
    hidden = covered(visit, found)
    alerts = [
        CarryingAlert(
            one.alert,
            one.state,
            one.taken_back,
            _places(await overview.deliveries(visit.service, one.alert, None, None)),
        )
        for one in found.published
    ]
    last = found.checks[-1] if found.checks else None
    return await page(
        visit,
        "number.html.j2",
        200 if error is None else status_of(error),
        error=error,
        one=found,
        line=line_of(visit, found),
        facts=_facts(visit, found),
        covered=hidden,
        alerts=alerts[::-1],
        trouble=found.untrue,
        wrong=last is not None and last.call == TestCall.WRONG_SERVICE,
        versions=_versions(found.versions, hidden=hidden)[::-1],
        can=visit.person.roles & ROLES["numbers_enter"],
    )


def _places(found: Sequence[DeliveryView]) -> tuple[PublicPlace, ...]:
    """Each channel once, with the address of the first post."""
    places: dict[str, PublicPlace] = {}
    for one in found:
        out = one.state in (DeliveryState.SENT, DeliveryState.UNCERTAIN)
        if out and one.purpose == "publication" and one.channel not in places:
            url = one.url if one.url and one.url.startswith("https://") else ""
            places[one.channel] = PublicPlace(one.channel, url, one.state is DeliveryState.UNCERTAIN)
    return tuple(places.values())


def _facts(visit: Visit, one: NumberHistory) -> list[tuple[str, str]]:
    clock, lang = visit.service.clock, language()
    found = [
        (_("Territory"), f"{one.territory} {one.territory_name}"),
        (_("Service"), service_named(one.service).name_in(lang)),
        (_("Instead of"), one.replaces),
        (_("Zone"), worded(one.zone, lang)),
        (_("Condition"), worded(one.condition, lang)),
        (_("Calls at once"), str(one.capacity or "")),
        (_("Valid from"), clock(one.valid_from) if one.valid_from else ""),
        (_("Valid until"), clock(one.valid_until) if one.valid_until else ""),
        (_("To be looked at again"), clock(one.review_at) if one.review_at else ""),
        (_("Sources"), "; ".join(one.sources)),
        (_("Entered by"), f"{one.entered_by}, {clock(one.entered_at)}"),
        (_("Verified by"), f"{one.verified_by}, {clock(one.verified_at)}" if one.verified_at else ""),
    ]
    if one.withdrawn_at:
        found.append((_("Withdrawn by"), f"{one.withdrawn_by}, {clock(one.withdrawn_at)}"))
        found.append((_("Reason"), one.withdrawn_reason or ""))
    return [(label, value) for label, value in found if value]


def _versions(
    found: Sequence[VersionView], *, hidden: bool
) -> list[tuple[VersionView, list[tuple[str, str, str]]]]:
    """Every form of the entry with what it changed: column, before, after."""
    told: list[tuple[VersionView, list[tuple[str, str, str]]]] = []
    before: dict[str, str] = {}
    for one in found:
        now = {name: str(value) for name, value in one.row.items() if value not in (None, "", {}, [])}
        changed = [
            (
                name,
                *(
                    ("…", "…")
                    if hidden and name == "number"
                    else (before.get(name, "–"), now.get(name, "–"))
                ),
            )
            for name in sorted(before.keys() | now.keys())
            if before and before.get(name) != now.get(name)
        ]
        told.append((one, changed))
        before = now
    return told


# --- taking out -----------------------------------------------------------------------------------


async def _withdrawing(visit: Visit) -> Response:
    given = visit.request.query_params
    return await _shown_withdrawal(visit, given.get("q", "").strip(), given.get("but", "").strip())


async def _shown_withdrawal(
    visit: Visit, asked: str, but: str, error: AlertbotError | None = None
) -> Response:
    """What would leave the register, what left it already, and what the public still reads of that."""
    entries: Sequence[NumberView] = ()
    published: Sequence[StillPublic] = ()
    if asked:
        try:
            found = await still_public.told(visit.service, asked, but=but)
            entries, published = found.entries, found.published
        except AlertbotError as refused:
            error = error or refused
    gone = [one for one in entries if one.standing is Standing.WITHDRAWN]
    left = [one for one in entries if one.standing is not Standing.WITHDRAWN]
    names = {one.entry for one in gone}
    return await page(
        visit,
        "withdraw.html.j2",
        200 if error is None else status_of(error),
        error=error,
        asked=asked,
        but=but,
        reason=visit.field("reason"),
        left=leaf(visit, lines_of(visit, left), MOST_ENTRIES),
        count=len(left),
        gone=leaf(visit, lines_of(visit, gone), MOST_ENTRIES),
        will=_by_alert(one for one in published if one.entry not in names),
        still=_by_alert(one for one in published if one.entry in names),
    )


def _by_alert(published: Iterable[StillPublic]) -> list[tuple[str, AlertState, list[str]]]:
    """The alerts that carry them: id, state, entries."""
    found: dict[str, tuple[AlertState, list[str]]] = {}
    for one in published:
        found.setdefault(one.alert, (one.state, []))[1].append(one.entry)
    return [(alert, state, names) for alert, (state, names) in found.items()]


async def _withdraw(visit: Visit) -> Response:
    asked, but = visit.field("q").strip(), visit.field("but").strip()

    async def act() -> str:
        if not visit.field("reason").strip():
            raise Misuse(_("Say why these numbers are withdrawn."))
        await still_public.withdraw(visit.service, visit.person, asked, visit.field("reason"), but=but)
        return address(f"{HERE}/withdraw", q=asked, but=but)

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown_withdrawal(visit, asked, but, error)


async def _tell(visit: Visit) -> Response:
    """The draft that tells the public: that numbers are withdrawn, or that one was wrong; it opens as a form."""
    service, person, what = visit.service, visit.person, visit.field("what")

    async def act() -> str:
        if what == "withdraw":
            which = NumberSelection(query=visit.field("q"), but=visit.field("but"))
            view = await taking_back.withdraw(service, person, which, FollowRequest())
        elif what in ("wrong", "changed"):
            named = (
                await _named_wrong(visit) if what == "changed" else WrongNumbers((visit.field("q"),))
            )
            view = await following.correct(
                service, person, visit.field("alert"), FollowRequest(), named
            )
        else:
            raise Misuse(_("This form is not valid. Load the page again."))
        return f"{ROOT}/alerts/{view.id}/edit"

    return await once(visit, act)


async def _named_wrong(visit: Visit) -> WrongNumbers:
    """That an alert gave other digits than the entry has now; nothing where only the words around them changed."""
    now = await consulting.show(visit.service, visit.field("q"))
    rows = (await showing.opened(visit.service, visit.field("alert"))).values.get("numbers") or ()
    told = {str(row.get("number")) for row in rows if row.get("entry") == now.entry}
    return WrongNumbers((now.entry,), (now.entry,)) if told - {now.number} else WrongNumbers()
