"""`alertbot init` writes a file that reads back without faults, and overwrites nothing."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.channels.directory import adapter_types
from alertbot.config.reading import read
from alertbot.config.root import Config, organisation_of
from alertbot.config.starter import example, render, write
from alertbot.config.starter_questions import questions
from alertbot.core.errors import Misuse, Refused
from tests.effort import examples

EVERYTHING = {
    "name": 'Société "Exemple": l\'opérateur # 1',
    "languages": "fr en, no",
    "verification_page": "https://alertes.example.fr/vrai",
    "hashtag": "#AlerteExemple",
    "channels": "x, telegram email,hand console",
    "chat": "-1001234567890",
    "smtp_host": "smtp.example.org",
    "sender": "alertes@example.org",
    "recipients": "redaction@example.org, radio@example.org",
}


def read_back(folder: Path) -> Config:
    types = {name: adapter.settings_type for name, adapter in adapter_types().items()}
    return read(folder / "config.yaml", types)


def test_defaults_are_the_example(tmp_path: Path) -> None:
    assert write(tmp_path / "new") == [tmp_path / "new" / "config.yaml"]
    assert (tmp_path / "new" / "config.yaml").read_text(encoding="utf-8") == example()
    assert read_back(tmp_path / "new").organisation.sandbox


@pytest.mark.parametrize("sandbox", ["yes", "no"])
def test_answers_read_back(tmp_path: Path, sandbox: str) -> None:
    write(tmp_path, {**EVERYTHING, "sandbox": sandbox})
    config = read_back(tmp_path)
    organisation = organisation_of(config)
    assert organisation.name == EVERYTHING["name"]
    assert organisation.languages == ("fr", "en", "no")
    assert (organisation.hashtag, organisation.sandbox) == ("AlerteExemple", sandbox == "yes")
    assert list(config.channels) == ["x_main", "telegram_public", "press", "by_hand", "screen"]
    assert config.channels["screen"].on_loopback()
    assert bool(config.channels["x_main"].missing_secrets()) is (sandbox == "no")


def test_no_answer_at_all_takes_every_default(tmp_path: Path) -> None:
    write(tmp_path, {})
    assert list(read_back(tmp_path).channels) == ["x_main", "telegram_public", "press"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine")
    with pytest.raises(Refused, match="was not changed"):
        write(tmp_path)
    assert (tmp_path / "config.yaml").read_text() == "mine"


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Refused, match="was not changed"):
        write(tmp_path / "file")
    with pytest.raises(Misuse, match="cannot be written"):
        write(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("sandbox", "maybe"),
        ("name", ""),
        ("name", "a\nb"),
        ("languages", "french"),
        ("timezone", "Europe/Nowhere"),
        ("timezone", "../etc"),
        ("verification_page", "http://example.org"),
        ("hashtag", "two words"),
        ("channels", "pigeon"),
        ("chat", "@a b"),
        ("sender", "nobody"),
        ("recipients", "a@example.org; b"),
    ],
)
def test_an_answer_that_will_not_do_is_said_at_once(key: str, answer: str) -> None:
    question = next(one for one in questions() if one.key == key)
    assert question.fault(answer)
    with pytest.raises(Misuse, match=f"^{key}: "):
        render({key: answer})


def test_only_what_matters_is_asked() -> None:
    def asked(answers: dict[str, str]) -> set[str]:
        return {question.key for question in questions() if question.asked(answers)}

    assert "chat" not in asked({"channels": "x"})
    assert "smtp_host" not in asked({"channels": "email", "sandbox": "yes"})
    assert {"smtp_host", "sender"} <= asked({"channels": "email", "sandbox": "no"})


@settings(max_examples=examples(40), deadline=None)
@given(name=st.text(min_size=1, max_size=30), tag=st.text(max_size=10))
def test_any_accepted_name_reads_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, tag: str
) -> None:
    folder = tmp_path_factory.mktemp("init")
    try:
        write(folder, {"name": name, "hashtag": tag, "channels": "console"})
    except Misuse:
        return
    assert read_back(folder).organisation.name == name.strip()


def test_asking_needs_no_heavy_library() -> None:
    import subprocess

    code = "import sys, alertbot.config.starter; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
