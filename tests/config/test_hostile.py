"""Whatever bytes stand in the file, the answer is a configuration or a list of sentences."""

import string
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alertbot.config import yaml_reader
from alertbot.config.reading import read
from alertbot.config.root import Config
from alertbot.core.errors import ConfigInvalid
from tests.config.accounts import TYPES
from tests.config.conftest import Faults
from tests.config.test_read import SMALL, WHOLE
from tests.effort import examples

BOMB = "a: &a0 [x, x, x]\n" + "".join(
    f"k{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(30)
)
LONG_BOMB = "a: &a '" + "x" * 500_000 + "'\nb: [" + "*a, " * 10_000 + "]\n"


@pytest.fixture(params=["libyaml", "python"])
def _either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.setattr(yaml_reader, "loader", lambda: yaml.SafeLoader)


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("organisation:\n\tname: A", "2:1 indent with spaces, not with a tab"),
        (SMALL + "database: @x", "a value cannot begin with @; put it in quotes"),
        (SMALL + "database: a: b", "a second `: ` on this line; put the value in quotes"),
        (SMALL + "database: 'abc", "the quote opened on line 3 is not closed"),
        (SMALL + "messages: [a", "the bracket opened on line 3 is not closed"),
        ("organisation:\n    name: A\n  languages: [fr]", "3:3 check the indentation"),
        (SMALL + "database: !!python/object/apply:os.system [ls]", "database: tags such as"),
        (SMALL + "database: !!str x", "database: tags such as"),
        (SMALL + "database: *x", "database: *x refers to nothing"),
        (SMALL + "x: &x [*x]", "x[0]: *x refers to nothing"),
        (SMALL + "<<: {database: x}", "merge keys (<<) are not allowed"),
        (SMALL + "? [a]\n: b", "a key must be a plain word"),
        (SMALL + "database: on", "database: write true or false, or put the word in quotes"),
        (SMALL + "database: 0123", "database: programs read this number or sign in different ways"),
        (SMALL + "database: 1_000", "database: programs read this number or sign in different ways"),
        (
            SMALL + "database: " + "9" * 5000,
            "database: programs read this number or sign in different ways",
        ),
        (SMALL + "database: .inf", "database: programs read this number or sign in different ways"),
        (SMALL + "publish_delay: 1:30", "publish_delay: programs read this in different ways"),
        (SMALL + 'database: "a\\0b"', "database: contains a control character"),
        (SMALL + 'database: "a\\u202Eb"', "database: contains a control character"),
        (SMALL + "---\n" + SMALL, "3:1 a second document starts here"),
        ("a: \x00", "1:4 contains a character that is not text (U+0000); is this a binary file?"),
        ("[" * 100_000, "is nested deeper than 32 levels"),
        ("- " * 100_000, "is nested deeper than 32 levels"),
        (BOMB, "aliases (*name) make this far too large"),
        (LONG_BOMB, "aliases (*name) make this far too large"),
        ("", "1:1 the file is empty"),
        ("# nothing\n", "1:1 the file is empty"),
        ("- a\n- b", "1:1 the file must contain keys"),
        ("hello", "1:1 the file must contain keys"),
    ],
)
def test_traps_are_explained(faults: Faults, text: str, fault: str) -> None:
    lines = faults(text)
    assert any(fault in line for line in lines), lines
    assert len("\n".join(lines)) < 3000


def test_latin_1_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes("organisation:\n  name: Préfecture".encode("latin-1"))
    with pytest.raises(ConfigInvalid, match=r"config\.yaml:2:11 is not UTF-8"):
        read(path, TYPES)


def test_a_huge_file_is_not_read_through(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigInvalid, match="larger than 1 MB"):
        read(path, TYPES)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert read(path, TYPES).organisation.name


def test_a_path_that_cannot_be_one() -> None:
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        read("a\0b", TYPES)


LINES = WHOLE.splitlines(keepends=True)


@pytest.mark.parametrize("entry", ["1, ", "on, ", "{a: b}, ", ", "])
def test_thousands_of_faults_end_in_a_short_list(faults: Faults, entry: str) -> None:
    entries = entry * 15_000 if entry != ", " else "~, " * 30_000
    lines = faults(
        f"organisation: {{name: A}}\nchannels: {{a: {{type: mail, recipients: [{entries}]}}}}"
    )
    assert len(lines) <= 201


YAML_ISH = st.text(alphabet="abxy01: \n\t-[]{},&*!|>'\"%@`#?~<=." + "é\u2028\ufeff", max_size=120)
WORDS = st.sampled_from(
    [
        "organisation",
        "channels",
        "name",
        "type",
        "chat",
        "mail",
        "screen",
        "pace",
        "windows",
        "budget",
        "languages",
        "database",
        "approvals",
        "on",
        "0123",
        "1:30",
        "~",
        "null",
        "true",
        "-1",
        "1.5",
        ".inf",
        "[]",
        "{}",
        "<<",
    ]
)
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(string.printable, max_size=8)
    | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=20,
)


def outcome(path: Path, content: bytes) -> Config | str:
    path.write_bytes(content)
    try:
        return read(path, TYPES)
    except ConfigInvalid as fault:
        return str(fault)


FUZZ = settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(content=st.binary(max_size=200) | YAML_ISH.map(str.encode))
@example(content=b"a: !<\xc2\x85> b")
@example(content=b"%TAG ! tag:x,2000:\n--- !a b")
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    outcome(tmp_path / "config.yaml", content)


@FUZZ
@given(line=st.integers(0, len(LINES)), text=YAML_ISH)
def test_a_line_put_into_a_good_file(tmp_path: Path, line: int, text: str) -> None:
    outcome(tmp_path / "config.yaml", "".join([*LINES[:line], text, "\n", *LINES[line:]]).encode())


@FUZZ
@example(top=None, channel={"type": []}, name="a")
@given(top=TREES, channel=TREES, name=st.sampled_from(["a", "A-", "type", "host"]))
def test_any_tree_of_values(tmp_path: Path, top: object, channel: object, name: str) -> None:
    kinds = {
        kind: {"type": kind, "host": channel, "recipients": channel, "pace": top} for kind in TYPES
    }
    tree = {"organisation": top, "channels": {name: channel, **kinds}, "approvals": {"a": channel}}
    content = yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass")
    outcome(tmp_path / "config.yaml", content)
