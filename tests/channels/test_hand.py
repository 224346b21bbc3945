"""A place where a person posts: nothing is called, and nothing is called sent."""

from pathlib import Path
from typing import Any

import pytest

from alertbot.app import build
from alertbot.channels.hand import HandAdapter, HandSettings
from alertbot.config.starter import example
from alertbot.core.errors import ConfigInvalid
from tests.channels.contract import ChannelContract


class TestContract(ChannelContract):
    adapter_type = HandAdapter

    def settings(self, port: int, **more: Any) -> HandSettings:
        return HandSettings(type="hand", where="Le site de la mairie", **more)

    async def test_it_is_not_out_before_a_person_says_so(self) -> None:
        receipt = await self.adapter(1).publish(self.post())
        assert "Le site de la mairie" in receipt.waits


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", ""),
        ("limit: 200", ""),
        ("audience: team", "tasks for the team"),
        ("posts: 3", "limit"),
        ('where: ""', "where"),
    ],
)
def test_what_a_configuration_may_say(tmp_path: Path, more: str, words: str) -> None:
    lines = ["type: hand", *(() if "where" in more else ("where: Radio",)), *([more] if more else [])]
    place = "\n".join(f"    {line}" for line in lines)
    text = example().replace("channels:\n", f"channels:\n  place:\n{place}\n", 1)
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    if words:
        with pytest.raises(ConfigInvalid, match=words):
            build(tmp_path / "config.yaml")
        return
    channel = build(tmp_path / "config.yaml").publisher.channels["place"]
    assert channel.targets[0].address == "Radio"
    assert (channel.spec.limit, channel.spec.form) == ((200, "short") if more else (None, "long"))
