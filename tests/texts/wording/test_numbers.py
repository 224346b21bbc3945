"""Provisional numbers in words: zone, condition and place with every number, and texts that stay navigable."""

import re
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from alertbot.channels.base import EMAIL, TELEGRAM, X
from alertbot.core.model import Channel, Composition, Identity, Message
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import all_territories, find
from alertbot.regions.region import Territory
from alertbot.texts.compose import compose
from alertbot.texts.fields.parse import parse
from alertbot.texts.kinds.catalogue import load_kind
from alertbot.texts.request import ComposeRequest
from tests.texts.conftest import CHANNELS, NOW, ORGANISATION, Make, lead, make_kind

KIND = load_kind("provisional_number")
VOUCHED = {"verified_by": "B", "verified_at": NOW}
X_FR = Channel("x_main", X, ("fr",))
SERVICES = ("samu", "pompiers", "police", "gendarmerie")
AREAS = ("Nord", "Sud", "Est", "Ouest", "Centre")


class Placed(Territory):
    """A territory of a made-up region."""

    __slots__ = ()

    def area_in(self, lang: str) -> str:
        return f"Région {AREAS[int(self.code[-1], 16) % len(AREAS)]}"


def place(code: str) -> Territory:
    found = find(code)
    assert found is not None
    return found


def row(
    code: str, number: str = "04 65 71 00 15", service: str = "police", **parts: object
) -> NumberRow:
    ready = {"replaces": "17", **VOUCHED, **parts}
    return NumberRow(place(code), service, number, **ready)  # type: ignore[arg-type]


def said(request_for: Make, rows: tuple[NumberRow, ...], *, lang: str = "fr", **values: object) -> str:
    made = compose(request_for({"numbers": rows, **values}, channels=(Channel("m", EMAIL, (lang,)),)))
    assert made.publishable
    return made.messages[0].text


def posts(made: Composition, channel: str, lang: str = "fr") -> list[Message]:
    return [one for one in made.messages if (one.channel, one.lang) == (channel, lang)]


# --- what stays with a number --------------------------------------------------------------------

TRAPS = {
    "4: the zone of a station": [
        row("15", "04 65 71 15 01", zone={"": "Arpajon ou Aurillac"}),
        row("15", "04 65 71 15 02", "gendarmerie", zone={"": "reste du département"}),
    ],
    "5: whose calls": [
        row("973", "05 36 49 73 17", condition={"fr": "clients Orange, depuis un mobile"}),
        row("69", "04 65 71 69 17", condition={"fr": "ni fixe ni mobile Orange"}),
        row("69", "17", condition={"fr": "depuis un fixe ou un mobile Orange"}, replaces=""),
    ],
    "6: two forces share a territory": [
        row("972", "05 36 49 72 17", zone={"": "Fort-de-France et Le Lamentin"}),
        row("972", "05 36 49 72 18", "gendarmerie", zone={"": "autres communes"}),
        row("85", "02 61 91 85 01", zone={"": "La Roche-sur-Yon"}),
        row("85", "02 61 91 85 02", zone={"": "Les Sables-d’Olonne"}),
        row("89", "03 53 01 89 01", zone={"": "Sens"}),
        row("89", "03 53 01 89 02", zone={"": "Auxerre"}),
    ],
}


@pytest.mark.parametrize("trap", TRAPS)
def test_zone_and_condition_survive_the_shortest_post_or_it_is_split(
    request_for: Make, trap: str
) -> None:
    rows = [replace(one, **VOUCHED) for one in TRAPS[trap]]
    made = compose(request_for({"numbers": tuple(rows)}, channels=(X_FR,)))
    assert made.publishable
    assert all(one.length <= 280 for one in made.messages)
    for one in rows:
        shown = [
            (post, line)
            for post in made.messages
            for line in post.text.splitlines()
            if re.search(rf"(?<!\d){one.number}(?!\d)", line.replace("\u00a0", " "))
            and one.service_in("fr") in line
        ]
        kept = (one.zone_in("fr"), one.condition_in("fr"))
        assert any(
            all(words in line for words in kept)
            and post.text.startswith(f"{one.territory.name_in('fr')} ({one.territory.code})")
            for post, line in shown
        )


def test_a_template_that_writes_a_number_alone_is_a_fault(request_for: Make) -> None:
    text = lead("{% for row in numbers %}{{ row.number }}\n\n{% endfor %}")
    rows = (row("15", zone={"fr": "Aurillac", "en": "Aurillac"}), row("69", "04 65 71 00 69"))
    made = compose(
        request_for({"numbers": rows}, kind=make_kind({("fr", "short"): text}), channels=(X_FR,))
    )
    (fault,) = made.faults
    assert (fault.rule, fault.acceptable) == ("number_alone", False)
    assert "04 65 71 00 15" in fault.message
    assert "Aurillac" in fault.message


def test_numbers_taken_back_say_so_in_every_post() -> None:
    struck = [
        {"territory": "69", "service": "samu", "number": f"04 65 71 00 {at}", "zone": "secteur nord"}
        for at in range(20, 32)
    ]
    made = shipped("provisional_number", no_longer_valid=struck)
    assert made.publishable
    for lang, words in (
        ("fr", "Rhône (69)\u00a0: N’APPELEZ PLUS ce"),
        ("en", "Rhône (69): DO NOT CALL th"),
    ):
        told = [one for one in posts(made, "x_main", lang) if re.search("00\u00a0(2|3)\\d", one.text)]
        assert len(told) > 1
        assert all(one.text.startswith(words) for one in told)
        assert not any(re.search("urgence seulement|emergency only", one.text) for one in told)


def shipped(name: str, **changes: object) -> Composition:
    kind = load_kind(name)
    given = {**kind.example, **changes}
    parsed = parse(kind, given, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW)  # type: ignore[arg-type]
    return compose(
        ComposeRequest(kind, parsed, CHANNELS, None, ORGANISATION, Identity("BKRT", "BKRT-2"), NOW)
    )


NOT_ANY_MORE = {
    "fr": re.compile("n’appelez plus|n’appelez pas", re.IGNORECASE),
    "en": re.compile("do not call", re.IGNORECASE),
}


@pytest.mark.parametrize(
    "name", ["provisional_number", "status", "end", "correction", "withdrawal", "denial"]
)
def test_a_number_no_longer_valid_is_told_in_words_in_every_kind_that_knows_it(name: str) -> None:
    struck = [{"territory": "69", "service": "samu", "number": "04 65 71 00 99"}]
    made = shipped(name, no_longer_valid=struck)
    assert made.faults == ()
    for lang, words in NOT_ANY_MORE.items():
        for channel in ("x_main", "tg", "press"):
            (holds,) = [
                one
                for one in posts(made, channel, lang)
                if "04\u00a065\u00a071\u00a000\u00a099" in one.text
            ]
            before = holds.text[: holds.text.index("04\u00a065\u00a071\u00a000\u00a099")].split("\n\n")
            assert words.search("\n".join(before[-2:]))
            assert "Rhône (69)" in holds.text
            assert "<s>" not in (holds.html or "")


# --- instead of a number -------------------------------------------------------------------------


def test_a_place_or_another_short_number_may_stand_instead(request_for: Make) -> None:
    rows = (
        row("49", "", "pompiers", replaces="18", place={"fr": "caserne d’Angers", "en": "Angers fire station"}),
        row("976", "18", "samu", replaces="15"),
        row("49", "112", "police", replaces=""),
    )  # fmt: skip
    french = said(request_for, rows)
    assert (
        "Maine-et-Loire (49)\u00a0: appelez\nPompiers\u00a0: allez ici\u00a0: caserne d’Angers\nPolice\u00a0: faites le 112\n"
        in french
    )
    assert "Mayotte (976)\u00a0: appelez\nSAMU\u00a0: faites le 18 au lieu du 15\n" in french
    english = said(request_for, rows, lang="en")
    assert "Fire and rescue: go to: Angers fire station" in english
    assert "SAMU (medical): call 18 instead of 15" in english
    assert "Police: call 112" in english


def test_a_place_that_is_taken_back_is_struck(request_for: Make) -> None:
    text = lead("{{ numbers|number_lines(struck=true) }}")
    rows = (row("49", "", "pompiers", replaces="18", place={"": "caserne d’Angers"}),)
    kind = make_kind({("fr", "long"): text})
    made = compose(
        request_for({"numbers": rows}, kind=kind, channels=(Channel("tg", TELEGRAM, ("fr",)),))
    )
    assert made.messages[0].html == "– 49 Maine-et-Loire, Pompiers (18)\u00a0: <s>caserne d’Angers</s>"


# --- times ---------------------------------------------------------------------------------------


def test_a_number_says_its_end_only_where_it_is_not_that_of_all() -> None:
    until = NOW + timedelta(hours=4)  # as the example says of all
    rows = (
        row("69", "04 65 71 00 10", valid_until=until),
        row("69", "04 65 71 00 11", valid_until=until - timedelta(hours=1)),
        row("974", "04 65 71 00 12", valid_until=until - timedelta(hours=1)),
    )
    text = everywhere(rows, Channel("m", EMAIL, ("fr",))).messages[0].text
    text = text.replace("\u00a0", " ")
    assert "04 65 71 00 10\n" in text
    assert "04 65 71 00 11 – jusqu’à 21 h 30\n" in text
    assert "04 65 71 00 12 – jusqu’à 21 h 30 (23 h 30, heure locale)\n" in text


def test_a_place_in_another_zone_says_its_own_time_beside_that_of_the_text() -> None:
    rows = (row("69"), row("974", "04 65 71 00 12"), row("988", "04 65 71 00 13"))
    made = everywhere(rows)
    for channel in ("x_main", "tg", "press"):
        text = "\n\n".join(one.text for one in posts(made, channel)).replace("\u00a0", " ")
        for number, until in (
            ("04 65 71 00 15", "22 h 30."),
            ("04 65 71 00 12", "22 h 30 (jeudi 3 juin à 0 h 30, heure locale)."),
            ("04 65 71 00 13", "22 h 30 (7 h 30, heure locale)."),
        ):
            after = text[text.index(number) :]
            assert after[after.index("Valable") :].startswith(f"Valable jusqu’à {until}")


# --- many ----------------------------------------------------------------------------------------


def many(count: int, services: tuple[str, ...] = SERVICES) -> tuple[NumberRow, ...]:
    places = [
        one for one in all_territories().values() if one.zone == "Europe/Paris" and one.code != "FR"
    ]
    return tuple(
        NumberRow(
            Placed(one.code, one.names, one.zone, one.region, one.prefixes), service,
            f"04 65 71 {at // 100:02} {at % 100:02}", "17", {}, {}, **VOUCHED,  # type: ignore[arg-type]
        )
        for at, (one, service) in enumerate((one, service) for one in places[:count] for service in services)
    )  # fmt: skip


def everywhere(rows: tuple[NumberRow, ...], *channels: Channel) -> Composition:
    parsed = parse(KIND, KIND.example, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW)  # type: ignore[arg-type]
    where = tuple({row.territory.code: row.territory for row in rows}.values())
    values = {**parsed.values, "numbers": rows, "where": where}
    return compose(
        ComposeRequest(
            KIND, replace(parsed, values=values), channels or CHANNELS, None, ORGANISATION,
            Identity("BKRT", "BKRT-2"), NOW, accepted={"too_many_parts": "everywhere at once"},
        )  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Composition:
    return everywhere(many(96))


def test_every_territory_and_service_can_go_out_at_once(whole: Composition) -> None:
    assert whole.publishable
    for lang in ("fr", "en"):
        for channel in ("tg", "press"):
            texts = [one.text.replace("\u00a0", " ") for one in posts(whole, channel, lang)]
            for row in many(96):
                assert sum(row.number in text for text in texts) == 1
            assert all(
                one.limit is None or one.length <= one.limit for one in posts(whole, channel, lang)
            )
        (post,) = posts(whole, "x_main", lang)  # a link stands for the 96 places
        assert "https://example.org/urgences" in post.text
    assert [one.rule for one in whole.warnings if one.channel == "x_main"].count("shortened") == 2


def test_the_numbers_of_a_territory_stand_in_one_message(whole: Composition) -> None:
    for one in posts(whole, "tg"):
        for heading, lines in re.findall(
            r"\((\w+)\)\u00a0: appelez, en urgence seulement\n\n?((?:.+\n)*)", one.text
        ):
            assert len(lines.splitlines()) == len(SERVICES), heading


def test_a_territory_too_long_for_a_post_has_its_name_in_each(request_for: Make) -> None:
    rows = tuple(row("69", f"04 65 71 00 {at}", zone={"": f"secteur {at}"}) for at in range(10, 30))
    made = compose(request_for({"numbers": rows}, channels=(X_FR,)))
    assert len(made.messages) > 3
    for one in made.messages[1:]:
        assert one.text.startswith("Rhône (69)\u00a0: appelez\n")


def test_the_order_of_territories_is_that_of_their_first_row(request_for: Make) -> None:
    rows = tuple(row(code, f"04 65 71 00 {code}") for code in ("42", "69", "01", "69"))
    rows = (*rows[:3], replace(rows[3], number="04 65 71 01 69"))
    text = said(request_for, rows)
    places = ["Loire (42)", "Rhône (69)", "Ain (01)"]
    assert sorted(places, key=text.index) == places
    assert text.count("Rhône (69)") == 1


def test_a_mail_is_grouped_by_region_with_an_index_that_leads_there(whole: Composition) -> None:
    (mail,) = posts(whole, "press")
    assert mail.html is not None
    links = re.findall(r'<a href="#(r\d+)">(Région \w+)</a> \(([^)]*)\)', mail.html)
    assert sorted(name for _anchor, name, _codes in links) == sorted(f"Région {one}" for one in AREAS)
    for anchor, name, codes in links:
        assert mail.html.count(f'<h2 id="{anchor}">{name}</h2>') == 1
        assert f"\n{name} ({codes})\n" in mail.text
        after = mail.html.split(f'<h2 id="{anchor}">')[1].split("<h2")[0]
        assert re.findall(r"<h3>[^<]*\((\w+)\)", after)[: len(codes.split(", "))] == codes.split(", ")
    assert "#r" not in mail.text


def test_a_long_telegram_text_is_grouped_by_region_and_counts_its_messages(whole: Composition) -> None:
    parts = posts(whole, "tg")
    assert len(parts) > 2
    for at, one in enumerate(parts, 1):
        assert one.text.endswith(f"\n\n{at}/{len(parts)}")
        assert "Numéros par région" not in one.text  # its links would lead nowhere
    text = "\n\n".join(one.text for one in parts)
    assert [
        text.count(f"\n\nRégion {one}\n\n") + text.startswith(f"Région {one}\n\n") for one in AREAS
    ] == [1] * len(AREAS)


@pytest.mark.parametrize("count", [1, 12])
def test_a_dozen_territories_need_no_index(count: int) -> None:
    made = everywhere(many(count))
    assert made.publishable
    assert not any("région" in one.text.lower() for one in made.messages)


def test_many_places_are_counted_where_room_is_short(whole: Composition) -> None:
    post, mail = posts(whole, "x_main")[0], posts(whole, "press")[0]
    assert post.text.startswith("96 départements et territoires\u00a0: le 17 ne répond pas")
    assert "96 départements et territoires\u00a0: 01, 02, " in mail.text
    assert (
        mail.subject
        == "96 départements et territoires\u00a0: le 17 ne répond pas, numéros provisoires [BKRT-2]"
    )
    few = everywhere(many(13, ("samu",)))
    assert posts(few, "x_main")[0].text.startswith("13 départements et territoires\u00a0: 01, 02, ")
    assert posts(everywhere(many(3)), "x_main")[0].text.startswith("Ain, Aisne et Allier\u00a0: ")


def test_paris_is_the_zone_of_these_tests() -> None:
    assert ZoneInfo(ORGANISATION.timezone) == NOW.tzinfo
