"""Secrets are named, never written; read when used; never shown."""

from pathlib import Path

import pytest

from alertbot.config.channel import ChannelSettings
from alertbot.config.root import Config
from alertbot.config.secrets import SANDBOX_SECRETS, Secret
from alertbot.core.errors import ConfigInvalid
from alertbot.rehearsal.sandbox.accounts import TelegramAccount, XAccount
from tests.config.accounts import ChatSettings, ServiceSettings
from tests.config.conftest import Faults, Reads

TOKEN = "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def chat(more: str, organisation: str = "name: A") -> str:
    return f"organisation: {{{organisation}}}\nchannels:\n  a: {{type: chat, chat: b, {more}}}\n"


SANDBOX = "name: A, sandbox: true"


@pytest.mark.parametrize(
    "more",
    [
        f"bot_token: '{TOKEN}'",
        f"bot_token_env: '{TOKEN}'",
        f"bot_token: ['{TOKEN}']",
        f"token: '{TOKEN}'",
        f"api_url: 'https://{TOKEN}@api.example.com', bot_token_env: T",
        f"bot_token_env: T, audience: '{TOKEN}'",
        f"bot_token_env: T, pace: '{TOKEN}'",
        f"bot_token_env: T, languages: ['{TOKEN}']",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(reads: Reads, more: str) -> None:
    with pytest.raises(ConfigInvalid) as raised:
        reads(chat(more))
    assert "AAAA" not in str(raised.value)
    assert raised.value.__context__ is None or "AAAA" not in str(raised.value.__context__)


def test_an_inline_secret_is_one_fault_that_says_how(faults: Faults) -> None:
    assert faults(chat(f"bot_token: '{TOKEN}'")) == [
        (
            "3:39 channels.a.bot_token: a secret is never written here; "
            "give bot_token_env: VARIABLE or bot_token_file: PATH"
        )
    ]


def test_a_password_in_the_database_address_is_refused(faults: Faults) -> None:
    for address in ("postgresql://u:hunter2@h/n", "postgresql://u@h/n?password=hunter2"):
        lines = faults(chat("bot_token_env: T") + f"database: {address}")
        assert len(lines) == 1
        assert "database_password_env, database_password_file or PGPASSFILE" in lines[0]
        assert "hunter2" not in lines[0]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (
            "",
            "channels.a: bot_token missing; give it with bot_token_env: VARIABLE or bot_token_file: PATH",
        ),
        ("bot_token_env: T, bot_token_file: f", "bot_token_file: give bot_token_env or bot_token_file"),
        ("bot_token_env: lower", "must be the name of an environment variable, in capitals"),
    ],
)
def test_exactly_one_name_for_a_secret(faults: Faults, more: str, fault: str) -> None:
    lines = faults(chat(more))
    assert len(lines) == 1
    assert fault in lines[0]


@pytest.mark.parametrize(
    ("secrets", "fault"),
    [
        ("", "consumer_key + consumer_secret, or bearer_token missing"),
        ("consumer_key_env: K", "consumer_secret missing"),
        (
            "consumer_key_env: K, bearer_token_env: B",
            "do not go together; give consumer_key + consumer",
        ),
    ],
)
def test_secrets_that_belong_together(faults: Faults, secrets: str, fault: str) -> None:
    lines = faults(f"organisation: {{name: A}}\nchannels: {{a: {{type: microblog, {secrets}}}}}")
    assert len(lines) == 1
    assert fault in lines[0]


def test_secrets_that_may_be_absent(reads: Reads) -> None:
    mail = "organisation: {name: A}\nchannels: {a: {type: mail, host: h, recipients: r}}"
    settings = reads(mail).channels["a"]
    assert not settings.has_secret("password")
    assert settings.missing_secrets() == []


def test_from_the_environment_when_used(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = reads(chat("bot_token_env: MY_TOKEN")).channels["a"]
    with pytest.raises(ConfigInvalid, match=r"^channels\.a: the environment variable MY_TOKEN"):
        settings.secret("bot_token")
    monkeypatch.setenv("MY_TOKEN", f"{TOKEN}\n")
    assert settings.secret("bot_token") == TOKEN
    assert settings.missing_secrets() == []
    assert TOKEN not in repr(settings)


def test_from_a_file_beside_the_configuration(reads: Reads, tmp_path: Path) -> None:
    settings = reads(chat("bot_token_file: secrets/bot")).channels["a"]
    assert "secrets/bot (bot_token) cannot be read: No such file" in settings.missing_secrets()[0]
    path = tmp_path / "secrets" / "bot"
    path.parent.mkdir()
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    assert settings.secret("bot_token") == TOKEN
    assert settings.exposed_secrets() == []
    path.chmod(0o644)
    assert "other users can read" in settings.exposed_secrets()[0]


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\xfe"])
def test_a_file_that_is_no_secret(reads: Reads, tmp_path: Path, content: bytes) -> None:
    settings = reads(chat("bot_token_file: bot")).channels["a"]
    (tmp_path / "bot").write_bytes(content)
    assert "(bot_token)" in settings.missing_secrets()[0]


def test_a_sandbox_has_stand_ins(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    text = chat("bot_token_env: MY_TOKEN, api_url: 'http://127.0.0.1:8102'", SANDBOX)
    settings = reads(text).channels["a"]
    assert settings.secret("bot_token") == SANDBOX_SECRETS["bot_token"]
    assert settings.missing_secrets() == []
    monkeypatch.setenv("MY_TOKEN", "own")
    assert settings.secret("bot_token") == "own"


def test_loopback_alone_gives_no_stand_in(reads: Reads) -> None:
    settings = reads(chat("bot_token_env: MY_TOKEN, api_url: 'http://127.0.0.1:8102'")).channels["a"]
    assert settings.missing_secrets()


def test_no_stand_in_for_an_address_elsewhere() -> None:
    settings = ChatSettings(
        type="chat", chat="a", api_url="https://api.example.com", bot_token_env="T_"
    )
    settings.bind("channels.a", Path(), sandbox=True)
    with pytest.raises(ConfigInvalid):
        settings.secret("bot_token")


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("json://127.0.0.1:8100/apprise", True),
        ("json://api.example.com/", False),
        ("mailto://127.0.0.1?smtp=mail.example.org", False),
        ("ntfy://topic", False),
    ],
)
def test_an_address_that_is_a_secret_is_held_to_the_sandbox(
    monkeypatch: pytest.MonkeyPatch, address: str, allowed: bool
) -> None:
    settings = ServiceSettings(type="service", url_env="ELSEWHERE")
    settings.bind("channels.a", Path(), sandbox=True)
    monkeypatch.setenv("ELSEWHERE", address)
    if allowed:
        assert settings.secret("url") == address
        return
    with pytest.raises(ConfigInvalid, match="which a sandbox must not contact") as raised:
        settings.secret("url")
    assert "topic" not in str(raised.value)


def test_the_sandbox_knows_the_stand_ins() -> None:
    account = XAccount()
    for name in (
        "consumer_key",
        "consumer_secret",
        "access_token",
        "access_token_secret",
        "bearer_token",
    ):
        assert SANDBOX_SECRETS[name] == getattr(account, name)
    assert SANDBOX_SECRETS["bot_token"] == TelegramAccount().token


def test_the_database_password_is_put_in_when_used(
    reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = "postgresql://me@a.example.org:5432,b.example.org/alertbot?target_session_attrs=any"
    text = chat("bot_token_env: T") + f"database: {several}\nrunner: procrastinate\n"
    assert reads(text).database_url == several
    text = chat("bot_token_env: T") + "database: postgresql://me@db.example.org:5432/alertbot\n"
    assert reads(text).database_url == "postgresql://me@db.example.org:5432/alertbot"
    config: Config = reads(text + "database_password_env: DB_PASSWORD\n")
    with pytest.raises(ConfigInvalid, match="database: the environment variable DB_PASSWORD"):
        assert config.database_url
    monkeypatch.setenv("DB_PASSWORD", "p@ss/word")
    assert config.database_url == "postgresql://me:p%40ss%2Fword@db.example.org:5432/alertbot"


def test_a_declared_secret_needs_its_two_fields() -> None:
    with pytest.raises(TypeError, match="no key_env"):

        class Broken(ChannelSettings):
            secrets = (Secret("key"),)
