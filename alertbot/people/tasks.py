"""Tasks for people: raised by the program, shown by `status`, sent to the team, closed by people."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from alertbot.core.errors import Misuse, Refused, one_line
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.core.words import _, way_out
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.people import notices, rules, store_tasks
from alertbot.people.context import Context
from alertbot.people.store_tasks import Task
from alertbot.people.views import TaskView

MACHINE = "alertbot"
LONGEST_OUTCOME = 500
MOST_SHOWN = 20  # tasks in `status`
BY_HAND = "by-hand"  # the kind of task whose words a person posts; `alerts.hand` closes it


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be raised. `key` says what it is about: raised once while it is open. `text` is one or
    two sentences: what the matter is, and what to do."""

    key: str
    kind: str
    text: str
    alert: str | None = None
    incident: str | None = None
    number: int | None = None
    due_at: datetime | None = None


async def raise_(service: Context, conn: Connection, chore: NewTask) -> bool:
    """Raise a task and tell the team; False if it is open already, in which case nobody is told again."""
    return bool(await raise_all(service, conn, [chore]))


async def raise_all(
    service: Context, conn: Connection, chores: Collection[NewTask]
) -> tuple[NewTask, ...]:
    """Raise several tasks and tell the team in one notice; returns those that were not open already."""
    fresh = tuple([one for one in chores if await _raise(conn, one, service.now)])
    if not fresh:
        return ()
    entries = [
        audit.AuditEntry(
            actor=MACHINE,
            verb="task",
            at=service.now,
            alert=one.alert,
            detail={"key": one.key, "kind": one.kind, "text": one.text},
        )
        for one in fresh
    ]
    await audit.append_many(conn, entries)
    await notices.work_waits(service, conn, [one.text for one in fresh])
    return fresh


async def close(service: Context, conn: Connection, key: str, outcome: str) -> bool:
    """Close a task that the program finds settled. False if it was not open."""
    if not await store_tasks.done(conn, key, by=MACHINE, outcome=outcome, now=service.now):
        return False
    detail = {"key": key, "outcome": outcome}
    await audit.append(conn, actor=MACHINE, verb="task-done", at=service.now, detail=detail)
    return True


async def done(service: Context, actor: Person, task_id: int, outcome: str | None = None) -> TaskView:
    """Close a task as a person. Raises `Misuse` for an unknown task, `Refused` for one that is already
    closed."""
    rules.require_role("task", actor)
    said = one_line(outcome or "")[:LONGEST_OUTCOME] or None

    async def work(conn: Connection) -> TaskView:
        now = service.now
        task = await get(conn, task_id)
        if task.kind == BY_HAND and task.done_at is None:
            command = _("Task {id} needs where the post stands, or when it was made: --link or --at.")
            desk = _("Task {id} needs where the post stands, or when it was made: open the task.")
            raise Misuse(way_out(command, desk).format(id=task.id))
        if not await store_tasks.done(conn, task.key, by=actor.name, outcome=said, now=now):
            raise Refused(already(await get(conn, task_id)))
        detail = {"key": task.key, "outcome": said}
        await audit.append(
            conn, actor=actor.name, verb="task-done", at=now, alert=task.alert, detail=detail
        )
        return view(await get(conn, task_id))

    return await service.database.transact(work)


async def listing(service: Context, *, every: bool = False) -> list[TaskView]:
    """Open tasks, the most urgent first; with `every` also closed ones, in the order raised."""

    async def look(conn: Connection) -> list[TaskView]:
        found = await (store_tasks.every(conn) if every else store_tasks.open_tasks(conn))
        return [view(one) for one in found]

    return await service.database.read(look)


async def waiting(
    conn: Connection, *, alert: str | None = None, incident: str | None = None
) -> list[TaskView]:
    """Open tasks; with an alert or an incident only those about it."""
    found = await store_tasks.open_tasks(conn)
    if alert is None and incident is None:
        return [view(one) for one in found]
    return [
        view(one) for one in found if one.alert == (alert or "") or one.incident == (incident or "")
    ]


def view(task: Task) -> TaskView:
    """A task as it is shown."""
    return TaskView(
        id=task.id,
        kind=task.kind,
        text=task.text,
        alert=task.alert,
        incident=task.incident,
        number=f"N{task.number}" if task.number else None,
        due_at=task.due_at,
        raised_at=task.raised_at,
        done_at=task.done_at,
        done_by=task.done_by,
        outcome=task.outcome,
    )


def sentences(waiting: Sequence[TaskView]) -> Iterator[str]:
    """Tasks as `status` shows them, with how to close each; at most the first few."""
    for task in waiting[:MOST_SHOWN]:
        said = (
            _("{text} (task {id}; the words: alertbot task show {id})")
            if task.kind == BY_HAND
            else _("{text} (task {id}; when done: alertbot task done {id})")
        )
        yield said.format(text=task.text, id=task.id)
    if len(waiting) > MOST_SHOWN:
        left = len(waiting) - MOST_SHOWN
        yield _("{count} more tasks: alertbot task list").format(count=left)


async def _raise(conn: Connection, one: NewTask, now: datetime) -> bool:
    return await store_tasks.raise_(
        conn,
        key=one.key,
        kind=one.kind,
        text=one.text,
        now=now,
        alert=one.alert,
        incident=one.incident,
        number=one.number,
        due_at=one.due_at,
    )


async def get(conn: Connection, task_id: int) -> Task:
    """The task with this number. Raises `Misuse` if there is none."""
    found = await store_tasks.get(conn, task_id)
    if found is None:
        command = _("There is no task {id}; `alertbot task list --all` lists them.")
        raise Misuse(way_out(command, _("There is no task {id}.")).format(id=task_id))
    return found


def already(task: Task) -> str:
    """That somebody was faster, and what they said."""
    said = _("Task {id} was already done by {name}.").format(id=task.id, name=task.done_by)
    return f"{said} {task.outcome}" if task.outcome and task.kind == BY_HAND else said
