"""The public page says what stands, where, until when; it says no more than was approved; and it is light."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.channels import base
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Channel, Relation, Target
from alertbot.ops import languages
from alertbot.pages import editions
from alertbot.pages.html import pages
from alertbot.pages.rules_standing import standing
from alertbot.pages.views import PageSite, PublicAlert
from alertbot.pages.words import WORDS, check_words, lacks_words
from alertbot.regions import packs
from alertbot.regions.facts import all_territories, using
from alertbot.texts.publisher import unconfigured_publisher
from alertbot.texts.wording import language
from alertbot.texts.wording.language import words_of
from tests.effort import examples
from tests.pages import evening
from tests.pages.evening import BRITISH, FRENCH, PARIS, Story
from tests.pages.test_standing import histories

GOLDEN = Path(__file__).with_name("golden")
EVENING = datetime(2021, 6, 2, 19, 0, tzinfo=PARIS)
KEPT = {  # which pages are compared whole, at which time of the evening
    "home": ("fr/index.html", EVENING),
    "rhone": ("fr/69.html", EVENING),
    "vendee": ("en/85.html", EVENING),
    "reunion": ("fr/974.html", EVENING),
    "corrected": ("fr/alerts/BKRT-3.html", EVENING),
    "late": ("fr/85.html", EVENING + timedelta(hours=2, minutes=5)),
    "history": ("fr/incidents/BKRT.html", EVENING + timedelta(days=2)),
    "over": ("en/index.html", EVENING + timedelta(days=2)),
    "nothing": ("fr/index.html", EVENING + timedelta(days=20)),
}
KEPT_BRITISH = {"british": "en/ken.html", "welsh": "cy/index.html"}
CODES = [code for code, place in all_territories().items() if not place.whole]
LIMITS = {"home": 14_000, "place": 8_000, "any": 30_000}  # bytes, compressed


@cache
def told(exercise: bool = False) -> tuple[PublicAlert, ...]:
    return tuple(evening.june_2021(exercise=exercise))


@cache
def edition(now: datetime = EVENING, site: PageSite = FRENCH) -> Mapping[str, bytes]:
    before = [one for one in told(site.exercise) if one.published_at <= now]
    found = standing(before, now, languages=site.languages, exercise=site.exercise)
    return pages(found, site)


def body(page: bytes) -> str:
    found = re.search(rb"<body>\n(.*)</body>", page, re.DOTALL)
    assert found
    return found[1].decode()


class Words(HTMLParser):
    """What is read of a page, in its order, with one space."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.said: list[str] = []
        self.feed(body(page))

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def words(page: bytes) -> str:
    return " ".join("".join(Words(page).said).replace("\u00a0", " ").split())


def calls(page: bytes) -> list[str]:
    return re.findall(r'href="tel:([^"]*)"', body(page))


# --- the evening ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEPT)
def test_the_pages_of_the_evening_are_these(name: str) -> None:
    path, now = KEPT[name]
    compared(name, edition(now)[path])


@pytest.mark.parametrize("name", KEPT_BRITISH)
def test_the_pages_of_a_british_morning_are_these(name: str) -> None:
    compared(name, britain()[KEPT_BRITISH[name]])


def heading(page: bytes) -> str:
    """What stands first on a page under its title, else the title: how things stand."""
    news = re.search(r'<p class="news"[^>]*>(.*?)</p>|<h1[^>]*>(?=.*: )(.*?)</h1>', body(page))
    assert news
    return (news[1] or news[2]).replace("\u00a0", " ")


@pytest.mark.parametrize("relation", [Relation.CORRECTION, Relation.WITHDRAWAL])
def test_while_some_numbers_are_put_right_or_taken_back_the_fault_stays_the_news(
    relation: Relation,
) -> None:
    one = next(one for one in told() if one.documents["fr"].relation == relation)
    said, files = one.documents["fr"], edition(one.published_at)
    own = said.headline.replace("\u00a0", " ")
    home, concerned = files["fr/index.html"], files["fr/85.html"]
    assert heading(home) != own
    assert own in words(home)  # as the last that was said
    assert heading(concerned) == own
    assert own not in heading(files["fr/974.html"])
    assert one.alert in words(files[f"fr/incidents/{said.incident}.html"])


def compared(name: str, page: bytes) -> None:
    """To renew one after a change that is meant: delete it and run the test twice."""
    kept = GOLDEN / f"{name}.html"
    if not kept.exists():
        kept.write_text(body(page), "utf-8")
        pytest.fail(f"{kept} was missing and is written now: read it")
    assert body(page) == kept.read_text("utf-8")


@cache
def right_to_left() -> Mapping[str, bytes]:
    site = replace(FRENCH, languages=("ar", "fr"))
    return pages(standing(told()[:3], EVENING, languages=site.languages), site)


@cache
def britain() -> Mapping[str, bytes]:
    with using(packs.load("GB")):
        alerts = evening.britain()
        return pages(standing(alerts, alerts[-1].published_at, languages=BRITISH.languages), BRITISH)


def test_who_looks_for_a_place_finds_its_number_with_all_that_belongs_to_it() -> None:
    page = edition()["fr/85.html"]
    said = words(page)
    for part in (
        "Le 15, 17 ou 18 ne répond pas ? En urgence seulement, appelez :",
        "SAMU (15) : 02 61 91 85 15",
        "Police (17) : 02 61 91 85 17 (La Roche-sur-Yon)",
        "Pompiers (18) : 02 61 91 85 18",
        "Prochaine vérification : mercredi 2 juin à 20 h 22.",
        "N’appelez pas pour vérifier",
        "essayez le 114",
        "Prochain point : mercredi 2 juin à 20 h.",
    ):
        assert part in said
    assert calls(page) == ["+33261918515", "+33261918517", "+33261918518"]


def test_what_is_wrong_is_named_once_and_does_not_dial() -> None:
    page = edition()["fr/85.html"]
    assert words(page).count("02 61 91 85 81") == 1
    assert "N’appelez plus Pompiers (18) : 02 61 91 85 81. Retiré : notre message BKRT-4." in words(
        page
    )
    assert "+33261918581" not in calls(page)
    for path in ("fr/index.html", "fr/69.html", "fr/incidents/BKRT.html"):
        assert "02 61 91 85 81" not in words(edition()[path])
    corrected = edition()["fr/alerts/BKRT-3.html"]
    assert "02 61 91 85 81 (n’appelez plus)" in words(corrected)
    assert "Ce message est corrigé" in words(corrected)
    assert "+33261918581" not in calls(corrected)
    assert "+33465710615" in calls(corrected)


def test_who_knows_only_a_postcode_finds_every_place_that_it_lies_in() -> None:
    page = edition()["fr/postcodes/05.html"]
    assert "05110, 05130, 05160 Alpes-de-Haute-Provence (04), Hautes-Alpes (05)" in words(page)
    assert 'href="../../fr/2b.html"' in body(edition()["fr/postcodes/20.html"])
    assert "@etalab/decoupage-administratif 6.0.0" in words(page)


def test_past_its_time_a_page_says_so() -> None:
    late = words(edition(EVENING + timedelta(hours=2, minutes=5))["fr/85.html"])
    assert "Ces numéros ne sont plus confirmés" in late
    assert "SAMU (15) : 02 61 91 85 15. À vérifier : mercredi 2 juin à 21 h." in late
    assert "Prochain point annoncé : mercredi 2 juin à 20 h. Il n’a pas encore paru ici." in late
    assert "essayez le 114 par SMS" in late  # who cannot hear has nothing else, number or not
    assert not calls(edition(EVENING + timedelta(hours=2, minutes=5))["fr/85.html"])
    assert "114" not in words(edition(EVENING + timedelta(days=2))["fr/01.html"])


def test_the_clock_of_a_place_elsewhere_is_its_own() -> None:
    assert "mercredi 2 juin à 23 h, heure de La Réunion" in words(edition()["fr/974.html"])


def test_only_what_says_something_else_becomes_another_page() -> None:
    before, after = edition(EVENING), edition(EVENING + timedelta(minutes=10))
    assert before == after
    corrected = edition(datetime(2021, 6, 2, 18, 15, tzinfo=PARIS))
    now = edition(datetime(2021, 6, 2, 18, 30, tzinfo=PARIS))
    changed = {path for path in now if corrected.get(path) != now[path]}
    assert "fr/85.html" in changed
    assert not changed & {"fr/2a.html", "fr/01.html", "en/33.html"}


def test_nothing_now_claims_nothing() -> None:
    page = pages(standing([], EVENING, languages=FRENCH.languages), FRENCH)
    said = words(page["fr/index.html"])
    assert "Aucune alerte en cours" in said
    assert calls(page["fr/index.html"]) == ["15", "17", "18", "112", "196"]
    for claim in ("marche", "fonctionne", "rétabli", "fini"):
        assert claim not in said
    assert "Nous n’avons encore publié aucun message ici." in words(page["fr/alerts/index.html"])


def test_an_exercise_is_marked_at_both_ends_of_every_page() -> None:
    site = replace(FRENCH, public_url="https://alerte.example.org/exercise", exercise=True)
    for path, page in edition(EVENING, site).items():
        text = words(page)
        mark = "EXERCICE" if path.startswith(("fr/", "index")) else "EXERCISE"
        assert text.startswith(f"{mark} {mark} {mark}"), path
        assert text.endswith(f"{mark} {mark} {mark}"), path
        assert b'<meta name="robots" content="noindex">' in page
    assert b"EXERCI" not in edition()["fr/index.html"]


def test_a_false_alert_of_ours_leaves_no_number_and_no_instruction() -> None:
    story = Story(FRENCH)
    values = evening.rows("numbers.csv", ["69"])
    example = evening.KINDS["provisional_number"].example
    first = story.tell("provisional_number", EVENING, {**example, "where": ["69"], "numbers": values})
    story.retract(first, EVENING + timedelta(hours=1))
    now = EVENING + timedelta(hours=1)
    made = pages(standing(story.told, now, languages=FRENCH.languages), FRENCH)
    place, alert = made["fr/69.html"], made["fr/alerts/BKRT-1.html"]
    assert "Fausse alerte" in words(place)
    assert not calls(place)
    assert not calls(alert)
    assert "Ce message était une erreur. Ne le suivez pas." in words(alert)
    assert "Aucune alerte en cours" in words(made["fr/index.html"])


def test_a_text_that_went_out_in_one_language_says_so_in_the_other() -> None:
    story = Story(FRENCH)
    example = evening.KINDS["provisional_number"].example
    values = {**example, "where": ["69"], "numbers": evening.rows("numbers.csv", ["69"])}
    both = story.tell("provisional_number", EVENING, values)
    french = replace(both, documents={"fr": both.documents["fr"]})
    made = pages(standing([french], EVENING + timedelta(minutes=1), languages=("fr", "en")), FRENCH)
    assert "This text appeared only in French." in words(made["en/alerts/BKRT-1.html"])
    assert '<p class="news" lang="fr">' in body(made["en/69.html"])
    assert calls(made["en/69.html"]) == calls(made["fr/69.html"])


def test_a_language_from_right_to_left_has_its_direction_and_its_numbers_theirs() -> None:
    page = right_to_left()["ar/69.html"].decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert 'href="tel:+33465710615" dir="ltr"' in page


def test_two_incidents_are_told_apart_and_each_place_has_its_own() -> None:
    story, example = Story(FRENCH), evening.KINDS["holding"].example
    story.tell("holding", EVENING, {**example, "where": ["69"], "next_update": "+1h"})
    other = {**example, "where": ["29"], "what_to_do": "Allez à la caserne.", "next_update": "+2h"}
    story.tell("holding", EVENING, other, incident="CDFG")
    now = EVENING + timedelta(minutes=1)
    made = pages(standing(story.told, now, languages=FRENCH.languages), FRENCH)
    home = words(made["fr/index.html"])
    assert "2 alertes en cours" in home
    assert "BKRT-1" in home
    assert "CDFG-1" in home
    assert "Allez à la caserne." in words(made["fr/29.html"])
    assert "BKRT-1" not in words(made["fr/29.html"])
    assert "Allez à la caserne." not in words(made["fr/69.html"])
    assert "Aucune alerte en cours ici." in words(made["fr/33.html"])


def test_trouble_that_comes_back_is_told_as_such_and_brings_no_number_back() -> None:
    story = Story(FRENCH)
    story.told = list(told()[:10])  # up to the end
    example = evening.KINDS["status"].example
    now = story.told[-1].published_at + timedelta(hours=5)
    assert "c’est fini" in words(
        pages(standing(story.told, now, languages=("fr",)), FRENCH)["fr/85.html"]
    )
    story.tell("status", now, {**example, "stage": "back_again", "where": ["85"], "since": "-10m"})
    later = now + timedelta(minutes=1)
    page = pages(standing(story.told, later, languages=FRENCH.languages), FRENCH)["fr/85.html"]
    assert "Vendée : de nouveau en panne" in words(page)
    assert "c’est fini" not in words(page)
    assert not calls(page)


def test_a_territory_of_ones_own_has_a_page_too() -> None:
    story, example = Story(FRENCH), evening.KINDS["provisional_number"].example
    row = {
        "territory": "FR-BAIE", "name": "Baie de Quiberon", "service": "secours-en-mer",
        "number": "02 61 91 00 96", **evening.VOUCHED,
    }  # fmt: skip
    story.tell("provisional_number", EVENING, {**example, "where": ["56"], "numbers": [row]})
    now = EVENING + timedelta(minutes=1)
    made = pages(standing(story.told, now, languages=FRENCH.languages), FRENCH)
    assert "Baie de Quiberon (FR-BAIE)" in words(made["fr/fr-baie.html"])
    assert calls(made["fr/fr-baie.html"]) == ["+33261910096"]
    assert 'href="../fr/fr-baie.html"' in body(made["fr/index.html"])


# --- its words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["fr", "en", "nl", "de", "cy", "es"])
def test_the_frame_is_whole_in_every_language_that_has_alerts(lang: str) -> None:
    check_words()
    assert not lacks_words(lang)
    own, english = (words_of("page", each, WORDS) for each in (lang, "en"))
    if lang != "en":
        assert [name for name in own if own[name] == english[name] and len(own[name]) > 24] == []
    for name, places in WORDS.items():
        assert sorted(re.findall(r"\{(\w+)\}", own[name])) == sorted(places)
    if lang == "fr":
        assert not re.search(r" [:;?!»]|« |'", "\n".join(own.values()))


def test_a_language_of_ones_own_is_a_file_and_a_slip_in_it_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "eo.yaml").write_text('nothing_now: "Neniu alarmo nun"\n', "utf-8")
    site = replace(FRENCH, languages=("eo",))
    with language.using((tmp_path,)):
        made = pages(standing([], EVENING, languages=("eo",)), site)
        assert "Neniu alarmo nun" in words(made["eo/index.html"])
        assert lacks_words("eo")
        (folder / "eo.yaml").write_text('nothing_new: "Neniu"\nstale: "{where}"\n', "utf-8")
        with pytest.raises(ConfigInvalid, match=r"(?s)nothing_now.*\{?where"):
            check_words(tmp_path)


def test_check_tells_which_words_of_a_page_nobody_has_read_or_written(tmp_path: Path) -> None:
    made = unconfigured_publisher()
    page = Channel("page", base.PAGE, ("fr", "cy", "eo"), targets=(Target(FRENCH.public_url),))
    told = languages.warnings(replace(made, channels={"page": page}))
    about = [one for one in told if "public page" in one]
    assert [bool(re.search(r"page/(cy|eo)\.yaml", one)) for one in about] == [True, True]
    assert "partly in English in eo" in about[0]
    assert "no native speaker has read" in about[1]
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "cy.yaml").write_text('site: "Rhifau argyfwng"\n', "utf-8")
    own = replace(made, channels={"page": replace(page, languages=("cy",))}, folders=(tmp_path,))
    assert not [one for one in languages.warnings(own) if "public page" in one]


# --- what holds for every page ---------------------------------------------------------------------


def test_every_link_within_the_page_leads_somewhere() -> None:
    made = edition(EVENING + timedelta(days=2))
    for path, page in made.items():
        here = Path(path).parent
        for link in re.findall(r'href="([^"#]*)"', body(page)):
            if ":" not in link:
                there = (here / link).as_posix()
                assert Path(re.sub(r"[^/]+/\.\./", "", re.sub(r"[^/]+/[^/]+/\.\./\.\./", "", there))).as_posix() in made, (path, link)  # fmt: skip


@settings(max_examples=examples(40), deadline=None)
@given(histories(), st.sampled_from([0, 2, 30]))
def test_whatever_was_published_only_what_stands_can_be_dialled(
    history: list[PublicAlert], later: float
) -> None:
    now = history[-1].published_at + timedelta(hours=later)
    found = standing(history, now, languages=FRENCH.languages)
    made = pages(found, FRENCH)
    always = {"15", "17", "18", "112", "196"}
    for code in ("29", "22"):
        stands = [one.number for one in found.numbers["fr"].get(code, ())]
        place = made[f"fr/{code}.html"]
        assert set(calls(place)) - always == {one.dial for one in stands}
        for one in found.over["fr"].get(code, ()):
            assert words(place).count(one.number.number) == 1
    for incident in found.incidents:
        assert f"fr/incidents/{incident.incident}.html" in made
        for alert in incident.alerts:
            page = words(made[f"fr/alerts/{alert.alert}.html"])
            assert ("C’est notre dernier message" in page) is (alert == incident.last)


def test_nothing_is_asked_of_anybody_else_and_no_script_is_needed() -> None:
    for page in edition().values():
        text = page.decode()
        assert "default-src 'none'" in text
        assert not re.search(r'(?:src|action|background)="', text)
        assert re.findall(r'<link rel="(?!canonical|alternate)([^"]*)"', text) == ["icon"]
        assert text.count("<script>") <= 1
        assert len(re.findall(r"<script>(.*?)</script>", text, re.DOTALL)) <= 1


@cache
def whole_country(count: int = 101) -> Mapping[str, bytes]:
    """An edition with three numbers for each of so many territories, for the next four hours."""
    story = Story(FRENCH)
    story.tell("provisional_number", EVENING, evening.across(CODES[:count], EVENING))
    now = story.told[-1].published_at
    return pages(standing(story.told, now, languages=FRENCH.languages), FRENCH)


@pytest.mark.parametrize("count", [19, 101])
def test_pages_are_light_also_for_the_whole_country(count: int) -> None:
    made, codes = whole_country(count), CODES[:count]
    weights = {path: len(gzip.compress(page)) for path, page in made.items()}
    homes = [weights["fr/index.html"], weights["en/index.html"]]
    assert max(homes) <= LIMITS["home"]
    places = [weights[f"{lang}/{code.lower()}.html"] for code in codes for lang in FRENCH.languages]
    assert max(places) <= LIMITS["place"]
    assert max(weights.values()) <= LIMITS["any"]


def test_a_withdrawn_number_that_another_alert_gives_again_is_only_right() -> None:
    story = Story(FRENCH)
    example = evening.KINDS["provisional_number"].example
    values = {**example, "where": ["69"], "numbers": evening.rows("numbers.csv", ["69/samu"])}
    story.tell("provisional_number", EVENING, values)
    story.tell(
        "withdrawal",
        EVENING + timedelta(minutes=10),
        {**evening.KINDS["withdrawal"].example, "wrong_numbers": values["numbers"]},
        relation=Relation.WITHDRAWAL,
        of=["BKRT-1"],
    )
    story.tell("provisional_number", EVENING + timedelta(minutes=20), values)
    now = story.told[-1].published_at
    said = words(pages(standing(story.told, now, languages=("fr", "en")), FRENCH)["fr/69.html"])
    assert said.count("04 65 71 06 15") == 1
    assert "N’appelez plus" not in said


def test_other_words_are_another_wording_of_the_same_record(tmp_path: Path) -> None:
    """Who rebuilds an edition is told when the words of the page are not those it was made with."""
    before = editions.wording()
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "fr.yaml").write_text('nothing_now: "Rien à signaler"\n', "utf-8")
    with language.using((tmp_path,)):
        assert editions.wording() != before
    with using(packs.load("GB")):
        assert editions.wording() != before
    assert editions.wording() == before
