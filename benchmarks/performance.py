"""docs/performance.md, written from what was measured (`RESULTS.md`) and counted (`chaos/record.json`): what each
figure means, whether its goal is met, said plainly. Nothing is run. `python -m benchmarks.performance` writes it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos import record
from benchmarks.chaos.record import Row

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
RESULTS = HERE / "RESULTS.md"
FEWEST_ROUNDS = 1000
FIGURE = re.compile(r"^\| (?P<name>[^|]+?) \| (?P<value>[^|]*?) \|$", re.MULTILINE)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Goal:
    """What a figure should be. `part`, `figure`: how their names begin. `over`: the figure beside it that it is
    divided by, such as a peer's in the same run."""

    says: str
    part: str
    figure: str
    most: float | None = None
    least: float | None = None
    over: str | None = None


GOALS = (
    Goal("`preview` takes at most 1.7 times apprise's start", "Cold start", "alertbot preview status /", most=1.7),
    Goal("`--help` takes at most 0.6 of apprise's", "Cold start", "alertbot --help /", most=0.6),
    Goal("approval to first byte: at most 50 ms", "Approval to", "approve -> first byte", most=50),
    Goal("SQLite: at least 5,000 deliveries/s", "Engine on SQLite", "deliveries per second", least=5000),
    Goal("PostgreSQL: at least 3,000 deliveries/s", "Engine on PostgreSQL", "deliveries per second", least=3000),
    Goal("101 territories composed in at most 1 s", "Composing", "first composing", most=1000),
    Goal(
        "mail, SQLite: at least 3 times nodemailer, in one run", "Mail to a local sink, the whole",
        "the engine on sqlite, mails per second", least=3, over="nodemailer, mails per second",
    ),
    Goal(
        "mail, SQLite: at least 0.3 of smtp-source, in one run", "Mail to a local sink, the whole",
        "the engine on sqlite, mails per second", least=0.3, over="smtp-source, mails per second",
    ),
    Goal(
        "mail, PostgreSQL: at least 3 times nodemailer, in one run", "Mail to a local sink, the whole",
        "the engine on postgresql, mails per second", least=3, over="nodemailer, mails per second",
    ),
    Goal(
        "mail, PostgreSQL: at least 0.3 of smtp-source, in one run", "Mail to a local sink, the whole",
        "the engine on postgresql, mails per second", least=0.3, over="smtp-source, mails per second",
    ),
    Goal("four workers use at least 98 % of 30/s", "Workers", "of 30/s used", least=98),
    Goal("four workers never begin more than 30 in a second", "Workers", "most in a second", most=30),
    Goal("idle: under 1 % of a core", "Idle", "alertbot run: %", most=1),
    Goal("webhook to first byte, approved ahead: at most 100 ms", "Signal to", "webhook -> first byte", most=100),
    Goal("the public page: new bytes within 2 s", "The public page", "worst", most=2),
    Goal("a correction on every channel within 60 s", "Correction", "worst", most=60),
    Goal("200 officers see an approval within 1 s (p95)", "The desk", "the same (ms, p95", most=1000),
    Goal("a preview 200 ms after a pause in typing, 19 territories (p95)", "The desk", "pause in typing -> 6 channels in 2 languages, 19 territories (ms, p95", most=200),
    Goal("the desk with 200 streams: at most 150 MB", "The desk", "server with the streams", most=150),
)  # fmt: skip
INTRO = """# How fast, and what faults do

Written by `make bench` from its own figures (`benchmarks/RESULTS.md`) and from the record of `make chaos`; do not edit it
by hand. Figures are medians of one machine with two cores that does other work too: read them beside each other, not as
promises. Where another program does the same, it ran in the same run on the same machine.
"""
CHAOS = """
## Faults on purpose

`make chaos SECONDS=120` plays each fault in turn and counts at the receiving end, a mail server (or the sandbox) in a
process of its own that no fault touches and that notes each mail before it answers. **Lost**: not sent and not known to
be uncertain, or said to be sent and never taken. **Doubled**: taken twice. **Uncertain**: the program says that it does
not know; **wrongly** counts those that were not in flight when their worker was killed, stopped or cut off. **Went on
alone**: rounds in which nobody had to help, but for a supervisor that starts again what was killed. `KEEP=1` adds rounds
to the record.

How the faults are made: processes are killed with SIGKILL and stopped with SIGSTOP; disks are small ones in memory, filled
to the last byte (that needs root); read-only is told to workers that start on it, since no system makes a disk read-only
under a file that is open for writing; clocks are wrong inside the worker, Python's and that of SQLite's statements.

What a person orders to be sent again although it may be out can arrive twice: at most as many as there were connections.
"""
FOUND = """
Found by it, and mended: a worker that stood still longer than its lease made calls that others had taken for uncertain,
and that a person had meanwhile ordered again; a delivery that one worker had claimed twice was called twice when both
intents shared a commit; a lease from a moment at which the clock was ahead kept a delivery back until then. The rounds of
these faults are counted from the mending on.

Open: in 7 of 69 rounds on PostgreSQL a worker that had stood still past its lease left some deliveries claimed for
longer than the two minutes that a round waits. None was sent twice. The table counts them as lost, because they were
not sent when the round ended. One way to that is known by now: what such a worker had not begun, others take for perhaps
sent; when it goes on it gives that back, and a round that had seen nothing open a moment before ended before it was sent
again. That loses nothing, and rounds wait for it since. A worker that stands still at any of its steps leaves nothing
behind (`tests/delivery/test_frozen.py`). Whether this was the whole of those seven rounds nobody can tell any more. In
182 rounds of this fault played since, on a machine with less to do, none was left.
"""


def page(results: str, rows: Iterable[Row]) -> str:
    """The whole page."""
    head, _rest = results.split("\n## ", 1)
    machine = head.partition("\n")[2].strip()
    parts = _parts(results)
    listed = list(rows)
    return (
        "\n".join(
            [
                INTRO,
                machine,
                "\n## Goals\n",
                *_goals(parts),
                CHAOS,
                record.table(listed),
                "",
                _rounds(listed),
                FOUND,
                "\n## Every figure\n",
                *_figures(results),
            ]
        ).rstrip()
        + "\n"
    )


def _rounds(rows: list[Row]) -> str:
    count = sum(row.rounds for row in rows)
    bad = sum(row.lost + row.doubled + row.wrong for row in rows)
    enough = "" if count >= FEWEST_ROUNDS else f" The goal of {FEWEST_ROUNDS:,} rounds is NOT met."
    sound = (
        "none lost, none doubled, none wrongly uncertain" if not bad else f"{bad} NOT as they should be"
    )
    return f"{count:,} rounds, {sum(row.deliveries for row in rows):,} deliveries: {sound}.{enough}"


def _parts(results: str) -> Mapping[str, Mapping[str, str]]:
    """Figures by name, by the title of their part."""
    found = {}
    for part in results.split("\n## ")[1:]:
        title, _newline, body = part.partition("\n")
        found[title] = {one["name"]: one["value"] for one in FIGURE.finditer(body)}
    return found


def _goals(parts: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    yield "| goal | measured | met |"
    yield "|---|---|---|"
    for goal in GOALS:
        measured = _measured(goal, parts)
        if measured is None:
            yield f"| {goal.says} | {NOT_MEASURED} | {NOT_MEASURED} |"
            continue
        met = (goal.most is None or measured <= goal.most) and (
            goal.least is None or measured >= goal.least
        )
        yield f"| {goal.says} | {_told(measured)} | {'yes' if met else '**no**'} |"


def _told(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _measured(goal: Goal, parts: Mapping[str, Mapping[str, str]]) -> float | None:
    figures = next((part for title, part in parts.items() if title.startswith(goal.part)), {})
    value = _number(figures, goal.figure)
    if goal.over is None or value is None:
        return value
    peer = _number(figures, goal.over)
    return None if peer is None else value / peer


def _number(figures: Mapping[str, str], begins: str) -> float | None:
    text = next((value for name, value in figures.items() if name.startswith(begins)), "")
    found = NUMBER.match(text.replace(",", ""))
    return float(found[0]) if found else None


def _figures(results: str) -> Iterator[str]:
    """The parts as they were measured, a level deeper."""
    for part in results.split("\n## ")[1:]:
        yield f"### {part.rstrip()}\n"


def write() -> None:
    """Write the page from what is stored."""
    text = page(RESULTS.read_text(encoding="utf-8"), record.read().values())
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
