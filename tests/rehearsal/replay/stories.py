"""Cases that were played: every test looks at the document that `--json` prints."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alertbot.core.json import as_json
from alertbot.rehearsal.replay.player import play
from alertbot.rehearsal.replay.results import Replay
from alertbot.rehearsal.replay.stage import read_playbook
from alertbot.rehearsal.replay.timeline import Timeline, read_case

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Story:
    """A replay and its document."""

    replay: Replay
    document: Mapping[str, Any]

    def posts(self, **like: object) -> list[Mapping[str, Any]]:
        """The posts with these values, in one language."""
        return [
            one
            for one in self.document["posts"]
            if one["lang"] == "en" and all(one[key] == value for key, value in like.items())
        ]

    def decisions(self, **like: object) -> list[Mapping[str, Any]]:
        found = self.document["decisions"]
        return [one for one in found if all(one[key] == value for key, value in like.items())]

    def refused(self, what: str) -> list[str]:
        return [one["reason"] for one in self.document["refused"] if one["what"] == what]

    def moment(self, text: str) -> datetime:
        """A moment of the case, local to it."""
        return datetime.fromisoformat(text).replace(tzinfo=self.replay.timeline.zone)


def at(one: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(one["at"]))


def played(
    case: Timeline | Path, *, delay: timedelta = 3 * MINUTE, policy: Path | None = None
) -> Story:
    timeline = read_case(case) if isinstance(case, Path) else case
    replay = asyncio.run(play(timeline, read_playbook(policy), approver_delay=delay))
    return Story(replay, as_json(replay.view()))


def require_honest(story: Story) -> None:
    """What holds for every case: the form of the document, and who may let out what."""
    document = story.document
    assert list(document) == ["case", "fault_at", "first_public_post", "decisions", "posts", "refused"]
    assert [set(one) for one in document["decisions"]] == [
        {"at", "signal", "action", "reason", "alert"}
    ] * len(document["decisions"])
    assert [set(one) for one in document["posts"]] == [
        {"at", "channel", "lang", "kind", "state", "text", "approval"}
    ] * len(document["posts"])
    assert all(set(one) == {"at", "what", "reason"} for one in document["refused"])
    for key in ("decisions", "posts", "refused"):
        moments = [at(one) for one in document[key]]
        assert moments == sorted(moments)
    assert {one["kind"] for one in document["posts"] if one["approval"] == "auto"} <= {
        "holding",
        "no_news",
    }
    assert {one["channel"] for one in document["posts"]} <= {"memory"}
    _require_first(story)


def _require_first(story: Story) -> None:
    first = story.document["first_public_post"]
    posts = story.document["posts"]
    assert first["at"] == (posts[0]["at"] if posts else None)
    if not posts:
        assert first["delay_seconds"] is None
        assert first["signal_delay_seconds"] is None
        return
    fault = datetime.fromisoformat(story.document["fault_at"])
    assert first["delay_seconds"] == (at(posts[0]) - fault).total_seconds()
    assert 0 <= first["signal_delay_seconds"] <= 300
