"""What people type comes out as typed, or is refused with the place and what was read, through the public verb."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.cli.desk import CONFIG, Desk
from tests.program import Answer, run

CHANNELS = {
    "x_main": {"type": "x", "api_url": "http://127.0.0.1:8101", "consumer_key_env": "A1",
               "consumer_secret_env": "A2", "access_token_env": "A3", "access_token_secret_env": "A4"},
    "tg": {"type": "telegram", "api_url": "http://127.0.0.1:8102", "bot_token_env": "A5", "chat": "@alertes_exemple"},
    "mail": {"type": "email", "host": "127.0.0.1", "port": 2525, "security": "none",
             "sender": "alertes@example.fr", "recipients": ["redaction@example.org"]},
    "public": {"type": "memory"},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import yaml

    config = CONFIG | {"channels": CHANNELS}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return tmp_path


def previewed(folder: Path, kind: str, facts: str | None = None, sets: Iterable[str] = ()) -> Answer:
    if facts is None:
        facts = run("kinds", kind, "--example", folder=folder).out
    (folder / "facts.yaml").write_text(facts, encoding="utf-8")
    options = [word for one in sets for word in ("--set", one)]
    return run("preview", kind, "--vars", "facts.yaml", *options, "--json", folder=folder)


def rules(answer: Answer) -> list[str]:
    return [fault["rule"] for fault in answer.json["faults"]]


NAMES = [
    "Lyon et Villeurbanne : appelez d’un fixe.", "eCall marche : appuyez sur SOS.", "iPhone : appel par Wi-Fi.",
    "La Réunion et Le Havre : appelez d’un fixe.", "l’Haÿ-les-Roses : appelez d’un fixe.",
    "L’Haÿ-les-Roses et d’Ille-et-Vilaine.", "Œuf-en-Ternois : appelez le 15.", "æ, œ et ĳ restent.",
    "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson : appelez le 18.", "’s-Hertogenbosch : appelez le 112.",
]  # fmt: skip
KINDS = ["holding", "status", "provisional_number", "correction", "denial", "withdrawal", "end"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_loses_or_gains_a_capital(folder: Path, kind: str) -> None:
    """`Lyon` came out as `lyon` on X, `eCall` as `ECall` on Telegram."""
    for words in NAMES:
        answer = previewed(folder, kind, sets=[f"what_to_do.fr={words}", f"what_to_do.en={words}"])
        said = [one["text"].replace("\u00a0", " ") for one in answer.json["messages"]]
        given = [text for text in said if words.casefold() in text.casefold()]
        assert given, (words, answer.out)
        assert all(words in text for text in given), (words, given)


HIDDEN = {
    "\u202a": "U+202A LEFT-TO-RIGHT EMBEDDING", "\u200e": "U+200E LEFT-TO-RIGHT MARK", "\u200b": "U+200B ZERO WIDTH SPACE",
    "\u3164": "U+3164 HANGUL FILLER", "\ufeff": "U+FEFF ZERO WIDTH NO-BREAK SPACE", "\u00ad": "U+00AD SOFT HYPHEN",
    "\u2060": "U+2060 WORD JOINER", "\x07": "U+0007 CONTROL CHARACTER", "\U000e0041": "U+E0041 TAG LATIN CAPITAL LETTER A",
    "\ufe0f": "U+FE0F VARIATION SELECTOR-16", "\u034f": "U+034F COMBINING GRAPHEME JOINER", "\ue000": "U+E000",
}  # fmt: skip


@pytest.mark.parametrize("sign", HIDDEN)
def test_an_invisible_sign_is_named_wherever_it_is_typed(desk: Desk, sign: str) -> None:
    """The sentence showed a number that looks perfect: "… is not a telephone number"."""
    name, place = HIDDEN[sign], "character 6"
    sheet = f"territory,service,number,zone\n69,samu,04 65{sign} 71 69 30,\n69,police,04 65 71 69 31,Lyon {sign}nord\n"
    (desk.folder / "n.csv").write_text(sheet, encoding="utf-8", newline="")
    answer = desk.run("numbers", "import", "n.csv", by="ada")
    assert answer.code == 1
    lines = [line for line in answer.err.splitlines() if name in line and place in line]
    assert ["number" in lines[0], "zone" in lines[1], len(lines)] == [True, True, 2], answer.err
    assert sign not in answer.err

    said = previewed(desk.folder, "holding", sets=[f"what_fails.fr=SAMU {sign}15"])
    (fault,) = [one for one in said.json["faults"] if one["rule"] == "control_characters"]
    assert (name in fault["message"], "haracter 6" in fault["message"], fault["lang"]) == (
        True,
        True,
        "fr",
    )

    mailed = desk.run("people", "mail", "ada", f"ada@e{sign}xample.org", by="ada")
    assert mailed.code == 2
    assert name in mailed.err
    assert "character 6" in mailed.err

    (desk.folder / "r.csv").write_text(
        f"address\nb@example.org\nada@e{sign}xample.org\n", encoding="utf-8"
    )
    desk.configure("mail.yaml", channels={"mail": {**CHANNELS["mail"], "recipients": "r.csv"}})
    checked = desk.run("--config", "mail.yaml", "preview", "holding", "--vars", "facts.yaml")
    assert checked.code == 2
    assert "r.csv:3" in checked.err
    assert name in checked.err


@pytest.mark.parametrize("sign", ["\u200b", "\u202a", "\U000e0041", "\ufeff"])
def test_an_argument_or_token_with_an_invisible_sign_is_refused_and_says_where(
    desk: Desk, sign: str
) -> None:
    """It was taken in silence, or called an unknown alert, option or token."""
    alert = desk.draft()
    reason = f"Erreur {sign}de saisie"
    for given in (
        ["show", f"BKR{sign}T-1"],
        ["reject", alert, "--reason", reason],
        ["reject", alert, f"--reason={reason}"],
        ["reject", alert, f"--rea{sign}son", "x"],
        [f"sta{sign}tus"],
    ):
        answer = desk.run(*given, by="ada")
        assert answer.code == 2
        argument = next(one for one in given if sign in one)
        assert f"character {argument.index(sign) + 1} ({HIDDEN[sign]}) is invisible" in answer.err
        assert sign not in answer.err
    assert desk.state(alert) == "draft"

    token = desk.tokens["ada"]
    (desk.folder / "token").write_text(f"{token[:4]}{sign}{token[4:]}\n", encoding="utf-8")
    (desk.folder / "token").chmod(0o600)
    answer = desk.run("--token-file", "token", "discard", alert)
    assert (answer.code, f"token, character 5 ({HIDDEN[sign]})" in answer.err) == (2, True), answer.err
    assert token[:4] not in answer.err
    (desk.folder / "token").write_text(f"\ufeff{token}\n", encoding="utf-8")  # as some editors save it
    assert desk.run("--token-file", "token", "discard", alert).code == 0


def test_joiners_emoji_and_french_spaces_stay(folder: Path) -> None:
    words = "Pompiers 👨‍🚒, ☎️ 1️⃣, 🏴󠁧󠁢󠁳󠁣󠁴󠁿, « œuvre »\u00a0: 14\u202fh\u00a030, می‌خواهم"
    answer = previewed(folder, "status", sets=[f"what_works.fr={words}", "what_works.en=x"])
    assert "control_characters" not in rules(answer)


SKIPPED = ("2027-03-28T02:30", "2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00")
DOUBLED = ("2027-10-31T02:30", "2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00")


@pytest.mark.parametrize("typed", [SKIPPED, DOUBLED])
@pytest.mark.parametrize("column", ["valid_from", "valid_until", "review_at"])
def test_an_hour_that_is_skipped_or_comes_twice_is_refused_with_both_offers(
    desk: Desk, typed: tuple[str, str, str], column: str
) -> None:
    """A file was imported with 03:30 for one, the earlier of two for the other, without a word."""
    local, first, second = typed
    heading = f"territory,service,number,{column}\n"
    (desk.folder / "n.csv").write_text(f"{heading}69,samu,04 65 71 69 94,{local}\n", encoding="utf-8")
    rows = f"- {{territory: '69', service: samu, number: '04 65 71 69 94', {column}: '{local}'}}\n"
    (desk.folder / "n.yaml").write_text(rows, encoding="utf-8")
    for name in ("n.csv", "n.yaml"):
        answer = desk.run("numbers", "import", name, by="ada")
        assert (answer.code, column in answer.err, first in answer.err, second in answer.err) == (
            1,
            *[True] * 3,
        )
    row = ("--set", "territory=69", "--set", "service=samu", "--set", "number=04 65 71 69 94")
    added = desk.run("numbers", "add", *row, "--set", f"{column}={local}", by="ada")
    assert (added.code, first in added.err, second in added.err) == (1, True, True)
    said = previewed(desk.folder, "holding", sets=[f"next_update={local}"])
    assert any(first in one["message"] and second in one["message"] for one in said.json["faults"])
    for offer in (first, second):
        (desk.folder / "n.csv").write_text(
            f"{heading}69,samu,04 65 71 69 94,{offer}\n", encoding="utf-8"
        )
        assert desk.run("numbers", "import", "n.csv", by="ada").code == 0


def test_a_neighbour_hour_and_another_zone_pass(desk: Desk) -> None:
    """La Réunion has no such change; 01:30 and 03:30 are certain."""
    rows = [
        ("974", "2027-03-28T02:30"),
        ("974", "2027-10-31T02:30"),
        ("69", "2027-10-31T03:30"),
        ("69", "2027-03-28T01:30"),
    ]
    lines = [f"{code},{one},04 65 71 69 9{at},{when}" for at, ((code, when), one) in
             enumerate(zip(rows, ["samu", "police", "samu", "police"], strict=True))]  # fmt: skip
    sheet = "\n".join(["territory,service,number,valid_until", *lines, ""])
    (desk.folder / "n.csv").write_text(sheet, encoding="utf-8")
    answer = desk.run("numbers", "import", "n.csv", by="ada")
    assert answer.code == 0, answer.err


def test_an_export_starts_no_formula_whatever_sign_splits_it_and_comes_back_the_same(
    desk: Desk,
) -> None:
    zones = [
        "Lyon;=1+1",
        "a;-2",
        "a |+cmd",
        "a; @ x",
        "a;'=b",
        "a;''=b",
        "'=c",
        "'12 nord",
        "a;b",
        "x ; - y",
        "’=é;=œ",
    ]
    lines = [
        f'69,samu,04 65 71 69 {at:02},"{zone}","https://example.org/a\n=1+1\n\t@b"'
        for at, zone in enumerate(zones)
    ]
    sheet = "\n".join(["territory,service,number,zone,source_url", *lines, ""])
    (desk.folder / "n.csv").write_text(sheet, encoding="utf-8")
    assert desk.run("numbers", "import", "n.csv", by="ada").code == 0
    exported = desk.run("numbers", "export", by="ada").out
    for sign in ";|\t\n":
        for cell in exported.split(sign):
            assert not cell.strip(' "').startswith(tuple("=+-@")), (sign, cell)
    (desk.folder / "again.csv").write_text(exported, encoding="utf-8", newline="")
    again = desk.run("numbers", "import", "again.csv", "--json", by="ada")
    assert again.code == 0, again.err
    before = desk.run("numbers", "list", "--json", by="ada").json
    assert desk.run("numbers", "export", by="ada").out == exported
    assert desk.run("numbers", "list", "--json", by="ada").json == before


CUT = [
    ("what_fails: {fr: 15, 17 et 18 sur mobile, en: x}", "17 et 18 sur mobile"),
    ("what_fails: {fr: “15, 17 et 18”, en: “15, 17”}", "“15"),
    ("what_fails: “15, 17 et 18 sur mobile”", "“15, 17 et 18 sur mobile”"),
    ("what_fails: ‘SAMU du Rhône’", "‘SAMU du Rhône’"),
    ("what_fails: SAMU #15 et pompiers", "“SAMU”"),
    ("what_fails: le 15 # et le 17", "“le 15”"),
    ("what_fails: #15 et 17", "#"),
    ("what_fails: &15 et 17", "&"),
    ("what_fails: ! le 15", "!"),
    ("what_fails: Urgence : le 15 ne répond pas", "quotes"),
    ("what_fails:\n  Urgence : le 15 ne répond pas", "“Urgence”"),
    ("what_fails:\n- Si rien ne marche: venez", "“Si rien ne marche”"),
    ("what_fails: [Le 15, 17 ou 18, le 112]", "“17 ou 18”"),
    ("what_fails: 'L'hôpital ne répond pas'", "hôpital"),
    ('what_fails: "15" et "17" sur mobile', 'et "17" sur mobile'),
]


@pytest.mark.parametrize(("line", "read"), CUT)
def test_a_text_that_yaml_cuts_is_refused_with_the_line_and_what_was_read(
    folder: Path, line: str, read: str
) -> None:
    """`{fr: 15, 17 et 18 sur mobile}` told the public that 15 alone fails."""
    facts = "since: -1h\n" + line + "\n"
    answer = previewed(folder, "holding", facts)
    assert answer.code == 2, answer.out
    at = 2 + ("\n" in line)
    assert f"facts.yaml:{at}:" in answer.err
    assert read in answer.err, answer.err


def test_what_people_type_in_yaml_stays_as_typed(folder: Path) -> None:
    facts = (
        "since: -1h  # the hour of the first call\nnext_update: +30m\nwhere: [69, '01', 42] # three\nwhat_to_do:\n- 08 et 01:30\n- no\n"
        "what_fails: {fr: \"15, 17 #1 : “oui”\", en: '15: off'}\nwhat_works: « 112 », d’un fixe # note\n"
    )
    answer = previewed(folder, "holding", facts.replace(" # note", "  # note"))
    assert answer.json["messages"], answer.out
    said = "\n".join(one["text"].replace("\u00a0", " ") for one in answer.json["messages"])
    for words in ("15, 17 #1 : “oui”", "15: off", "« 112 », d’un fixe", "08 et 01:30", "no"):
        assert words in said, (words, said)
