"""What an alert is in the terms of the Common Alerting Protocol 1.2, by kind and stage (`messages/cap.yaml`), and what a
document carries of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from alertbot.core.frozen import dataclass
from alertbot.core.model import Relation
from alertbot.regions.region import Region, Territory, worded
from alertbot.texts.document import CapArea, CapFacts, Geocode

OUTAGE, STILL_VALID, OTHER = "outage", "still_valid", "other"


@dataclass(frozen=True, slots=True)
class CapRow:
    """What CAP is told of a kind at a stage; see the head of `messages/cap.yaml`."""

    urgency: str
    severity: str
    certainty: str
    responses: tuple[str, ...]
    hours: int
    event: str = OUTAGE
    takes_back: bool = False


@dataclass(frozen=True, slots=True)
class CapTable:
    """The rows by (kind, stage), None for what is no warning; and words by language, then by name."""

    rows: Mapping[tuple[str, str], CapRow | None] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def row(self, kind: str, relation: str | None, stage: str = "") -> CapRow | None:
        """The row of an alert; None: it is no warning."""
        name = "retraction" if relation == Relation.RETRACTION else kind
        for key in ((name, stage), (name, ""), (OTHER, "")):
            if key in self.rows:
                return self.rows[key]
        return None

    def facts(
        self, row: CapRow | None, lang: str, country: Region, places: Sequence[Territory]
    ) -> CapFacts | None:
        """What a document in this language carries. `places`: what it is about, none for the whole country."""
        if row is None:
            return None
        spoken = {key: texts[row.event] for key, texts in self.words.items() if row.event in texts}
        return CapFacts(
            event=worded(spoken, lang),
            language=f"{lang}-{country.code}" if lang in country.languages else lang,
            urgency=row.urgency,
            severity=row.severity,
            certainty=row.certainty,
            responses=row.responses,
            hours=row.hours,
            still_valid=self.words.get(lang, {}).get(STILL_VALID, ""),
            areas=tuple(_area(one, lang) for one in _apart(places) or (country.whole,)),
            takes_back=row.takes_back,
        )


def _apart(places: Sequence[Territory]) -> tuple[Territory, ...]:
    """Each place once; the whole country has the others in it."""
    whole = tuple(one for one in places if one.whole)
    return whole[:1] or tuple({one.code: one for one in places}.values())


def _area(place: Territory, lang: str) -> CapArea:
    codes = tuple(Geocode(name, value) for name, value in place.geocodes)
    return CapArea(place.code, place.name_in(lang), codes)
