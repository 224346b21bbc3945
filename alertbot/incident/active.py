"""The one active guidance of an incident: the latest word per topic of the alerts that went out (R9). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from alertbot.incident.guidance import Fallback, Guidance, Word, alive, laid_over
from alertbot.model import Relation

REPLACES = frozenset({Relation.CORRECTION, Relation.RETRACTION, Relation.CANCEL})
"""What follows like this stands instead of its original."""


@dataclass(frozen=True, slots=True)
class Said:
    """An alert that went out, and how it followed an earlier one."""

    alert: str
    guidance: Guidance
    relation: Relation | None = None
    original: str | None = None


def active(
    said: Iterable[Said],
    now: datetime,
    *,
    relation: Relation | None = None,
    original: str | None = None,
) -> Guidance:
    """What callers are told now. `said`: in the order in which they went out. What has been taken back or
    has ended no longer counts.

    `relation` and `original`: of the alert that is to be compared with it. A correction may say otherwise
    than what it corrects, but a number that it replaces is still being dialled until it is struck; what
    cancels an alert need not agree with it at all.
    """
    told = list(said)
    gone = {one.original for one in told if one.relation in REPLACES}
    whole = Guidance()
    for one in told:
        mine = alive(one.guidance, now)
        if one.alert in gone or (one.alert == original and relation in REPLACES):
            corrected = one.alert not in gone and relation is Relation.CORRECTION
            mine = Guidance(fallbacks=mine.fallbacks if corrected else (), struck=mine.struck)
        whole = laid_over(whole, mine)
    return whole


def to_json(guidance: Guidance) -> dict[str, Any]:
    """Plain values; `from_json` gives the same guidance again."""
    return asdict(guidance)


def from_json(values: Mapping[str, Any] | None, *, alert: str = "") -> Guidance:
    """The guidance of these values, said by `alert`; an empty one where nothing was kept."""
    if not values:
        return Guidance()
    topics = {name: _word(values.get(name), alert) for name in ("line", "first", "restored")}
    return Guidance(
        **topics,
        fallbacks=_fallbacks(values.get("fallbacks"), alert),
        struck=_fallbacks(values.get("struck"), alert),
        until=str(values.get("until") or ""),
    )


def _word(value: Any, alert: str) -> Word | None:
    return replace(Word(**value), alert=alert) if value else None


def _fallbacks(values: Any, alert: str) -> tuple[Fallback, ...]:
    return tuple(replace(Fallback(**one), alert=alert) for one in values or ())
