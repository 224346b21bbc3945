"""What others than the public get: press, radio, poster, those who answer, the next shift; and the audience relay."""

from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.cli.desk import CONFIG, Desk
from tests.cli.test_following import drafted, published


@pytest.fixture(scope="module")
def with_relay(desk: Desk) -> Desk:
    channels = {**CONFIG["channels"], "switchboards": {"type": "memory", "audience": "relay"}}  # type: ignore[dict-item]
    desk.configure(channels=channels)
    return desk


@pytest.fixture(scope="module")
def alert(with_relay: Desk) -> str:
    for row in ("69,samu,04 65 71 00 15", "42,samu,04 65 71 42 15"):
        Path(with_relay.folder / "rows.csv").write_text(
            f"territory,service,number\n{row}\n", encoding="utf-8"
        )
        with_relay.does("numbers", "import", "rows.csv", by="ada")
    for name, digits in (("N1", "04 65 71 00 15"), ("N2", "04 65 71 42 15")):
        with_relay.does("numbers", "verify", name, "--digits", digits, "--call", "answered", by="bo")
    return published(with_relay)


def test_each_form_is_made_from_the_values_of_the_alert(with_relay: Desk, alert: str) -> None:
    for form in ("press", "radio", "relay", "handover"):
        said = with_relay.does("show", alert, "--as", form, "--lang", "en", by="ada")
        assert "15, 17 and 18 on mobiles" in said, form
    press = with_relay.run(
        "show", alert, "--as", "press", "--lang", "en",
        "--set", "quote.en=Every call counts.", "--set", "quoted.en=Claude Martin, prefect",
    )  # fmt: skip
    assert "“Every call counts.” Claude Martin, prefect." in press.out
    assert "names no press contact" in press.err
    relay = with_relay.does("show", alert, "--as", "relay", "--lang", "fr")
    assert len([line for line in relay.splitlines() if line.startswith("«")]) == 3
    assert "Prochain point au public" in relay
    both = with_relay.does("show", alert, "--as", "radio")
    assert "call from a landline." in both.casefold()
    assert "appelez d’un fixe." in both.casefold()
    for spoken in both.split("\n\n\n"):
        assert len(spoken.split()) < 130  # two languages, 20 seconds each


def test_a_poster_is_a_page_and_a_pdf_with_text(with_relay: Desk, alert: str) -> None:
    page = with_relay.does("show", alert, "--as", "poster", "--lang", "en")
    assert page.startswith("<!DOCTYPE html>")
    assert '<html lang="en">' in page
    assert page.count("<h1>") == 1
    assert "<title>Press" not in page
    with_relay.does("show", alert, "--as", "poster", "--output", "poster.pdf")
    french, english = PdfReader(with_relay.folder / "poster.pdf").pages
    assert f"référence {alert}" in " ".join(french.extract_text().split())
    assert f"reference {alert}" in " ".join(english.extract_text().split())
    again = with_relay.run("show", alert, "--as", "poster", "--output", "poster.pdf")
    assert again.code == 2
    assert "--force" in again.err
    wrong = with_relay.run("show", alert, "--as", "radio", "--output", "radio.pdf")
    assert wrong.code == 2
    assert ".txt" in wrong.err
    assert with_relay.run("show", alert, "--as", "song").code == 2


def test_those_who_answer_get_it_on_their_own_channels(with_relay: Desk, alert: str) -> None:
    view = drafted(with_relay, "update", alert, "--kind", "relay", "--submit", by="ada")
    assert view["state"] == "pending"
    assert view["channels"] == ["switchboards"]
    assert view["relation"] is None
    shown = with_relay.run("show", view["id"], by="bo").out
    assert "Not working: 15, 17 and 18 on mobiles" in shown
    team = drafted(with_relay, "update", alert, "--kind", "handover", by="ada")
    assert team["channels"] == ["team"]


def test_what_is_not_public_never_goes_to_the_public(with_relay: Desk) -> None:
    answer = with_relay.run(
        "draft", "relay", "--vars", with_relay.facts("relay"), "--new-incident", "--channel", "public", "--json", by="ada",
    )  # fmt: skip
    assert "not_public" in {one["rule"] for one in answer.json["faults"]}
    drill = with_relay.run(
        "draft", "holding", "--vars", with_relay.facts("holding"), "--exercise", "--channel", "switchboards", "--json", by="ada",
    )  # fmt: skip
    assert "exercise_live" in {one["rule"] for one in drill.json["faults"]}


def test_a_public_alert_goes_to_the_public_alone_unless_named(with_relay: Desk) -> None:
    answer = with_relay.run(
        "draft", "holding", "--vars", with_relay.facts("holding"), "--new-incident", "--json", by="ada"
    )
    assert answer.json["channels"] == ["public"]


def test_what_only_the_team_read_is_not_what_the_public_was_told(with_relay: Desk, alert: str) -> None:
    """An end follows the last word to the public, not the brief that went out after it."""
    brief = drafted(with_relay, "update", alert, "--kind", "relay", "--submit", by="ada")["id"]
    with_relay.does("show", brief, by="bo")
    with_relay.does("approve", brief, "--publish", by="bo")
    view = drafted(with_relay, "draft", "status", "--incident", alert[:4], by="ada")
    assert view["references"] == [alert]


def test_each_text_of_the_earlier_form_is_named_once_with_what_to_do(with_relay: Desk) -> None:
    former = "{% block head %}x{% endblock %}{% block body %}y{% endblock %}"
    for name in ("holding/fr/short", "holding/fr/long", "retraction/en/long"):
        path = with_relay.folder / "messages" / f"{name}.md.j2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(former, encoding="utf-8")
    config = with_relay.configure("old.yaml", messages="messages")
    said = with_relay.run("--config", str(config), "check").out
    lines = [line for line in said.splitlines() if "move-your-texts.md" in line]
    assert len(lines) == 3
    assert "holding/fr/short.md.j2:1" in said


def test_a_language_without_such_a_text_is_left_out_and_named(with_relay: Desk, alert: str) -> None:
    channels = {**CONFIG["channels"], "switchboards": {"type": "memory", "audience": "relay"}}  # type: ignore[dict-item]
    organisation = {**CONFIG["organisation"], "languages": ["en", "cy"]}  # type: ignore[dict-item]
    with_relay.configure(channels=channels, organisation=organisation)
    found = with_relay.run("show", alert, "--as", "relay")
    assert found.code == 0
    assert "For those who answer the public." in found.out
    assert "relay/cy/long.md.j2 is missing" in found.err
    asked = with_relay.run("show", alert, "--as", "relay", "--lang", "cy")
    assert asked.code == 2
    assert "relay/cy/long.md.j2 is missing" in asked.err
    with_relay.configure(channels=channels)
