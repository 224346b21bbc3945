"""Provisional numbers in words: zone, condition and place with every number, and texts that stay navigable."""

import re
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from alertbot.channels.base import EMAIL, TELEGRAM, X
from alertbot.core.model import Channel, ChannelSpec, Composition, Identity, Message
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import all_territories, find
from alertbot.regions.region import Territory
from alertbot.texts.compose import compose
from alertbot.texts.fields.parse import parse
from alertbot.texts.kinds.catalogue import load_kind
from alertbot.texts.request import ComposeRequest
from tests.texts.conftest import CHANNELS, NOW, ORGANISATION, Make, make_kind

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
            if re.search(rf"(?<!\d){one.number}(?!\d)", line) and one.service_in("fr") in line
        ]
        kept = (one.zone_in("fr"), one.condition_in("fr"))
        assert any(
            all(words in line for words in kept)
            and f"{one.territory.code} {one.territory.name_in('fr')}" in post.text
            for post, line in shown
        )


def test_a_template_that_writes_a_number_alone_is_a_fault(request_for: Make) -> None:
    text = "{% for row in numbers %}{{ row.number }}\n\n{% endfor %}"
    rows = (row("15", zone={"fr": "Aurillac", "en": "Aurillac"}), row("69", "04 65 71 00 69"))
    made = compose(
        request_for({"numbers": rows}, kind=make_kind({("fr", "short"): text}), channels=(X_FR,))
    )
    (fault,) = made.faults
    assert (fault.rule, fault.acceptable) == ("number_alone", False)
    assert "04 65 71 00 15" in fault.message
    assert "Aurillac" in fault.message


def test_numbers_taken_back_say_so_in_every_post(request_for: Make) -> None:
    rows = tuple(row("69", f"04 65 71 00 {at}") for at in range(10, 34))
    text = "{% block head %}{{ alert }}{% endblock %}{{ numbers|numbers_block(struck=true) }}"
    made = compose(
        request_for({"numbers": rows}, kind=make_kind({("fr", "short"): text}), channels=(X_FR,))
    )
    assert len(made.messages) > 2
    for one in made.messages:
        assert re.search(r"69 Rhône – ne plus appeler( \(suite\))?\n", one.text)


def test_a_number_no_longer_valid_is_struck_in_every_kind_that_knows_it() -> None:
    struck = [{"territory": "69", "service": "samu", "number": "04 65 71 00 99"}]
    for name in ("provisional_number", "status", "end", "correction", "withdrawal", "denial"):
        kind = load_kind(name)
        given = {**kind.example, "no_longer_valid": struck}
        parsed = parse(kind, given, languages=("fr", "en"), timezone=NOW.tzinfo, now=NOW)  # type: ignore[arg-type]
        made = compose(
            ComposeRequest(kind, parsed, CHANNELS, None, ORGANISATION, Identity("BKRT", "BKRT-2"), NOW)
        )
        assert made.faults == ()
        for lang, words in (("fr", "69 Rhône – ne plus appeler"), ("en", "69 Rhône – do not call")):
            for channel in ("x_main", "tg", "press"):
                (holds,) = [one for one in posts(made, channel, lang) if "04 65 71 00 99" in one.text]
                assert words in holds.text
                assert holds.html is None or "<s>04 65 71 00 99</s>" in holds.html


# --- instead of a number -------------------------------------------------------------------------


def test_a_place_or_another_short_number_may_stand_instead(request_for: Make) -> None:
    rows = (
        row("49", "", "pompiers", replaces="18", place={"fr": "caserne d’Angers", "en": "Angers fire station"}),
        row("976", "18", "samu", replaces="15"),
        row("49", "112", "police", replaces=""),
    )  # fmt: skip
    french = said(request_for, rows)
    assert (
        "49 Maine-et-Loire\nPompiers (18)\u00a0: allez ici\u00a0: caserne d’Angers\nPolice\u00a0: faites le 112\n"
        in french
    )
    assert "976 Mayotte\nSAMU\u00a0: faites le 18 au lieu du 15\n" in french
    english = said(request_for, rows, lang="en")
    assert "Fire and rescue (18): go to: Angers fire station" in english
    assert "SAMU (medical): call 18 instead of 15" in english
    assert "Police: call 112" in english


def test_a_place_that_is_taken_back_is_struck(request_for: Make) -> None:
    text = "{{ numbers|number_lines(struck=true) }}"
    rows = (row("49", "", "pompiers", replaces="18", place={"": "caserne d’Angers"}),)
    kind = make_kind({("fr", "long"): text})
    made = compose(
        request_for({"numbers": rows}, kind=kind, channels=(Channel("tg", TELEGRAM, ("fr",)),))
    )
    assert made.messages[0].html == "– 49 Maine-et-Loire, Pompiers (18)\u00a0: <s>caserne d’Angers</s>"


# --- times ---------------------------------------------------------------------------------------


def test_a_number_says_its_end_only_where_it_is_not_that_of_all(request_for: Make) -> None:
    until = NOW + timedelta(hours=4)
    kind = make_kind({("fr", "long"): "{{ numbers|numbers_block }}"})
    rows = (
        row("69", "04 65 71 00 10", valid_until=until),
        row("69", "04 65 71 00 11", valid_until=until - timedelta(hours=1)),
        row("974", "04 65 71 00 12", valid_until=until - timedelta(hours=1)),
    )
    values = {"numbers": rows, "valid_until": until}
    text = (
        compose(request_for(values, kind=kind, channels=(Channel("m", EMAIL, ("fr",)),)))
        .messages[0]
        .text
    )
    assert "04 65 71 00 10\n" in text
    assert "04 65 71 00 11 – jusqu’à 21:30\n" in text
    assert text.endswith("04 65 71 00 12 – jusqu’à 21:30 (23:30, heure locale)")


def test_territories_in_another_zone_say_their_own_time_beside_their_name(request_for: Make) -> None:
    values = {"valid_until": NOW + timedelta(hours=4), "where": (place("69"), place("974"))}
    rows = (row("69"), row("974", "04 65 71 00 12"), row("988", "04 65 71 00 13"))
    text = said(request_for, rows, **values)
    assert "\n69 Rhône\n" in text
    assert "\n974 La Réunion – valable jusqu’à jeudi 3 juin à 00:30, heure locale\n" in text
    assert "\n988 Nouvelle-Calédonie – valable jusqu’à 07:30, heure locale\n" in text
    alone = said(request_for, rows[1:2], valid_until=values["valid_until"], where=(place("974"),))
    assert "\n974 La Réunion\n" in alone  # the text says it for all of its places
    english = said(request_for, rows[1:2], lang="en", review_at=NOW + timedelta(hours=1))
    assert "974 Réunion – review at 21:30 local time" in english


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
    assert {one.rule for one in whole.accepted} == {"too_many_parts"}
    for channel in ("x_main", "tg", "press"):
        for lang in ("fr", "en"):
            texts = [one.text for one in posts(whole, channel, lang)]
            for row in many(96):
                assert sum(row.number in text for text in texts) == 1
            assert all(
                one.limit is None or one.length <= one.limit for one in posts(whole, channel, lang)
            )


def test_no_paragraph_of_a_territory_is_cut_where_it_fits_a_post(whole: Composition) -> None:
    for one in whole.messages:
        assert "(suite)" not in one.text
        assert "(continued)" not in one.text
        for count, paragraph in enumerate(one.text.split("\n\n")):
            if count and re.match(r"(\d\d|2[AB]) ", paragraph):
                assert len(paragraph.splitlines()) == 1 + len(SERVICES)


def test_a_territory_too_long_for_a_post_has_its_name_in_each(request_for: Make) -> None:
    rows = tuple(row("69", f"04 65 71 00 {at}", zone={"": f"secteur {at}"}) for at in range(10, 30))
    made = compose(request_for({"numbers": rows}, channels=(X_FR,)))
    assert len(made.messages) > 3
    for one in made.messages:
        assert "69 Rhône" in one.text or "04 65" not in one.text
        assert f"({one.part}/{one.parts})" in one.text


def test_the_order_of_territories_is_that_of_their_first_row(request_for: Make) -> None:
    rows = tuple(row(code, f"04 65 71 00 {code}") for code in ("42", "69", "01", "69"))
    rows = (*rows[:3], replace(rows[3], number="04 65 71 01 69"))
    text = said(request_for, rows)
    places = ["42 Loire", "69 Rhône", "01 Ain"]
    assert sorted(places, key=text.index) == places
    assert text.count("69 Rhône") == 1


def test_a_mail_is_grouped_by_region_with_an_index_that_leads_there(whole: Composition) -> None:
    (mail,) = posts(whole, "press")
    assert mail.html is not None
    links = re.findall(r'<a href="#(r\d+)">(Région \w+)</a> \(([^)]*)\)', mail.html)
    assert sorted(name for _anchor, name, _codes in links) == sorted(f"Région {one}" for one in AREAS)
    for anchor, name, codes in links:
        assert mail.html.count(f'<h2 id="{anchor}">{name}</h2>') == 1
        assert f"\n{name} ({codes})\n" in mail.text
        after = mail.html.split(f'<h2 id="{anchor}">')[1].split("<h2")[0]
        assert re.findall(r"<p><b>(\w+) ", after)[: len(codes.split(", "))] == codes.split(", ")
    assert "#r" not in mail.text


def test_a_long_telegram_text_begins_with_an_index_of_its_messages(whole: Composition) -> None:
    parts = posts(whole, "tg")
    assert len(parts) > 2
    first = parts[0].text
    assert "Numéros par région\u00a0:\n" in first
    for name, codes, where in re.findall(r"(Région \w+) \(([^)]*)\)\u00a0: messages? ([\d–]+)", first):
        begin, _dash, end = where.partition("–")
        held = [one.text for one in parts[int(begin) - 1 : int(end or begin)]]
        assert f"\n{name}\n" in held[0]
        for code in codes.split(", "):
            assert any(re.search(rf"^{code} ", text, re.MULTILINE) for text in held)
    assert first.count("Région") == len(AREAS) * 2 or first.count("message ") + first.count(
        "messages "
    ) >= len(AREAS)
    assert all("par région" not in one.text for one in parts[1:])


@pytest.mark.parametrize("count", [1, 12])
def test_a_dozen_territories_need_no_index(count: int) -> None:
    made = everywhere(many(count))
    assert made.publishable
    assert not any("région" in one.text.lower() for one in made.messages)


@pytest.mark.parametrize("limit", range(1300, 4200, 290))
def test_the_index_is_in_the_first_message_whatever_the_room(limit: int) -> None:
    made = everywhere(many(40, ("samu",)), Channel("tg", replace(TELEGRAM, limit=limit), ("fr", "en")))
    assert made.publishable
    for lang, title in (("fr", "Numéros par région"), ("en", "Numbers by region")):
        parts = posts(made, "tg", lang)
        if len(parts) > 1:
            assert title in parts[0].text
        assert all(title not in one.text for one in parts[1:])
        assert all(one.length <= limit for one in parts)
        assert "999" not in parts[0].text


def test_a_post_without_room_for_an_index_has_none() -> None:
    short = ChannelSpec("short", 500, parts=True, form="long")
    made = everywhere(many(30, ("samu",)), Channel("short", short, ("fr",)))
    assert made.publishable
    assert not any("Numéros par région" in one.text for one in made.messages)


def test_many_places_are_counted_where_room_is_short(whole: Composition) -> None:
    post, mail = posts(whole, "x_main")[0], posts(whole, "press")[0]
    assert "(96 départements et territoires)" in post.text
    assert "96 départements et territoires\u00a0: 01, 02, " in mail.text
    assert (
        mail.subject == "Numéros provisoires de secours\u00a0: 96 départements et territoires [BKRT-2]"
    )
    few = everywhere(many(13, ("samu",)))
    assert "(13 départements et territoires\u00a0: 01, 02, " in posts(few, "x_main")[0].text
    assert "(Ain, Aisne et Allier)" in posts(everywhere(many(3)), "x_main")[0].text


def test_paris_is_the_zone_of_these_tests() -> None:
    assert ZoneInfo(ORGANISATION.timezone) == NOW.tzinfo
