"""What people type as a telephone number, and what becomes of it: one line of a golden file each."""

import csv
from pathlib import Path

import pytest

from alertbot.numbers.rules_digits import InvalidNumber, compact, is_fictional, is_short, written

LINES = list(csv.reader((Path(__file__).parent / "odd_numbers.csv").read_text("utf-8").splitlines()))


@pytest.mark.parametrize(("raw", "region", "expected", "kind"), LINES[1:])
def test_what_was_typed_is_written_so_or_refused(
    raw: str, region: str, expected: str, kind: str
) -> None:
    typed = raw.encode("ascii", "backslashreplace").decode("unicode_escape") if "\\" in raw else raw
    if kind == "refused":
        with pytest.raises(InvalidNumber, match=expected):
            written(typed, region)
        return
    found = written(typed, region)
    assert found == expected
    assert written(found, region) == found
    assert compact(found).lstrip("+").isdigit()
    assert is_short(found) is (kind == "short")
    assert is_fictional(found) is (kind == "fiction")
