"""OpenForm: choose a kind and an incident, fill in the form, and see beside it what the public will see."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from starlette.responses import Response

from alertbot.alerts import area, live_check, showing, writing
from alertbot.alerts.compose import DraftRequest, kinds, languages_of, load_kind
from alertbot.alerts.views import AlertView, OpenedAlert
from alertbot.core.errors import AlertbotError, Faulty, Misuse
from alertbot.core.model import Fault, RawValues
from alertbot.core.words import _
from alertbot.people import store_forms
from alertbot.people.rules import Verb, require_role
from alertbot.texts.fields import form
from alertbot.texts.fields.moments import BadMoment, moment
from alertbot.texts.fields.parse import about
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Kind, in_words
from alertbot.texts.preview.phrases import Sheet, stated
from alertbot.web.desk.alert_page import begun, texts_of
from alertbot.web.desk.room import ROOT, Routes, Visit, once, page, rendered, see, status_of
from alertbot.web.desk.typed_form import (
    flat,
    form_fields,
    links,
    suggestions,
    times_as_stored,
    values_of,
    with_times,
)

NEW = "new"
LONGEST_PLACE = 80
_turns: WeakValueDictionary[int, asyncio.Lock] = (
    WeakValueDictionary()
)  # of one session, one preview at a time
STARTS = ("holding", "status", "provisional_number")  # offered first at night


@dataclass(frozen=True, slots=True)
class OpenForm:
    """One alert that is being written. `alert`: the stored one that is edited; `incident`: the one that a new alert
    joins; `last`: what that incident said."""

    kind: Kind
    languages: tuple[str, ...]
    incident: str | None = None
    exercise: bool = False
    alert: OpenedAlert | None = None
    given: RawValues = field(default_factory=dict)
    last: Mapping[str, Any] = field(default_factory=dict)
    channels: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Under which name what is typed is kept."""
        if self.alert:
            return f"edit:{self.alert.id}:{self.alert.revision}"
        return f"{NEW}:{self.kind.name}:{self.incident or ''}"[:LONGEST_PLACE]

    @property
    def address(self) -> str:
        if self.alert:
            return f"{ROOT}/alerts/{self.alert.id}/edit"
        return f"{ROOT}/write/{self.kind.name}"

    def request(self, typed: RawValues) -> DraftRequest:
        """What was typed, with the values that the form does not have."""
        beside = {name: value for name, value in self.given.items() if name not in self.typed_fields}
        spoken = self.languages if self.alert else ()
        return DraftRequest(
            self.kind.name, beside | typed, spoken, self.channels, exercise=self.exercise
        )

    @property
    def typed_fields(self) -> set[str]:
        """The fields that the form has."""
        return {spec.name for spec in self.kind.fields if spec.type is not FieldType.NUMBERS}


def add(routes: Routes) -> None:
    routes.get("/write", _choose)
    routes.post("/incidents/{incident}/follow", _from_incident)
    routes.get("/write/{kind}", _new)
    routes.post("/write/{kind}", _save_new, keep=_keep_new)
    routes.post("/write/{kind}/live", _live_new, keep=_keep_new)
    routes.get("/alerts/{alert}/edit", _edit)
    routes.post("/alerts/{alert}/edit", _save_edit, keep=_keep_edit)
    routes.post("/alerts/{alert}/edit/live", _live_edit, keep=_keep_edit)


async def _choose(visit: Visit) -> Response:
    require_role("draft", visit.person)
    found = [one for one in kinds(visit.service.publisher) if not one.audiences]
    first = sorted(found, key=lambda one: one.name not in STARTS)
    return await page(
        visit,
        "choose.html.j2",
        kinds=[(one.name, in_words(one.title), in_words(one.purpose)) for one in first],
        incidents=await area.joinable(visit.service),
        chosen=visit.request.query_params.get("incident", ""),
    )


async def _from_incident(visit: Visit) -> Response:
    """One press: the draft of what follows the last alert of an incident, or an empty form where nothing is out."""
    incident, what = visit.path("incident"), visit.field("what")

    async def act() -> str:
        last = visit.field("alert")
        if what == "holding" or not last:
            kind = what if what in ("holding", "status") else "holding"
            return f"{ROOT}/write/{kind}?incident={incident}"
        view = await begun(visit, last, what)
        return f"{ROOT}/alerts/{view.id}/edit"

    return await once(visit, act)


# --- a new alert ----------------------------------------------------------------------------------


async def _writing(visit: Visit) -> OpenForm:
    """What a new alert starts from. Raises `Misuse` for an unknown kind."""
    require_role("draft", visit.person)
    publisher = visit.service.publisher
    kind = load_kind(publisher, visit.path("kind"))
    asked = visit.field("incident") or visit.request.query_params.get("incident", "")
    joined = next((one for one in await area.joinable(visit.service) if one.id == asked), None)
    exercise = (visit.field("exercise") or visit.request.query_params.get("exercise")) == "yes"
    languages = languages_of(publisher, DraftRequest(kind.name, exercise=exercise), kind)
    last = dict(joined.values) if joined else {}
    return OpenForm(kind, languages, joined.id if joined else None, exercise, last=last)


async def _new(visit: Visit) -> Response:
    made = await _writing(visit)
    return await _form(visit, made, _prefilled(made))


def _prefilled(made: OpenForm) -> RawValues:
    """What the incident said, without promises: those are made anew. Without one, the usual times."""
    given: RawValues = {}
    for spec in made.kind.fields:
        told = made.last.get(spec.name)
        ahead = spec.type is FieldType.DATETIME and not spec.past
        if told and not ahead and spec.type is not FieldType.NUMBERS:
            given[spec.name] = told
        if ahead and (usual := _usual(made.kind, spec)):
            given[spec.name] = usual
    return given


def _usual(kind: Kind, spec: FieldSpec) -> str:
    """How long from now this moment usually is; empty if there is no such use."""
    usual = str(spec.default or (spec.required and kind.example.get(spec.name)) or "")
    return usual if spec.type is FieldType.DATETIME and usual.startswith("+") else ""


async def _form(
    visit: Visit,
    made: OpenForm,
    given: RawValues,
    *,
    error: AlertbotError | None = None,
    looked: bool = False,
) -> Response:
    """The form, with what is kept from before if nothing was sent now."""
    typed, kept_at = (given, None) if visit.fields else await _begun(visit, made, given)
    sheet, fault = await _sheet(visit, made, typed)
    every = [*(sheet.composition.faults if sheet else ()), *_faults_of(error), *_faults_of(fault)]
    found = [_named(made.kind, one) for one in every]
    silent = not (visit.fields or looked or made.alert)
    faults = {} if silent else {one.field: one.message for one in reversed(found) if one.field}
    last = _in_words(visit, made, made.last)
    fields = form_fields(made.kind, typed, made.languages, faults=faults, last=last)
    return await page(
        visit,
        "write.html.j2",
        200 if error is None else status_of(error),
        made=made,
        title=in_words(made.kind.title),
        fields=fields,
        summary=[one for one in fields if one.fault],
        lists=suggestions(),
        kept_at=kept_at,
        looked=looked,
        error=error,
        numbers=_numbers_in(made),
        **_beside(made, sheet, fault),
    )


async def _begun(visit: Visit, made: OpenForm, given: RawValues) -> tuple[RawValues, Any]:
    """What the form begins with, and since when that is kept."""
    if kept := await _kept(visit, made):
        before = {name: [text] for name, text in kept[0].items()}
        return _in_words(visit, made, values_of(made.kind, before)), kept[1]
    return _in_words(visit, made, given), None


def _in_words(visit: Visit, made: OpenForm, given: Mapping[str, Any]) -> RawValues:
    now, zone = visit.service.now, visit.service.publisher.zone
    return with_times(made.kind, dict(given), now=now, zone=zone)


def _faults_of(error: AlertbotError | None) -> tuple[Fault, ...]:
    return tuple(error.faults) if isinstance(error, Faulty) else ()


def _numbers_in(made: OpenForm) -> int:
    return sum(
        len(made.given.get(spec.name) or ())
        for spec in made.kind.fields
        if spec.type is FieldType.NUMBERS and isinstance(made.given.get(spec.name), list)
    )


async def _sheet(
    visit: Visit, made: OpenForm, typed: RawValues
) -> tuple[Sheet | None, AlertbotError | None]:
    """What the public would see of it, or why nothing can be shown."""
    if not typed and not made.given:
        return None, None
    try:
        alert = made.alert.id if made.alert else None
        return await live_check.as_typed(visit.service, made.request(typed), alert), None
    except AlertbotError as error:
        return None, error


def _beside(made: OpenForm, sheet: Sheet | None, fault: AlertbotError | None) -> dict[str, object]:
    """The variables of what stands beside the form."""
    values: dict[str, object] = {
        "fault": fault,
        "understood": {},
        "shown": None,
        "missing": False,
        "prepared": False,
        "unread": [_named(made.kind, one) for one in _faults_of(fault)],
        "at_field": links(made.kind, made.languages),
    }
    if sheet is not None:
        base = f"{ROOT}/alerts/{made.alert.id}" if made.alert else ""
        parts = texts_of(_for_people(made.kind, sheet), base)
        absent = {"missing", "language_missing"}
        values["missing"] = any(one.rule in absent for one in sheet.composition.faults)
        later: dict[str, object] = {
            "pictures": {},
            "retraction": {},
        }  # a card is drawn when the draft is stored
        values |= parts | later | {"prepared": bool(parts["retraction"])}
    return values


def _for_people(kind: Kind, sheet: Sheet) -> Sheet:
    """The sheet with faults as a form says them, where the field stands before its fault."""
    told = partial(_named, kind)
    said = sheet.composition
    faults, warnings = tuple(map(told, said.faults)), tuple(map(told, said.warnings))
    return replace(sheet, composition=replace(said, faults=faults, warnings=warnings))


def _named(kind: Kind, one: Fault) -> Fault:
    """A fault without the name of its field: the form says that before it. Of numbers the form has no field."""
    spec = kind.field(one.field) if one.field else None
    if spec is None:
        return one
    message = one.message.removeprefix(about(spec, ""))
    if spec.type is FieldType.NUMBERS:
        message = stated(in_words(spec.label), message)
    return replace(one, message=message)


async def _kept(visit: Visit, made: OpenForm) -> Any:
    return await visit.service.database.read(
        lambda conn: store_forms.kept(conn, visit.person, made.place)
    )


async def _keep_new(visit: Visit) -> None:
    await _keep(visit, await _writing(visit))


async def _keep_edit(visit: Visit) -> None:
    await _keep(visit, await _opened(visit))


async def _keep(visit: Visit, made: OpenForm) -> None:
    typed, now = flat(visit.fields), visit.service.now
    await visit.service.database.transact(
        lambda conn: store_forms.keep(conn, visit.person, made.place, typed, now=now)
    )


async def _forget(visit: Visit, made: OpenForm) -> None:
    await visit.service.database.transact(
        lambda conn: store_forms.forget(conn, visit.person, made.place)
    )


async def _save_new(visit: Visit) -> Response:
    made = await _writing(visit)
    typed, do = values_of(made.kind, visit.fields), visit.field("do")
    if do == "look":
        return await _form(visit, made, typed, looked=True)
    if do == "forget":
        await _forget(visit, made)
        return see(f"{made.address}?incident={made.incident or ''}")

    async def act() -> str:
        view = await writing.draft(
            visit.service,
            visit.person,
            made.request(typed),
            incident=made.incident,
            new_incident=made.incident is None and visit.field("new_incident") == "yes",
        )
        await _forget(visit, made)
        return await _then(visit, view, do)

    return await _saved(visit, made, typed, act)


async def _then(visit: Visit, view: AlertView, do: str) -> str:
    """Where saving leads; with `submit` approval is asked for at once, unless faults stand in the way: those are on
    the page of the alert."""
    if do != "submit":
        return f"{ROOT}/alerts/{view.id}?done=saved"
    try:
        await writing.submit(visit.service, visit.person, view.id)
    except AlertbotError:
        return f"{ROOT}/alerts/{view.id}?done=not_submitted"
    return f"{ROOT}/alerts/{view.id}?done=submit"


async def _saved(visit: Visit, made: OpenForm, typed: RawValues, act: Any) -> Response:
    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _form(visit, made, typed, error=error, looked=True)


async def _live_new(visit: Visit) -> Response:
    return await _live(visit, await _writing(visit))


async def _live(visit: Visit, made: OpenForm) -> Response:
    """What stands beside the form, from what is typed now, which is kept."""
    typed = values_of(made.kind, visit.fields)
    await _keep(visit, made)
    assert visit.here is not None
    async with _turns.setdefault(visit.here.id, asyncio.Lock()):
        if await visit.request.is_disconnected():
            return Response(status_code=204)  # more was typed meanwhile
        sheet, fault = await _sheet(visit, made, typed)
    values = _beside(made, sheet, fault) | {"understood": _understood(visit, made, typed)}
    return rendered(visit, "beside.html.j2", 200, **values)


def _understood(visit: Visit, made: OpenForm, typed: RawValues) -> dict[str, str]:
    """How times are read."""
    found = {}
    for spec in made.kind.fields:
        if spec.type is not FieldType.DATETIME or not typed.get(spec.name):
            continue
        zone = visit.service.publisher.zone
        try:
            at = moment(str(typed[spec.name]), now=visit.service.now, zone=zone, past=spec.past)
        except BadMoment:
            continue
        found[in_words(spec.label)] = visit.service.clock(at)
    return found


# --- an alert that is there -----------------------------------------------------------------------


async def _opened(visit: Visit) -> OpenForm:
    require_role(Verb.EDIT, visit.person)
    opened = await showing.opened(visit.service, visit.path("alert"))
    brief = await showing.brief(visit.service, opened.id)
    made = OpenForm(opened.kind, opened.languages, brief.incident, brief.exercise, opened)
    return replace(made, given=dict(opened.values), channels=brief.channels)


async def _edit(visit: Visit) -> Response:
    made = await _opened(visit)
    needed = [spec for spec in made.kind.fields if spec.required and not spec.past]
    promised = {spec.name: usual for spec in needed if (usual := _usual(made.kind, spec))}
    given = {name: value for name, value in made.given.items() if name in made.typed_fields}
    return await _form(visit, made, promised | given)


async def _save_edit(visit: Visit) -> Response:
    made = await _opened(visit)
    typed, do = values_of(made.kind, visit.fields), visit.field("do")
    if do == "look":
        return await _form(visit, made, typed, looked=True)
    if do == "forget":
        await _forget(visit, made)
        return see(made.address)
    revision = visit.field("revision")
    if not (revision.isascii() and revision.isdigit()):
        raise Misuse(_("This form is not valid. Load the page again."))

    async def act() -> str:
        view = await _changed(visit, made, typed, int(revision))
        await _forget(visit, made)
        return await _then(visit, view, do)

    return await _saved(visit, made, typed, act)


async def _changed(visit: Visit, made: OpenForm, typed: RawValues, revision: int) -> AlertView:
    """The alert with what was changed; unchanged, it stays as it is."""
    assert made.alert is not None
    before = {name: value for name, value in made.given.items() if name in made.typed_fields}
    now, zone = visit.service.now, visit.service.publisher.zone
    typed = times_as_stored(made.kind, typed, before, now=now, zone=zone)
    changes = form.changed(_as_sent(made, before), typed)
    if not changes:
        return await showing.brief(visit.service, made.alert.id)
    return await writing.edit(
        visit.service, visit.person, made.alert.id, changes, {}, revision=revision
    )


def _as_sent(made: OpenForm, values: RawValues) -> RawValues:
    """The values as the form sends them, so that only what a person changed counts as changed."""
    fields = form_fields(made.kind, values, made.languages, faults={}, last={})
    return values_of(made.kind, {one.name: [one.value] for each in fields for one in each.inputs})


async def _live_edit(visit: Visit) -> Response:
    return await _live(visit, await _opened(visit))
