"""The posts of each case as they stand on X, read and kept: the first two of every alert, in both languages. After a
change of wording, read what differs aloud, then renew them: `python -m tests.rehearsal.replay.test_golden`."""

import re
from pathlib import Path

import pytest

from alertbot.numbers.rules_digits import is_fictional
from tests.rehearsal.replay.at_hand import SHARED, shared
from tests.rehearsal.replay.stories import played

HERE = Path(__file__).parent
OWN = ("false-number-2026-04-10", "west-2026-03-02")
OTHERS = ("orange-2023-01-17", "hawaii-false-alert-2018-01-13", "orange-2021-06-02")
SHOWN = 2  # posts of an alert; those after them repeat the form of the second


def masked(found: re.Match[str]) -> str:
    """Somebody's real number is none of ours to keep."""
    return found.group() if is_fictional(found.group()) else "## ## ## ## ##"


def told(case: Path) -> dict[str, str]:
    """By language, every alert's first posts on X."""
    found: dict[str, list[str]] = {}
    for one in played(case).document["posts"]:
        if one["channel"] == "x" and one["part"] <= SHOWN:
            said = found.setdefault(one["lang"], [])
            if one["part"] == 1:
                said.append(" · ".join(filter(None, ("---", one["kind"], one["state"]))))
            text = one["text"].replace("\u00a0", " ")
            said.append(re.sub(r"\b\d\d(?: \d\d){4}\b", masked, text))
    return {lang: "\n".join(said) + "\n" for lang, said in found.items()}


def kept(case: str) -> dict[str, str]:
    files = sorted((HERE / "golden").glob(f"{case}.*.txt"))
    return {one.suffixes[-2].removeprefix("."): one.read_text(encoding="utf-8") for one in files}


@pytest.mark.parametrize("case", OWN)
def test_the_posts_of_a_case_are_those_that_were_read(case: str) -> None:
    assert told(HERE / "cases" / case) == kept(case)


@pytest.mark.thorough
@pytest.mark.parametrize("case", OTHERS)
def test_the_posts_of_a_real_case_are_those_that_were_read(case: str) -> None:
    assert told(shared(case)) == kept(case)


if __name__ == "__main__":
    folders = [HERE / "cases" / one for one in OWN]
    folders += [SHARED / one for one in OTHERS if SHARED.is_dir()]
    for folder in folders:
        for spoken, text in told(folder).items():
            (HERE / "golden" / f"{folder.name}.{spoken}.txt").write_text(text, encoding="utf-8")
