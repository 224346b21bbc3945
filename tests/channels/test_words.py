"""A call that did not arrive says why: an unknown name, a closed port, a line that broke."""

import asyncio
import socket
from pathlib import Path

import pytest

from alertbot.channels.email.errors import About, Broken, Phase, meaning
from alertbot.channels.x.answers import Answer, refusal
from alertbot.core.connecting import reason_of
from alertbot.core.errors import Rejected, Unavailable
from alertbot.db import failures
from alertbot.db.failures import explain, parse_url

ABOUT = About("BKRT-1", "mail.example.org")


def test_an_unknown_name_a_closed_port_and_silence_are_three_things() -> None:
    several = ExceptionGroup("all attempts failed", [OSError(), ConnectionRefusedError(111, "refused")])
    outer = RuntimeError("connecting")
    outer.__cause__ = several
    told = [
        reason_of(one) for one in (socket.gaierror(-2, "unknown"), outer, TimeoutError(), OSError())
    ]
    assert told == [
        "its name cannot be resolved",
        "it refused the connection",
        "it does not answer",
        "the connection broke",
    ]


def test_what_an_error_was_raised_over_counts_beside_what_it_was_raised_from() -> None:
    """urllib3 raises its own error from a copy, over the one that says why."""
    outer = RuntimeError("retries")
    outer.__context__, outer.__cause__ = ConnectionRefusedError(111, "refused"), ValueError("a copy")
    assert reason_of(outer) == "it refused the connection"


async def test_a_mail_server_that_cannot_be_reached_says_why() -> None:
    from alertbot.channels.email.wire import _step

    async def refused() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        await asyncio.open_connection("127.0.0.1", port)

    with pytest.raises(Broken) as broken:
        await _step(Phase.CONNECT, refused())
    error = meaning(broken.value, ABOUT)
    assert isinstance(error, Unavailable)
    assert str(error) == "mail.example.org could not be reached for BKRT-1: it refused the connection."


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_a_line_that_breaks_before_the_dot_has_surely_sent_nothing(phase: Phase) -> None:
    error = meaning(Broken(phase, None), ABOUT)
    assert isinstance(error, Unavailable)
    assert "nothing was sent" in str(error)
    assert "could not be reached" not in str(error)


def test_a_duplicate_at_the_first_attempt_is_not_said_to_be_ours() -> None:
    body = {"detail": "You are not allowed to create a Tweet with duplicate content."}
    error = refusal(Answer(403, {}, body), "BKRT-1", 0.0)
    assert isinstance(error, Rejected)
    assert "though this program has not posted it" in str(error)
    assert "by hand" in str(error)


def test_a_full_disk_is_told_as_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = parse_url(f"sqlite:///{tmp_path / 'a.db'}")
    assert "is full" in str(explain(OSError(28, "No space left on device"), url))
    import sqlite3

    wrong = sqlite3.OperationalError("disk I/O error")
    assert "is full" not in str(explain(wrong, url))
    monkeypatch.setattr(failures, "LEAST_ROOM_BYTES", 1 << 60)  # no disk has so much room
    assert "is full" in str(explain(wrong, url))
