"""What starting costs: processor seconds of short commands, in turn with those of `apprise` in the same
environment. Whole processes; what is measured is their user and system time, since the wall clock says more
about what else the machine does."""

import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import alertbot

RUNS = 11
HERE = Path(sys.executable).parent
COMMANDS = {
    "apprise --version": ["apprise", "--version"],
    "apprise --help": ["apprise", "--help"],
    "alertbot preview status": ["alertbot", "preview", "status"],
    "alertbot --help": ["alertbot", "--help"],
    "alertbot status": ["alertbot", "status"],
    "alertbot show ALERT": ["alertbot", "show"],  # the alert's name is added when there is one
}
GOALS = {  # the command, whose time it is compared with, and the ratio that is the goal
    "alertbot preview status": ("apprise --version", 1.7),
    "alertbot --help": ("apprise --help", 0.6),
}
GOAL_SECONDS = {"alertbot status": 0.9, "alertbot show ALERT": 0.9}


def measure() -> dict[str, object]:
    """Medians of every command in processor seconds, each run once per round after one round to warm up;
    then the ratios to the peer, with the goals beside them."""
    compileall.compile_dir(Path(alertbot.__file__).parent, quiet=1)  # as an installer leaves it
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as desk:
        alert = _prepare(desk)
        commands = COMMANDS | {"alertbot show ALERT": ["alertbot", "show", alert]}
        spent: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for turn in range(RUNS + 1):
            for name, command in commands.items():
                seconds = _cpu(command, desk if name in GOAL_SECONDS else empty)
                if turn:
                    spent[name].append(seconds)
    medians = {name: statistics.median(times) for name, times in spent.items()}
    found: dict[str, object] = {
        f"{name} (CPU s, median)": round(seconds, 3) for name, seconds in medians.items()
    }
    for name, (peer, goal) in GOALS.items():
        found[f"{name} / {peer} (goal {goal})"] = round(medians[name] / medians[peer], 2)
    for name, goal in GOAL_SECONDS.items():
        found[f"{name}: share of the goal of {goal} s"] = round(medians[name] / goal, 2)
    return found | {"runs": RUNS}


def _prepare(folder: str) -> str:
    """A configuration with its database, a person and one alert; answers the alert's name."""
    _run(["alertbot", "init", "--defaults"], folder)
    added = _run(["alertbot", "people", "add", "Camille", "--role", "author"], folder)
    token = added.splitlines()[-1]
    drafted = _run(["alertbot", "draft", "holding", "--json"], folder, ALERTBOT_TOKEN=token)
    return str(json.loads(drafted)["id"])


def _run(command: list[str], folder: str, **more: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ALERTBOT")}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)
    program, *arguments = command
    done = subprocess.run(
        [str(HERE / program), *arguments],
        cwd=folder,
        env=clean | more,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout


def _cpu(command: list[str], folder: str) -> float:
    """User and system time of this command alone, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
