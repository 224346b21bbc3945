"""What follows an alert: update, correction, end, withdrawal, retraction, a false alert. Each makes a draft."""

from collections.abc import Awaitable, Mapping

from alertbot.alerts import following, showing, taking_back
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.taking_back import NumberSelection
from alertbot.alerts.views import AlertView
from alertbot.people.rules import Scope
from alertbot.web.api.alert_calls import at_its_place, own_rows
from alertbot.web.api.bodies import (
    CorrectBody,
    FalseAlertBody,
    FollowBody,
    RetractBody,
    Said,
    UpdateBody,
    WithdrawBody,
)
from alertbot.web.api.room import Act, Call, Operation, Reply, change


def operations() -> tuple[Operation, ...]:
    one = "/alerts/{alert}"
    return (
        _drafts(f"{one}/update", _update, "Draft an update", UpdateBody),
        _drafts(f"{one}/correct", _correct, "Draft a correction", CorrectBody),
        _drafts(f"{one}/false-alert", _false_alert, "Draft that it was a false alert", FalseAlertBody),
        _drafts(f"{one}/retract", _retract, "Take it back as prepared", RetractBody),
        _drafts("/withdrawals", _withdraw, "Draft that numbers are withdrawn", WithdrawBody),
        _drafts("/incidents/{incident}/end", _end, "Draft the end of an incident", FollowBody),
    )


def _drafts(path: str, act: Act, summary: str, said: type[Said]) -> Operation:
    return change(path, act, summary, AlertView, Scope.DRAFT, said, status=201)


def _asked(call: Call, said: FollowBody) -> FollowRequest:
    if said.submit:
        call.require(Scope.SUBMIT)
    return FollowRequest(own_rows(call, said.values), said.accept, said.submit)


async def _told(call: Call, work: Awaitable[AlertView]) -> Reply:
    return at_its_place(await showing.begun(call.service, await work))


async def _update(call: Call, said: UpdateBody) -> Reply:
    asked, alert = _asked(call, said), call.path("alert")
    return await _told(call, following.update(call.service, call.person, alert, asked, kind=said.kind))


async def _correct(call: Call, said: CorrectBody) -> Reply:
    asked, numbers = _asked(call, said), WrongNumbers(said.wrong, said.right)
    return await _told(
        call, following.correct(call.service, call.person, call.path("alert"), asked, numbers)
    )


async def _false_alert(call: Call, said: FalseAlertBody) -> Reply:
    asked, text = _asked(call, said), said.text
    words = dict(text) if isinstance(text, Mapping) else text
    return await _told(
        call, following.cancel(call.service, call.person, call.path("alert"), words, asked)
    )


async def _retract(call: Call, said: RetractBody) -> Reply:
    if said.submit or said.now:
        call.require(Scope.SUBMIT)
    if said.now:
        call.require(Scope.APPROVE)
    alert, submit, now = call.path("alert"), said.submit, said.now
    return await _told(
        call, taking_back.retract(call.service, call.person, alert, submit=submit, now=now)
    )


async def _withdraw(call: Call, said: WithdrawBody) -> Reply:
    which = NumberSelection(said.alert, said.numbers, said.but, said.incident)
    view = await taking_back.withdraw(call.service, call.person, which, _asked(call, said))
    return at_its_place(view)


async def _end(call: Call, said: FollowBody) -> Reply:
    asked, incident = _asked(call, said), call.path("incident")
    return await _told(call, following.end(call.service, call.person, incident, asked))
