"""Writing, showing and deciding: kinds, preview, an alert from its draft to its approval."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from alertbot.alerts import approving, compose, following, showing, store_reading, writing
from alertbot.alerts.approving import DecisionOrigin
from alertbot.alerts.compose import DraftRequest, load_kind, look
from alertbot.alerts.lists import register
from alertbot.alerts.showing import Passing, TextDifferences
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.core.errors import Misuse, Refused
from alertbot.core.json import Json
from alertbot.core.loops import in_thread
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people.rules import Scope
from alertbot.texts.kinds.kind_spec import FieldType
from alertbot.texts.views import (
    KindDetailsView,
    KindView,
    PreviewView,
    kind_details_view,
    kind_view,
    preview_view,
)
from alertbot.web.api.bodies import (
    Asked,
    ChangesQuery,
    DigestBody,
    DraftBody,
    EditBody,
    PreviewBody,
    ReasonBody,
    Said,
    ShowQuery,
    SubmitBody,
)
from alertbot.web.api.problems import Problem, TextChanged
from alertbot.web.api.room import ROOT, Call, Operation, Reply, change, read

WAY = "api"


def operations() -> tuple[Operation, ...]:
    draft, submit, approve = Scope.DRAFT, Scope.SUBMIT, Scope.APPROVE
    view, one = AlertView, "/alerts/{alert}"
    return (
        read("/kinds", _kinds, "Kinds of alerts", list[KindView]),
        read("/kinds/{kind}", _kind, "A kind with its fields", KindDetailsView),
        read("/kinds/{kind}/example", _example, "The kind's example values", Mapping[str, Any]),
        change(
            "/preview",
            _preview,
            "What the public would see; stores nothing",
            PreviewView,
            Scope.READ,
            PreviewBody,
        ),
        change("/alerts", _draft, "Draft an alert", view, draft, DraftBody, status=201),
        read(one, _show, "An alert with its texts", ShownAlertView, ShowQuery),
        read(f"{one}/changes", _changes, "What differs in its texts", TextDifferences, ChangesQuery),
        read(f"{one}/progress", _progress, "How far an approved alert has got", Passing),
        change(one, _edit, "Edit an alert", view, draft, EditBody, method="PATCH"),
        change(f"{one}/discard", _discard, "Discard a draft", view, draft),
        change(f"{one}/submit", _submit, "Ask for approval", view, submit, SubmitBody),
        change(f"{one}/approve", _approve, "Approve a text", view, approve, DigestBody),
        change(f"{one}/return", _return, "Send it back to its author", view, approve, ReasonBody),
        change(f"{one}/reject", _reject, "Refuse it for good", view, approve, ReasonBody),
        change(f"{one}/countersign", _countersign, "Countersign", view, approve),
    )


# --- before there is an alert ---------------------------------------------------------------------


async def _kinds(call: Call, _said: Asked) -> list[KindView]:
    return [kind_view(one) for one in compose.kinds(call.service.publisher)]


async def _kind(call: Call, _said: Asked) -> KindDetailsView:
    return kind_details_view(load_kind(call.service.publisher, call.path("kind")))


async def _example(call: Call, _said: Asked) -> Mapping[str, Any]:
    return compose.example(call.service.publisher, call.path("kind"))


async def _preview(call: Call, said: PreviewBody) -> PreviewView:
    asked = await register.look_up(call.service, _wishes(call, said, said.kind))
    return preview_view(await in_thread(partial(look, call.service.publisher, asked)))


def _wishes(call: Call, said: PreviewBody | DraftBody, kind: str) -> DraftRequest:
    return DraftRequest(
        kind=kind,
        given=own_rows(call, said.values),
        languages=tuple(said.languages),
        channels=tuple(said.channels),
        accepted=said.accept,
        exercise=said.exercise,
    )


def own_rows(call: Call, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values. Raises `Problem` for a path where rows of numbers belong: a program's files are not ours."""
    rows = {
        spec.name
        for kind in compose.kinds(call.service.publisher)
        for spec in kind.fields
        if spec.type is FieldType.NUMBERS
    }
    for name in rows & values.keys():
        if not isinstance(values[name], list):
            place: list[Json] = [{"place": f"values.{name}", "message": _("must be a list of rows")}]
            sentence = _("“{name}” must be a list of rows; a file cannot be read from here.")
            raise Problem("invalid", sentence.format(name=name), errors=place)
    return values


# --- an alert -------------------------------------------------------------------------------------


async def _draft(call: Call, said: DraftBody) -> Reply:
    if (said.kind is None) is (said.like is None):
        raise Misuse(_("Give a kind, or an alert that the new one is like; not both."))
    if said.incident is not None and said.new_incident:
        raise Misuse(_("Give an incident, or say that it is a new one; not both."))
    wishes, where = _wishes(call, said, said.kind or ""), (said.incident, said.new_incident)
    service, person, later = call.service, call.person, said.not_before
    if said.like is not None:
        view = await following.like(
            *(service, person, said.like, wishes),
            incident=where[0],
            new_incident=where[1],
            not_before=later,
        )
    else:
        view = await writing.draft(
            *(service, person, wishes),
            incident=where[0],
            new_incident=where[1],
            not_before=later,
            assistant=said.assistant,
        )
    return at_its_place(view)


def at_its_place(view: AlertView) -> Reply:
    """A new alert, and where it is."""
    return Reply(view, {"location": f"{ROOT}/alerts/{view.id}", **_tag(view.digest)})


def _tag(digest: str) -> dict[str, str]:
    return {"etag": f'"{digest}"'}


async def _show(call: Call, said: ShowQuery) -> Reply:
    """With `shown` it is noted that this person was shown all of it, as an approval needs."""
    if said.shown:
        call.require(Scope.APPROVE)
    view = await showing.show(call.service, call.path("alert"), call.person, whole=said.shown)
    return Reply(view, _tag(view.digest))


async def _changes(call: Call, said: ChangesQuery) -> TextDifferences:
    return await showing.differences(call.service, call.path("alert"), call.person, since=said.since)


async def _progress(call: Call, _said: Asked) -> Passing:
    return await showing.passing(call.service, call.path("alert"))


async def _edit(call: Call, said: EditBody) -> Reply:
    alert, values, revision = call.path("alert"), own_rows(call, said.values), said.revision
    if not values and not said.accept:
        raise Misuse(_("Nothing to change: give values, or faults that you accept."))
    if held := _held(call, None):
        revision = revision or (await _require_held(call, held)).revision
    view = await writing.edit(call.service, call.person, alert, values, said.accept, revision=revision)
    return Reply(view, _tag(view.digest))


async def _discard(call: Call, _said: Said) -> AlertView:
    return await writing.discard(call.service, call.person, call.path("alert"))


async def _submit(call: Call, said: SubmitBody) -> Reply:
    if held := _held(call, None):
        await _require_held(call, held)
    view = await writing.submit(call.service, call.person, call.path("alert"), retime=said.retime)
    return Reply(await showing.outlook(call.service, view), _tag(view.digest))


# --- decisions ------------------------------------------------------------------------------------


def _held(call: Call, digest: str | None) -> str | None:
    """The digest of the text that the program has, as it says itself."""
    match = call.request.headers.get("if-match", "").strip()
    return digest or (match.strip('"').lower() if match not in ("", "*") else None)


async def _require_held(call: Call, digest: str) -> AlertView:
    """Raises `TextChanged`, with what differs, unless the alert's text is this one."""
    now = await showing.brief(call.service, call.path("alert"))
    if now.digest == digest:
        return now
    differs = await showing.differences(call.service, now.id, call.person)
    sentence = _("The text of {alert} is not the one that you have; nothing was done. Show it again.")
    raise TextChanged(sentence.format(alert=now.id), now.digest, differs)


async def _approve(call: Call, said: DigestBody) -> AlertView:
    """Sign exactly the text of this digest, which this person was shown as a whole."""
    for held in {said.digest, _held(call, None) or said.digest}:
        await _require_held(call, held)
    alert = call.path("alert")

    async def require_shown(conn: Connection) -> None:
        known = await store_reading.get(conn, alert)
        if await store_reading.shown_to(conn, call.person.id, known.id) != said.digest:
            sentence = _("{name} was not shown {alert} as it is now. First show it, then approve it.")
            raise Refused(sentence.format(name=call.person.name, alert=known.id))

    origin = DecisionOrigin(WAY, require_shown, call.token.id)
    try:
        view = await approving.approve(call.service, call.person, alert, said.digest, origin)
    except Refused:
        await _require_held(call, said.digest)  # edited in the very moment
        raise
    return await showing.outlook(call.service, view)


async def _return(call: Call, said: ReasonBody) -> AlertView:
    return await _send_away(call, said, approving.return_)


async def _reject(call: Call, said: ReasonBody) -> AlertView:
    return await _send_away(call, said, approving.reject)


async def _send_away(call: Call, said: ReasonBody, verb: Any) -> AlertView:
    if held := _held(call, said.digest):
        await _require_held(call, held)
    sent: AlertView = await verb(
        call.service,
        call.person,
        call.path("alert"),
        said.reason,
        DecisionOrigin(WAY, token=call.token.id),
    )
    return sent


async def _countersign(call: Call, _said: Said) -> AlertView:
    return await approving.countersign(call.service, call.person, call.path("alert"))
