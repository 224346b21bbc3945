"""The map in CONTRIBUTING.md leads to files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = [
    line
    for line in (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and "`" in line
]
PLACES = sorted(set(re.findall(r"`([\w/*]+/[\w*]*(?:\.py)?)`", "\n".join(TABLES))))


def test_the_map_was_found() -> None:
    assert "alerts/approving.py" in PLACES
    assert len(PLACES) > 30


@pytest.mark.parametrize("place", PLACES)
def test_a_place_on_the_map_is_there(place: str) -> None:
    """A pattern such as `db/tables*.py` leads to one file or more."""
    homes = (ROOT, ROOT / "alertbot")
    assert any([*home.glob(place)] for home in homes), f"{place} has moved: correct CONTRIBUTING.md"
