"""Entering numbers: a file, shown row by row before it is taken in by one press; and one entry by hand."""

import base64
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from starlette.responses import Response

from alertbot.alerts.lists import still_public
from alertbot.core.errors import AlertbotError, Faulty, Misuse, Refused
from alertbot.core.loops import in_thread
from alertbot.core.words import _, language
from alertbot.numbers import changing, consulting
from alertbot.numbers.reading import ImportReading, read_import
from alertbot.numbers.rules_changes import RowFate, fate_words
from alertbot.numbers.rules_rows import LONGEST_WORDING
from alertbot.numbers.rules_sheet import template
from alertbot.numbers.views import NumberView
from alertbot.people import store_forms
from alertbot.regions.facts import service_named, services
from alertbot.web import reading
from alertbot.web.desk import typed_form
from alertbot.web.desk.numbers_page import HERE, covered
from alertbot.web.desk.room import (
    MOST_FIELDS,
    PAGE_HEADERS,
    Routes,
    Visit,
    address,
    leaf,
    once,
    page,
    see,
    status_of,
)

FILE = "numbers-import"  # under which name what was sent is kept until it is taken in
LARGEST_FILE = 1_000_000  # bytes
LARGEST_UPLOAD = LARGEST_FILE + 10_000
MOST_ROWS = 60  # lines of one page
ATTENTION = (RowFate.WRONG, RowFate.CHANGED, RowFate.WITHDRAWN, RowFate.NEW)
PLAIN = ("territory", "service", "number", "replaces", "capacity", "published_at")
TIMES = ("valid_from", "valid_until", "review_at")
WORDED = ("zone", "condition", "place")


def add(routes: Routes) -> None:
    routes.get("/numbers/import", _importing)
    routes.post("/numbers/import", _send, file=True)
    routes.post("/numbers/import/take", _take)
    routes.post("/numbers/import/forget", _forget)
    routes.get("/numbers/template.csv", _template)
    routes.get("/numbers/new", _new)
    routes.post("/numbers/new", _add)
    routes.get("/numbers/{entry}/edit", _edit)
    routes.post("/numbers/{entry}/edit", _change)


# --- a file ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that waits to be taken in. `mark`: its digest, so that what was shown is what is taken."""

    name: str
    data: bytes

    @property
    def mark(self) -> str:
        return sha256(self.data).hexdigest()


async def _template(_visit: Visit) -> Response:
    headers = PAGE_HEADERS | {"content-disposition": 'attachment; filename="numbers.csv"'}
    return Response(template().encode("utf-8-sig"), media_type="text/csv", headers=headers)


async def _send(visit: Visit) -> Response:
    """Keep the file and show what it would do; nothing is entered yet."""
    fields, name, data = await reading.upload(visit.request, largest=LARGEST_UPLOAD, most=MOST_FIELDS)
    visit = replace(visit, fields=fields)

    async def act() -> str:
        changing.require_role(visit.person)
        if not data:
            raise Misuse(_("Choose a file first."))
        if len(data) > LARGEST_FILE:
            raise Misuse(_("{name} is larger than 1 MB: send it in parts.").format(name=name))
        await in_thread(lambda: read_import(data, name, now=visit.service.now))
        kept = {"name": name, "data": base64.b64encode(data).decode()}
        await visit.service.database.transact(
            lambda conn: store_forms.keep(conn, visit.person, FILE, kept, now=visit.service.now)
        )
        return f"{HERE}/import"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


async def _kept(visit: Visit) -> SentFile | None:
    found = await visit.service.database.read(lambda conn: store_forms.kept(conn, visit.person, FILE))
    return SentFile(found[0]["name"], base64.b64decode(found[0]["data"])) if found else None


async def _importing(visit: Visit) -> Response:
    return await _shown(visit)


async def _shown(visit: Visit, error: AlertbotError | None = None) -> Response:
    """The file that was sent, row by row: what is wrong and what changes comes first."""
    sent = await _kept(visit)
    values: dict[str, object] = {"sent": sent, "plan": None}
    if sent is not None:
        found = await _read(visit, sent)
        plan = await still_public.would_import(visit.service, found, sent.name)
        order = {fate: at for at, fate in enumerate(ATTENTION)}
        rows = sorted(plan.rows, key=lambda one: (order.get(one.fate, len(order)), one.row))
        counts = Counter(one.fate for one in plan.rows)
        wrong = counts[RowFate.WRONG] > 0 or bool(plan.faults)
        values |= {
            "plan": plan,
            "rows": leaf(visit, rows, MOST_ROWS),
            "counts": [(fate, counts[fate]) for fate in RowFate if counts[fate]],
            "wrong": wrong,
            "usable": bool(found.rows),
        }
    asked = visit.request.query_params
    return await page(
        visit,
        "import.html.j2",
        200 if error is None else status_of(error),
        error=error,
        done=asked.get("done", "") if error is None else "",
        still=[one for one in asked.get("still", "").split(",") if one][:20],
        fate=lambda one: fate_words(one.fate).format(entry=one.entry),
        largest=LARGEST_FILE // 1_000_000,
        **values,
    )


async def _read(visit: Visit, sent: SentFile) -> ImportReading:
    moment = visit.service.now
    return await in_thread(lambda: read_import(sent.data, sent.name, now=moment))


async def _take(visit: Visit) -> Response:
    async def act() -> str:
        sent = await _kept(visit)
        if sent is None or sent.mark != visit.field("mark"):
            raise Refused(_("This is not the file that was shown. Look at it below; nothing was done."))
        found = await _read(visit, sent)
        good = visit.field("rows") == "good"
        done = await still_public.import_(
            visit.service, visit.person, found, sent.name, keep_valid=good
        )
        await _drop(visit)
        public = ",".join(dict.fromkeys(one.entry for one in done.published))
        count = len(done.new) + len(done.changed) + len(done.sources_added)
        return address(f"{HERE}/import", done=count, still=public)

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


async def _drop(visit: Visit) -> None:
    await visit.service.database.transact(lambda conn: store_forms.forget(conn, visit.person, FILE))


async def _forget(visit: Visit) -> Response:
    await _drop(visit)
    return see(f"{HERE}/import")


# --- one entry ------------------------------------------------------------------------------------


def _languages(visit: Visit, one: NumberView | None) -> list[str]:
    """The languages of the organisation, and those in which the entry says something besides."""
    said = [lang for name in WORDED for lang in (getattr(one, name) if one else ()) if lang]
    return list(dict.fromkeys((*visit.service.publisher.organisation.languages, *said)))


def _cells(visit: Visit, one: NumberView) -> dict[str, str]:
    """The cells of an entry as they are typed."""
    now, zone = visit.service.now, visit.service.publisher.zone
    cells = {name: str(getattr(one, name) or "") for name in PLAIN}
    for name in TIMES:
        at = getattr(one, name)
        cells[name] = typed_form.time_typed(at.isoformat(), False, now, zone) if at else ""
    for name in WORDED:
        said: Mapping[str, str] = getattr(one, name)
        cells |= {f"{name}.{lang}": said.get(lang, said.get("", "")) for lang in _languages(visit, one)}
    return cells | {"source_url": "\n".join(one.sources)}


async def _new(visit: Visit) -> Response:
    like = visit.request.query_params.get("like", "")
    given = _cells(visit, await consulting.show(visit.service, like)) if like else {}
    return await _form(visit, None, given)


async def _edit(visit: Visit) -> Response:
    found = await consulting.show(visit.service, visit.path("entry"))
    return await _form(visit, found, _cells(visit, found))


async def _form(
    visit: Visit, one: NumberView | None, given: Mapping[str, str], error: AlertbotError | None = None
) -> Response:
    return await page(
        visit,
        "entry.html.j2",
        200 if error is None else status_of(error),
        error=error,
        faults=error.faults if isinstance(error, Faulty) else (),
        one=one,
        given=given,
        hidden=one is not None and covered(visit, one),
        services=[(key, service_named(key).name_in(language())) for key in services()],
        territories=typed_form.suggestions()["territories"],
        languages=_languages(visit, one),
        longest=LONGEST_WORDING,
    )


def _typed(visit: Visit) -> dict[str, str]:
    """The cells of the form that was sent."""
    return {
        name.removeprefix("c."): values[-1].replace("\r\n", "\n").strip()
        for name, values in visit.fields.items()
        if name.startswith("c.")
    }


async def _add(visit: Visit) -> Response:
    typed = _typed(visit)

    async def act() -> str:
        cells = {name: text for name, text in typed.items() if text}
        made = await changing.add(visit.service, visit.person, cells)
        return f"{HERE}/{made.entry}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _form(visit, None, typed, error)


async def _change(visit: Visit) -> Response:
    """Only what was changed is a change; an entry that changes has to be read back again."""
    one, typed = await consulting.show(visit.service, visit.path("entry")), _typed(visit)
    before = _cells(visit, one)

    async def act() -> str:
        changed = {name: text for name, text in typed.items() if text != before.get(name, "")}
        if not changed:
            raise Refused(_("Nothing was changed."))
        await still_public.edit(
            visit.service, visit.person, one.entry, _by_language(one, changed, typed)
        )
        return f"{HERE}/{one.entry}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _form(visit, one, typed, error)


def _by_language(
    one: NumberView, changed: Mapping[str, str], typed: Mapping[str, str]
) -> dict[str, object]:
    """The changes as the register takes them: texts of several languages together. Where one text served every
    language, all that the form has take its place."""
    found: dict[str, object] = {}
    several: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, text in changed.items():
        column, _dot, lang = name.partition(".")
        if not lang:
            found[name] = text
        elif "" in getattr(one, column):
            told = {
                key.partition(".")[2]: said
                for key, said in typed.items()
                if key.startswith(f"{column}.")
            }
            found[column] = {"": "", **told}
        else:
            several[column][lang] = text
    return found | several
