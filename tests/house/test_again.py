"""Running failed tests again: only a few, only alone, and a second failure counts."""

import json
from pathlib import Path

import pytest

from tests import again

PASSES = "tests/house/test_again.py::test_nothing_to_run_again_is_a_failure"
FAILS = "tests/house/test_again.py::test_that_does_not_exist"


def failed_before(folder: Path, *names: str) -> None:
    file = folder / "lastfailed"
    file.write_text(json.dumps(dict.fromkeys(names, True)))


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(again, "FAILED", tmp_path / "lastfailed")


def test_nothing_to_run_again_is_a_failure() -> None:
    assert again.main() == 1


def test_more_than_a_few_are_not_put_down_to_the_machine(tmp_path: Path) -> None:
    failed_before(tmp_path, *(f"{PASSES}[{number}]" for number in range(again.MOST + 1)))
    assert again.main() == 1


@pytest.mark.thorough
@pytest.mark.parametrize(("names", "code"), [((PASSES,), 0), ((PASSES, FAILS), 1)])
def test_each_is_run_again_alone(tmp_path: Path, names: tuple[str, ...], code: int) -> None:
    failed_before(tmp_path, *names)
    assert again.main() == code
