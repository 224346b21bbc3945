"""`alertbot serve` from end to end: the letter arrives, its link approves, the signal ends both halves."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from alertbot.rehearsal.sandbox.accounts import Mail
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.cli.desk import CONFIG, Desk, opened
from tests.web.reader import form_in

PATIENCE_SECONDS = 120  # of a machine that is busy; nothing is measured by it
MARGIN_SECONDS = 3.0  # for a machine that is busy
SECRET = {"LINK_SECRET": "s" * 40}


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """A sandbox in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = Sandbox()
    try:
        asyncio.run_coroutine_threadsafe(made.start(), loop).result(PATIENCE_SECONDS)
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(made.stop(), loop).result(PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def configured(folder: Path, smtp_port: int, **mail: Any) -> Desk:
    desk = opened(folder)
    press = {
        "type": "email",
        "host": "127.0.0.1",
        "port": smtp_port,
        "security": "none",
        "sender": "Alertes <alertes@example.org>",
        "recipients": ["redaction@example.org"],
        "unsubscribe": "https://www.example.org/stop",
    }
    by = {"channel": "press", "base_url": "http://127.0.0.1:8470", "secret_env": "LINK_SECRET"} | mail
    desk.configure(
        channels={**CONFIG["channels"], "press": press},
        approvals_by={"mail": by},  # type: ignore[dict-item]
    )
    return desk


@contextmanager
def serving(desk: Desk, *arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "alertbot"), "serve", "--port", "0", *arguments],
        cwd=desk.folder,
        env=os.environ | {"LANGUAGE": "en"} | SECRET | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+:\d+", line)
    assert found, line
    return found[0]


def until(look: Any) -> Any:
    """What `look` finds, once it finds something."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)
    return found


def letters(made: Sandbox, to: str) -> list[Mail]:
    return [one for one in made.posts.mails() if one.recipient == to]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_letter_arrives_and_its_link_approves(tmp_path: Path, sign: signal.Signals) -> None:
    with sandbox() as made:
        desk = configured(tmp_path, made.smtp_port)
        assert desk.run("people", "mail", "bo", "bo@example.org", by="bo", **SECRET).code == 0
        alert = desk.draft("holding", "--channel", "public")
        assert desk.run("submit", alert, by="ada").code == 0
        with serving(desk) as process:
            root = address(process)
            letter = until(lambda: letters(made, "bo@example.org"))[0]
            token = re.search(r"http://127\.0\.0\.1:8470/a/([\w-]{43})", letter.text)
            assert token, letter.text
            headers = {name.lower() for name, _value in letter.headers}
            assert "list-unsubscribe" not in headers
            with httpx.Client(base_url=root, headers={"accept-language": "en"}) as browser:
                until(lambda: browser.get("/readyz").status_code == 200)
                shown = browser.get(f"/a/{token[1]}")
                assert desk.state(alert) == "pending"
                sent = {"form": form_in(shown.text), "decision": "approve", "read": "yes"}
                answer = browser.post(f"/a/{token[1]}", data=sent)
                assert answer.status_code == 200, answer.text
            until(lambda: desk.state(alert) == "published")
            process.send_signal(sign)
            output, _err = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, output
        assert "have stopped" in output
        assert token[1] not in output
        assert "Traceback" not in output


def test_when_it_is_decided_elsewhere_nobody_need_get_up(tmp_path: Path) -> None:
    with sandbox() as made:
        desk = configured(tmp_path, made.smtp_port)
        desk.run("people", "mail", "bo", "bo@example.org", by="bo")
        alert = desk.draft("holding", "--channel", "public")
        desk.run("submit", alert, by="ada")
        desk.run("run", "--once", **SECRET)
        assert len(letters(made, "bo@example.org")) == 1
        assert desk.run("return", alert, "--reason", "Too vague.", by="cy").code == 0
        desk.run("run", "--once", **SECRET)
        first, second = letters(made, "bo@example.org")
        assert "renvoyée" in second.text  # in the organisation's first language
        assert ("In-Reply-To", first.message_id) in second.headers or first.message_id in str(
            second.headers
        )


def test_a_json_document_comes_at_the_end(tmp_path: Path) -> None:
    desk = configured(tmp_path, 1)
    with serving(desk, "--json") as process:
        root = address(process)
        until(lambda: httpx.get(f"{root}/readyz").status_code == 200)
        assert httpx.get(f"{root}/healthz").text == "ok\n"
        process.terminate()
        output, _err = process.communicate(timeout=PATIENCE_SECONDS)
    assert json.loads(output[output.index("{") :])["stopped"] is True


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    desk = configured(tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = desk.run("serve", "--port", str(port), **SECRET)
    assert answer.code == 2
    assert str(port) in answer.err


def test_a_missing_or_short_secret_is_told(tmp_path: Path) -> None:
    desk = configured(tmp_path, 1)
    short = desk.run("serve", "--port", "0", LINK_SECRET="short")
    assert short.code == 2
    assert "32" in short.err
    assert "short" not in short.err
    checked = desk.run("check", LINK_SECRET="short")
    assert checked.code != 0
    assert "32" in checked.out + checked.err


def test_links_go_over_https_or_stay_here(tmp_path: Path) -> None:
    desk = configured(tmp_path, 1, base_url="http://alertbot.example.org")
    answer = desk.run("serve", "--port", "0", **SECRET)
    assert answer.code == 2
    assert "base_url" in answer.err


def test_it_ends_in_time_though_its_peer_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections and never says a word
        desk = configured(tmp_path, silent.getsockname()[1])
        assert desk.run("people", "mail", "bo", "bo@example.org", by="bo", **SECRET).code == 0
        alert = desk.draft("holding", "--channel", "public")
        assert desk.run("submit", alert, by="ada").code == 0
        with serving(desk) as process:
            address(process)
            silent.settimeout(PATIENCE_SECONDS)
            silent.accept()  # the letter to bo is under way
            begun = time.monotonic()
            process.terminate()
            output, _err = process.communicate(timeout=PATIENCE_SECONDS)
            seconds = time.monotonic() - begun
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert seconds < 3.0 + MARGIN_SECONDS


HANGS = """
import pathlib, socket, time

ask = socket.getaddrinfo


def getaddrinfo(host, *rest, **more):
    if host in ("localhost", b"localhost"):
        pathlib.Path("asked").touch()
        time.sleep(600)
    return ask(host, *rest, **more)


socket.getaddrinfo = getaddrinfo
"""


def test_it_ends_though_a_name_server_a_mail_server_and_a_browser_hang(tmp_path: Path) -> None:
    """No server has said a word, so nothing is perhaps sent: all of it waits, and nothing stays half-way."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HANGS, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        desk = opened(tmp_path)
        press = {
            "type": "email",
            "host": "127.0.0.1",
            "port": silent.getsockname()[1],
            "security": "none",
            "sender": "Alertes <alertes@example.org>",
            "recipients": [f"redaction{n}@example.org" for n in range(40)],
        }
        channels = {**CONFIG["channels"], "press": press, "radio": press | {"host": "localhost"}}
        desk.configure(channels=channels)
        alert = desk.draft("holding", "--channel", "public", "--channel", "press", "--channel", "radio")
        assert desk.run("submit", alert, by="ada").code == 0
        assert desk.run("show", alert, by="bo").code == 0
        assert desk.run("approve", alert, by="bo").code == 0
        with serving(desk, PYTHONPATH=str(hook)) as process:
            port = int(address(process).rpartition(":")[2])
            silent.settimeout(PATIENCE_SECONDS)
            with silent.accept()[0], socket.create_connection(("127.0.0.1", port)) as browser:
                browser.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")  # and no more
                until(lambda: (tmp_path / "asked").exists())
                until(lambda: "sent" in _states(desk, alert)["public"])
                begun = time.monotonic()
                process.terminate()
                output, _err = process.communicate(timeout=PATIENCE_SECONDS)
                seconds = time.monotonic() - begun
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert seconds < 20  # it ends, while its peers would hold it for minutes
    states = _states(desk, alert)
    assert states["public"] == {"sent"}
    assert (states["press"], states["radio"]) == ({"pending"}, {"pending"})


def _states(desk: Desk, alert: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in desk.run("deliveries", alert, "--json").json:
        found.setdefault(one["channel"], set()).add(one["state"])
    return found


def closed(one: socket.socket) -> bool:
    """Whether the other side has closed this connection."""
    one.settimeout(0.01)
    try:
        return one.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_connections_that_say_nothing_stop_nobody(tmp_path: Path, said: bytes) -> None:
    """Some hundred connections without a request, or with half of one."""
    desk = opened(tmp_path)
    with serving(desk) as process:
        root = address(process)
        host, port = root.removeprefix("http://").split(":")
        with httpx.Client(base_url=root, timeout=PATIENCE_SECONDS) as browser:
            until(lambda: browser.get("/readyz").status_code == 200)
        silent = [socket.create_connection((host, int(port))) for _number in range(260)]
        for one in silent:
            with suppress(OSError):  # the oldest are closed while the newest come
                one.sendall(said)
        with httpx.Client(base_url=root, timeout=PATIENCE_SECONDS) as browser:
            assert [browser.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        until(lambda: all(map(closed, silent)))
        for one in silent:
            one.close()
