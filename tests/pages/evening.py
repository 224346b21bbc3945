"""What a public page has published: the evening of 2 June 2021 as the demo tells it, a British one, and the whole country,
composed by the shipped kinds at the times of the story."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from alertbot.channels import base
from alertbot.core.model import Identity, Organisation, Relation
from alertbot.pages.views import PageSite, PublicAlert
from alertbot.regions.facts import in_force
from alertbot.rehearsal.demo.evening import CASE
from alertbot.texts import compose, documenting
from alertbot.texts.fields.parse import parse
from alertbot.texts.kinds import catalogue
from alertbot.texts.posts import messages
from alertbot.texts.request import ComposeFindings, ComposeRequest

PARIS = ZoneInfo("Europe/Paris")
LONDON = ZoneInfo("Europe/London")
URL = "https://alerte.example.org"
FRENCH = PageSite("Opérateur", URL, ("fr", "en"), "Europe/Paris")
BRITISH = PageSite("Example Telecom", "https://alert.example.org", ("en", "cy"), "Europe/London")
KINDS = {kind.name: kind for kind in catalogue.load()}
VOUCHED = {"verified_by": "Salle de veille", "verified_at": "-5m"}


@dataclass
class Story:
    """Alerts as they are told. `zone`: of the organisation."""

    site: PageSite
    incident: str = "BKRT"
    exercise: bool = False
    told: list[PublicAlert] = field(default_factory=list)

    def tell(
        self,
        kind: str,
        at: datetime,
        values: Mapping[str, Any],
        *,
        relation: Relation | None = None,
        of: Sequence[str] = (),
        incident: str = "",
    ) -> PublicAlert:
        """Compose and publish an alert."""
        incident = incident or self.incident
        count = 1 + sum(one.alert.startswith(f"{incident}-") for one in self.told)
        known, zone = KINDS[kind], ZoneInfo(self.site.timezone)
        given = {name: value for name, value in values.items() if known.field(name)}
        languages = tuple(lang for lang in self.site.languages if lang in known.languages)
        request = ComposeRequest(
            known,
            parse(known, given, languages=languages, timezone=zone, now=at),
            (),
            None,
            Organisation(self.site.organisation, languages, self.site.timezone, self.site.public_url),
            Identity(incident, f"{incident}-{count}", tuple(of)),
            at,
            exercise=self.exercise,
            frame=catalogue.load_frame(),
            prepared=catalogue.load_prepared(),
            relation=relation,
        )
        assert not request.parsed.faults, request.parsed.faults
        made = PublicAlert(
            f"{incident}-{count}",
            at + timedelta(minutes=1),
            {lang: documented(request, lang) for lang in languages},
        )
        self.told.append(made)
        return made

    def retract(self, of: PublicAlert, at: datetime) -> PublicAlert:
        """Publish the retraction that was prepared with an alert."""
        said = next(iter(of.documents.values()))
        prepared = catalogue.load_prepared()
        request = self._bare(said.incident, of.alert, said.issued)
        documents = {}
        for lang in of.documents:
            template = messages.template(prepared.retraction, base.EMAIL, lang)
            assert template
            one = compose.edition(
                ComposeFindings(request), template, lang, f"[{of.alert}]", fields=False
            )
            assert one
            documents[lang] = documenting.retraction(request, one)
        count = 1 + sum(one.alert.startswith(f"{said.incident}-") for one in self.told)
        self.told.append(PublicAlert(f"{said.incident}-{count}", at, documents))
        return self.told[-1]

    def _bare(self, incident: str, alert: str, at: datetime) -> ComposeRequest:
        known, zone = KINDS["holding"], ZoneInfo(self.site.timezone)
        parsed = parse(known, known.example, languages=("fr", "en"), timezone=zone, now=at)
        organisation = Organisation(
            self.site.organisation, timezone=self.site.timezone, verification_page=self.site.public_url
        )
        return ComposeRequest(
            known,
            parsed,
            (),
            None,
            organisation,
            Identity(incident, alert),
            at,
            self.exercise,
            prepared=catalogue.load_prepared(),
        )


def documented(request: ComposeRequest, lang: str) -> Any:
    template = messages.template(request.kind.templates, base.EMAIL, lang)
    assert template
    desk = ComposeFindings(request)
    one = compose.edition(desk, template, lang, request.kind.title.get(lang, request.kind.title["en"]))
    assert one, desk.faults
    return documenting.document(request, one)


def rows(name: str, query: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The rows of a file of the demo, each vouched for; `query`: `85/samu`."""
    with (CASE.parent / name).open(encoding="utf-8") as file:
        found = [{key: cell for key, cell in row.items() if cell} for row in csv.DictReader(file)]
    for at, row in enumerate(found, 1):
        row.pop("name", None)
        row.pop("source_url", None)
        condition = {lang: row.pop(f"condition.{lang}", "") for lang in ("fr", "en")}
        row |= {"condition": condition} if condition["fr"] else {}
        row["entry"] = f"N{at if name == 'numbers.csv' else 100 + at}"
        row |= VOUCHED
    return [
        row for row in found if not query or f"{row['territory']}/{row['service']}" in query
        or row["territory"] in query
    ]  # fmt: skip


def june_2021(site: PageSite = FRENCH, *, exercise: bool = False) -> list[PublicAlert]:
    """The alerts of the demo, in order."""
    story = Story(site, exercise=exercise)
    for step in yaml.safe_load(CASE.read_text("utf-8"))["steps"]:
        if "numbers" in step:
            continue
        at = step["at"] + timedelta(minutes=step["approved_after"])
        if "draft" in step:
            story.tell(step["draft"], at, {**_with_numbers(step["values"])}, of=_last(story))
        else:
            _follow(story, step, at)
    return story.told


def _with_numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    asked = values.get("territories")
    if not asked:
        return dict(values)
    wrong = rows("numbers.csv", ["85/pompiers"])[0]["number"]
    right = rows("vendee.csv")
    found = rows("numbers.csv", asked)
    if "stage" in values:
        found = [one for one in found if one["number"] != wrong] + right
    return {"where": asked, **values, "numbers": found}


def _last(story: Story) -> list[str]:
    return [story.told[-1].alert] if story.told else []


def _follow(story: Story, step: Mapping[str, Any], at: datetime) -> None:
    values = dict(step["values"])
    wrong, right = rows("numbers.csv", ["85/pompiers"]), rows("vendee.csv")
    if "correct" in step:
        values |= {
            "wrong_numbers": wrong,
            "numbers": right,
            "what_was_wrong": {"fr": "le numéro provisoire des pompiers de Vendée", "en": "the provisional number of the fire service in Vendée"},
            "what_is_right": {"fr": "le bon numéro est dans ce message", "en": "the right number is in this message"},
        }  # fmt: skip
        story.tell("correction", at, values, relation=Relation.CORRECTION, of=["BKRT-3"])
    elif "withdraw" in step:
        gone = rows("numbers.csv", ["69", "75", "85/police"]) + right
        values |= {
            "wrong_numbers": gone,
            "numbers": rows("numbers.csv", ["85/samu"]),
            "which_stop": {"fr": "les numéros provisoires du Rhône, de Paris, et de Vendée", "en": "the provisional numbers of Rhône, Paris and Vendée"},
            "which_stay": {"fr": "celui du SAMU de Vendée", "en": "that of the ambulance service in Vendée"},
            "where": ["69", "75", "85"],
        }  # fmt: skip
        story.tell("withdrawal", at, values, relation=Relation.WITHDRAWAL, of=["BKRT-6"])
    else:
        values |= {"no_longer_valid": rows("numbers.csv", ["85/samu", "974"])}
        story.tell("end", at, values, relation=Relation.END, of=_last(story))


def britain() -> list[PublicAlert]:
    """The morning of 25 June 2023, as it could have been told in two languages: some calls to 999 fail. Within the British
    pack."""
    story, at = Story(BRITISH, "KSTR"), datetime(2023, 6, 25, 8, 50, tzinfo=LONDON)
    story.tell("holding", at, MORNING)
    more = {"numbers": in_force().example.numbers, "where": ["KEN", "ESX"], "valid_until": "+4h"}
    story.tell("provisional_number", at + timedelta(minutes=40), {**MORNING, **more}, of=["KSTR-1"])
    return story.told


MORNING: Mapping[str, Any] = {
    "what_fails": {"en": "some calls to 999 and 112", "cy": "rhai galwadau i 999 a 112"},
    "what_works": {"en": "most calls to 999 and 112", "cy": "y rhan fwyaf o alwadau i 999 a 112"},
    "since": "08:30",
    "where": ["GB"],
    "what_to_do": {
        "en": "Call 999 first.\nNo answer? Call the provisional number of your area.",
        "cy": "Ffoniwch 999 yn gyntaf.\nDim ateb? Ffoniwch rif dros dro eich ardal.",
    },
    "next_update": "+30m",
}


def across(codes: Sequence[str], at: datetime, **more: Any) -> dict[str, Any]:
    """Values of an alert with three numbers for each of these territories."""
    services = ("samu", "pompiers", "police")
    cells = [(code, service) for code in codes for service in services]
    given = [
        {"territory": code, "service": service, "number": f"04 65 71 {n // 100:02} {n % 100:02}", **VOUCHED}
        for n, (code, service) in enumerate(cells, 1000)
    ]  # fmt: skip
    example = KINDS["provisional_number"].example
    return {**example, "where": list(codes), "numbers": given, **more}


def replaced(site: PageSite, **more: Any) -> PageSite:
    return replace(site, **more)


def written(files: Mapping[str, bytes], folder: Path) -> Iterator[Path]:
    """Write an edition; gives the paths of its pages."""
    for path, content in files.items():
        there = folder / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
        if path.endswith(".html"):
            yield there
