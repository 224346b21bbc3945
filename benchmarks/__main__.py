"""Run every benchmark and print the figures; also writes them to `benchmarks/RESULTS.md`."""

import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    composing,
    correcting,
    engine,
    first_byte,
    grown,
    idle,
    mail,
    mailing,
    signals,
    startup,
)

Figures = dict[str, object]
PARTS: dict[str, Callable[[], Figures]] = {
    "Cold start, in processor time beside apprise": startup.measure,
    "Approval to first byte (goal: at most 50 ms)": first_byte.measure,
    "Engine on SQLite, intent and outcome committed (goal: 5000/s, under 120 MB)": engine.sqlite,
    "Engine on PostgreSQL, intent and outcome committed (goal: 3000/s, under 120 MB)": engine.postgresql,
    "Composing 101 départements in two languages (goal: under 1000 ms)": composing.measure,
    "Mail to a local sink, the adapter alone": mail.measure,
    "Mail to a local sink, the whole engine (goal: nodemailer's rate)": mailing.measure,
    "Idle on SQLite, over all threads (goal: under 1 % of a core)": idle.measure,
    "Looking, after much was sent (goal: the same after 1 M as after 10 k)": grown.measure,
    "Signal to first publication, approved ahead (goal: at most 250 ms)": signals.measure,
    "Correction on every channel (goal: under 60 s)": correcting.measure,
}


def main() -> None:
    """All parts; or only those whose titles contain a word given, and then nothing is written."""
    if words := sys.argv[1:]:
        for title, measure in PARTS.items():
            if any(word.lower() in title.lower() for word in words):
                print(title, *(f"{name}: {value}" for name, value in measure().items()), sep="\n  ")
        return
    lines = [f"# Figures of {datetime.now(UTC):%Y-%m-%d}", "", _machine(), ""]
    print("\n".join(lines))
    for title, measure in PARTS.items():
        part = [f"## {title}", "", "| figure | value |", "|---|---|"]
        part += [f"| {name} | {value} |" for name, value in measure().items()]
        print("\n".join(part), "\n", flush=True)
        lines += [*part, ""]
    (Path(__file__).parent / "RESULTS.md").write_text("\n".join(lines), encoding="utf-8")


def _machine() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "apprise", "tweepy"))
    return (
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores; {libraries}. Written by `make bench`; medians unless said otherwise."
    )


if __name__ == "__main__":
    main()
