"""Run every benchmark and print the figures; also writes them to `benchmarks/RESULTS.md`, and `docs/performance.md`."""

import os
import platform
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    composing,
    correcting,
    desk,
    engine,
    first_byte,
    grown,
    idle,
    mail,
    mailing,
    page,
    performance,
    signals,
    startup,
    storm,
    workers,
)

Figures = dict[str, object]
RESULTS = Path(__file__).parent / "RESULTS.md"
PARTS: dict[str, Callable[[], Figures]] = {
    "Cold start, in processor time beside apprise": startup.measure,
    "Approval to first byte (goal: at most 50 ms)": first_byte.measure,
    "Engine on SQLite, intent and outcome committed (goal: 5000/s, under 120 MB)": engine.sqlite,
    "Engine on PostgreSQL, intent and outcome committed (goal: 3000/s, under 120 MB)": engine.postgresql,
    "Workers, 1, 2 and 4 on PostgreSQL (goal: 98 % of 30/s by four, no second over)": workers.measure,
    "Composing 101 départements in two languages (goal: under 1000 ms)": composing.measure,
    "Mail to a local sink, the adapter alone": mail.measure,
    "Mail to a local sink, the whole engine (goal: 3 times nodemailer, 0.3 of smtp-source)": mailing.measure,
    "Idle on SQLite, over all threads (goal: under 1 % of a core)": idle.measure,
    "Looking, after much was sent (goal: the same after 1 M as after 10 k)": grown.measure,
    "Signal to first publication, approved ahead (goal: at most 100 ms)": signals.measure,
    "A storm of one source (goal: under 5 s for another's service)": storm.measure,
    "The public page of 101 territories in two languages (goal: new bytes within 2 s)": page.measure,
    "Correction on every channel (goal: under 60 s)": correcting.measure,
    "The desk (goal: 200 officers see an approval within 1 s, previews within 200 ms)": desk.measure,
}


def main() -> None:
    """Every part; or those whose titles contain one of the words given, in place of what was measured before."""
    words = [word.lower() for word in sys.argv[1:]]
    wanted = [title for title in PARTS if not words or any(word in title.lower() for word in words)]
    before = _parts(RESULTS.read_text(encoding="utf-8")) if words else {}
    for title in wanted:
        lines = [f"## {title}", "", "| figure | value |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in PARTS[title]().items()]
        if words:
            lines += [f"| measured by itself | {datetime.now(UTC):%Y-%m-%d} |"]
        before[title] = "\n".join([*lines, ""])
        print(before[title], flush=True)
    head = before.pop("", "\n".join([f"# Figures of {datetime.now(UTC):%Y-%m-%d}", "", _machine(), ""]))
    known = [before[title] for title in PARTS if title in before]
    RESULTS.write_text("\n".join([head, *known]), encoding="utf-8")
    performance.write()


def _parts(text: str) -> dict[str, str]:
    """What stands in the file, by title; before the first one under none."""
    parts = re.split(r"(?m)^(?=## )", text)
    return {
        part.partition("\n")[0].removeprefix("## ") if place else "": part.rstrip("\n") + "\n"
        for place, part in enumerate(parts)
    }


def _machine() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "apprise", "tweepy"))
    return (
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores; {libraries}. Written by `make bench`; medians unless said otherwise."
    )


if __name__ == "__main__":
    main()
