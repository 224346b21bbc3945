"""What becomes of a false post: only what the platform can do."""

from pathlib import Path

import pytest

from alertbot.app import build
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import OnCancel

TEXT = """\
organisation: {{name: Essai, verification_page: "https://www.example.org/", sandbox: true}}
database: sqlite:///alertbot.db
channels:
  public: {{type: {type}{more}, on_cancel: {word}}}
"""
MAIL = ', host: 127.0.0.1, port: 2525, sender: "a@example.org", recipients: ["b@example.org"]'


def written(folder: Path, kind: str, word: str, more: str = "") -> Path:
    path = folder / "config.yaml"
    path.write_text(TEXT.format(type=kind, word=word, more=more), encoding="utf-8")
    return path


@pytest.mark.parametrize("word", list(OnCancel))
def test_a_channel_does_what_it_can(tmp_path: Path, word: OnCancel) -> None:
    assert build(written(tmp_path, "memory", word)).publisher.channels["public"].on_cancel is word


def test_a_post_is_kept_unless_the_team_says_otherwise(tmp_path: Path) -> None:
    path = written(tmp_path, "memory", "keep")
    path.write_text(path.read_text(encoding="utf-8").replace(", on_cancel: keep", ""), encoding="utf-8")
    assert build(path).publisher.channels["public"].on_cancel is OnCancel.KEEP


@pytest.mark.parametrize("word", ["strike", "delete"])
def test_a_mail_cannot_be_called_back(tmp_path: Path, word: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        build(written(tmp_path, "email", word, MAIL))
    (line,) = [one for one in refused.value.lines if "on_cancel" in one]
    assert "config.yaml:4" in line
    assert "keep" in line


def test_another_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="on_cancel"):
        build(written(tmp_path, "memory", "burn"))
