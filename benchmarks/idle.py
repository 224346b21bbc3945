"""What a worker costs while nothing happens: processor time and context switches of an idle `serve` and `run` on
SQLite, beside uvicorn with an empty application. Linux only; counted by the kernel, over all threads."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTLES = 8.0  # seconds after the start that do not count: loading, first rounds
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
    """Per cent of one core and switches a second, each process after the other."""
    figures: dict[str, object] = {}
    for name, command in IDLE.items():
        percent, switches = _idle(command)
        figures[f"{name}: % of a core"] = round(percent, 2)
        figures[f"{name}: context switches per second"] = round(switches, 1)
    return figures | {"measured over (s)": SECONDS}


def _idle(command: list[str]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.yaml").write_text(CONFIG, encoding="utf-8")
        (Path(folder) / "empty.py").write_text(EMPTY, encoding="utf-8")
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            time.sleep(SETTLES)
            before, begun = _spent(process.pid), time.monotonic()
            time.sleep(SECONDS)
            after, seconds = _spent(process.pid), time.monotonic() - begun
            if process.poll() is not None:
                raise RuntimeError(f"{command} ended by itself")
        finally:
            process.terminate()
            process.wait()
    return (after[0] - before[0]) / seconds * 100, (after[1] - before[1]) / seconds


def _spent(number: int) -> tuple[float, int]:
    """Processor seconds so far, and switches of all threads, wanted or not."""
    fields = Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    threads = Path(f"/proc/{number}/task").glob("*/status")
    lines = [line for one in threads for line in one.read_text(encoding="ascii").splitlines()]
    return seconds, sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


if __name__ == "__main__":
    for title, figure in measure().items():
        print(title, figure)
