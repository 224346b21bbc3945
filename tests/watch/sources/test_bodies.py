"""From the bytes of a body to its JSON: encodings, forms, and what no two programs read alike."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest

from alertbot.core.json import DEEPEST
from alertbot.watch.sources.base import (
    LONGEST_TEXT,
    MOST_FIELDS,
    UnknownShape,
    mapping,
    moment,
    read,
    rows,
    text,
)

BODY: dict[str, Any] = {"a": [1, {"b": "é"}]}
PLAIN = json.dumps(BODY).encode()
FORM = "application/x-www-form-urlencoded"


def multipart(*parts: tuple[str, bytes], boundary: str = "xYz") -> bytes:
    made = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode() + content + b"\r\n"
        for name, content in parts
    )
    return made + f"--{boundary}--\r\n".encode()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (PLAIN, ""),
        (PLAIN, "application/json"),
        (PLAIN, "text/plain; charset=latin-1"),
        (json.dumps(BODY, ensure_ascii=False).encode(), ""),
        (b"\xef\xbb\xbf" + PLAIN, ""),
        (b" \n" + PLAIN + b"\n", ""),
        (PLAIN, FORM),  # a wrong content type is common
        (b"  " + PLAIN, FORM),
        (b"data=" + quote_plus(PLAIN).encode(), FORM),
        (b"x=1&data=" + quote_plus(PLAIN).encode() + b"&y=", FORM + "; charset=utf-8"),
        (b"data=1&data=" + quote_plus(PLAIN).encode(), FORM.upper()),  # the last one counts
        (multipart(('name="data"', PLAIN)), "multipart/form-data; boundary=xYz"),
        (multipart(("name=data", PLAIN)), 'multipart/form-data; boundary="xYz"'),
        (
            multipart(('name="x"', b"1"), ('name="data"; filename="a"', PLAIN)),
            "Multipart/Form-Data; boundary=xYz",
        ),
        (PLAIN, "multipart/form-data; boundary=xYz"),
        (PLAIN, "multipart/form-data"),
    ],
)
def test_the_json_in_a_body(body: bytes, kind: str) -> None:
    assert read("s", body, kind) == BODY


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ""),
        (b"{", ""),
        (b"{} {}", ""),
        (b"\xff\xfe{}", ""),
        (b"{'a': 1}", ""),
        (b'{"a": 1, "a": 1}', ""),
        (b'[{"b": {"a": 1, "a": 2}}]', ""),
        (b"NaN", ""),
        (b"[-Infinity]", ""),
        (b"[1e999]", ""),
        (b"[-1e999]", ""),
        (nested(DEEPEST + 1), ""),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), ""),
        (nested(100_000), ""),
        (b"[" * 100_000, ""),
        (b"data=", FORM),
        (b"x=" + quote_plus(PLAIN).encode(), FORM),
        (multipart(('name="data2"', PLAIN)), "multipart/form-data; boundary=xYz"),
        (multipart(('name="data"', PLAIN)), "multipart/form-data; boundary=other"),
    ],
)
def test_what_is_refused_with_its_source(body: bytes, kind: str) -> None:
    with pytest.raises(UnknownShape, match=r"pager: .+\.$") as refused:
        read("pager", body, kind)
    assert refused.value.keys == []


def test_depth_is_counted_outside_of_texts_and_to_the_level() -> None:
    assert read("s", nested(DEEPEST)) is not None
    texts = json.dumps(["[{" * 500, '\\"[' * 500, '"' + "]" * 500]).encode()
    assert read("s", texts) == json.loads(texts)
    side_by_side = json.dumps([[]] * 500).encode()
    assert read("s", side_by_side) == [[]] * 500


def test_a_form_of_too_many_fields_is_refused() -> None:
    fields = b"&".join(b"x=1" for _number in range(MOST_FIELDS))
    with pytest.raises(UnknownShape):
        read("s", fields + b"&data={}", FORM)
    assert read("s", fields[4:] + b"&data={}", FORM) == {}


def test_the_keys_of_a_strange_body_are_shown_and_bounded() -> None:
    error = UnknownShape("s", {"b": 1, "a" * 99: 2, 7: 3})
    assert error.keys == ["7", "a" * 40, "b"]
    assert "7, aaaa" in str(error)
    assert len(UnknownShape("s", {str(n): n for n in range(99)}).keys) == 20
    assert UnknownShape("s", ["a"]).keys == []


@pytest.mark.parametrize("odd", [None, 1, "a", [], [1], True])
def test_odd_values_are_empty(odd: object) -> None:
    assert mapping(odd) == {}
    assert list(rows(odd)) == []
    assert list(rows({"a": 1})) == []
    assert list(rows([odd, {"a": 1}])) == [{"a": 1}]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((), ""),
        ((None, "", "  ", "a"), "a"),
        ((0, "a"), "0"),
        ((1.5,), "1.5"),
        ((True, "a"), "a"),
        ((["a"], {"a": 1}, "b"), "b"),
        ((" a\n\u202eb\tc ",), "a b c"),
        (("x" * 600,), "x" * LONGEST_TEXT),
    ],
)
def test_a_text_is_the_first_that_is_one(given: tuple[object, ...], line: str) -> None:
    assert text(*given) == line


@pytest.mark.parametrize(
    ("given", "iso"),
    [
        ("2026-03-02T14:00:00Z", "2026-03-02T14:00:00+00:00"),
        ("2026-03-02T14:00:00+02:00", "2026-03-02T12:00:00+00:00"),
        (" 2026-03-02 14:00:00 ", "2026-03-02T14:00:00+00:00"),
        ("2026-03-02", "2026-03-02T00:00:00+00:00"),
        ("0001-01-01T00:00:00Z", None),  # "still open"
        ("0002-01-01T00:00:00Z", "0002-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", None),  # before the first year
        ("9999-12-31T23:59:59-14:00", None),  # after the last
        ("soon", None),
        ("", None),
        (1767225600, None),
        (None, None),
    ],
)
def test_a_moment(given: object, iso: str | None) -> None:
    found = moment(given)
    assert (found.isoformat() if found else None) == iso
