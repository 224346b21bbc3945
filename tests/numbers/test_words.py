"""What acts in words: numbers, addresses and mentions in any disguise; and sentences of duty officers that pass."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.core.signs import is_ignorable
from alertbot.numbers import rules_words
from tests.effort import examples

NUMBERS = [
    "0\ufe0f\u20e34\ufe0f\u20e3 6\ufe0f\u20e35\ufe0f\u20e3 7\ufe0f\u20e31\ufe0f\u20e3 0\ufe0f\u20e30\ufe0f\u20e3",  # keycaps
    "04 📞 65 📞 71 📞 00 📞 15", "04🔥65🔥71🔥00🔥15", "04\u316465\u316471\u316400\u316415",  # emoji, Hangul filler
    "04\u115f65\u116071\uffa000 15", "04\u034f65\u034f71\u034f00\u034f15", "04\u180e65\u180e71 00 15",
    "04\ufe0f65\ufe0f71\ufe0f00", "04\u2800 65\u2800 71\u2800 00", "0\u03354 6\u03355 7\u03351 00",
    "O4 65 7I OO I5", "O465 7IOO I5", "0465 7l 00 l5", "О4 65 71 00", "Ο4 65 71 00",  # Latin, Cyrillic, Greek O
    "０４ ６５ ７１ ００ １５", "٠٤ ٦٥ ٧١ ٠٠ ١٥", "۰۴ ۶۵ ۷۱ ۰۰", "०४ ६५ ७१ ००", "०४۶५71 00",
    "⁰⁴ ⁶⁵ ⁷¹ ⁰⁰ ¹⁵", "₀₄ ₆₅ ₇₁ ₀₀", "⓪④ ⑥⑤ ⑦① ⓪⓪", "⓿❹❻❺❼❶", "➃➅➄➆➀➄", "𝟎𝟒 𝟔𝟓 𝟕𝟏 𝟎𝟎", "🄁⒋⒍⒌⒎⒈", "〇四 六五 七一 〇〇 一五",
    "⑴⑹⑷⑸⑹⑺", "Ⅳ Ⅵ Ⅴ Ⅶ Ⅰ Ⅴ", "04, 65, 71, 00, 15", "04. 65. 71. 00. 15", "04\n65\n71\n00\n15", "04 / 65 / 71 / 00",
    "04 then 65 then 71 then 00", "04 puis 65 puis 71 puis 00 puis 15", "08 then 99", "04, puis 65, ensuite 71 et 00",
    "04 point 65 point 71", "04 followed by 65", "04 suivi de 65, suivi de 71", "04 tiret 65 tiret 71",
    "zéro quatre soixante-cinq soixante et onze zéro zéro quinze", "zero four six five seven one zero zero one five",
    "zéro huit, quatre-vingt-dix-neuf", "zéro 4, soixante-cinq, 71", "zero eight then ninety-nine",
    "04 d’abord, la deuxième paire est 65, la troisième 71, la quatrième 00", "04 ❤ mon 65 ❤ ton 71 ❤ son 00 ❤ le 15",
    "04h15 17h08 12h30", "04:15 17:08 12", "04:15-17:08-12:30", "06:39 18:12 05:59",
    "04 % 65 % 71 % 00 %", "+33 4 65 71 00 15", "0033465710015", "(0)4 65 71 00 15", "04⸱65⸱71⸱00", "04―65―71―00",
    "04「65」71「00」", "899 701 761", "118 218", "0800 12 34", "0 4 6 5 7 1 0 0 1 5", "04—65—71…00…15", "04'65'71'00",
]  # fmt: skip
CALLED = [
    "appelez le 3900", "appelez le 39 00", "appelez le 36 46", "composez le 3646", "au 36 46.", "le 32 30", "call 10 23",
    "faites le 118 218", "appelez le 118218", "faites le 1 0 2 3", "call 101, 102", "le numéro 12 34",
]  # fmt: skip
KNOWN = [
    "Faites le 15, le 17 ou le 18.", "15, 17, 18 et 112", "15 17 18 112", "15/17/18/112", "15-17-18", "15 · 17 · 18",
    "Appelez le 116 117.", "Appelez le 116117.", "Faites le 31 14.", "Appelez le 3114, jour et nuit.", "Le 39 19 répond.",
    "Enfants disparus : 116 000.", "Appelez le 116 006, le 115, le 119 ou le 196.", "Faites le 1 1 2.", "le 1-1-2",
    "quinze, dix-sept, dix-huit", "fifteen, seventeen, eighteen", "one one two", "Appelez le 114 par SMS, ou le 196 en mer.",
]  # fmt: skip
SENTENCES = [
    "About 11,800 calls, nearly 12,000 (press), 10,000 (Senate), 20% (radio); 120,000 homes.", "Met Police, 999 (2023)",
    "SAMU 974 ; pompiers 03, 30, 58 ; gendarmerie 69", "0,1 s, puis 20 s, puis 50 min, puis 3 h", "0.5 % of 20,000 calls",
    "Panne depuis 14 h 30, rétablissement espéré vers 18 h.", "Le mercredi 2 juin 2021 à 16:45, puis le 3 juin à 8 h.",
    "Depuis le 02/06/2021 à 16h45.", "Du 2021-06-02 14:30 au 2021-06-03 08:00.", "Entre 14:30 et 16:45, puis dès 18:00.",
    "14:30-16:45", "Points à 10:00, 12:00, 14:00 et 16:00.", "Prochains points : 10 h 30, 12 h 30, 14 h 30.",
    "Ouvert de 8 h 30 à 12 h et de 14 h à 17 h 30.", "Open 08:30-12:00 and 14:00-17:30.", "At 2:30 pm, then at 5 pm.",
    "Mairie, 12 rue de la République, 69003 Lyon.", "5 bis, avenue du 8 mai 1945, 38000 Grenoble.",
    "69003, 69006 et 69100 Villeurbanne", "Codes postaux 01000, 38000, 42000 et 69001.",
    "Ain (01), Ardèche (07), Drôme (26), Isère (38), Loire (42), Rhône (69)", "Départements 69, 42, 01 et 38",
    "01, 07, 26, 38, 42, 69", "Rhône (69) et Loire (42)", "la Corse-du-Sud (2A) et la Haute-Corse (2B)", "01 et 07",
    "11 800 appels perdus, dont 4 500 aux SAMU, dans 20 départements.", "12,5 % des appels, 3,2 % le lendemain.",
    "Environ 10 000 appels en 2021, 12 000 en 2022, 15 000 en 2023.", "En 2019, 2020, 2021 et 2022.",
    "2019-2021", "Rappelez dans 10 à 15 minutes, 3 fois au plus.", "Restez 10, 20 ou 30 minutes.", "24 h/24 et 7 j/7",
    "Sur l’A7, sortie 12, et la D906.", "Les 2G, 3G, 4G et 5G fonctionnent.", "RN 88, PK 12+300", "Bâtiment B2, porte 14",
    "Attendez 30 s, puis 1 min, puis 2 min.", "une ou deux heures", "deux fois, puis trois fois", "vingt et un appels",
    "quatre-vingt-dix-neuf appels sur cent", "un, deux ou trois numéros", "one or two hours", "the first two, then three",
    "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson (51)", "L’Haÿ-les-Roses, d’Ille-et-Vilaine, œuvre", "n° 3, 1er étage",
    "Les 08 et 09 juin", "de 08 h à 12 h", "Version 2.1", "Il est « coupé » : 15 appels sur 20.", "½ heure", "m², 20 °C",
    "1er juin, 2 juin et 3 juin 2021", "June 2, 2021 at 16:45", "on 2 June 2021, 20 départements", "the 3rd of June",
    "SAMU 69, SDIS 42, CRRA 15", "Le 112 marche, le 15 non.", "15 : ne répond pas", "Wi-Fi ou 4G : eCall, iPhone 15",
    "15 sur mobile ; 17 et 18 sur fixe et mobile ; 112 sur mobile", "Composez le 114\n3 SMS suffisent.", "5 l d’eau, 2 kg",
    "Hôpital Édouard-Herriot, 5 place d’Arsonval, 69437 Lyon cedex 03", "Boulevard du 11-Novembre-1918", "12ᵉ et 13ᵉ arr.",
]  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_in_any_disguise_is_found(text: str) -> None:
    assert list(rules_words.dialled(f"Panne. Voici : {text}"))
    assert list(rules_words.dialled(text))


@pytest.mark.parametrize("text", CALLED)
def test_an_unknown_short_number_is_found_in_any_grouping(text: str) -> None:
    assert list(rules_words.dialled(text))


@pytest.mark.parametrize("text", KNOWN)
def test_a_known_short_number_passes_in_any_grouping(text: str) -> None:
    assert list(rules_words.dialled(text)) == []
    assert list(rules_words.misprinted(text)) == []


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences_of_duty_officers_pass(text: str) -> None:
    for find in (rules_words.dialled, rules_words.misprinted, rules_words.links, rules_words.mentions):
        assert list(find(text)) == [], find.__name__


def test_all_these_sentences_in_one_text_of_600_characters_pass() -> None:
    text = ""
    for sentence in SENTENCES:
        if len(text) + len(sentence) > 500:
            assert list(rules_words.dialled(text)) == [], text
            text = ""
        text += f"\nAussi : {sentence}"


IGNORABLE = [chr(code) for code in (0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200D, 0x202A, 0x2060,
                                    0x2064, 0x206A, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xE0001, 0xE0100)]  # fmt: skip


@settings(max_examples=examples(300))
@given(
    st.integers(0, 9_999_999),
    st.lists(st.sampled_from([*IGNORABLE, " ", "\u00a0", "\u202f", "📞", "-", ".", "·"]), min_size=9, max_size=9),
    st.sampled_from([0x30, 0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE, 0x1D7F6]),
)  # fmt: skip
def test_no_sign_between_digits_hides_a_number(tail: int, between: list[str], zero: int) -> None:
    digits = [chr(zero + int(one)) for one in f"046{tail:07}"]
    text = "".join(sign + gap for sign, gap in zip(digits, [*between, ""], strict=True))
    assert list(rules_words.dialled(f"Voir {text} vite"))


LINKS = [
    "пример.рф", "ПРИМЕР.РФ", "xn--e1afmkfd.xn--p1ai", "louvre.museum", "fichier.zip", "film.mov", "tel:+33465710015",
    "tel:15", "mailto:a@example.org", "例え.テスト.みんな", "مثال.إختبار.موقع", "उदाहरण.भारत", "예.닷컴", "münchen.example.koeln",
    "exam\u3164ple.org", "example\ufe0f.org", "example。org", "example．org", "example｡org", "EXAMPLE.ORG", "e\u0301x.fr",
    "ｅｘａｍｐｌｅ.ｃｏｍ", "t.me/orange", "sip:15@example.org", "tg://resolve?domain=x", "javascript:alert(1)", "𝐞𝐱𝐚𝐦𝐩𝐥𝐞.𝐨𝐫𝐠",
    "panne.La suite", "a.b.c.academy", "nom@example.paris", "voir:example.info/x", "(example.bzh)", "«example.alsace»",
    "1.2.example.dev", "ex-ample.fr", "https://15", "example.org:8080", "exa_mple.org", "example.org?x=1",
]  # fmt: skip


@pytest.mark.parametrize("text", LINKS)
def test_whatever_a_platform_would_link_is_found(text: str) -> None:
    assert list(rules_words.links(f"Voir {text} vite"))
    assert list(rules_words.links(text))


def test_the_whole_list_of_top_level_domains_is_known() -> None:
    known = rules_words.domains()
    assert len(known) > 1500  # 1,438 registered, of which about 150 also as written
    for domain in known:
        assert list(rules_words.links(f"exemple.{domain}")), domain
        assert list(rules_words.links(f"exemple.{domain.upper()}.")), domain


@pytest.mark.parametrize(
    "text",
    ["@\ufe0forange", "＠orange", "﹫orange", "voir @orange", "(@orange)", "@@orange", "@15sos", "@\u200borange", "@\u3164x",
     "#\ufe0furgence", "＃urgence", "#панне", "#urgence15", "$ORAN", "＄ORAN", "/start", "voir /aide", "@**all**", "@é"],
)  # fmt: skip
def test_whatever_a_platform_would_make_a_mention_or_a_tag_is_found(text: str) -> None:
    assert list(rules_words.mentions(text))


@pytest.mark.parametrize(
    "text",
    ["n°1", "#1", "C#", "5 $", "100 $", "a@b", "et/ou", "24 h/24", "km/h", "15/17", "1/2", "l’ARS @ 15 h", "n/a", "$15"],
)  # fmt: skip
def test_other_signs_pass(text: str) -> None:
    assert list(rules_words.mentions(text)) == []


def test_what_is_ignorable_is_what_unicode_ignores() -> None:
    assert all(is_ignorable(sign) for sign in IGNORABLE)
    assert not any(is_ignorable(sign) for sign in " \u00a0\u202fé’«»œ—·📞")


def test_the_piece_is_shown_as_written() -> None:
    assert next(rules_words.dialled("Voir O4 65 7I OO I5 vite")) == "O4 65 7I OO I5"
    assert list(rules_words.links("Voir пример.рф vite")) == ["пример.рф"]
