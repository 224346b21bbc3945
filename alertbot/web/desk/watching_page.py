"""Watching: alerts that count down with a loud stop, sources that are silent, and the rules that were approved ahead,
each with the exact texts that go out."""

from starlette.responses import Response

from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.model import Role
from alertbot.core.words import _
from alertbot.people.rules import ROLES
from alertbot.texts.fields.moments import BadMoment, span
from alertbot.texts.preview import html_page
from alertbot.watch import reports
from alertbot.watch.preapproval import signing
from alertbot.watch.rules_log import decided, observed_word
from alertbot.watch.views import RuleTexts, RuleView
from alertbot.web.desk import wording
from alertbot.web.desk.alert_page import texts_of
from alertbot.web.desk.exact_texts import AT_ONCE, FRAME
from alertbot.web.desk.room import ROOT, Routes, Visit, leaf, once, page, status_of

HERE = f"{ROOT}/watching"
MOST_SOURCES, MOST_REPORTS, MOST_ASIDE = 60, 30, 10  # lines of one page


def add(routes: Routes) -> None:
    routes.get("/watching", _watching)
    routes.post("/watching/stop", _stop)
    routes.get("/watching/rules/{rule}", _rule)
    routes.post("/watching/rules/{rule}", _decide)


async def _watching(visit: Visit) -> Response:
    return await _shown(visit)


async def _shown(visit: Visit, error: AlertbotError | None = None) -> Response:
    service = visit.service
    rules = await signing.listing(service)
    return await page(
        visit,
        "watching.html.j2",
        200 if error is None else status_of(error),
        error=error,
        countdowns=sorted(
            (one for rule in rules for one in rule.countdowns or ()), key=lambda one: one.goes_at
        ),
        rules=rules,
        sources=leaf(visit, await reports.sources(service), MOST_SOURCES),
        signals=await reports.listing(service, limit=MOST_REPORTS),
        aside=await reports.quarantine(service, limit=MOST_ASIDE),
        observed=observed_word,
        decided=decided,
        transitions=wording.transition_words(),
    )


async def _stop(visit: Visit) -> Response:
    """Stop a countdown. Anybody who is signed in may; nothing else is asked."""

    async def act() -> str:
        stopped = await signing.abort(visit.service, visit.person.name, visit.field("alert"))
        return f"{HERE}?stopped={stopped.alert}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


# --- one rule -------------------------------------------------------------------------------------


async def _rule(visit: Visit) -> Response:
    return await _shown_rule(visit)


async def _shown_rule(visit: Visit, error: AlertbotError | None = None) -> Response:
    found = await signing.show(visit.service, visit.path("rule"), None)
    running = [one for one in await signing.listing(visit.service) if one.rule == found.rule]
    small = sum(map(_bytes, found.texts)) <= AT_ONCE
    roles = visit.person.roles
    return await page(
        visit,
        "rule.html.j2",
        200 if error is None else status_of(error),
        error=error,
        rule=found,
        countdowns=running[0].countdowns or () if running else (),
        samples=leaf(visit, [_sample(one) for one in found.texts], len(found.texts) if small else 1),
        can={
            "approve": Role.APPROVER in roles and found.digest is not None and found.people,
            "revoke": bool(roles & ROLES["revoke_rule"]) and bool(found.approval or found.proposal),
        },
        typed=visit.field,
        transitions=wording.transition_words(),
    )


def _sample(one: RuleTexts) -> dict[str, object]:
    """The variables of the template of texts, for what goes out on some transitions. Nothing is folded: this is what
    people sign."""
    words = wording.transition_words()
    on = ", ".join(words[each] for each in one.on)
    parts = html_page.parts(one.sheet)
    whole = {"channels": parts["channels"], "retraction": parts["retraction"], "left": {}}
    return {"on": on, **texts_of(one.sheet, ""), **whole, "pictures": {}}


def _bytes(one: RuleTexts) -> int:
    """About how much of a page it takes."""
    texts = (*one.sheet.composition.messages, *one.sheet.composition.retraction)
    return sum(len(each.text.encode()) + FRAME for each in texts)


async def _decide(visit: Visit) -> Response:
    rule, do = visit.path("rule"), visit.field("do")

    async def act() -> str:
        if do == "approve":
            await _approve(visit, rule)
        elif do == "revoke":
            if not visit.field("reason").strip():
                raise Misuse(_("Say why it is revoked; the team is told."))
            await signing.revoke(visit.service, visit.person, rule, visit.field("reason"))
        else:
            raise Misuse(_("This form is not valid. Load the page again."))
        return f"{HERE}/rules/{rule}?done={do}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown_rule(visit, error)


async def _approve(visit: Visit, rule: str) -> RuleView:
    if visit.field("read") != "yes":
        raise Misuse(_("Tick the box to say you have read the texts, then approve."))
    try:
        lasts = span(visit.field("lasts")) if visit.field("lasts").strip() else None
    except BadMoment as error:
        raise Misuse(str(error)) from None
    digest = visit.field("digest") or "?"
    return await signing.preapprove(visit.service, visit.person, rule, lasts=lasts, digest=digest)
