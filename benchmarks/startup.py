"""Cold start of `alertbot preview status`, in turn with `apprise --version`: whole processes, timed from
outside."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 15


def measure() -> dict[str, object]:
    """Medians in milliseconds of both commands, run alternately after one warm-up each."""
    here = Path(sys.executable).parent
    ours = [str(here / "alertbot"), "preview", "status"]
    peer = [str(here / "apprise"), "--version"]
    with tempfile.TemporaryDirectory() as folder:
        times: dict[str, list[float]] = {"ours": [], "peer": []}
        for run in range(RUNS + 1):
            for name, command in (("ours", ours), ("peer", peer)):
                spent = _time(command, folder)
                if run:
                    times[name].append(spent)
    ours_ms, peer_ms = (statistics.median(times[name]) * 1000 for name in ("ours", "peer"))
    return {
        "alertbot preview status (ms, median)": round(ours_ms),
        "apprise --version (ms, median)": round(peer_ms),
        "ratio": round(ours_ms / peer_ms, 2),
        "runs": RUNS,
    }


def _time(command: list[str], folder: str) -> float:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ALERTBOT")}
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return time.perf_counter() - begun
