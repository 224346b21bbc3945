"""The cases that the tests replay: our own beside this file, and the shared ones where they are at hand."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alertbot.config.yaml_reader import parse_written
from alertbot.rehearsal.replay.timeline import Timeline, timeline_of

OWN = Path(__file__).parent / "cases"
SHARED = Path(__file__).parents[4] / "shared" / "cases"


def shared(name: str) -> Path:
    """The folder of a shared case; the test is skipped where it is not beside this clone."""
    if not (SHARED / name).is_dir():
        pytest.skip("the case file is not beside this clone")
    return SHARED / name


def timeline(text: str) -> Timeline:
    return timeline_of(parse_written(text, "timeline.yaml"))


def entries(*lines: str, head: str = "timezone: Europe/Paris") -> Timeline:
    """A case of entries such as `16:45 undetected Operator @none`, all of 2 March 2026 unless the line
    begins with another day (`03T08:00`)."""
    written = [head, "case: tried", "entries:" if lines else "entries: []"]
    for line in lines:
        at, state, *rest = line.split(" ", 2)
        actor, _at, channel = (rest[0] if rest else "").partition(" @")
        day = at if "T" in at else f"02T{at}"
        written.append(
            f'- {{at: "2026-03-{day}", state: {state}, actor: "{actor}", channel: "{channel}"}}'
        )
    return timeline("\n".join(written))


def moment(text: str) -> datetime:
    """`16:45` or `03T08:00` of the case, in UTC (Paris is an hour ahead in March)."""
    day = text if "T" in text else f"02T{text}"
    return datetime.fromisoformat(f"2026-03-{day}+01:00").astimezone(UTC)


def at(document: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(document["at"]))
