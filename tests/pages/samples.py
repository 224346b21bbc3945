"""What a page has published, made up: documents as an alert composes them, and the evening of an outage."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alertbot.pages.rules_standing import standing
from alertbot.pages.views import PageSite, PublicAlert, PublicStanding
from alertbot.texts.document import (
    AlertDocument,
    CapArea,
    CapFacts,
    DocumentNumber,
    Geocode,
    PlaceText,
)

START = datetime(2026, 6, 2, 14, 0, tzinfo=UTC)
SITE = PageSite(
    organisation="Préfecture du Rhône",
    public_url="https://alerte.example.org",
    languages=("fr", "en"),
    timezone="Europe/Paris",
    verification_page="https://www.example.org/alert",
    sender="alertes@example.org",
)
NAMES = {"69": "Rhône", "42": "Loire", "29": "Finistère"}
EVENTS = {"fr": "Panne des numéros d’urgence", "en": "Emergency number outage"}
TAGS = {"fr": "fr-FR", "en": "en"}
SERVICES = {"samu": "15", "pompiers": "18", "police": "17"}
RESPONSES = {"end": ("AllClear",), "false_alert": ("AllClear",), "correction": ("Execute",)}
TAKES_BACK = ("false_alert", "retraction")


def number(
    territory: str, service: str, digits: str, *, until: datetime | None = None, struck: bool = False
) -> DocumentNumber:
    """A number as both languages have it."""
    return DocumentNumber(
        key=f"N{digits[-5:].replace(' ', '')}",
        territory=territory,
        territory_name=NAMES[territory],
        service=service,
        service_name=service.capitalize(),
        number=digits,
        dial="+33" + digits.replace(" ", "")[1:],
        replaces=SERVICES[service],
        zone="Lyon" if service == "police" else "",
        condition="depuis un mobile & pas le 112" if service == "police" else "",
        struck=struck,
        valid_until=until,
        entry=f"N{digits[-5:].replace(' ', '')}",
    )


def cap_facts(kind: str, lang: str, territories: Sequence[str]) -> CapFacts:
    areas = tuple(
        CapArea(one, NAMES[one], (Geocode("ISO3166-2", f"FR-{one}"),)) for one in territories
    ) or (CapArea("FR", "France", (Geocode("ISO3166-1", "FR"),)),)
    return CapFacts(
        event=EVENTS[lang],
        language=TAGS[lang],
        urgency="Past" if kind == "end" else "Immediate",
        severity="Minor" if kind == "end" else "Severe",
        certainty="Observed",
        responses=RESPONSES.get(kind, ("Execute", "Monitor")),
        hours=12,
        still_valid={"fr": "Restent valables :", "en": "Still valid:"}[lang],
        areas=areas,
        takes_back=kind in TAKES_BACK,
    )


def document(
    alert: str,
    kind: str,
    lang: str,
    *,
    at: datetime,
    numbers: Sequence[DocumentNumber] = (),
    relation: str | None = None,
    references: Sequence[str] = (),
    expires: datetime | None = None,
    next_update: datetime | None = None,
    exercise: bool = False,
) -> AlertDocument:
    territories = tuple(dict.fromkeys(one.territory for one in numbers))
    said = {
        "fr": f"Le 15 ne répond pas ({alert}) & 3 < 4",
        "en": f"No answer on 15 ({alert}) & 3 < 4",
    }[lang]
    places = tuple(
        PlaceText(
            code,
            NAMES[code],
            any(one.struck for one in numbers if one.territory == code),
            "".join(f"<p>{one.service}: {one.number}</p>" for one in numbers if one.territory == code),
            "\n".join(f"{one.service}: {one.number}" for one in numbers if one.territory == code),
        )
        for code in territories
    )
    return AlertDocument(
        alert=alert,
        incident=alert.partition("-")[0],
        kind=kind,
        lang=lang,
        exercise=exercise,
        relation=relation,
        references=tuple(references),
        issued=at,
        headline=said,
        lead_html=f"<p>Le 15 ne répond pas &amp; 3 &lt; 4 ({alert})</p>",
        lead_text=f"{said}\nSituation à 15 h 08. \x07",
        detail_html="",
        detail_text="",
        foot_html="<p>Nous ne lisons pas les réponses.</p>",
        places=places,
        numbers=tuple(numbers),
        instructions=("Appelez d’un fixe.",),
        territories=territories,
        services=("samu",),
        relay="Sourds, malentendants : SMS au 114.",
        contact="presse@example.org",
        expires=expires,
        next_update=next_update,
        cap=None if kind in ("apology", "inquiry") else cap_facts(kind, lang, territories),
        above_earlier=f"[{alert}]",
    )


def alert(
    name: str,
    kind: str,
    minutes: int,
    *,
    numbers: Sequence[DocumentNumber] = (),
    relation: str | None = None,
    references: Sequence[str] = (),
    expires: datetime | None = None,
    languages: Sequence[str] = ("fr", "en"),
    exercise: bool = False,
) -> PublicAlert:
    """An alert that was published so many minutes after the start."""
    at = START + timedelta(minutes=minutes)
    spoken: Mapping[str, AlertDocument] = {
        lang: document(
            name,
            kind,
            lang,
            at=at,
            numbers=numbers,
            relation=relation,
            references=references,
            expires=expires,
            next_update=None if kind == "end" else at + timedelta(minutes=30),
            exercise=exercise,
        )
        for lang in languages
    }
    return PublicAlert(name, at, spoken)


UNTIL = START + timedelta(hours=6)
SAMU = number("69", "samu", "04 65 71 00 15", until=UNTIL)
POLICE = number("69", "police", "04 65 71 00 17", until=UNTIL)
WRONG = number("29", "samu", "02 61 91 29 15", until=UNTIL)
RIGHT = number("29", "samu", "02 61 91 29 16", until=UNTIL)


def evening() -> tuple[PublicAlert, ...]:
    """From the first word to the end, with a correction, a withdrawal and an apology on the way."""
    struck = replace(WRONG, struck=True)
    gone = replace(POLICE, struck=True)
    return (
        alert("BKRT-1", "holding", 0),
        alert("BKRT-2", "provisional_number", 20, numbers=(SAMU, POLICE, WRONG), relation="update", references=["BKRT-1"], expires=UNTIL),
        alert("BKRT-3", "status", 50, relation="update", references=["BKRT-2"]),
        alert("BKRT-4", "correction", 60, numbers=(struck, RIGHT), relation="correction", references=["BKRT-2"], expires=UNTIL),
        alert("BKRT-5", "withdrawal", 90, numbers=(gone,), relation="withdrawal", references=["BKRT-2"], expires=UNTIL),
        alert("BKRT-6", "apology", 100, relation="update", references=["BKRT-5"]),
        alert("BKRT-7", "end", 200, numbers=(replace(SAMU, struck=True), replace(RIGHT, struck=True)), relation="end", references=["BKRT-5"]),
    )  # fmt: skip


def at_end(*alerts: PublicAlert, at: datetime | None = None, site: PageSite = SITE) -> PublicStanding:
    """What stands after these alerts, or at the given time."""
    when = at or max((one.published_at for one in alerts), default=START)
    return standing(alerts, when, languages=site.languages, exercise=site.exercise)
