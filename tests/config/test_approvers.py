"""How approvers are reached and who is on duty, as the file says it, and every way in which it may not."""

import json
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from alertbot.app import build, reach_of
from alertbot.channels.directory import adapter_types
from alertbot.config.reading import read
from alertbot.config.root import Config
from alertbot.core.errors import ConfigInvalid
from alertbot.people.rules import Shift

BASE = {
    "organisation": {"name": "Essai", "sandbox": True},
    "channels": {
        "public": {"type": "memory"},
        "press": {
            "type": "email",
            "host": "127.0.0.1",
            "port": 8125,
            "security": "none",
            "sender": "a@example.org",
            "recipients": ["b@example.org"],
        },
    },
}
TELEGRAM = {"api_url": "http://127.0.0.1:8102", "bot_token_env": "ALERTBOT_T", "chat": -42}
WEBHOOK = {"url": "http://127.0.0.1:8471/t", "secret_env": "ALERTBOT_S"}
MAIL = {"channel": "press", "base_url": "http://127.0.0.1:8470", "secret_env": "ALERTBOT_L"}
SHIFT = {"person": "Bo", "from": "08:00", "until": "20:00"}


def written(folder: Path, **more: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text(json.dumps(BASE | more, indent=1), encoding="utf-8")  # JSON is YAML, with quotes
    return path


def config(folder: Path, **more: Any) -> Config:
    types = {name: adapter.settings_type for name, adapter in adapter_types().items()}
    return read(written(folder, **more), types)


def test_nothing_given_asks_nobody_besides(tmp_path: Path) -> None:
    reach = reach_of(config(tmp_path))
    assert (reach.ways, dict(reach.groups), reach.duty) == ((), {}, None)


def test_everything_given(tmp_path: Path) -> None:
    telegram = TELEGRAM | {"mode": "webhook", "webhook": WEBHOOK}
    duty = {"answer_within": "5m", "shifts": [SHIFT | {"days": ["sat", "sun"]}], "deputies": ["Cy"]}
    read_so = config(
        tmp_path, approvals_by={"telegram": telegram, "mail": MAIL}, duty=duty, serve={"port": 8000}
    )
    reach = reach_of(read_so)
    assert (reach.ways, dict(reach.groups)) == (("telegram", "mail"), {"telegram": "-42"})
    assert reach.duty is not None
    assert reach.duty.shifts == (Shift("Bo", time(8), time(20), frozenset({5, 6})),)
    assert (reach.duty.answer_within, reach.duty.deputies) == (timedelta(minutes=5), ("Cy",))
    assert read_so.serve.port == 8000
    app = build(written(tmp_path, approvals_by={"telegram": telegram, "mail": MAIL}))
    assert [".".join(place) for place, _one in app.approver_settings()] == [
        "approvals_by.telegram",
        "approvals_by.telegram.webhook",
        "approvals_by.mail",
    ]
    for _place, settings in app.approver_settings():
        assert settings.missing_secrets() == []  # a sandbox has stand-ins


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"approvals_by": {"telegram": TELEGRAM | {"bot_token": "1:x"}}},
            "bot_token: a secret is never",
        ),
        ({"approvals_by": {"telegram": {"api_url": TELEGRAM["api_url"]}}}, "bot_token missing"),
        (
            {"approvals_by": {"telegram": TELEGRAM | {"bot_token_file": "f"}}},
            "bot_token_env or bot_token_file, not both",
        ),
        ({"approvals_by": {"telegram": TELEGRAM | {"chat": 42}}}, "telegram.chat: must be less than 0"),
        (
            {"approvals_by": {"telegram": TELEGRAM | {"mode": "webhook"}}},
            "telegram.mode: needs `webhook:`",
        ),
        ({"approvals_by": {"telegram": TELEGRAM | {"webhook": WEBHOOK}}}, "webhook: is not used"),
        (
            {
                "approvals_by": {
                    "telegram": TELEGRAM | {"mode": "webhook", "webhook": WEBHOOK | {"port": 8471}}
                }
            },
            "webhook: host and port now belong under `serve:`. Remove them here",
        ),
        (
            {"approvals_by": {"telegram": {"bot_token_env": "T"}}},
            "telegram.api_url: this channel could reach beyond",
        ),
        (
            {
                "approvals_by": {
                    "telegram": TELEGRAM
                    | {"mode": "webhook", "webhook": WEBHOOK | {"url": "http://bot.example.org/"}}
                }
            },
            "webhook.url: must be a public https:// address",
        ),
        ({"approvals_by": {"mail": MAIL | {"channel": "public"}}}, "no email channel"),
        ({"approvals_by": {"mail": MAIL | {"base_url": "http://example.org"}}}, "base_url: must be"),
        ({"desk": {"url": "http://desk.example.org"}}, "url: must be"),
        ({"desk": {"url": "https://example.org/desk"}}, "without a path"),
        ({"approvals_by": {"letter": {}}}, "letter: is not a key here"),
        ({"duty": {"shifts": [SHIFT | {"until": 1200}]}}, "until: must be a time in quotes"),
        ({"duty": {"shifts": [SHIFT | {"until": "24:00"}]}}, "until: must be a time in quotes"),
        ({"duty": {"shifts": [SHIFT | {"days": ["lundi"]}]}}, "days[0]: must be"),
        ({"duty": {"shifts": [{"person": "Bo", "from": "08:00"}]}}, "until: is missing"),
        ({"duty": {"shifts": [SHIFT | {"form": "08:00"}]}}, "did you mean from?"),
        ({"duty": {"answer_within": "0s"}}, "answer_within: must be longer"),
        ({"serve": {"port": 0}}, "serve.port: must be at least 1"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, more: Any, told: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        config(tmp_path, **more)
    assert told in str(caught.value)
    assert "config.yaml:" in str(caught.value)


def test_the_desk_is_off_until_its_address_is_given(tmp_path: Path) -> None:
    assert build(written(tmp_path)).config.desk is None
    for given, url in (
        ("https://Desk.Example.org/", "https://desk.example.org"),
        ("http://localhost:8470", "http://localhost:8470"),
    ):
        read_ = build(written(tmp_path, desk={"url": given})).config
        assert read_.desk is not None
        assert read_.desk.url == url
        assert reach_of(read_).desk == url
