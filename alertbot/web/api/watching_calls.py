"""Following, stopping and looking: status, deliveries, halts, the register of numbers, incidents, what is first now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from alertbot.alerts import halting, publishing
from alertbot.alerts.lists import still_public
from alertbot.alerts.views import HaltView, SettledView
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.delivery.views import DeliveryView
from alertbot.numbers import consulting, verifying
from alertbot.numbers.verifying import Verification
from alertbot.numbers.views import NumberHistory, NumberView, ReadingView
from alertbot.ops import now, overview
from alertbot.ops.now import NowView
from alertbot.ops.views import StatusView
from alertbot.people.rules import Scope
from alertbot.watch import incidents, timeline
from alertbot.watch.incidents import StateReport
from alertbot.watch.rules_log import State
from alertbot.watch.timeline import TimelineLine
from alertbot.watch.views import IncidentDetails, IncidentLine, IncidentView
from alertbot.web.api.bodies import (
    LARGEST_ID,
    Asked,
    DeliveriesQuery,
    HaltBody,
    NumbersQuery,
    OpenBody,
    ReadBackBody,
    SettleBody,
    StateBody,
    StatusQuery,
    VerifyBody,
)
from alertbot.web.api.problems import Problem
from alertbot.web.api.room import ROOT, Call, Operation, Reply, change, read


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView:
    """Whose token it is, and what it may do until when."""

    name: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    token: str
    expires_at: datetime


def operations() -> tuple[Operation, ...]:
    approve = Scope.APPROVE
    return (
        Operation("GET", "/me", _me, "Whose token this is", MeView, None, Asked),
        read("/now", _now, "What has to be known first", NowView),
        read("/status", _status, "Everything at a glance", StatusView, StatusQuery),
        read("/deliveries", _deliveries, "Deliveries", list[DeliveryView], DeliveriesQuery),
        change(
            "/deliveries/{delivery}/settle",
            _settle,
            "Say what became of a delivery",
            SettledView,
            approve,
            SettleBody,
        ),
        change("/halt", _halt, "Stop: no new call starts", HaltView, None, HaltBody),
        change("/resume", _resume, "Go on", HaltView, approve, HaltBody),
        *_register(),
        *_events(),
    )


def _register() -> tuple[Operation, ...]:
    submit = Scope.SUBMIT
    return (
        read("/numbers", _numbers, "The register of numbers", list[NumberView], NumbersQuery),
        read("/numbers/{entry}", _number, "A number and its history", NumberHistory),
        change(
            "/numbers/{entry}/verify", _verify, "Read a number back", NumberView, submit, VerifyBody
        ),
        change(
            "/numbers/read-back",
            _take,
            "Begin to read numbers back, without their digits; nobody else is at them meanwhile",
            ReadingView,
            submit,
            ReadBackBody,
        ),
        change(
            "/numbers/read-back/leave",
            _leave,
            "Let others read them back",
            ReadingView,
            submit,
            ReadBackBody,
        ),
    )


def _events() -> tuple[Operation, ...]:
    submit = Scope.SUBMIT
    return (
        read("/incidents", _incidents, "Incidents", list[IncidentLine]),
        change("/incidents", _open, "Open an incident", IncidentView, submit, OpenBody, status=201),
        read("/incidents/{incident}", _incident, "An incident and its log", IncidentDetails),
        read(
            "/incidents/{incident}/timeline",
            _timeline,
            "Everything that happened in an incident",
            list[TimelineLine],
        ),
        change(
            "/incidents/{incident}/state",
            _set_state,
            "Say how an incident stands",
            IncidentDetails,
            submit,
            StateBody,
        ),
    )


async def _me(call: Call, _said: Asked) -> MeView:
    return MeView(
        name=call.person.name,
        roles=tuple(sorted(map(str, call.person.roles))),
        scopes=tuple(sorted(map(str, call.scopes))),
        token=call.token.name,
        expires_at=call.token.expires_at,
    )


async def _now(call: Call, _said: Asked) -> NowView:
    return await now.now(call.service, call.person)


async def _status(call: Call, said: StatusQuery) -> StatusView:
    return await overview.status(call.service, said.alert)


async def _deliveries(call: Call, said: DeliveriesQuery) -> Reply:
    rows = await overview.deliveries(
        call.service, said.alert, said.state, said.limit, before=said.cursor
    )
    if len(rows) < said.limit:
        return Reply(rows, {})
    kept = said.model_dump(mode="json", exclude_none=True, exclude={"cursor"})
    older = urlencode(kept | {"cursor": rows[0].id})
    return Reply(rows, {"link": f'<{ROOT}/deliveries?{older}>; rel="next"'})


async def _settle(call: Call, said: SettleBody) -> SettledView:
    number = call.path("delivery")
    if not (number.isascii() and number.isdigit() and int(number[:20]) <= LARGEST_ID):
        raise Problem("unknown", _("There is no such delivery."))
    url = said.url if said.word == "sent" else None
    return await publishing.settle(call.service, call.person, int(number), said.word, url)


async def _halt(call: Call, said: HaltBody) -> HaltView:
    """Stopping never waits for a right."""
    return await halting.halt(call.service, said.alert, said.channel, by=call.person.name)


async def _resume(call: Call, said: HaltBody) -> HaltView:
    return await halting.resume(call.service, call.person, said.alert, said.channel)


async def _numbers(call: Call, said: NumbersQuery) -> list[NumberView]:
    return await consulting.listing(call.service, said.query, said.standing)


async def _number(call: Call, _said: Asked) -> NumberHistory:
    return await consulting.show(call.service, call.path("entry"))


async def _verify(call: Call, said: VerifyBody) -> NumberView:
    given = Verification(said.digits, said.call, said.called_at, said.note, said.version)
    return await still_public.verify(call.service, call.person, call.path("entry"), given)


async def _take(call: Call, said: ReadBackBody) -> ReadingView:
    return verifying.reading_of(await verifying.take(call.service, call.person, said.query))


async def _leave(call: Call, said: ReadBackBody) -> ReadingView:
    return await verifying.leave_all(call.service, call.person, said.query)


async def _incidents(call: Call, _said: Asked) -> list[IncidentLine]:
    return await incidents.listing(call.service)


async def _open(call: Call, said: OpenBody) -> Reply:
    if said.state is not None and said.service is None:
        raise Misuse(_("A state needs the service that it is about."))
    state = said.state or State.INVESTIGATING
    found = await incidents.open_(
        call.service, call.person, said.title, watched=said.service, state=state
    )
    return Reply(found, {"location": f"{ROOT}/incidents/{found.id}"})


async def _timeline(call: Call, _said: Asked) -> Sequence[TimelineLine]:
    return await timeline.of_incident(call.service, call.path("incident"))


async def _incident(call: Call, _said: Asked) -> IncidentDetails:
    return await incidents.show(call.service, call.path("incident"))


async def _set_state(call: Call, said: StateBody) -> IncidentDetails:
    report = StateReport(said.state, said.confirmed_by, said.note)
    return await incidents.set_(call.service, call.person, call.path("incident"), report)
