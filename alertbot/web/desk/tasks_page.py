"""Tasks: posts to make by hand with their exact words, promised words, what waits for a second signature, and
whatever else the program asks of people; each is answered here."""

from datetime import datetime

from starlette.responses import Response

from alertbot.alerts.hand import doing, giving
from alertbot.alerts.hand.doing import HandAnswer
from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.ops import now
from alertbot.people import tasks
from alertbot.people.tasks import BY_HAND
from alertbot.people.views import TaskView
from alertbot.web.desk.room import ROOT, Routes, Visit, once, page, status_of, whole_number

MOST_DONE = 100  # of those that are done


@dataclass(frozen=True, slots=True)
class TaskSection:
    """Tasks of one kind under a heading."""

    id: str
    heading: str
    tasks: tuple[TaskView, ...]


def add(routes: Routes) -> None:
    routes.get("/tasks", _tasks)
    routes.get("/tasks/{task}", _task)
    routes.post("/tasks/{task}", _answered)
    routes.get("/tasks/{task}/picture", _picture)


async def _tasks(visit: Visit) -> Response:
    found = await now.now(visit.service, visit.person)
    past = "done" in visit.request.query_params
    done = await tasks.listing(visit.service, every=True) if past else []
    closed = [one for one in reversed(done) if one.done_at is not None]
    return await page(
        visit,
        "tasks.html.j2",
        now=found,
        sections=_sections(found.tasks, visit.service.now),
        promises=[one for one in found.incidents if one.next_at is not None],
        done=closed[:MOST_DONE],
        past=past,
        cut=len(closed) > MOST_DONE,
    )


def _sections(waiting: tuple[TaskView, ...], at: datetime) -> list[TaskSection]:
    """Those whose time is over, then posts by hand, then the rest; each most urgent first."""
    late = tuple(one for one in waiting if one.due_at is not None and one.due_at <= at)
    left = [one for one in waiting if one not in late]
    by_hand = tuple(one for one in left if one.kind == BY_HAND)
    others = tuple(one for one in left if one.kind != BY_HAND)
    sections = (
        TaskSection("late", _("Overdue"), late),
        TaskSection("by-hand", _("Posts to make by hand"), by_hand),
        TaskSection("others", _("Other tasks"), others),
    )
    return [one for one in sections if one.tasks]


async def _task(visit: Visit) -> Response:
    return await _shown(visit)


async def _shown(visit: Visit, error: AlertbotError | None = None) -> Response:
    number = whole_number(visit.path("task"))
    task = await visit.service.database.read(lambda conn: tasks.get(conn, number))
    hand = None
    if task.kind == BY_HAND:
        hand, _image = await giving.shown(visit.service, number)
    return await page(
        visit,
        "task.html.j2",
        200 if error is None else status_of(error),
        task=tasks.view(task),
        hand=hand,
        error=error,
    )


async def _picture(visit: Visit) -> Response:
    number = whole_number(visit.path("task"))
    _view, image = await giving.shown(visit.service, number)
    if image is None:
        raise Misuse(_("This task has no picture."))
    return Response(image.content, media_type=image.mime)


async def _answered(visit: Visit) -> Response:
    number = whole_number(visit.path("task"))

    async def act() -> str:
        word = visit.field("word")
        if word == "done":
            await tasks.done(visit.service, visit.person, number, visit.field("outcome"))
        elif word in ("posted", "not-posted"):
            await doing.answer(visit.service, visit.person, number, _said(visit, word))
        else:
            raise Misuse(_("Say what became of it."))
        return f"{ROOT}/tasks/{number}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


def _said(visit: Visit, word: str) -> HandAnswer:
    if word == "not-posted":
        return HandAnswer(why_not=visit.field("reason"), way="desk")
    link, at = (visit.field(name).strip() or None for name in ("link", "at"))
    return HandAnswer(link=link, at=at, way="desk")
