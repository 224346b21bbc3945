"""One alert: exactly what would go out, what differs, and the decision; then, channel by channel, what happens."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

from starlette.responses import HTMLResponse, Response

from alertbot.alerts import approving, following, showing, taking_back, writing
from alertbot.alerts.approving import DecisionOrigin
from alertbot.alerts.compose import DraftRequest
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.rules_moves import OUT
from alertbot.alerts.taking_back import NumberSelection
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.core.errors import AlertbotError, Misuse, Refused
from alertbot.core.model import AlertState, Role
from alertbot.core.words import _, language
from alertbot.ops import now, overview
from alertbot.ops.views import SightView
from alertbot.people.rules import ROLES
from alertbot.texts.preview import html_page, phrases
from alertbot.texts.preview.phrases import Sheet
from alertbot.web.desk import wording
from alertbot.web.desk.exact_texts import LITTLE, differences_shown, folded, numbers_told
from alertbot.web.desk.room import ROOT, Routes, Visit, fresh, once, page, part, refusal, status_of

WAY = "desk"
LONGEST_REASON = 2000
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"
MAIL_HEADERS = {"content-security-policy": MAIL_POLICY, "x-frame-options": "SAMEORIGIN"}
AT_DESK = DecisionOrigin(WAY)
GONE = (AlertState.REJECTED, AlertState.DISCARDED, AlertState.EXPIRED)  # and never went out


def add(routes: Routes) -> None:
    routes.get("/alerts/{alert}", _show)
    routes.get("/alerts/{alert}/progress", _progress)
    routes.get("/alerts/{alert}/picture/{digest}", _picture)
    routes.get("/alerts/{alert}/mail/{channel}/{lang}", _mail)
    routes.post("/alerts/{alert}/decide", _decide)
    routes.post("/alerts/{alert}/submit", _submit)
    routes.post("/alerts/{alert}/accept", _accept)
    routes.post("/alerts/{alert}/discard", _discard)
    routes.post("/alerts/{alert}/follow", _follow)


# --- the page -------------------------------------------------------------------------------------


async def _show(visit: Visit) -> Response:
    return await shown(visit, visit.path("alert"))


async def shown(
    visit: Visit, alert: str, *, error: AlertbotError | None = None, since: int | None = None
) -> Response:
    """The page of an alert; what is shown is noted. `error`: why a form was refused; `since`: the revision that its
    page showed."""
    differs = await showing.differences(visit.service, alert, visit.person, since=since)
    view = await showing.show(visit.service, alert, visit.person)
    passing = await showing.passing(visit.service, view.id)
    sights = await overview.sights(visit.service, view.id)
    return await page(
        visit,
        "alert.html.j2",
        200 if error is None else status_of(error),
        **texts_of(view.sheet, f"{ROOT}/alerts/{view.id}"),
        alert=view,
        facts=_facts(visit, view),
        audience=_audience(visit, view),
        outward=_outward(visit, view),
        standing=differs.standing,
        seen=differences_shown(differs.seen),
        public=differences_shown(differs.public),
        numbers=numbers_told(view),
        further=view.verdict.further if view.verdict else (),
        can=_can(visit, view),
        mixed=await now.beside_the_other(visit.service, exercise=view.exercise),
        follow=_follow_ups(view),
        no_danger=_prepared(view),
        live=_live(view, sights),
        delivered=passing.alert.delivered,
        stuck=passing.stuck,
        seen_by_all=_visible(visit, view, sights),
        error=error,
        typed=visit.field,
        longest=LONGEST_REASON,
        opened=view.revision,
    )


def texts_of(sheet: Sheet, base: str) -> dict[str, object]:
    """The variables of the template of texts; pictures are loaded from under `base`, and what to do about a fault
    is a field of the page instead of an option of a command."""
    told = {"remedy": lambda _fault: "", "place": lambda one: phrases.place(replace(one, field=None))}
    own = SimpleNamespace(**vars(phrases) | told)
    parts = html_page.parts(sheet)
    channels, left = folded(parts["channels"], f"{base}/texts" if base else None)
    back, more = folded(parts["retraction"], f"{base}/retraction" if base else None, budget=LITTLE)
    left |= {f"retraction {name}": fold for name, fold in more.items()}
    addresses = {digest: f"{base}/picture/{digest}" for digest in parts["pictures"]}
    texts = {"channels": channels, "retraction": back, "left": left}
    return parts | texts | {"phrases": own, "pictures": addresses, "rules_named": False}


def _facts(visit: Visit, view: ShownAlertView) -> list[tuple[str, str]]:
    clock, approvals = visit.service.clock, view.approvals
    given = [f"{one.person}, {clock(one.at)}" for one in approvals.given]
    hands = [_("written by {name}").format(name=view.written_by)]
    if view.last_editor not in (None, view.author):
        hands.append(_("last edited by {name}").format(name=view.last_editor))
    if view.submitter:
        hands.append(_("submitted by {name}").format(name=view.submitter))
    targets = [phrases.stated(name, phrases.recipients(count)) for name, count in view.targets.items()]
    count = _("{given} of {needed} given").format(given=len(given), needed=approvals.needed)
    found = [
        (_("Goes to"), _audience(visit, view)),
        (_("Targets"), " · ".join(targets) or _("no channel")),
        (_("By whom"), ", ".join(hands)),
        (_("Approvals"), " · ".join([count, *given])),
        (_("Incident"), view.incident),
        (_("Digest"), view.digest[:12]),
    ]
    if true := _prepared(view):
        said = " / ".join(filter(None, true.values()))
        found += [(_("Should it prove false, we say"), said)] if said else []
    if view.not_before:
        found.append((_("Not before"), clock(view.not_before)))
    return found


def _audience(visit: Visit, view: AlertView) -> str:
    if view.exercise:
        return _("exercise channels only")
    return _("THE PUBLIC") if _outward(visit, view) else _("the team only")


def _outward(visit: Visit, view: AlertView) -> bool:
    """Whether it leaves the team; an exercise does not."""
    known = visit.service.publisher.channels
    reached = any(known[name].audience.outward for name in view.channels if name in known)
    return reached and not view.exercise


def _can(visit: Visit, view: AlertView) -> Mapping[str, bool]:
    """Which forms are shown; whether they are accepted the verbs decide."""
    roles, pending = visit.person.roles, view.state is AlertState.PENDING
    writes = bool(roles & ROLES["draft"])
    glass = view.break_glass
    return {
        "decide": pending and Role.APPROVER in roles,
        "countersign": bool(glass and not glass.countersigned_by and Role.APPROVER in roles),
        "edit": writes
        and view.state
        in (AlertState.DRAFT, AlertState.PENDING, AlertState.RETURNED, AlertState.APPROVED),
        "submit": writes and view.state is AlertState.DRAFT,
        "follow": writes and view.state in OUT,
        "again": writes and view.state in GONE,
    }


def _follow_ups(view: ShownAlertView) -> list[tuple[str, str]]:
    """What one press begins, from an alert that is out."""
    found = [
        ("update", _("Update")),
        ("no_news", _("Nothing new")),
        ("correct", _("Correction")),
        ("end", _("End of the incident")),
    ]
    if view.numbers:
        found.insert(3, ("withdraw", _("Withdraw its numbers")))
    return found


def _prepared(view: ShownAlertView) -> Mapping[str, str]:
    """What to say in each of its languages should the alert turn out to be false, as it was written with it."""
    text = view.values.get("no_danger")
    spoken = dict.fromkeys(one.lang for one in view.messages)
    return {lang: (text.get(lang, "") if isinstance(text, Mapping) else text or "") for lang in spoken}


def _live(view: AlertView, sights: tuple[SightView, ...]) -> str | None:
    """Where the page asks for what has changed; None where nothing will."""
    looked_for = any(one.witness == "looking" for one in sights)
    moving = view.state in (AlertState.APPROVED, AlertState.PUBLISHING)
    return f"{ROOT}/alerts/{view.id}/progress" if moving or looked_for else None


def _visible(visit: Visit, view: AlertView, sights: tuple[SightView, ...]) -> Mapping[str, str]:
    """What a stranger sees on each channel, and how long after the approval."""
    found = {}
    for one in sights:
        found[one.channel] = wording.witness_words(one.witness)
        if one.visible_since and view.approved_at:
            took = (one.visible_since - view.approved_at).total_seconds()
            sentence = _("visible to everybody since {time}, {span} after the approval")
            found[one.channel] = sentence.format(
                time=visit.service.clock(one.visible_since), span=phrases.span(max(took, 0))
            )
    return found


async def _progress(visit: Visit) -> Response:
    alert = visit.path("alert")

    async def lines() -> str:
        passing = await showing.passing(visit.service, alert)
        sights = await overview.sights(visit.service, passing.alert.id)
        return part(
            visit,
            "progress.html.j2",
            delivered=passing.alert.delivered,
            stuck=passing.stuck,
            seen_by_all=_visible(visit, passing.alert, sights),
            stands=passing.alert.verdict.said if passing.alert.verdict else "",
        )

    key = ("progress", alert, language())
    return await fresh(visit, lambda: visit.desk.news.shared(key, lines))


async def _picture(visit: Visit) -> Response:
    view = await showing.show(visit.service, visit.path("alert"), None)
    for one in view.sheet.composition.pictures:
        if one.digest == visit.path("digest"):
            return Response(one.content, media_type=one.mime)
    return Response(status_code=404)


async def _mail(visit: Visit) -> Response:
    """A mail as it is sent, in a page of its own that may do nothing."""
    view = await showing.show(visit.service, visit.path("alert"), None)
    where = visit.path("channel"), visit.path("lang")
    for one in view.messages:
        if (one.channel, one.lang) == where and one.type == "email" and one.html:
            return HTMLResponse(one.html, headers=MAIL_HEADERS)
    return Response(status_code=404)


# --- decisions ------------------------------------------------------------------------------------


async def _decide(visit: Visit) -> Response:
    alert, decision = visit.path("alert"), visit.field("decision")

    async def act() -> str:
        await _carried_out(visit, alert, decision)
        return f"{ROOT}/alerts/{alert}?done={decision}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _refused(visit, alert, error)


async def _carried_out(visit: Visit, alert: str, decision: str) -> AlertView:
    service, person = visit.service, visit.person
    reason, digest = visit.field("reason")[:LONGEST_REASON], visit.field("digest")
    if decision in ("approve", "break"):
        await _require_meant(visit, alert)
    if decision == "approve":
        if visit.field("read") != "yes":
            raise Misuse(_("Tick the box to say you have read the texts, then approve."))
        return await approving.approve(service, person, alert, digest or "?", AT_DESK)
    if decision == "break":
        if visit.field("word").strip().upper() != alert.upper():
            raise Misuse(_("Type {alert} to publish it alone. Nothing was done.").format(alert=alert))
        return await approving.break_glass(service, person, alert, digest or "?", reason)
    if decision == "countersign":
        return await approving.countersign(service, person, alert)
    if decision in ("return", "reject"):
        if not reason.strip():
            raise Misuse(_("Give a reason; the author needs it."))
        await _require_as_shown(visit, alert)
        verb = approving.return_ if decision == "return" else approving.reject
        return await verb(service, person, alert, reason, AT_DESK)
    raise Misuse(_("Choose: approve, return or reject."))


MEANT = {True: ("EXERCISE", "EXERCICE"), False: ("REAL", "RÉEL", "REEL")}


async def _require_meant(visit: Visit, alert: str) -> None:
    """Where an exercise and real alerts are under way together, the word for this one has to be typed. Raises
    `Misuse` for another."""
    known = await showing.brief(visit.service, alert)
    if not await now.beside_the_other(visit.service, exercise=known.exercise):
        return
    if visit.field("meant").strip().upper() not in MEANT[known.exercise]:
        sentence = (
            _("{alert} is an EXERCISE, and real alerts are under way. Type EXERCISE. Nothing was done.")
            if known.exercise
            else _("{alert} is REAL, and an exercise is under way. Type REAL. Nothing was done.")
        )
        raise Misuse(sentence.format(alert=known.id))


class ChangedMeanwhile(Refused):
    """The alert is not the one that the page showed."""


async def _require_as_shown(visit: Visit, alert: str) -> None:
    """Raises `ChangedMeanwhile` if the text is another than on the page whose form was sent."""
    present = await showing.brief(visit.service, alert)
    if present.digest != visit.field("digest"):
        raise ChangedMeanwhile(
            _(
                "{alert} has changed since you opened this page; nothing was decided. What changed is marked below."
                " Read it, then decide again."
            ).format(alert=alert)
        )


async def _refused(visit: Visit, alert: str, error: AlertbotError) -> Response:
    """The page as it is now, with why nothing was decided; where the text changed, with what changed."""
    since = visit.field("opened")
    try:
        if not isinstance(error, Misuse):
            await _require_as_shown(visit, alert)
    except ChangedMeanwhile as changed:
        error = changed
    opened = int(since) if since.isascii() and since.isdigit() and len(since) < 9 else None
    changed_text = opened if isinstance(error, ChangedMeanwhile) else None
    try:
        return await shown(visit, alert, error=error, since=changed_text)
    except AlertbotError:
        return refusal(visit, error)


# --- a draft --------------------------------------------------------------------------------------


async def _submit(visit: Visit) -> Response:
    alert = visit.path("alert")

    async def act() -> str:
        retime = visit.field("retime") == "yes"
        await writing.submit(visit.service, visit.person, alert, retime=retime)
        return f"{ROOT}/alerts/{alert}?done=submit"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await shown(visit, alert, error=error)


async def _accept(visit: Visit) -> Response:
    """Accept faults that are a matter of judgement, each with a reason."""
    alert = visit.path("alert")
    reasons = {
        name.removeprefix("accept."): values[-1].strip()
        for name, values in visit.fields.items()
        if name.startswith("accept.") and values[-1].strip()
    }

    async def act() -> str:
        if not reasons:
            raise Misuse(_("Give a reason for what you accept."))
        await writing.edit(visit.service, visit.person, alert, {}, reasons)
        return f"{ROOT}/alerts/{alert}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await shown(visit, alert, error=error)


async def _discard(visit: Visit) -> Response:
    alert = visit.path("alert")

    async def act() -> str:
        await writing.discard(visit.service, visit.person, alert)
        return f"{ROOT}/alerts/{alert}"

    return await once(visit, act)


# --- what follows ---------------------------------------------------------------------------------


async def _follow(visit: Visit) -> Response:
    """Begin what follows this alert, prefilled; it opens as a form."""

    async def act() -> str:
        what = visit.field("what")
        view = await begun(visit, visit.path("alert"), what)
        if what == "retract":  # its words are fixed: there is nothing to edit
            return f"{ROOT}/alerts/{view.id}?done=submit"
        return f"{ROOT}/alerts/{view.id}/edit"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await shown(visit, visit.path("alert"), error=error)


async def begun(visit: Visit, alert: str, what: str) -> AlertView:
    """The draft of what follows an alert. Raises what the verb raises, `Misuse` for another word."""
    service, person, said = visit.service, visit.person, FollowRequest()
    if what == "update":
        return await following.update(service, person, alert, said)
    if what in ("status", "no_news"):
        return await following.update(service, person, alert, said, kind=what)
    if what == "correct":
        return await following.correct(service, person, alert, said)
    if what == "withdraw":
        return await taking_back.withdraw(service, person, NumberSelection(alert=alert), said)
    if what == "retract":
        return await taking_back.retract(service, person, alert, submit=True)
    if what == "again":
        known = await showing.brief(service, alert)
        return await following.like(service, person, alert, DraftRequest(known.kind, {}))
    if what == "false_alert":
        given = {
            name.removeprefix("text."): values[-1].strip() for name, values in visit.fields.items()
        }
        true = {lang: text for lang, text in given.items() if text and f"text.{lang}" in visit.fields}
        return await following.cancel(service, person, alert, true, said)
    if what == "end":
        known = await showing.brief(service, alert)
        return await following.end(service, person, known.incident, said)
    raise Misuse(_("This form is not valid. Load the page again."))
