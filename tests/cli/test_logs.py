"""What is logged: JSON lines in a pipe, words in a terminal, and never a secret."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alertbot.core import logs
from alertbot.core.errors import Misuse

PROGRAM = str(Path(sys.executable).parent / "alertbot")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("ALERTBOT_LOG", raising=False)
    monkeypatch.delenv("ALERTBOT_DEBUG", raising=False)
    ours, root = logging.getLogger("alertbot"), logging.getLogger()
    before = (ours.level, root.level, list(root.handlers))
    yield
    ours.setLevel(before[0])
    root.setLevel(before[1])
    root.handlers[:] = before[2]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    about = {"source": "am", "alert": "BKRT-1", "channel": "x_main", "shoe": 43}
    logging.getLogger("alertbot.web.signals").info("%s: %d\nreports é", "am", 3, extra=about)
    (only,) = lines(capsys)
    assert list(only)[:4] == ["ts", "level", "logger", "event"]
    assert datetime.fromisoformat(only.pop("ts")).utcoffset() is not None
    assert only == {
        "level": "info",
        "logger": "alertbot.web.signals",
        "event": "am: 3 reports é",
        "source": "am",
        "alert": "BKRT-1",
        "channel": "x_main",
    }


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("debug")
    for name in ("httpx", "alertbot.delivery"):
        logging.getLogger(name).debug("details")
        logging.getLogger(name).warning("trouble")
    said = [(one["logger"], one["level"]) for one in lines(capsys)]
    assert said == [
        ("httpx", "warning"),
        ("alertbot.delivery", "debug"),
        ("alertbot.delivery", "warning"),
    ]


def test_a_package_may_use_structlog_itself(capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    logs.set_up()
    logs.ready()
    structlog.get_logger("alertbot.elsewhere").warning("trouble", channel="x_main")
    (only,) = lines(capsys)
    assert (only["event"], only["channel"], only["logger"]) == (
        "trouble",
        "x_main",
        "alertbot.elsewhere",
    )


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_levels(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(level.upper())
    for word in logs.LEVELS:
        getattr(logging.getLogger("alertbot.x"), word)("said")
    assert [one["level"] for one in lines(capsys)] == list(logs.LEVELS[logs.LEVELS.index(level) :])


def test_the_environment_names_a_level_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTBOT_LOG", "loud")
    with pytest.raises(Misuse, match="loud"):
        logs.set_up()
    logs.set_up("error")
    assert logging.getLogger("alertbot").level == logging.ERROR


def test_secrets_are_scrubbed(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    log = logging.getLogger("alertbot.x")
    log.error("sent with Bearer abcdef to https://me:pass@example.org")
    log.error(
        "%s", "bot1400000001:sandbox-bot-token-for-rehearsals-only", extra={"source": "OAuth xyz"}
    )
    text = capsys.readouterr().err
    for secret in ("abcdef", "me:pass", "sandbox-bot-token", "xyz"):
        assert secret not in text


def test_a_traceback_is_a_class_and_a_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.set_up()

    def fails() -> None:
        try:
            int("Bearer of-bad-news")
        except ValueError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")

    fails()
    (only,) = lines(capsys)
    assert only["error"] == "ValueError"
    assert "test_logs.py:" in only["place"]
    assert "traceback" not in only
    monkeypatch.setenv("ALERTBOT_DEBUG", "1")
    fails()
    (only,) = lines(capsys)
    assert "Traceback" in only["traceback"]
    assert "of-bad-news" not in json.dumps(only)


def test_people_get_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_for_people", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    logs._formatter.cache_clear()
    logs.set_up()
    logging.getLogger("alertbot.x").warning("trouble\x1b[31m", extra={"channel": "x_main"})
    logs._formatter.cache_clear()
    line = capsys.readouterr().err
    assert "warning" in line
    assert "trouble" in line
    assert "x_main" in line
    assert "\x1b" not in line


def test_setting_up_twice_says_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    logs.set_up()
    logging.getLogger("alertbot.x").warning("trouble")
    assert len(lines(capsys)) == 1


def started(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        env=os.environ | {"LANGUAGE": "en"} | environment,
        capture_output=True,
        text=True,
    )


def test_the_command_line_names_a_level(tmp_path: Path) -> None:
    answer = started("--log-level", "loud", "kinds")
    assert answer.returncode == 2
    assert "debug, info, warning, error" in answer.stderr
    assert started("--log-level", "error", "kinds").returncode == 0


@pytest.mark.parametrize("command", ["--version", "--help", "serve --help", "preview status", "kinds"])
def test_short_commands_load_no_server(command: str) -> None:
    heavy = ("structlog", "fastapi", "prometheus_client", "uvicorn", "jmespath", "httpx")
    code = (
        f"import sys; from alertbot import cli; cli.run({command.split()!r});"
        f" print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stderr.splitlines()[-1] == "[]"
