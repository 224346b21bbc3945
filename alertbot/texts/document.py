"""An alert in one language as data: what a public page and feeds are made of. It is composed with the alert, covered
by its digest and stored as JSON with the message of the page's channel; so whatever stands on the page or in a feed was
approved. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from alertbot.core.errors import AlertbotError, safe
from alertbot.core.frozen import dataclass
from alertbot.core.words import _

FORMAT = 1  # of the JSON; a change that a reader of the other version would misread is a new number
LARGEST = 4_000_000  # characters of the JSON


class DocumentInvalid(AlertbotError):
    """A stored document that cannot be read; the sentence says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """One number of an alert, or a place to go to. `key`: the same for one row in every language; `entry`: of the
    register, `N12`, empty for a row from elsewhere. `territory`: a code of the region pack. `number`: as it is written
    for readers; `dial`: as a `tel:` address dials it; both empty if a `place` is given instead. `struck`: it must not
    be called; `wrong`: nor are these digits right anywhere else. The times are the earlier of what the row and the whole alert say, aware; None: not said. `line`: service,
    number, zone, condition and end as the texts write them, without the territory, for those who say it again later."""

    key: str
    territory: str
    territory_name: str
    service: str
    service_name: str
    number: str = ""
    dial: str = ""
    replaces: str = ""
    zone: str = ""
    condition: str = ""
    place: str = ""
    struck: bool = False
    wrong: bool = False
    valid_until: datetime | None = None
    review_at: datetime | None = None
    entry: str = ""
    line: str = ""

    @property
    def ends_at(self) -> datetime | None:
        """When it stops to hold unless somebody says it again; None if that was never said."""
        return min(filter(None, (self.valid_until, self.review_at)), default=None)


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
    """One language of an alert. `alert` is empty in a prepared retraction, which has no number of its own yet; its
    `references` name what it takes back. `relation` and `references`: how it follows which earlier alerts (`BKRT-1`).
    The texts are the finished pieces of its template, as HTML fragments (`writing.email`; the lead may begin with an
    `h1`, places with an `h2`) and as plain text; `headline` is one sentence without the reference. `territories`: codes
    it is about, as they were named: the whole country is a code of its own; empty if no place is named. `services`: keys
    of the services whose numbers it gives or takes back, or that were asked for. `relay_state`: works, down, unknown,
    or empty. `expires`: when it stops to hold, by what it says itself. `issued`: when it was composed; when it went out
    is known to the outbox alone. `above_earlier`: the line that is put above the alerts it follows
    (`messages/edits.yaml`). `cap` None: it is no warning (an apology, an inquiry), and would only take the place of
    the instruction that stands."""

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
    relay_state: str = ""
    contact: str = ""
    expires: datetime | None = None
    next_update: datetime | None = None
    cap: CapFacts | None = None
    above_earlier: str = ""

    @property
    def html(self) -> str:
        """The whole text but its foot, as the page shows it."""
        return "\n".join([self.lead_html, *(one.html for one in self.places), self.detail_html])


def to_json(document: AlertDocument) -> str:
    """The document as canonical JSON: sorted keys, no spaces, times in UTC."""
    plain = {"format": FORMAT, **_plain(document)}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def from_json(text: str) -> AlertDocument:
    """The document that `to_json` wrote, of this version or an earlier one: a field that is missing has its default. So
    a field that is added needs a default that says what was true before it. Raises `DocumentInvalid`."""
    if len(text) > LARGEST:
        raise DocumentInvalid(_broken(_("it is longer than {most} characters").format(most=LARGEST)))
    try:
        document = _read(AlertDocument, _unpacked(text), "")
    except (ValueError, RecursionError) as error:
        raise DocumentInvalid(_broken(str(error))) from None
    assert isinstance(document, AlertDocument)
    return document


def _unpacked(text: str) -> object:
    plain = json.loads(text)
    if not isinstance(plain, dict) or plain.pop("format", None) != FORMAT:
        raise ValueError(_("its format is not {known}").format(known=FORMAT))
    return plain


def _broken(why: str) -> str:
    return _("The stored text of an alert for the public page cannot be read: {why}.").format(
        why=safe(why)
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value


@cache
def _types(shape: type) -> Mapping[str, Any]:
    return get_type_hints(shape)


@cache
def _required(shape: Any) -> frozenset[str]:
    """The fields without a default."""
    return frozenset(one.name for one in fields(shape) if one.default is MISSING)


def _read(wanted: Any, value: Any, where: str) -> object:
    """A value of this type; raises `ValueError` with the place for any other."""
    if is_dataclass(wanted) and isinstance(wanted, type):
        types = _types(wanted)
        if isinstance(value, dict) and _required(wanted) <= value.keys() <= types.keys():
            return wanted(
                **{name: _read(types[name], one, f"{where}.{name}") for name, one in value.items()}
            )
    elif get_origin(wanted) is tuple:
        if isinstance(value, list):
            of = get_args(wanted)[0]
            return tuple(_read(of, one, f"{where}[{at}]") for at, one in enumerate(value))
    elif wanted is datetime:
        return _moment(value, where)
    elif NoneType in get_args(wanted):  # X | None
        return None if value is None else _read(get_args(wanted)[0], value, where)
    elif type(value) is wanted:
        return value
    raise ValueError(_("{where} is missing or of the wrong type").format(where=where or "JSON"))


def _moment(value: Any, where: str) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else None
    if found is None or found.utcoffset() is None:
        raise ValueError(_("{where} is no time with its zone").format(where=where))
    return found
