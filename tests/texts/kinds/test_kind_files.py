"""Any byte of any file that a kind's words come from is part of its fingerprint."""

import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertbot.texts.kinds import layers
from alertbot.texts.kinds.catalogue import load_kind
from alertbot.texts.kinds.layers import fingerprint, shipped
from tests.effort import examples

USED = [
    "fields.yaml",
    "edits.yaml",
    "card.yaml",
    "exercise_frame/fr.yaml",
    "retraction/en/long.md.j2",
    "ready_words/fr.yaml",
    "holding/kind.yaml",
    "holding/fr/short.md.j2",
    "holding/en/long.md.j2",
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "messages"
    shutil.copytree(shipped(), folder)
    return folder


@settings(
    deadline=None,
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_changed_byte_changes_it(own: Path, data: st.DataObject) -> None:
    path = own / data.draw(st.sampled_from(USED))
    content, before = path.read_bytes(), fingerprint("holding", own)
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(changed))
    try:
        assert fingerprint("holding", own) != before
    finally:
        path.write_bytes(content)
    assert fingerprint("holding", own) == before


def test_a_file_more_or_less_changes_it(own: Path) -> None:
    before = fingerprint("holding", own)
    more = own / "holding" / "fr" / "x.md.j2"
    more.write_text("x", encoding="utf-8")
    assert fingerprint("holding", own) != before
    more.unlink()
    short = own / "holding" / "fr" / "short.md.j2"
    kept = short.rename(short.with_suffix(".kept"))
    assert fingerprint("holding", own) != before
    kept.rename(short)
    assert fingerprint("holding", own) == before


def test_other_kinds_and_other_places_do_not_matter(own: Path, tmp_path: Path) -> None:
    before = fingerprint("holding", own)
    moved = tmp_path / "elsewhere"
    shutil.copytree(own, moved)
    (moved / "status" / "fr" / "short.md.j2").write_text("x", encoding="utf-8")
    (moved / "holding" / "fr" / "short.md.j2~").write_text("an editor's copy", encoding="utf-8")
    assert fingerprint("holding", moved) == before
    assert fingerprint("status", moved) != fingerprint("status", own)
    assert fingerprint("holding") != before  # nothing lies over the shipped words


def test_what_has_not_changed_is_not_read_again_and_a_changed_byte_is_seen_whatever_its_date(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "SETTLED_SECONDS", 0.1)
    readings: list[str] = []
    read = layers._read

    def noted(kind: str, folders: tuple[Path, ...]) -> layers._Reading:
        readings.append(kind)
        return read(kind, folders)

    monkeypatch.setattr(layers, "_read", noted)
    time.sleep(0.2)  # until two changes can be told apart
    first = load_kind("holding", own)
    assert load_kind("holding", own) is first
    assert readings == ["holding"]
    path = own / "holding" / "en" / "long.md.j2"
    content, times = path.read_bytes(), path.stat()
    path.write_bytes(content.swapcase())
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    changed = load_kind("holding", own)
    assert changed.templates != first.templates
    path.write_bytes(content)
    assert load_kind("holding", own).templates == first.templates


def test_a_name_that_is_a_path_is_no_kind(own: Path) -> None:
    assert layers.has_kind("holding", own)
    assert not layers.has_kind("../messages/holding", own)
    assert not layers.has_kind("holding/", own)
    assert not layers.has_kind("", own)
