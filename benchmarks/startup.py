"""What starting costs: processor seconds of short commands of the built wheel, in turn with those of `apprise`
in the same environment. Whole processes; what is measured is their user and system time, since the wall clock says more
about what else the machine does."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 11
ROOT = Path(__file__).parents[1]
HERE = Path(sys.executable).parent  # of the peer's command
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
    with tempfile.TemporaryDirectory() as place:
        package, empty, desk = (str(Path(place, name)) for name in ("package", "empty", "desk"))
        for folder in (empty, desk):
            Path(folder).mkdir()
        _install(package)
        alert = _prepare(desk, package)
        commands = COMMANDS | {"alertbot show ALERT": ["alertbot", "show", alert]}
        spent: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for turn in range(RUNS + 1):
            for name, command in commands.items():
                seconds = _cpu(command, desk if name in GOAL_SECONDS else empty, package)
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


def _install(package: str) -> None:
    """The wheel of this tree in a folder of its own, byte-compiled, beside what the environment has."""
    with tempfile.TemporaryDirectory() as wheels:
        _python(["hatchling", "build", "-t", "wheel", "-d", wheels])
        (wheel,) = Path(wheels).glob("*.whl")
        options = ["--quiet", "--no-deps", "--no-index", "--compile", "--target", package]
        _python(["pip", "install", *options, str(wheel)])


def _python(module: list[str]) -> None:
    subprocess.run([sys.executable, "-m", *module], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def _prepare(folder: str, package: str) -> str:
    """A configuration with its database, a person and one alert; answers the alert's name."""
    _run(["alertbot", "init", "--defaults"], folder, package)
    added = _run(["alertbot", "people", "add", "Camille", "--role", "author"], folder, package)
    token = added.splitlines()[-1]
    drafted = _run(["alertbot", "draft", "holding", "--json"], folder, package, ALERTBOT_TOKEN=token)
    return str(json.loads(drafted)["id"])


def _run(command: list[str], folder: str, package: str, **more: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ALERTBOT")}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)
    program, *arguments = command
    ours = program == "alertbot"
    done = subprocess.run(
        [str(Path(package, "bin") / program if ours else HERE / program), *arguments],
        cwd=folder,
        env=clean | more | ({"PYTHONPATH": package} if ours else {}),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout


def _cpu(command: list[str], folder: str, package: str) -> float:
    """User and system time of this command alone, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(command, folder, package)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
