"""What the public could read at the time, according to the case. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alertbot.rehearsal.replay.signals_of import CALM, RESOLVED, TROUBLE, ReplayStep, fault_of
from alertbot.rehearsal.replay.timeline import CaseEntry, Timeline

SPOKEN = frozenset({*TROUBLE, *CALM, RESOLVED, "correction"})
"""States of entries that tell the public something, where their channel reaches it."""

_NOBODY = re.compile(
    r"^(none|no|aucun\w*|rien)\b|\b(internal|interne|later|plus tard)\b", re.IGNORECASE
)
_PRIVATE = re.compile(
    r"\b(phone|t[ée]l[ée]phone|calls?|appels?|drill|exercise|exercice|cell|cellule|meeting|r[ée]union|visite?"
    r"|notice to|avis aux?|network|r[ée]seau|alert system|plans?|observation)\b(?! social)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[,;+&]")


def is_public(entry: CaseEntry) -> bool:
    """Whether anybody could read it: the case's own `public:`, else what its channel is called. Of several
    channels one is enough; an entry without a channel reached nobody that is known of."""
    if entry.public is not None:
        return entry.public
    channel = re.sub(r"\(.*?\)", "", entry.channel).strip()
    if _NOBODY.search(channel):
        return False
    return any(part.strip() and not _PRIVATE.search(part) for part in _BETWEEN.split(channel))


def first_word(timeline: Timeline) -> CaseEntry | None:
    """The first entry after the fault began that told the public of it; None where nobody did."""
    fault = fault_of(timeline)
    if fault is None:
        return None
    after = timeline.entries[timeline.entries.index(fault) :]
    return next((one for one in after if one.state in SPOKEN and is_public(one)), None)


@dataclass(frozen=True, slots=True)
class ReplayDecision:
    """What was decided. `step`: the entry that led to it; None where time alone did."""

    at: datetime
    action: str
    reason: str
    alert: str | None = None
    step: ReplayStep | None = None


@dataclass(frozen=True, slots=True)
class ReplayPost:
    """One text as the public would have read it. `state`: of the incident, as that alert tells it."""

    at: datetime
    channel: str
    lang: str
    kind: str
    state: str | None
    text: str
    by_itself: bool
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What did not go out. `reason`: one word, the same every time; `sentence`: for people."""

    at: datetime
    what: str
    reason: str
    sentence: str = ""


@dataclass
class Replay:
    """A case that was played. `fault`: when it began; `known`: when it could first have been known;
    `reality`: the first entry that told the public at the time; `titles`: of kinds, by language."""

    timeline: Timeline
    steps: tuple[ReplayStep, ...]
    fault: CaseEntry | None
    known: datetime | None
    reality: CaseEntry | None
    decisions: list[ReplayDecision] = field(default_factory=list)
    posts: list[ReplayPost] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    titles: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def first_post(self) -> ReplayPost | None:
        return min(self.posts, key=lambda one: one.at, default=None)

    def since_fault(self, at: datetime | None) -> float | None:
        """Seconds from the fault to this moment."""
        return _between(self.fault.at if self.fault else None, at)

    def document(self) -> dict[str, Any]:
        """The JSON document of `alertbot replay --json`; null where a thing did not happen."""
        first = self.first_post
        return {
            "case": self.timeline.case,
            "fault_at": self._told(self.fault.at if self.fault else None),
            "first_public_post": {
                "at": self._told(first.at if first else None),
                "delay_seconds": self.since_fault(first.at if first else None),
                "signal_delay_seconds": _between(self.known, first.at if first else None),
                "real_delay_seconds": self.since_fault(self.reality.at if self.reality else None),
            },
            "decisions": [self._decision(one) for one in self.decisions],
            "posts": [self._post(one) for one in self.posts],
            "refused": [
                {"at": self._told(one.at), "what": one.what, "reason": one.reason}
                for one in self.refused
            ],
        }

    def _decision(self, one: ReplayDecision) -> dict[str, Any]:
        return {
            "at": self._told(one.at),
            "signal": one.step.entry.state if one.step else None,
            "action": one.action,
            "reason": one.reason,
            "alert": one.alert,
        }

    def _post(self, one: ReplayPost) -> dict[str, Any]:
        return {
            "at": self._told(one.at),
            "channel": one.channel,
            "lang": one.lang,
            "kind": one.kind,
            "state": one.state,
            "text": one.text,
            "approval": "auto" if one.by_itself else "person",
        }

    def _told(self, at: datetime | None) -> str | None:
        """A moment with the case's own offset."""
        return at.astimezone(self.timeline.zone).isoformat() if at else None


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    return (end - begin).total_seconds() if begin and end else None
