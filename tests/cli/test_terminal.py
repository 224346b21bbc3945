"""The program as a process: pipes, small alphabets, terminals and signals."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import program
from tests.cli.desk import Desk, opened
from tests.terminal import terminal

PROGRAM = str(Path(sys.executable).parent / "alertbot")
PATIENCE = 60.0  # seconds after which a test gives up


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk where something has happened."""
    desk = opened(tmp_path_factory.mktemp("busy"))
    assert desk.run("approve", desk.shown(), "--publish", by="bo").code == 0
    return desk


def environment(**more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ALERTBOT")}
    return plain | {"LANGUAGE": "en", "NO_COLOR": "1"} | more


def process(desk: Desk, command: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PROGRAM, *command.split()],
        cwd=desk.folder,
        env=environment(**more),
        capture_output=True,
        timeout=PATIENCE,
    )


def test_a_reader_who_leaves_early(busy: Desk) -> None:
    line = f"{PROGRAM} audit export --json | head -1; echo ${{PIPESTATUS[0]}}"
    answer = subprocess.run(
        ["bash", "-c", line],
        cwd=busy.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert answer.stdout.splitlines()[0] == "["
    assert answer.stderr == ""


def test_the_help_for_a_reader_who_left(tmp_path: Path) -> None:
    answer = subprocess.run(
        ["bash", "-c", f"{PROGRAM} > >(exec true); true"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert answer.stderr == "alertbot: Give a command: alertbot --help\n"


def test_a_terminal_that_knows_ascii_alone(busy: Desk) -> None:
    told = process(busy, "status", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert told.returncode == 0
    told.stdout.decode("ascii")
    document = process(busy, "audit export --json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    document.stdout.decode("ascii")
    assert b"?" not in document.stdout


@pytest.mark.parametrize("surroundings", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"LANG": "fr_FR.UTF-8"}])
def test_no_colour_in_a_pipe(busy: Desk, surroundings: dict[str, str]) -> None:
    answer = process(busy, "preview holding", **surroundings)
    assert answer.returncode == 0
    assert b"\x1b" not in answer.stdout


def started(desk: Desk, *arguments: str) -> subprocess.Popen[str]:
    """A worker that has said that it is alive."""
    worker = subprocess.Popen(
        [PROGRAM, "run", *arguments],
        cwd=desk.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert worker.stdout is not None
    assert "running" in worker.stdout.readline()
    deadline = time.monotonic() + PATIENCE
    while not desk.run("status", "--json").json["worker"]["alive"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return worker


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_sends_what_is_approved_and_leaves_when_told(busy: Desk, sign: signal.Signals) -> None:
    worker = started(busy)
    try:
        alert = busy.shown()
        answer = busy.run("approve", alert, by="bo")
        assert "A worker is running" in answer.out or "published" in answer.out  # by then
        deadline = time.monotonic() + PATIENCE
        while busy.state(alert) != "published":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        worker.send_signal(sign)
        said, _ = worker.communicate(timeout=PATIENCE)
    finally:
        worker.kill()
    assert worker.returncode == 0
    assert "no calls in progress" in said


def test_watching_the_status_in_a_terminal(busy: Desk) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a suite in the background may have it ignored
        os.chdir(busy.folder)
        os.execve(PROGRAM, [PROGRAM, "status", "--watch"], environment(TERM="xterm"))
    seen, deadline = b"", time.monotonic() + PATIENCE
    while b"public" not in seen and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
    os.write(terminal, b"\x03")
    while True:
        try:
            if not os.read(terminal, 65536):
                break
        except OSError:
            break
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"published" in seen
    assert b"Traceback" not in seen


def test_a_port_in_use(busy: Desk) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = process(
            busy, f"sandbox --x-port {port} --telegram-port 0 --smtp-port 0 --wall-port 0 --json"
        )
    assert answer.returncode == 2
    assert port.encode() in answer.stderr
    assert b"Traceback" not in answer.stderr


def test_what_is_longer_than_the_screen_goes_through_the_pager(busy: Desk) -> None:
    pager = busy.folder / "pager.sh"
    pager.write_text("#!/bin/sh\necho paged\nsed -n '$p'\n")
    pager.chmod(0o755)
    for command in (("preview", "holding"), ("show", busy.draft())):
        with terminal(busy.folder, *command, PAGER=str(pager)) as one:
            one.until("paged")
            assert one.leave() == 0
            assert "Memory" not in one.seen
        with terminal(busy.folder, *command, "--no-pager", PAGER=str(pager)) as one:
            assert one.leave() == 0
            assert "paged" not in one.seen
    piped = process(busy, "preview holding", PAGER=str(pager), FORCE_COLOR="1", NO_COLOR="")
    assert b"paged" not in piped.stdout


@pytest.mark.parametrize("surroundings", [{"PAGER": "no-such-pager"}, {"PAGER": "'"}, {"TERM": "dumb"}])
def test_no_pager_is_needed(busy: Desk, surroundings: dict[str, str]) -> None:
    with terminal(busy.folder, "preview", "holding", **surroundings) as one:
        assert one.leave() == 0
        assert one.seen.count("Ready to go out once approved.") == 1


def test_a_preview_without_a_configuration_says_so_at_a_terminal(tmp_path: Path) -> None:
    with terminal(tmp_path, "preview", "holding", PAGER="cat") as one:
        one.until("There is no configuration (config.yaml)")
        assert one.leave() == 0
    assert program.run("preview", "holding", folder=tmp_path).err == ""
