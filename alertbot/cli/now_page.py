"""Now, at a terminal: what somebody has to know first, one line each, the urgent first; as the desk's first page says
it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from alertbot.alerts.rules_moves import state_word
from alertbot.cli.frame import AsJson, TokenFile, console, emit, say, session
from alertbot.cli.running import read
from alertbot.core.errors import Refused
from alertbot.core.model import Person
from alertbot.core.words import _, ngettext, told
from alertbot.ops import now
from alertbot.ops.now import NowView, OpenIncidentView, RecentAlert, WaitingAlert
from alertbot.people import accounts
from alertbot.texts.preview.phrases import stated, visible
from alertbot.watch.context import WatchContext
from alertbot.watch.rules_log import incident_word
from alertbot.web.desk.wording import delivery_words

Line = tuple[str, str]  # how it looks, and what it says
Clock = Callable[[datetime], str]

LOUD, CARE, HEAD, PLAIN = "bold red", "yellow", "bold", ""


def now_(context: typer.Context, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    token = session(context).token(token_file)

    async def work(service: WatchContext) -> tuple[NowView, ZoneInfo]:
        return await now.now(service, await _looking(service, token)), service.publisher.zone

    found, zone = read(context, work, partly=True)
    if as_json:
        emit(found)
        return
    console().print(now_page(found, zone), end="", soft_wrap=True)
    if token is None:
        say(_("Without your token nothing can be marked as waiting for you: alertbot login"), True)


async def _looking(service: WatchContext, token: str | None) -> Person | None:
    """Who looks. A token that does not count any more is said, and does not keep anybody from looking."""
    try:
        return await accounts.known(service, token) if token else None
    except Refused as error:
        say(f"alertbot: {error}", as_json=True)
        return None


def now_page(found: NowView, zone: ZoneInfo | None) -> Text:
    """The whole page; times in this zone, else in that of this machine."""

    def clock(moment: datetime) -> str:
        return told(moment, zone)

    page = Text()
    for style, line in _lines(found, clock):
        page.append(f"{line}\n", style=style)
    return page


def _lines(found: NowView, clock: Clock) -> Iterator[Line]:
    urgent = [*_standing(found), *_waiting(found, clock), *_urgent(found, clock)]
    if urgent:
        yield HEAD, _("Needs somebody now")
        yield from urgent
    yield HEAD, _("Open incidents")
    yield from (line for one in found.incidents for line in _incident(one, clock))
    if not found.incidents:
        yield PLAIN, "  " + _("None.")
    if found.tasks:
        yield HEAD, _("Tasks")
    for task in found.tasks:
        due = f"{clock(task.due_at)} " if task.due_at else ""
        yield PLAIN, f"  {task.id}  {due}{visible(task.text)}"
    yield HEAD, _("Latest alerts")
    yield from ((PLAIN, _recent(one, clock)) for one in found.recent)
    if not found.recent:
        yield PLAIN, "  " + _("There are no alerts.")
    yield PLAIN, _foot(found, clock)


def _standing(found: NowView) -> Iterator[Line]:
    if found.strip.halted:
        yield LOUD, "■ " + _("Everything is halted: nothing goes out.")
    if not found.strip.worker:
        yield LOUD, "■ " + _("No worker is running: nothing goes out.")


def _waiting(found: NowView, clock: Clock) -> Iterator[Line]:
    for one in sorted(found.strip.waiting, key=lambda one: not one.mine):
        yield (LOUD if one.mine else CARE), _wait(one, found.at, clock)
        if one.mine:
            how = _("Read it: alertbot show {id}. Then: alertbot approve {id}, or alertbot return {id}")
            yield PLAIN, "    " + how.format(id=one.id)


def _wait(one: WaitingAlert, now: datetime, clock: Clock) -> str:
    minutes = max(0, int((now - one.since).total_seconds() // 60))
    since = ngettext("waiting for {n} min", "waiting for {n} min", minutes).format(n=minutes)
    parts = [stated(_named(one.id, one.title, exercise=one.exercise), since)]
    if one.until:
        parts.append(_("lapses at {time}").format(time=clock(one.until)))
    return f"● {', '.join(parts)}" + (f" · {_('for you to approve')}" if one.mine else "")


def _urgent(found: NowView, clock: Clock) -> Iterator[Line]:
    for alert in found.glass:
        said = _("another approver has to countersign it")
        yield LOUD, stated(f"! {_('Published by one person')} {alert}", said)
    yield from ((LOUD, f"! {why}") for why in found.stuck.values())
    for going in found.countdowns:
        at = _("at {time}").format(time=clock(going.at))
        yield LOUD, f"! {_('Goes out by itself')} {going.alert} {at}"
    for about, count in found.uncertain.items():
        said = ngettext("{n} may have been sent", "{n} may have been sent", count).format(n=count)
        yield LOUD, stated(f"? {_('Uncertain')} {about or _('notices to the team')}", said)
    yield from ((LOUD, f"! {_('Halted')} {alert}") for alert in found.halted_alerts)
    for one in found.channels:
        why = one.paused or one.blocked or ""
        word = _("Halted") if one.halted else _("Paused") if one.paused else _("Held back")
        line = f"! {word} {one.channel}"
        yield CARE, stated(line, visible(why)) if why and not one.halted else line
    for name, why in found.failing.items():
        yield CARE, stated(f"! {_('Failing')} {name}", visible(why))
    for back in found.returned:
        yield CARE, f"← {_('Came back to you')} {_named(back.id, back.title, exercise=back.exercise)}"


def _incident(one: OpenIncidentView, clock: Clock) -> Iterator[Line]:
    about = visible(" · ".join(filter(None, (one.about, one.places))))
    since = _("since {time}").format(time=clock(one.since))
    state = incident_word(one.state) if one.state else ""
    drill = f"◆ {_('exercise')}" if one.exercise else ""
    yield (
        (LOUD if one.overdue else PLAIN),
        "  " + " · ".join(filter(None, (one.id, drill, state, about, since))),
    )
    if one.last_alert:
        last = f"{_('Told last:')} {one.last_alert} {one.last_title}"
        yield PLAIN, f"    {last}" + (f", {clock(one.told_at)}" if one.told_at else "")
    else:
        yield CARE, "    " + _("The public was told nothing yet.")
    if one.next_at and one.overdue:
        late = _("Overdue: an update was promised for {time}").format(time=clock(one.next_at))
        yield LOUD, f"    ✗ {late}"
    elif one.next_at:
        yield PLAIN, "    " + _("Next word promised for {time}").format(time=clock(one.next_at))


def _recent(one: RecentAlert, clock: Clock) -> str:
    counts = ", ".join(f"{n} {delivery_words(state)}" for state, n in one.counts.items())
    said = f"{state_word(one.state)}, {clock(one.since)}" + (f" ({counts})" if counts else "")
    return "  " + stated(_named(one.id, one.title, exercise=one.exercise), said)


def _named(alert: str, title: str, *, exercise: bool) -> str:
    return f"{alert} {title}" + (f" ◆ {_('exercise')}" if exercise else "")


def _foot(found: NowView, clock: Clock) -> str:
    waiting = ngettext(
        "{n} message waits to be sent.", "{n} messages wait to be sent.", found.waiting_calls
    ).format(n=found.waiting_calls)
    at = _("As of {time}.").format(time=clock(found.at))
    return " ".join(
        filter(
            None,
            (
                at,
                _("The worker is running.") if found.strip.worker else "",
                found.watching.said,
                waiting,
            ),
        )
    )
