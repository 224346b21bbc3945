"""A small kind of our own, and the pieces that a request is made of."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alertbot.channels.base import EMAIL, TELEGRAM, X
from alertbot.core.model import (
    Approvals,
    Audience,
    Channel,
    Identity,
    Organisation,
    Target,
    WhenUncertain,
)
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import all_territories
from alertbot.texts.fields.parse import Parsed
from alertbot.texts.fields.values import Text, Value
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Frame, Kind, Template
from alertbot.texts.request import ComposeRequest

NOW = datetime(2021, 6, 2, 18, 30, tzinfo=ZoneInfo("Europe/Paris"))
SHORT = {
    "fr": "{% block lead %}\nPanne : {{ what_fails }}.\n\n"
    "Prochain point : {{ next_update|when }}. {{ org.verification_page }}\n{% endblock %}\n"
    "{% block place %}\n{{ [place]|names }} : appelez\n{{ rows|calls }}\n{% endblock %}",
    "en": "{% block lead %}\nNot working: {{ what_fails }}.\n\n"
    "Next update: {{ next_update|when }}. {{ org.verification_page }}\n{% endblock %}\n"
    "{% block place %}\n{{ [place]|names }}: call\n{{ rows|calls }}\n{% endblock %}",
}
FOOT = "\n{% block foot %}\n{{ org.name }}, {{ issued|clock }}. {{ alert }}\n{% endblock %}"
LONG = {
    "fr": "{% block subject %}Panne [{{ alert }}]{% endblock %}\n" + SHORT["fr"] + FOOT,
    "en": "{% block subject %}Outage [{{ alert }}]{% endblock %}\n" + SHORT["en"] + FOOT,
}


def lead(text: str) -> str:
    """A template that is nothing but a lead."""
    return "{% block lead %}" + text + "{% endblock %}"


def field(name: str, kind: FieldType, *, required: bool = True) -> FieldSpec:
    return FieldSpec(name, kind, required, {"fr": name, "en": name}, {})


def make_kind(templates: Mapping[tuple[str, str], str] | None = None) -> Kind:
    texts = templates or {(lang, form): each[lang] for form, each in FORMS.items() for lang in each}
    return Kind(
        name="panne",
        title={"fr": "Panne", "en": "Outage"},
        purpose={},
        fields=(
            field("what_fails", FieldType.TEXT),
            field("next_update", FieldType.DATETIME),
            field("numbers", FieldType.NUMBERS, required=False),
            field("where", FieldType.TERRITORY, required=False),
        ),
        forbidden=("cause",),
        one_of=(),
        approvals=Approvals(1, False, timedelta(minutes=30)),
        priority=30,
        ttl=timedelta(hours=1),
        when_uncertain=WhenUncertain.ASK,
        final=False,
        example={},
        templates={
            key: Template(text, f"panne/{key[0]}/{key[1]}.md.j2") for key, text in texts.items()
        },
        languages=("fr", "en"),
        completeness={"fact": ("what_fails",), "next_update": ("next_update",), "source": ()},
    )


FORMS = {"short": SHORT, "long": LONG}
FRAME = Frame(
    opening={
        "fr": "EXERCICE EXERCICE EXERCICE : rien à faire.",
        "en": "EXERCISE EXERCISE EXERCISE: do nothing.",
    },
    closing={"fr": "EXERCICE EXERCICE EXERCICE", "en": "EXERCISE EXERCISE EXERCISE"},
    refused={"fr": ("ceci n'est pas un exercice",), "en": ("this is not a drill",)},
    subject={"fr": "EXERCICE :", "en": "EXERCISE:"},
)
VALUES: dict[str, Value] = {
    "what_fails": Text({"fr": "15 et 18 sur mobile", "en": "15 and 18 on mobiles"}),
    "next_update": NOW + timedelta(minutes=30),
}
ORGANISATION = Organisation(
    "Préfecture", verification_page="https://example.org/urgences", hashtag="#Urgence", sandbox=True
)
CHANNELS = (
    Channel("x_main", X, ("fr", "en"), targets=(Target("@pref"),)),
    Channel("tg", TELEGRAM, ("fr", "en"), targets=(Target("@canal"), Target("-100", "en"))),
    Channel(
        "press",
        EMAIL,
        ("fr", "en"),
        targets=(Target("a@example.org", "en"), Target("b@example.org"), Target("c@example.org", "de")),
    ),
)
TEAM = tuple(Channel(one.name, one.spec, one.languages, Audience.TEAM, one.targets) for one in CHANNELS)

Make = Callable[..., ComposeRequest]


@pytest.fixture
def request_for() -> Make:
    """A request; `values` are laid over the ordinary ones, the rest replaces its part."""

    def make(values: Mapping[str, Value] | None = None, **parts: object) -> ComposeRequest:
        ready: dict[str, object] = {
            "kind": make_kind(),
            "parsed": Parsed({**VALUES, **(values or {})}, (), (), {}),
            "channels": CHANNELS,
            "languages": None,
            "organisation": ORGANISATION,
            "identity": Identity("BKRT", "BKRT-2", ("BKRT-1",)),
            "now": NOW,
            "frame": FRAME,
        }
        return ComposeRequest(**{**ready, **parts})  # type: ignore[arg-type]

    return make


def many_rows(count: int, **parts: Any) -> tuple[NumberRow, ...]:
    places = [place for place in all_territories().values() if place.code != "FR"][:count]
    ready = {"verified_by": "B", "verified_at": NOW, **parts}
    return tuple(
        NumberRow(place, "samu", f"04 65 71 00 {at:02}", "15", **ready)
        for at, place in enumerate(places)
    )
