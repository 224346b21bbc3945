"""Templates: what they may do, how values come out, where faults are shown."""

import re
from datetime import UTC, date, datetime, timedelta
from time import thread_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import find
from alertbot.texts.fields.values import SeenChoice, Url
from alertbot.texts.kinds.kind_spec import Template
from alertbot.texts.posts.writing import email, plain, telegram
from alertbot.texts.wording import render
from alertbot.texts.wording.markup import Block
from alertbot.texts.wording.phrasing import day_name
from alertbot.texts.wording.render import TemplateBrokenError, TemplateText, check

PARIS = ZoneInfo("Europe/Paris")
ISSUED = datetime(2021, 6, 2, 18, 30, tzinfo=PARIS)
RHONE, LOIRE, REUNION = find("69"), find("42"), find("974")
assert RHONE
assert LOIRE
assert REUNION
ROWS = (
    NumberRow(RHONE, "samu", "04 65 71 00 15", "15"),
    NumberRow(
        RHONE, "police", "04 65 71 00 17", "17", zone={"fr": "Lyon"}, condition={"": "client *Orange*"}
    ),
    NumberRow(LOIRE, "samu", "04 65 71 00 42", "15", valid_until=ISSUED + timedelta(hours=3)),
)


def text_of(source: str, lang: str = "fr", **values: object) -> TemplateText:
    return TemplateText(
        Template(source, "k/fr/short.md.j2"), values, lang=lang, zone=PARIS, issued=ISSUED
    )


def fill(text: str, lang: str = "fr", **values: object) -> tuple[Block, ...]:
    """The lead of a template that is nothing but this."""
    return text_of("{% block lead %}" + text + "{% endblock %}", lang, **values).piece("lead")


def body(text: str, lang: str = "fr", **values: object) -> str:
    return plain(fill(text, lang, **values))


def fault(text: str, **values: object) -> str:
    with pytest.raises(TemplateBrokenError) as caught:
        fill(text, **values)
    return str(caught.value)


def test_the_pieces_of_a_text_and_its_subject() -> None:
    made = text_of(
        "{% block subject %}\nPanne : {{ x }}\n{% endblock %}\n{% block lead %}\nL {{ x }}\n{% endblock %}\n"
        "{% block lead_tight %}T{% endblock %}{% block detail %}D{% endblock %}\n"
        "{% block place %}{{ [place]|names }}{% for row in rows %} {{ row.number }}{% endfor %}{% endblock %}"
        "{% block foot %}F{% endblock %}",
        x="le *15*",
    )
    assert made.posts == ("lead", "detail", "place")
    assert made.subject() == "Panne\u00a0: le *15*"
    assert plain(made.piece("lead")) == "L le *15*"
    assert plain(made.piece("lead", tight=True)) == "T"
    assert (plain(made.piece("foot")), made.piece("place", tight=True), made.piece("stop")) == (
        "F",
        (),
        (),
    )
    for code, rows in ((RHONE, ROWS[:2]), (LOIRE, ROWS[2:])):
        said = plain(made.piece("place", place=code, rows=rows))
        assert said == f"{code.name_in('fr')} ({code.code}) " + " ".join(row.number for row in rows)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{% block head %}A{% endblock %}B", "earlier version.*move-your-texts"),
        ("only text", "earlier version.*lead, place, stop, detail, foot"),
        ("{% block lead %}A{% endblock %}{% block once %}B{% endblock %}", "earlier version"),
        (
            "{% block lead %}A{% endblock %}{% block places %}B{% endblock %}",
            "“places” is not known.*place_tight",
        ),
    ],
)
def test_a_template_of_another_shape_is_told_what_to_do(text: str, why: str) -> None:
    with pytest.raises(TemplateBrokenError, match=why):
        check(Template(text, "k/fr/short.md.j2"))


@given(st.text(max_size=60))
def test_values_are_never_markdown_nor_template(value: str) -> None:
    made = fill("a{{ v }}z", v=value)
    assert "<" not in telegram(made)
    assert "{{" in plain(made) or "{{" not in value


def test_values_stay_literal_however_they_are_joined() -> None:
    text = "{% set m %}**{{ v }}**{% endset %}{{ v ~ v }} {{ m ~ v }} {{ m + v }} {{ [m, v]|join(' *') }} {{ v|upper }}"
    html = telegram(fill(text, v="*x* <i>"))
    assert "<i>" not in html
    assert "*x* &lt;i&gt;" in html


def test_french_signs_keep_to_their_word() -> None:
    assert body("Attention : « oui » ! https://example.org/") == (
        "Attention\u00a0: «\u00a0oui\u00a0»\u00a0! https://example.org/"
    )
    assert body("Note : yes", "en") == "Note : yes"


@pytest.mark.parametrize(
    ("lang", "at", "expected"),
    [
        ("fr", ISSUED, "18 h 30"),
        ("en", ISSUED, "18:30"),
        ("fr", datetime(2021, 6, 2, 14, 45, tzinfo=UTC), "16 h 45"),
        ("fr", ISSUED + timedelta(hours=13, minutes=30), "jeudi 3 juin à 8 h"),
        ("en", ISSUED + timedelta(hours=13, minutes=30), "Thursday 3 June at 08:00"),
        ("fr", ISSUED + timedelta(days=365), "jeudi 2 juin 2022 à 18 h 30"),
        ("en", ISSUED + timedelta(days=365), "Thursday 2 June 2022 at 18:30"),
    ],
)
def test_moments(lang: str, at: datetime, expected: str) -> None:
    assert body("{{ at|when }}", lang, at=at).replace("\u00a0", " ") == expected
    if lang == "fr":
        assert not re.search(r"\d h|h \d", body("{{ at|when }}", lang, at=at))  # nothing breaks a time


LONG = "{% set r = range(9999)|list %}{% for i in range(9000) %}"
NESTED = "{% set n = namespace(s=(1,), t=(1,)) %}{% for i in range(26) %}{% set n.s = (n.s, n.s) %}{% set n.t = (n.t, n.t) %}{% endfor %}"
WORDS = "{% set s = range(4000)|join('.\n') %}{% for i in range(9000) %}"


@pytest.mark.parametrize(
    "source",
    [
        LONG + "{% set x = r|sort(reverse=true)|sort %}{% endfor %}",
        LONG + "{% set x = r|groupby('real') %}{% endfor %}",
        LONG + "{% set x = r|map('round')|map('abs')|sum %}{% endfor %}",
        LONG + "{% if -1 in r %}{% endif %}{% endfor %}",
        LONG + "{% set x = r|select('gt', 5)|list|unique|list %}{% endfor %}",
        LONG + "{% set x = r|map('string')|listed %}{% endfor %}",
        "{% set r = range(9999)|list %}" + "{% set x = r|sort(reverse=true)|join %}" * 1000,
        WORDS + "{% set x = s|title|lower %}{% endfor %}",
        WORDS + "{% set x = s|steps %}{% endfor %}",
        "{% for i in range(19999) %}" + "{{ d|span|lower }}" * 2000 + "{% endfor %}",
        "{% for i in range(19999) %}" + "{% set x = i < 3 %}" * 2000 + "{% endfor %}",
        NESTED + "{% if n.s == n.t %}{% endif %}",
        NESTED + "{% if n.s is eq n.t %}{% endif %}",
        NESTED + "{{ n.s }}",
        NESTED + "{% set x = n.s|upper %}",
        NESTED + "{% set x = [n.s]|unique|list %}",
        NESTED + "{% set x = {n.s: 1} %}",
        NESTED + "{% set x = {1: 1}[n.s] %}",
        NESTED + "{% set x = {1: 1}.get(n.s) %}",
        NESTED + "{% set x = n.s + n.t %}",
        "{{ 1.5|round(99999999, 'ceil') }}",
        "{{ 1|round(-99999999) }}",
        "{% set x = [[1], [2]]|sum(start=[]) %}",
    ],
)
def test_no_template_works_for_long(source: str) -> None:
    """Sorting in a loop took half a minute, two lists within themselves would have been compared for ever."""
    begun = thread_time()
    assert fault(source, d=timedelta(minutes=105))
    assert thread_time() - begun < 4  # a second for the rendering; the rest reads the template, once


@pytest.mark.parametrize(
    ("lang", "zone", "at", "expected"),
    [
        ("fr", "Europe/Paris", datetime(2026, 10, 25, 0, 30), "2 h 30, heure d’été"),
        ("fr", "Europe/Paris", datetime(2026, 10, 25, 1, 30), "2 h 30, heure d’hiver"),
        ("en", "Europe/Paris", datetime(2026, 10, 25, 0, 30), "02:30, summer time"),
        ("en", "Europe/Paris", datetime(2026, 10, 25, 1, 30), "02:30, winter time"),
        ("de", "Europe/Paris", datetime(2026, 10, 25, 1), "02:00 Uhr, Winterzeit"),
        ("es", "Europe/Paris", datetime(2026, 10, 25, 0), "02:00, hora de verano"),
        ("fr", "Europe/Paris", datetime(2026, 10, 25, 2), "3 h"),
        ("en", "Europe/Paris", datetime(2026, 10, 24, 23, 59), "01:59"),
        ("en", "Europe/Paris", datetime(2026, 3, 29, 1), "03:00"),  # skipped, not repeated
        ("en", "America/New_York", datetime(2026, 11, 1, 5, 15), "01:15, summer time"),
        ("en", "America/New_York", datetime(2026, 11, 1, 6, 15), "01:15, winter time"),
        ("en", "America/New_York", datetime(2026, 11, 1, 7), "02:00"),
        ("en", "Europe/Moscow", datetime(2014, 10, 25, 21, 30), "01:30, +0400"),  # no summer time
    ],
)
def test_of_a_time_that_comes_twice_a_text_says_which(
    lang: str, zone: str, at: datetime, expected: str
) -> None:
    at = at.replace(tzinfo=UTC)
    source = "{% block lead %}{{ at|when }}{% endblock %}{% block detail %}{{ at|clock }}{% endblock %}"
    template = Template(source, "k/fr/short.md.j2")
    said = TemplateText(template, {"at": at}, lang=lang, zone=ZoneInfo(zone), issued=at)
    assert plain(said.piece("lead")).replace("\u00a0", " ") == expected
    assert said.piece("detail") == said.piece("lead")
    the_day_before = TemplateText(
        template, {"at": at}, lang=lang, zone=ZoneInfo(zone), issued=at - timedelta(days=1)
    )
    assert plain(the_day_before.piece("lead")).replace("\u00a0", " ").endswith(expected)


def test_local_time_where_one_other_zone_is_concerned() -> None:
    assert (
        body("{{ at|when(w) }}", at=ISSUED, w=(REUNION,))
        == "18\u00a0h\u00a030 (20\u00a0h\u00a030, heure locale)"
    )
    assert body("{{ at|when(w) }}", "en", at=ISSUED, w=(REUNION,)) == "18:30 (20:30 local time)"
    assert body("{{ at|when(w) }}", at=ISSUED, w=(REUNION, RHONE)) == "18\u00a0h\u00a030"
    assert (
        body("{{ at|zone }} {{ at|day }} {{ at|clock }}", at=ISSUED)
        == "heure de Paris mercredi 2 juin 18\u00a0h\u00a030"
    )


def test_places_spans_lists() -> None:
    assert body("{{ w|names }}", w=(RHONE, LOIRE)) == "Rhône (69) et Loire (42)"
    assert body("{{ w|names(codes=false) }}", "en", w=(RHONE, LOIRE)) == "Rhône and Loire"
    assert body("{{ d|span }}", d=timedelta(minutes=105)) == "1\u00a0heure et 45 minutes"
    assert body("{{ d|span }}", "en", d=timedelta(0)) == "0 minutes"
    assert body("{% for s in t|steps %}\n- {{ s }}\n{% endfor %}", t="un\n\ndeux") == "– un\n– deux"
    assert body("{{ t }}", t="un\ndeux") == "un deux"
    assert body("{{ t|sentence }}", t="Fini") == "Fini."
    assert body("{{ c }}", c=SeenChoice("k", "mot")) == "mot"


def test_numbers_keep_territory_zone_condition_and_validity() -> None:
    def spaced(text: str, lang: str = "fr", n: object = ROWS) -> str:
        return body(text, lang, n=n, place=RHONE).replace("\u00a0", " ")

    assert spaced("{{ n|numbers_block }}") == (
        "69 Rhône\nSAMU (15) : 04 65 71 00 15\nPolice (17) : 04 65 71 00 17 – Lyon – client *Orange*\n\n"
        "42 Loire\nSAMU (15) : 04 65 71 00 42 – jusqu’à 21 h 30"
    )
    assert spaced("{{ n|calls }}") == (
        "SAMU 04 65 71 00 15\nPolice 04 65 71 00 17 (Lyon, client *Orange*)\nSAMU 04 65 71 00 42 (jusqu’à 21 h 30)"
    )
    assert spaced("{{ n|calls(true) }}", "en").splitlines()[0] == "SAMU (medical) (15): 04 65 71 00 15"
    assert spaced("{{ n[1]|dial }}") == "04 65 71 00 17 (Lyon, client *Orange*)"
    assert spaced("{{ n|places|names }}") == "Rhône (69) et Loire (42)"
    assert spaced("{{ n|replaced }}") == "15 ou 17"
    assert spaced("{{ n|replaced }}|{{ n|places|count }}", n=None) == "|0"
    assert (
        spaced("{{ n|number_lines }}", "en", ROWS[:1])
        == "– 69 Rhône, SAMU (medical) (15): 04 65 71 00 15"
    )
    struck = telegram(fill("{{ n|numbers_block(struck=true) }}", n=ROWS))
    assert "<s>04\u00a065\u00a071\u00a000\u00a015</s>" in struck


def test_a_number_is_never_broken_and_is_copied_or_dialled_with_one_touch() -> None:
    blocks = fill("{{ n|calls(true) }}", n=ROWS[:1])
    assert "04\u00a065\u00a071\u00a000\u00a015" in plain(blocks)
    assert "<code>04\u00a065\u00a071\u00a000\u00a015</code>" in telegram(blocks)
    assert '<a href="tel:+33465710015">04\u00a065\u00a071\u00a000\u00a015</a>' in email(blocks)
    assert "tel:" not in plain(blocks) + telegram(blocks)


def test_an_address_is_a_link_only_by_type() -> None:
    assert body("{{ u }}", u=Url("https://example.org/a_b_(c)*")) == "https://example.org/a_b_(c)*"
    assert '<a href="https://example.org/">ici</a>' in telegram(
        fill("{{ u|linked('ici') }}", u=Url("https://example.org/"))
    )
    assert "url" in fault("{{ u|linked }}", u="https://example.org/")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a\n\n{{ unknown }}", ":3: 'unknown' is undefined"),
        ("{{ none }}\n{{ nothing }}", ":2: A field that may be empty"),
        ("x\n{{ at }}", ":2: A datetime"),
        ("x\n\n{% if %}", ":3: "),
        ("x\n{% include 'y' %}", ":2: A template must stand alone"),
        ("{% from 'y' import z %}", ":1: A template must stand alone"),
        ("x\n<b>fat</b>", ":2: A template may contain"),
        ("{{ v|safe }}", ":1: No filter named"),
    ],
)
def test_faults_name_file_and_line(text: str, place: str) -> None:
    text = text.replace("{{ none }}", "a")
    assert f"k/fr/short.md.j2{place}" in fault(text, nothing=None, at=ISSUED, v="x")


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(99999) %}{% for i in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(10**9) %}{{ i }}{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{{ [1] * 999999999 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ v.center(999999999) }}",
        "{% macro a() %}{{ a() }}{{ a() }}{% endmacro %}{{ a() }}",
        "{% for a in range(9999) %}" + "{{ v ~ v ~ v ~ v }}" * 9 + "{% endfor %}",
        "{{ " + "(" * 5000 + ")" * 5000 + " }}",
        "{{ v.__class__.__mro__ }}",
        "{{ at.strftime('%Y') }}",
        "{{ _setting.zone }}",
        "x" * 60_000,
    ],
)
def test_a_hostile_template_ends_quickly_with_a_sentence(text: str) -> None:
    message = fault(text, v="mot" * 5, at=ISSUED)
    assert message.startswith("k/fr/short.md.j2:")
    assert "\n" not in message


def test_the_first_of_a_month_is_written_as_the_french_write_it() -> None:
    assert day_name(date(2026, 12, 1), "fr") == "mardi 1er décembre"
    assert day_name(date(2026, 12, 1), "fr", with_year=True) == "mardi 1er décembre 2026"
    assert day_name(date(2026, 12, 11), "fr") == "vendredi 11 décembre"
    assert day_name(date(2026, 12, 1), "en") == "Tuesday 1 December"


@pytest.mark.parametrize("step", ["n.s ~ n.s", "n.s + n.s", "n.s * n.s"])
def test_a_text_that_doubles_or_a_number_that_squares_is_stopped(step: str) -> None:
    from alertbot.texts.wording.environment import environment
    from alertbot.texts.wording.markup import Setting

    start = "99" if "*" in step else "'aaaaaaaaaa'"
    source = f"{{% set n = namespace(s={start}) %}}{{% for i in range(60) %}}{{% set n.s = {step} %}}{{% endfor %}}"
    setting = Setting("fr", ZoneInfo("Europe/Paris"), datetime(2026, 11, 30, tzinfo=ZoneInfo("UTC")))
    with pytest.raises(Exception, match=r"300000|not available"):
        environment().from_string(source).render(_setting=setting)


def test_a_piece_is_rendered_once_for_the_same_numbers_and_again_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled: list[str] = []
    fill_in = render._filled

    def noted(*given: Any) -> str:
        filled.append(str(given[0].path))
        return fill_in(*given)

    monkeypatch.setattr(render, "_filled", noted)
    made = text_of("{% block lead %}x{% endblock %}{% block place %}{{ rows[0].number }}{% endblock %}")
    wanted = [(ROWS[0],), (ROWS[2],), (ROWS[0],), (ROWS[2], ROWS[0])]
    shown = [plain(made.piece("place", place=rows[0].territory, rows=rows)) for rows in wanted * 2]
    assert shown == ["04 65 71 00 15", "04 65 71 00 42", "04 65 71 00 15", "04 65 71 00 42"] * 2
    assert len(filled) == 3
