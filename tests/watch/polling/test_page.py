"""The page about polling: its examples are whole and pass the check, and what is wrong does not."""

import json
import re
from pathlib import Path

import pytest

from alertbot.app import build
from alertbot.core.errors import ConfigInvalid
from alertbot.ops.check import check_all

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "watch-by-polling.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
BASE = "organisation: {name: X}\nchannels: {desk: {type: console}}\n"
POLL = "poll: {url: https://status.example.org/}"


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, "utf-8")
    return path


def sources(**given: str) -> str:
    return BASE + "sources:\n" + "".join(f"  {name}: {{{what}}}\n" for name, what in given.items())


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
async def test_every_example_passes_the_check(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALL_CENTRE_TOKEN", "of-theirs")
    report = await check_all(build(written(tmp_path, example)), online=False)
    assert report.problems == ()
    assert report.missing_secrets == ()
    assert report.sound


def test_there_is_an_example_for_each_way() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("type: gatus, " + POLL, "only generic, statuspage can be polled"),
        ("type: feed", "use the type feed and `feed:` together"),
        (
            "type: statuspage, " + POLL + ", probe: {service: a, url: https://a.example}",
            "the type probe and `probe:` together",
        ),
        ("type: probe, probe: {service: a}", "give `url:`, or `host:` and `port:`"),
        ("type: generic, map: {key: id}, " + POLL, "remove `key:`; a polled source gives"),
        (
            "type: generic, poll: {url: http://status.example.org/}",
            "plain http is allowed only to 127.0.0.1",
        ),
        ("type: generic, poll: {url: https://a.example/, every: 0s}", "must be longer than 0s"),
    ],
)
def test_what_does_not_go_together_is_refused(given: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        build(written(tmp_path, sources(odd=given)))
    assert sentence in str(refused.value)


async def test_an_expression_that_is_none_is_told(tmp_path: Path) -> None:
    text = sources(odd="type: generic, map: {service: 'foo['}, " + POLL)
    report = await check_all(build(written(tmp_path, text)), online=False)
    assert not report.sound
    assert "sources.odd.map.service" in json.dumps(report.problems)


def test_a_rehearsal_asks_this_machine_alone(tmp_path: Path) -> None:
    text = (
        sources(page="type: statuspage, " + POLL)
        + "watch: {online_checks: [https://www.example.net]}\n"
    )
    with pytest.raises(ConfigInvalid) as refused:
        build(written(tmp_path, text.replace("{name: X}", "{name: X, sandbox: true}")))
    assert "sources.page" in str(refused.value)
    assert "watch.online_checks" in str(refused.value)
