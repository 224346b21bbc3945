"""What people type comes out as typed, or is refused with the place and what was read, through the public verb."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.cli.desk import CONFIG
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
