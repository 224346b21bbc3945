import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from alertbot.config.channel import ChannelSettings
from alertbot.config.reading import read
from alertbot.config.root import Config
from alertbot.core.errors import ConfigInvalid
from tests.config.accounts import TYPES

Reads = Callable[..., Config]
Faults = Callable[..., list[str]]


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    """Reads a text as `config.yaml`."""

    def read_text(text: str, types: Mapping[str, type[ChannelSettings]] = TYPES) -> Config:
        path = tmp_path / "config.yaml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return read(path, types)

    return read_text


@pytest.fixture
def faults(reads: Reads) -> Faults:
    """The faults of a text, one line each, without the file's name."""

    def faults_of(text: str, types: Mapping[str, type[ChannelSettings]] = TYPES) -> list[str]:
        with pytest.raises(ConfigInvalid) as raised:
            reads(text, types)
        return [line.partition("config.yaml:")[2] for line in raised.value.lines]

    return faults_of
