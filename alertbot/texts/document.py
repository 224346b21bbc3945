"""An alert in one language as data: what a public page and feeds are made of. It is composed with the alert, covered
by its digest and stored as JSON with the message of the page's channel; so whatever stands on the page or in a feed was
approved. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

FORMAT = 1  # of the JSON; a change that an older reader would misread is a new number


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """One number of an alert, or a place to go to. `territory`: a code of the region pack. `number`: as it is written
    for readers; `dial`: as a `tel:` address dials it; both empty if a `place` is given instead. `struck`: it must not
    be called. Times are aware; None: not known."""

    territory: str
    territory_name: str
    service: str
    service_name: str
    number: str
    dial: str
    replaces: str = ""
    zone: str = ""
    condition: str = ""
    place: str = ""
    struck: bool = False
    valid_until: datetime | None = None
    review_at: datetime | None = None
    entry: str = ""  # of the register, `N12`


@dataclass(frozen=True, slots=True)
class PlaceText:
    """What the alert says of one territory, as an HTML fragment and as plain text."""

    territory: str
    territory_name: str
    struck: bool
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Geocode:
    """A place in the list of codes with this name: `NUTS3`, `FRK26`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CapArea:
    """A territory as the Common Alerting Protocol names one; a code of the region pack, also for the whole country."""

    territory: str
    description: str
    geocodes: tuple[Geocode, ...] = ()


@dataclass(frozen=True, slots=True)
class CapFacts:
    """What the Common Alerting Protocol (1.2) says of an alert beside its words, in its own terms: the row of
    `messages/cap.yaml` for the kind and stage, and the areas. `language`: `fr-FR`. `takes_back`: it withdraws what
    it follows, so that nothing of that stands. `hours`: how long it holds if it does not say so itself. `still_valid`:
    the line above numbers of earlier alerts that still stand."""

    event: str
    language: str
    urgency: str
    severity: str
    certainty: str
    responses: tuple[str, ...]
    hours: int
    still_valid: str
    areas: tuple[CapArea, ...]
    takes_back: bool = False


@dataclass(frozen=True, slots=True)
class AlertDocument:
    """One language of an alert. `relation` and `references`: how it follows which earlier alerts (`BKRT-1`). The
    texts are the finished pieces of its template, as HTML fragments (`writing.email`) and as plain text; `headline`
    is one sentence without the reference. `territories`: codes it is about, empty for the whole country; `services`:
    keys of the services that fail. `expires`: when it stops to hold, by what it says itself. `issued`: when it was
    composed; when it went out is known to the outbox alone. `cap` None: it is no warning (an apology, an inquiry), and
    would only take the place of the instruction that stands."""

    alert: str
    incident: str
    kind: str
    lang: str
    exercise: bool
    relation: str | None
    references: tuple[str, ...]
    issued: datetime
    headline: str
    lead_html: str
    lead_text: str
    detail_html: str
    detail_text: str
    foot_html: str
    places: tuple[PlaceText, ...]
    numbers: tuple[DocumentNumber, ...]
    instructions: tuple[str, ...]
    territories: tuple[str, ...]
    services: tuple[str, ...]
    stage: str = ""
    relay: str = ""  # how people who cannot hear or speak get help, a sentence
    contact: str = ""
    expires: datetime | None = None
    next_update: datetime | None = None
    picture_alts: Mapping[str, str] | None = None
    cap: CapFacts | None = None
