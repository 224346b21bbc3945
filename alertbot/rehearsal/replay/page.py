"""The HTML page of a replay: moment by moment what happened and, beside it, what alertbot says; then a picture of
both."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from markupsafe import Markup, escape

from alertbot.core.frozen import dataclass
from alertbot.core.words import _, language
from alertbot.rehearsal.replay.results import SPOKEN, Replay, is_public
from alertbot.rehearsal.replay.telling import (
    LineMark,
    channel_name,
    counts,
    headline,
    kind_title,
    notes_of,
    rows_of,
    span_words,
    summary_of,
)
from alertbot.rehearsal.replay.timeline import CaseEntry, said
from alertbot.texts.preview.html_page import page_style, page_template, policy

WIDTH, HEIGHT, LEFT, RIGHT = 960, 230, 20, 940
REALITY, OURS = 70, 150  # where the two lines lie
TICKS = tuple(
    timedelta(minutes=one) for one in (5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10080, 43200)
)
MOST_TICKS = 9
AT_LEAST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Dot:
    """One event: `loud` if public (or automatic), else a hollow mark."""

    at: datetime
    text: str
    loud: bool


@dataclass(frozen=True, slots=True)
class PagePeriod:
    """The period that one picture shows."""

    begins: datetime
    ends: datetime
    reality: tuple[Dot, ...]
    ours: tuple[Dot, ...]
    fault: datetime

    def x(self, at: datetime) -> float:
        whole = (self.ends - self.begins) / timedelta(seconds=1)
        return LEFT + (RIGHT - LEFT) * ((at - self.begins) / timedelta(seconds=1)) / whole


def stretches(replay: Replay) -> list[PagePeriod]:
    """The first hours, until both have spoken, and the whole period if it is longer."""
    if replay.fault is None:
        return []
    fault = replay.fault.at
    heard = [step.entry.at for step in replay.steps if not step.silent]
    last = max([fault + AT_LEAST, *heard, *(one.at for one in replay.posts)])
    firsts = [one.at for one in (replay.reality, replay.first_post) if one]
    soon = max([fault + AT_LEAST, *firsts]) + timedelta(minutes=15)
    first = _stretch(replay, fault, soon)
    return [first] if soon >= last else [first, _stretch(replay, fault, last)]


def _stretch(replay: Replay, fault: datetime, ends: datetime) -> PagePeriod:
    room = (ends - fault) / 40
    begins, ends = fault - room, ends + room
    reality = (
        Dot(one.at, f"{one.state} · {one.actor}: {said(one.summary, language())}", is_public(one))
        for one in replay.timeline.entries
        if one.state in SPOKEN
    )
    alerts = {one.alert: one for one in reversed(replay.posts)}
    ours = (
        Dot(one.at, said(replay.titles.get(one.kind, {}), language()) or one.kind, one.by_itself)
        for one in alerts.values()
    )
    return PagePeriod(begins, ends, _within(reality, begins, ends), _within(ours, begins, ends), fault)


def _within(marks: Iterable[Dot], begins: datetime, ends: datetime) -> tuple[Dot, ...]:
    return tuple(sorted((one for one in marks if begins <= one.at <= ends), key=lambda one: one.at))


def svg(replay: Replay, stretch: PagePeriod, number: int) -> Markup:
    """The picture; the page's table has the same content."""
    parts = [
        *_ticks(replay, stretch),
        *_line(stretch, REALITY, _("What happened"), stretch.reality),
        *_line(stretch, OURS, _("With alertbot"), stretch.ours),
        _fault(stretch),
        *_delay(replay, stretch, REALITY, replay.reality.at if replay.reality else None),
        *_delay(replay, stretch, OURS, replay.first_post.at if replay.first_post else None),
    ]
    title = escape(_alternative(replay, stretch))
    return Markup(  # noqa: S704  every text in it is escaped
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="picture-{number}">'
        f'<title id="picture-{number}">{title}</title>{"".join(parts)}</svg>'
    )


def _alternative(replay: Replay, stretch: PagePeriod) -> str:
    first, real = replay.first_post, replay.reality
    return _(
        "From {begin} to {end}. What happened: {real} entries, the first public message after"
        " {real_delay}. With alertbot: {ours} alerts, the first after {our_delay}."
    ).format(
        begin=_clock(replay, stretch.begins, "%d/%m %H:%M"),
        end=_clock(replay, stretch.ends, "%d/%m %H:%M"),
        real=len(stretch.reality),
        real_delay=span_words(replay.since_fault(real.at if real else None)),
        ours=len(stretch.ours),
        our_delay=span_words(replay.since_fault(first.at if first else None)),
    )


def _ticks(replay: Replay, stretch: PagePeriod) -> Iterator[str]:
    whole = stretch.ends - stretch.begins
    step = next((one for one in TICKS if whole / one <= MOST_TICKS), TICKS[-1])
    form = "%H:%M" if step < timedelta(days=1) else "%d/%m"
    midnight = stretch.begins.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * ((stretch.begins - midnight) // step + 1)
    while at <= stretch.ends:
        x = stretch.x(at)
        yield f'<line class="tick" x1="{x:.1f}" y1="30" x2="{x:.1f}" y2="190"/>'
        label = _clock(replay, at, "%d/%m" if (at.hour, at.minute) == (0, 0) else form)
        yield f'<text class="hour" x="{x:.1f}" y="208">{label}</text>'
        at += step


def _line(stretch: PagePeriod, y: int, name: str, marks: Iterable[Dot]) -> Iterator[str]:
    yield f'<line class="lane" x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}"/>'
    yield f'<text class="title" x="{RIGHT}" y="{y - 18}">{escape(name)}</text>'
    for one in marks:
        shape = "loud" if one.loud else "quiet"
        yield (
            f'<circle class="{shape}" cx="{stretch.x(one.at):.1f}" cy="{y}" r="6">'
            f"<title>{one.at:%d/%m %H:%M} {escape(one.text)}</title></circle>"
        )


def _fault(stretch: PagePeriod) -> str:
    x = stretch.x(stretch.fault)
    return (
        f'<line class="fault" x1="{x:.1f}" y1="30" x2="{x:.1f}" y2="190"/>'
        f'<text class="hour" x="{x:.1f}" y="24">{escape(_("fault"))} {stretch.fault:%H:%M}</text>'
    )


def _delay(replay: Replay, stretch: PagePeriod, y: int, first: datetime | None) -> Iterator[str]:
    """The line from the fault to the first word, with its duration."""
    if first is None or not stretch.begins <= first <= stretch.ends:
        return
    begin, end = stretch.x(stretch.fault), stretch.x(first)
    yield f'<line class="delay" x1="{begin:.1f}" y1="{y + 18}" x2="{end:.1f}" y2="{y + 18}"/>'
    words = escape(span_words(replay.since_fault(first)))
    yield f'<text class="span" x="{end + 6:.1f}" y="{y + 22}">{words}</text>'


def _clock(replay: Replay, at: datetime, form: str) -> str:
    return at.astimezone(replay.timeline.zone).strftime(form)


HERE = Path(__file__).parent
CLASSES = {LineMark.DECIDED: "decided", LineMark.HELD: "held"}


def render(replay: Replay) -> str:
    """The page, to be written as UTF-8. It has no script and loads nothing."""
    style = page_style() + (HERE / "page.css").read_text(encoding="utf-8")
    return page_template("page.html.j2", HERE).render(
        page_language=language(),
        policy=policy(style),
        style=Markup(style),  # noqa: S704  our own files
        title=said(replay.timeline.title, language()),
        notes=notes_of(replay),
        figures=summary_of(replay),
        pictures=[svg(replay, one, i) for i, one in enumerate(stretches(replay), start=1)],
        rows=rows_of(replay),
        names={one.kind: kind_title(replay, one.kind) for one in replay.posts},
        counts=counts,
        channel_name=channel_name,
        zone=replay.timeline.zone.key,
        head=headline,
        told=_entry_text,
        classes=CLASSES,
    )


def _entry_text(entry: CaseEntry) -> str:
    return said(entry.summary, language())
