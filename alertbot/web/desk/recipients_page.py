"""Recipients of mail who are not written to any more: how many and why, each with a masked address; writing to addresses no
more, or again; and mail that came back."""

from collections.abc import Awaitable, Callable
from dataclasses import astuple, replace

from starlette.responses import Response

from alertbot.channels.email.returned import split
from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.loops import in_thread
from alertbot.core.model import Markup
from alertbot.core.words import _
from alertbot.delivery.views import Suppressed, SuppressedAddress
from alertbot.people import recipients
from alertbot.people.rules import ROLES, require_role
from alertbot.web import reading
from alertbot.web.desk.room import (
    MOST_FIELDS,
    ROOT,
    Routes,
    Visit,
    address,
    leaf,
    once,
    page,
    status_of,
)

HERE = f"{ROOT}/recipients"
MOST_ROWS = 60  # lines of one page
MOST_TOLD = 8  # counts of what was done
LARGEST_FILE = 1_000_000  # bytes of mail that came back
ASKED = (Suppressed.BY_HAND, Suppressed.UNSUBSCRIBED, Suppressed.ERASED)


def add(routes: Routes) -> None:
    routes.get("/recipients", _all)
    routes.post("/recipients/suppress", _suppress)
    routes.post("/recipients/release", _release)
    routes.post("/recipients/returned", _returned, file=True)
    routes.get("/recipients/{key}", _one)


def reason_words(reason: Suppressed | None) -> str:
    """Why an address is not written to."""
    words = {
        Suppressed.BOUNCED: _("does not exist"),
        Suppressed.UNSUBSCRIBED: _("unsubscribed"),
        Suppressed.ERASED: _("erased"),
        Suppressed.BY_HAND: _("suppressed by hand"),
    }
    return words[reason] if reason else _("came back for now")


def masked(mail: str | None) -> str:
    """An address for a list that others may see over a shoulder: who knows it knows it again."""
    if mail is None:
        return _("erased")
    name, _at, domain = mail.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _may(visit: Visit, verb: str) -> bool:
    return bool(visit.person.roles & ROLES[verb])


async def _all(visit: Visit) -> Response:
    return await _shown(visit)


async def _shown(visit: Visit, error: AlertbotError | None = None) -> Response:
    """Who may do nothing here reads how many there are, and no line of the lists."""
    able = _may(visit, "suppress") or _may(visit, "release")
    found = await recipients.listing(visit.service) if able else []
    asked = visit.request.query_params
    counts = await recipients.tally(visit.service)
    channels = visit.service.publisher.channels.values()
    return await page(
        visit,
        "recipients.html.j2",
        200 if error is None else status_of(error),
        error=error,
        lists=[(one.name, len(one.targets)) for one in channels if one.spec.markup is Markup.EMAIL],
        counts=[(reason_words(one), counts[one]) for one in (*Suppressed, None) if one in counts],
        rows=leaf(visit, found, MOST_ROWS),
        masked=masked,
        reason=reason_words,
        able=able,
        can={name: _may(visit, name) for name in ("suppress", "release")},
        choices=[(one.value, reason_words(one)) for one in ASKED],
        seals=bool(visit.desk.seals),
        largest=LARGEST_FILE // 1_000_000,
        done=asked.get("done", "") if error is None else "",
        told=[_number(one) for one in asked.get("n", "").split(",")[:MOST_TOLD]],
        typed=visit.field,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _listed(text: str) -> list[str]:
    return [one for one in text.replace(",", " ").replace(";", " ").split() if one]


async def _suppress(visit: Visit) -> Response:
    async def act() -> str:
        try:
            reason = Suppressed(visit.field("why"))
        except ValueError:
            raise Misuse(_("Say why they are not written to any more.")) from None
        if reason not in ASKED:
            raise Misuse(_("Say why they are not written to any more."))
        wanted, note = _listed(visit.field("addresses")), visit.field("note").strip() or None
        done = await recipients.suppress(visit.service, visit.person, wanted, reason, note)
        return address(HERE, done="suppress", n=f"{done.changed},{done.unchanged}")

    return await _sent(visit, act)


async def _release(visit: Visit) -> Response:
    """By address; or by the key of a line, whose address the page does not show."""

    async def act() -> str:
        wanted = _listed(visit.field("addresses"))
        if visit.field("line"):
            wanted = [(await _line(visit, visit.field("line"))).address or ""]
        why = visit.field("reason").strip() or None
        done = await recipients.release(visit.service, visit.person, wanted, why)
        return address(HERE, done="release", n=f"{done.changed},{done.unchanged}")

    return await _sent(visit, act)


async def _returned(visit: Visit) -> Response:
    """Mail that came back, as a file. Only what came to a return address of ours counts, whoever sends it."""
    fields, name, data = await reading.upload(
        visit.request, largest=LARGEST_FILE + 10_000, most=MOST_FIELDS
    )
    visit = replace(visit, fields=fields)

    async def act() -> str:
        require_role("suppress", visit.person)
        if not data:
            raise Misuse(_("Choose a file first."))
        if len(data) > LARGEST_FILE:
            raise Misuse(
                _("{name} is larger than {n} MB: send it in parts.").format(
                    name=name, n=LARGEST_FILE // 1_000_000
                )
            )
        mails = await in_thread(lambda: list(split(data)))
        done = await recipients.returned(visit.service, visit.desk.seals, mails)
        return address(HERE, done="returned", n=",".join(map(str, astuple(done))))

    return await _sent(visit, act)


async def _sent(visit: Visit, act: Callable[[], Awaitable[str]]) -> Response:
    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


# --- one address ----------------------------------------------------------------------------------


async def _line(visit: Visit, key: str) -> SuppressedAddress:
    """Raises `Misuse` for a key that stands in no list."""
    found = await recipients.listing(visit.service)
    line = next((one for one in found if one.key == key), None)
    if line is None:
        raise Misuse(_("This address stands in no list any more."))
    return line


async def _one(visit: Visit) -> Response:
    """One address, whole: for those who may let it have mail again."""
    require_role("release", visit.person)
    line = await _line(visit, visit.path("key"))
    return await page(
        visit,
        "recipient.html.j2",
        line=line,
        heading=line.address or masked(None),
        reason=reason_words(line.reason),
        wants_none=line.reason in (Suppressed.UNSUBSCRIBED, Suppressed.ERASED),
    )
