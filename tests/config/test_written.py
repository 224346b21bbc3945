"""The second reading of the one YAML reader: every scalar is the text that was written."""

from pathlib import Path

import pytest

from alertbot.config.yaml_faults import Mark
from alertbot.config.yaml_reader import parse, parse_written, plain, read_written, text_of
from alertbot.core.errors import ConfigInvalid

TEXT = 'at: 16:45\ncode: 01\nmore: [no, 1.50, ~, "~", ""]\nnone:\n'


def test_a_scalar_stays_what_was_written() -> None:
    assert plain(parse_written(TEXT, "facts.yaml")) == {
        "at": "16:45",
        "code": "01",
        "more": ["no", "1.50", None, "~", ""],
        "none": None,
    }


def test_the_other_reading_of_the_same_text_gives_types_or_faults() -> None:
    document = parse(TEXT)
    assert document.root is not None
    assert plain(document.root)["more"][1:] == [1.5, None, "~", ""]
    assert [fault.path for fault in document.faults] == [("at",), ("code",), ("more", 0)]


def test_a_value_knows_its_place_and_that_of_its_key() -> None:
    node = parse_written("a:\n  - b:   c\n", "f.yaml").entries["a"].value[0].entries["b"]
    assert (node.key, node.mark) == (Mark(2, 5, "f.yaml"), Mark(2, 10, "f.yaml"))
    assert str(node.mark) == "f.yaml:2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:\n  b: 1\n  b: 2\n", "f.yaml:3: a.b: is given twice, first on line 2; keep one."),
        ("a: &x 1\nb: *x\n", "f.yaml:2: b: aliases (*name) are not allowed; write the value itself."),
        ("a: [1\n", "f.yaml:2: the bracket opened on line 1 is not closed, or a comma is missing."),
        ("a: !int 1\n", "f.yaml:1: a: tags such as"),
        ("a: " + "[" * 40 + "]" * 40, "f.yaml:1: a[0][0]: is nested deeper than 32 levels."),
    ],
)
def test_the_first_fault_is_one_sentence_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ConfigInvalid) as raised:
        parse_written(text, "f.yaml")
    assert str(raised.value).startswith(told)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="/dev/zero is larger than 1 MB"):
        text_of(Path("/dev/zero"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"none\.yaml cannot be read"):
        read_written(tmp_path / "none.yaml")
