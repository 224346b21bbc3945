"""What a worker costs while nothing happens: processor time and context switches of an idle `serve` and `run` on
SQLite, beside uvicorn with an empty application. Linux only; counted by the kernel, over all threads."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTLES = 10.0  # seconds after the start that do not count: loading, first rounds
SECONDS = 60.0
CONFIG = """
organisation: {name: Bench, languages: [fr, en], verification_page: "https://www.example.org/", sandbox: true}
database: sqlite:///bench.db
channels:
  public: {type: memory}
  second: {type: memory}
  team: {type: memory, audience: team}
"""
EMPTY = """
async def application(scope, receive, send):
    pass
"""
ALERTBOT = [str(Path(sys.executable).parent / "alertbot")]
IDLE = {
    "alertbot serve": [*ALERTBOT, "serve", "--port", "0"],
    "alertbot run": [*ALERTBOT, "run"],
    "uvicorn, nothing else": [
        sys.executable, "-m", "uvicorn", "--port", "0", "--lifespan", "off", "empty:application"
    ],
}  # fmt: skip


def measure() -> dict[str, object]:
    """Per cent of one core and switches a second. All are measured over the same minute: one that does nothing
    hardly disturbs another, and one after the other took three and a half."""
    with _running() as processes:
        time.sleep(SETTLES)
        begun = time.monotonic()
        before = {name: _spent(one.pid) for name, one in processes.items()}
        time.sleep(SECONDS)
        after = {name: _spent(one.pid) for name, one in processes.items()}
        seconds = time.monotonic() - begun
        ended = [name for name, one in processes.items() if one.poll() is not None]
    if ended:
        raise RuntimeError(f"{ended} ended by themselves")
    figures: dict[str, object] = {}
    for name in IDLE:
        spent, switches = (now - then for now, then in zip(after[name], before[name], strict=True))
        figures[f"{name}: % of a core"] = round(spent / seconds * 100, 2)
        figures[f"{name}: context switches per second"] = round(switches / seconds, 1)
    return figures | {"measured over (s)": SECONDS}


@contextmanager
def _running() -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """All of them, each in a folder of its own."""
    processes = {}
    with tempfile.TemporaryDirectory() as root:
        try:
            for number, (name, command) in enumerate(IDLE.items()):
                folder = Path(root) / str(number)
                folder.mkdir()
                (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
                (folder / "empty.py").write_text(EMPTY, encoding="utf-8")
                processes[name] = subprocess.Popen(
                    command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            yield processes
        finally:
            for one in processes.values():
                one.terminate()
            for one in processes.values():
                one.wait()


def _spent(number: int) -> tuple[float, float]:
    """Processor seconds so far, and switches of all threads, wanted or not. The kernel's own count of nanoseconds:
    its count of ticks may miss what wakes for less than one."""
    seconds = switches = 0.0
    for thread in Path(f"/proc/{number}/task").iterdir():
        seconds += int((thread / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
        lines = (thread / "status").read_text(encoding="ascii").splitlines()
        switches += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return seconds, switches


if __name__ == "__main__":
    for title, figure in measure().items():
        print(title, figure)
