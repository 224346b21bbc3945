"""Who reads only one post can act: every kind, language and channel, from the example to the whole country."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alertbot.alerts.lists.public_numbers import stop_and_stay
from alertbot.channels import base
from alertbot.core.model import Channel, Composition, Identity, Message, Organisation, Target
from alertbot.numbers.reading import read_numbers
from alertbot.regions.facts import all_territories
from alertbot.texts.compose import compose
from alertbot.texts.fields.moments import moment
from alertbot.texts.fields.parse import parse
from alertbot.texts.kinds import catalogue
from alertbot.texts.request import ComposeRequest
from tests import program

NOW = datetime(2021, 6, 2, 18, 58, tzinfo=ZoneInfo("Europe/Paris"))
PAGE = "https://www.example.org/alerte"
LONG_NAME = "Préfecture de la région Auvergne-Rhône-Alpes 69"[:46]
KINDS = {kind.name: kind for kind in catalogue.load() if not kind.audiences}  # for the public
CHANNELS = tuple(
    Channel(name, spec, ("fr", "en"), targets=(Target("someone@example.org"),))
    for name, spec in (
        ("x", base.X),
        ("telegram", base.TELEGRAM),
        ("email", base.EMAIL),
        ("small", replace(base.APPRISE, limit=900)),
    )
)
MENDING = ("correction", "withdrawal", "denial")
SERVICES = ("samu", "pompiers", "police")
VOUCHED = {"verified_by": "Salle de veille", "verified_at": "-20m"}

# What the state and the operator had to say on the evening of 2 June 2021, in the words of our fields.
JUNE_2021: dict[str, Any] = {
    "what_fails": {
        "fr": "une partie des appels au 15, 17, 18 et 112, depuis fixes et mobiles",
        "en": "some calls to 15, 17, 18 and 112, from landlines and mobiles",
    },
    "what_works": {"fr": "les appels ordinaires, le 114 par SMS", "en": "ordinary calls, 114 by text"},
    "since": "16:45",
    "where": ["22", "29", "35", "56", "69"],
    "what_to_do": {
        "fr": "Faites d'abord le 15, 17, 18 ou 112.\nPas de réponse ? Appelez le numéro de votre département.\n"
        "Sinon, allez à la caserne ou au commissariat le plus proche.",
        "en": "Dial 15, 17, 18 or 112 first.\nNo answer? Call the number of your département.\n"
        "If that fails too, go to the nearest fire or police station.",
    },
    "regret": {
        "fr": "Des milliers d'appels au secours n'ont pas abouti. Nous vous demandons pardon.",
        "en": "Thousands of calls for help did not get through. We ask your pardon.",
    },
    "accountable": {"fr": "Stéphane R., président-directeur général", "en": "Stéphane R., chairman and CEO"},
    "what_will_change": {
        "fr": "une ligne dédiée aux secours, hors du réseau commun, avant le 1er octobre",
        "en": "a line kept for rescue services, outside the common network, by 1 October",
    },
    "findings_at": "+9d",
    "confirmed_by": {"fr": "les SAMU et les pompiers de tous les départements", "en": "SAMU and fire services"},
    "what_was_wrong": {"fr": "les numéros d'urgence sont rétablis partout", "en": "emergency numbers are restored everywhere"},
    "what_is_right": {"fr": "une partie des appels échoue encore", "en": "some calls still fail"},
    "which_stop": {"fr": "les numéros du SAMU et des pompiers du Finistère", "en": "the SAMU and fire numbers for Finistère"},
    "which_stay": {"fr": "ceux de la police", "en": "those of the police"},
    "no_danger": {"fr": "Le 15, le 17 et le 18 marchent.", "en": "15, 17 and 18 work."},
    "next_update": "21:15",
}  # fmt: skip
WORK_AGAIN = {"what_works": {"fr": "le 15, 17, 18 et 112", "en": "15, 17, 18 and 112"}}
AS_IT_WAS: Mapping[str, Mapping[str, Any]] = {
    "end": WORK_AGAIN, "withdrawal": WORK_AGAIN, "planned_works": {"where": ["29"]},
}  # fmt: skip
STEPS = {
    "fr": "Appelez d'un fixe.\nSans réponse, essayez d'un autre téléphone.\nSinon, allez à la caserne.",
    "en": "Call from a landline.\nNo answer? Try another phone.\nOr go to the fire station.",
}


def numbers(
    codes: list[str], first: int = 1000, *, vouched: bool = True, **more: Any
) -> list[dict[str, Any]]:
    """A number for each service of each territory, none like another."""
    cells = [(code, service) for code in codes for service in SERVICES]
    return [
        {
            "territory": code,
            "service": service,
            "number": f"04 65 71 {at // 100:02} {at % 100:02}",
            **(VOUCHED if vouched else {}),
            **more,
        }
        for at, (code, service) in enumerate(cells, first)
    ]


def territories(count: int) -> list[str]:
    codes = [code for code, place in all_territories().items() if not place.whole]
    return ["69"] if count == 1 else codes[:count]


def across(count: int) -> dict[str, Any]:
    codes = territories(count)
    return {"where": codes, "numbers": numbers(codes)}


def wrong(count: int, *, right: bool) -> dict[str, Any]:
    """So many numbers that were wrong, and the right ones."""
    codes = ["29", "56", "22", "35"]
    rows = numbers(codes, 5000, vouched=False)[:count]
    return {
        "where": codes[: (count + 2) // 3],
        "wrong_numbers": rows,
        **({"numbers": numbers(codes)[:count]} if right else {}),
    }


PART = {  # two services of one territory stop, everything else stays
    "where": ["29", "56"],
    "wrong_numbers": numbers(["29"], 5000, vouched=False)[:2],
    "numbers": [*numbers(["29"])[2:], *numbers(["56"], 1050)],
}
SITUATIONS: Mapping[str, Mapping[str, Any]] = {
    "example": {},
    "june 2021": JUNE_2021,
    "june 2021, with numbers": {**JUNE_2021, "numbers": numbers(JUNE_2021["where"]), "valid_until": "+5h"},
    "three steps": {"what_to_do": STEPS},
    **{f"{count} territories": across(count) for count in (1, 4, 19, 101)},
    **{f"{count} wrong": wrong(count, right=False) for count in (1, 2, 9)},
    **{f"{count} wrong, {count} right": wrong(count, right=True) for count in (1, 2, 9)},
    "part withdrawn": PART,
    "some no longer valid": {**across(2), "no_longer_valid": numbers(["69"], 5000, vouched=False)[:1]},
    "zones": {"where": ["69"], "numbers": numbers(["69"], zone="Lyon et Villeurbanne", condition="depuis un mobile")},
}  # fmt: skip
CASES = [
    (kind, situation)
    for kind in KINDS
    for situation, values in SITUATIONS.items()
    if situation in ("example", "june 2021")
    or all(KINDS[kind].field(name) for name in values if name.endswith(("numbers", "steps", "_valid", "to_do")))
]  # fmt: skip


@cache
def made(kind: str, situation: str) -> Composition:
    known = KINDS[kind]
    values = {name: value for name, value in SITUATIONS[situation].items() if known.field(name)}
    if situation.startswith("june"):
        values |= {name: value for name, value in AS_IT_WAS.get(kind, {}).items() if known.field(name)}
    if "numbers" in values and known.field("valid_until") and "valid_until" not in known.example:
        values.setdefault("valid_until", "+4h")
    parsed = parse(
        known, {**known.example, **values}, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW
    )  # type: ignore[arg-type]
    return compose(
        ComposeRequest(
            known, parsed, CHANNELS, None, Organisation(LONG_NAME, verification_page=PAGE, sandbox=True),
            Identity("BKRT", "BKRT-12", ("BKRT-11",)), NOW, frame=catalogue.load_frame(),
            accepted={"parity": "typed in one language"},
        )
    )  # fmt: skip


def spaced(text: str) -> str:
    return text.replace("\u00a0", " ")


def given(kind: str, situation: str, name: str) -> list[str]:
    values = {**KINDS[kind].example, **SITUATIONS[situation]}
    rows = values.get(name, ()) if KINDS[kind].field(name) else ()
    return [row["number"] for row in rows if row.get("number")]


def sections(one: Message) -> Iterator[str]:
    """What is read as one: a whole post of a short form; a heading of a long form with all that stands below it."""
    text = spaced(one.text)
    if one.type == "x":
        yield text
        return
    gathered: list[str] = []
    for paragraph in text.split("\n\n"):
        if gathered and re.match(r".*\(\w+\) ?:", paragraph):
            yield "\n\n".join(gathered)
            gathered = []
        gathered.append(paragraph)
    yield "\n\n".join(gathered)


DO_NOT = {"fr": r"n’appelez (?:pas|plus)", "en": r"do not call"}
CALL = {
    "fr": r"appelez, en urgence seulement|en urgence seulement ?:|reste(?:nt)? valables?|appelez le \d",
    "en": r"in an emergency only|emergencies only|still valid|\bcall \d",
}
UNTIL = {
    "fr": r"valable jusqu’à|prochaine vérification|à vérifier|reste(?:nt)? valables?",
    "en": r"valid until|next check|still valid",
}
NOTHING_TO_DO = ("apology", "inquiry")


def says(words: Mapping[str, str], lang: str, text: str) -> bool:
    return re.search(words[lang], text, re.IGNORECASE) is not None


def first_parts(found: Composition) -> Iterator[Message]:
    return (one for one in found.messages if one.part == 1)


def shortened(found: Composition, one: Message) -> bool:
    return any(
        told.rule == "shortened" and (told.channel, told.lang) == (one.channel, one.lang)
        for told in found.warnings
    )


@pytest.mark.parametrize(("kind", "situation"), CASES)
def test_every_post_is_whole(kind: str, situation: str) -> None:
    found = made(kind, situation)
    assert [one.message for one in found.faults] == []
    assert [(one.channel, one.lang, one.reason) for one in found.omitted] == []
    for one in found.messages:
        assert one.limit is None or one.length <= one.limit
        assert not spaced(one.text).rstrip().endswith(":")
    for one in first_parts(found):
        _check_first(kind, situation, one)
    right, stop = given(kind, situation, "numbers"), [
        *given(kind, situation, "wrong_numbers"), *given(kind, situation, "no_longer_valid"),
    ]  # fmt: skip
    for one in found.messages:
        for text in sections(one):
            _check_numbers(kind, one, text, right, stop)
    _check_nothing_lost(found, [*right, *stop])


def _check_first(kind: str, situation: str, one: Message) -> None:
    """The first post has an instruction, the link, and the next time if there is one to come."""
    text, values = spaced(one.text), {**KINDS[kind].example, **SITUATIONS[situation]}
    assert PAGE in text
    if not KINDS[kind].final:
        hour = {"fr": r"\d\d? h\b", "en": r"\d\d:\d\d"}[one.lang]
        named = {"fr": r"(?:prochain point|suite)", "en": r"(?:next update|next)"}[one.lang]
        assert re.search(rf"{named} ?:[^.]*{hour}", text, re.IGNORECASE), text
    if kind in NOTHING_TO_DO:
        return
    if kind == "false_alert":
        assert re.search("rien à faire|vous pouvez|need do nothing|you may", text, re.IGNORECASE)
        return
    steps = values["what_to_do"][one.lang].strip().split("\n")[0].rstrip(".?").replace("'", "’")
    assert (
        steps.casefold() in text.casefold()
        or says(CALL, one.lang, text)
        or re.search("appelez votre numéro provisoire|call your provisional number", text)
        or (kind == "correction" and says(DO_NOT, one.lang, text))
    ), text


def _check_numbers(kind: str, one: Message, text: str, right: list[str], stop: list[str]) -> None:
    """Whoever reads only this knows of each number whether to call it, where, and until when."""
    called, refused = ([number for number in each if number in text] for each in (right, stop))
    if called or refused:
        assert re.search(r"\((?:\d\d\d?|2[AB])\)|Rhône|Finistère", text), text
    if refused:
        assert says(DO_NOT, one.lang, text), text
    if called:
        assert says(CALL, one.lang, text), text
        assert refused or says(UNTIL, one.lang, text), text
    if called and refused:
        assert kind in MENDING, text
        assert len(refused) <= 2, text
        for sentence in re.split(r"(?<=[.?!]) |\n", text):
            if any(number in sentence for number in refused):
                assert says(DO_NOT, one.lang, sentence), text
                assert not any(number in sentence for number in called), text
            elif any(number in sentence for number in called):
                assert not says(DO_NOT, one.lang, sentence), text
                assert says(CALL, one.lang, sentence), text


def _check_nothing_lost(found: Composition, wanted: list[str]) -> None:
    for channel in CHANNELS:
        for lang in channel.languages:
            posts = [one for one in found.messages if (one.channel, one.lang) == (channel.name, lang)]
            if not shortened(found, posts[0]):
                whole = spaced("\n".join(one.text for one in posts))
                assert [number for number in wanted if number not in whole] == [], (channel.name, lang)


@pytest.mark.parametrize(("kind", "situation"), [case for case in CASES if case[0] == "correction"])
def test_a_correction_of_two_numbers_is_one_post(kind: str, situation: str) -> None:
    found = made(kind, situation)
    if len(given(kind, situation, "wrong_numbers")) <= 2 and not situation.startswith(("part", "some")):
        short = [
            one for one in found.messages if one.type == "x" and given(kind, situation, "wrong_numbers")
        ]
        assert all(one.parts == 1 for one in short)


@pytest.mark.parametrize(("kind", "situation"), CASES)
def test_the_first_number_stands_above_the_fold(kind: str, situation: str) -> None:
    wanted = [*given(kind, situation, "numbers"), *given(kind, situation, "wrong_numbers")]
    for one in first_parts(made(kind, situation)) if wanted else ():
        if one.type in ("telegram", "email"):
            text = spaced(one.text)
            index = re.search(
                "Numéros par région|Numbers by region", text
            )  # its links lead to each number
            first = index.start() if index else min(text.index(one) for one in wanted if one in text)
            assert first <= 300, text[: first + 20]


WEST = ["22", "29", "35", "56", "85", "44", "49", "53"]
NEAREST = {
    "fr": "Faites le 15, 17 ou 18, ou allez à la caserne ou au commissariat le plus proche.",
    "en": "Dial 15, 17 or 18, or go to the nearest fire or police station.",
}
READY = catalogue.load_ready_words().spoken(("fr", "en"))


@pytest.mark.parametrize("stop", [("samu",), ("samu", "pompiers"), SERVICES], ids=len)
@pytest.mark.parametrize("count", range(1, 9))
def test_no_language_is_lost_by_a_withdrawal(count: int, stop: tuple[str, ...]) -> None:
    """With the words that the program finds itself, and an instruction as it was given that evening."""
    given = numbers(WEST[:count])
    rows = read_numbers(given, moment=lambda when, zone: moment(when, now=NOW, zone=zone)).rows
    gone = [at for at, row in enumerate(rows) if row.service in stop]
    gone = gone[:-1] if len(gone) == len(rows) > len(stop) else gone  # Brittany kept one
    stay = [at for at in range(len(rows)) if at not in gone]
    values = {
        **stop_and_stay(READY, [rows[at] for at in gone], [rows[at] for at in stay]),
        "wrong_numbers": [given[at] for at in gone],
        "where": WEST[:count],
        "what_to_do": NEAREST,
        "review_at": "+2h",
        **({"numbers": [given[at] for at in stay]} if stay else {}),
    }
    kind, zone = KINDS["withdrawal"], ZoneInfo("Europe/Paris")
    parsed = parse(kind, values, languages=("fr", "en"), timezone=zone, now=NOW)
    ours = Organisation(LONG_NAME, verification_page=PAGE, sandbox=True)
    named = Identity("BKRT", "BKRT-12", ("BKRT-11",))
    found = compose(
        ComposeRequest(kind, parsed, CHANNELS[:1], None, ours, named, NOW, accepted={"parity": "x"})
    )
    assert [one.message for one in found.faults] == []
    assert found.omitted == ()
    for one in first_parts(found):
        assert says(DO_NOT, one.lang, one.text), one.text
        assert re.search("En urgence|In an emergency", one.text), one.text
        assert PAGE in one.text


def on_x(name: str, values: Mapping[str, Any], now: datetime = NOW) -> list[str]:
    """What goes out on X with these values beside those of the kind's example."""
    kind, zone = KINDS[name], ZoneInfo("Europe/Paris")
    parsed = parse(kind, {**kind.example, **values}, languages=("fr", "en"), timezone=zone, now=now)
    ours = Organisation(LONG_NAME, verification_page=PAGE, sandbox=True)
    named = Identity("BKRT", "BKRT-12", ("BKRT-11",))
    found = compose(
        ComposeRequest(kind, parsed, CHANNELS[:1], None, ours, named, now, accepted={"parity": "x"})
    )
    assert [one.message for one in found.faults] == []
    return [spaced(one.text) for one in found.messages]


def test_numbers_given_again_are_no_duplicates_for_x() -> None:
    times = {"next_update": "21:15", "valid_until": "23:00"}
    first = on_x("provisional_number", {**across(2), **times})
    later = on_x("provisional_number", {**across(2), **times}, NOW + timedelta(minutes=10))
    places = [text for text in first if "04 65" in text]
    assert places
    assert not set(places) & set(later)


@pytest.mark.parametrize(
    ("right", "told"),
    [
        ({"place": {"fr": "l'hôpital, porte A", "en": "the hospital, door A"}},
         ("Allez ici : l’hôpital, porte A.", "Go to: the hospital, door A.")),
        ({"number": "18"}, ("Appelez le 18.", "Call 18.")),
        ({"number": "04 65 71 29 15"}, ("Appelez le 04 65 71 29 15, ou le 15.", "Call 04 65 71 29 15, or 15.")),
    ],
)  # fmt: skip
def test_a_correction_says_where_to_turn_in_one_sentence(
    right: dict[str, Any], told: tuple[str, str]
) -> None:
    wrong = {"territory": "29", "service": "samu", "number": "02 61 91 29 15"}
    here = {"territory": "29", "service": "samu", **VOUCHED, **right}
    values = {"where": ["29"], "wrong_numbers": [wrong], "numbers": [here], "valid_until": "+3h"}
    for text, sentence in zip(on_x("correction", values), told, strict=True):
        assert f". {sentence}\n" in text


@pytest.mark.parametrize("kind", ["holding", "status", "provisional_number", "withdrawal", "end"])
def test_a_text_about_the_whole_country_begins_with_a_capital(kind: str) -> None:
    whole = {
        "where": ["FR"],
        **({"numbers": numbers(["FR"])[:1]} if KINDS[kind].field("numbers") else {}),
    }
    wrong = {"wrong_numbers": numbers(["FR"], 5000, vouched=False)[1:]} if kind == "withdrawal" else {}
    known, zone = KINDS[kind], ZoneInfo("Europe/Paris")
    until = {"valid_until": "+4h"} if known.field("valid_until") else {}
    given = {**known.example, **whole, **wrong, **until}
    parsed = parse(known, given, languages=("fr", "en"), timezone=zone, now=NOW)
    ours = Organisation(LONG_NAME, verification_page=PAGE, sandbox=True)
    named = Identity("BKRT", "BKRT-12", ("BKRT-11",))
    found = compose(ComposeRequest(known, parsed, CHANNELS, None, ours, named, NOW))
    assert found.messages
    for one in found.messages:
        assert one.text[0].isupper(), one.text
        assert one.subject is None or one.subject[0].isupper(), one.subject


NINETEEN = "22,29,35,44,49,53,56,72,85,69,42,75,77,33,31,59,971,972,974"


def test_nineteen_places_keep_every_language_on_x(tmp_path: Path) -> None:
    """The list of that evening, with words as they were used: what no longer fits stands behind the link."""
    (tmp_path / "facts.yaml").write_text(
        "what_fails: {fr: 'des appels au 15, 17, 18 et 112 depuis un mobile ou une box', en: some calls}\n"
        "what_works: {fr: le 114 par SMS, en: 114 by text}\n"
        f"where: [{NINETEEN}]\nsince: -30m\nnext_update: +30m\n"
        "what_to_do: {fr: 'Essayez d’un autre téléphone, fixe ou mobile.', en: Try another phone.}\n",
        encoding="utf-8",
    )
    found = program.run("preview", "holding", "--vars", "facts.yaml", "--json", folder=tmp_path)
    document = json.loads(found.out)
    assert document["omitted"] == []
    (first,) = (
        one["text"]
        for one in document["messages"]
        if (one["type"], one["lang"], one["part"]) == ("x", "fr", 1)
    )
    assert first.startswith("PANNE, 19 départements et territoires")
    assert "https://" in first
