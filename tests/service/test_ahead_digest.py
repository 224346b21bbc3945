"""The digest of a rule: the same for the same words, another for anything that could change one."""

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertbot.compose.catalogue import shipped
from alertbot.incident.rules import Transition
from alertbot.model import Organisation
from alertbot.service import specimen
from alertbot.service.context import Context, Watch
from alertbot.service.voice import Voice
from alertbot.words import spoken
from tests.effort import examples
from tests.service.rules import FIRST, TITLES, VALUES
from tests.service.team import Clock, channel

WATCH = Watch(rules=(FIRST,), titles=TITLES)
LETTERS = st.text("abcdefgh", min_size=1, max_size=8)


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    folder = tmp_path / "messages"
    shutil.copytree(shipped(), folder)
    organisation = Organisation("Préfecture d'essai", sandbox=True)
    channels = {name: channel(name) for name in ("public", "second")}
    return Voice(organisation, channels, (folder,), {}, Clock())


def digest(voice: Voice, rule: Any = FIRST) -> str:
    return specimen.compose_template(voice, WATCH, rule).digest


def test_it_does_not_depend_on_the_hour_or_the_reader(voice: Voice) -> None:
    before = digest(voice)
    later = replace(voice, clock=lambda: datetime.now().astimezone() + timedelta(days=400))
    assert digest(later) == before
    with spoken("fr"):
        assert digest(voice) == before
    specimen._kept.clear()
    assert digest(voice) == before


@pytest.mark.parametrize("name", ["fr/short.md.j2", "en/long.md.j2", "kind.yaml"])
def test_a_template_changed_where_no_example_reaches_changes_it(voice: Voice, name: str) -> None:
    before = digest(voice)
    path = voice.folders[0] / "holding" / name
    never = "{% if regret and false %}never{% endif %}\n" if name.endswith("j2") else "# a note\n"
    path.write_text(path.read_text("utf-8") + never, encoding="utf-8")
    assert digest(voice) != before


@settings(
    deadline=None,
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    field=st.sampled_from(["what_fails", "what_works", "what_to_do"]),
    lang=st.sampled_from(["fr", "en"]),
    words=LETTERS,
)
def test_any_other_value_changes_it(voice: Voice, field: str, lang: str, words: str) -> None:
    values = VALUES | {field: {**VALUES[field], lang: f"{VALUES[field][lang]} {words}"}}
    assert digest(voice, replace(FIRST, values=values)) != digest(voice)


def test_first_words_and_what_follows_are_both_composed(voice: Voice) -> None:
    every = replace(FIRST, on=frozenset(Transition))
    made = specimen.compose_template(voice, WATCH, every)
    first, later = made.samples
    assert set(first.on) == {Transition.OPEN, Transition.HISTORY}
    assert {*first.on, *later.on} == set(Transition)
    assert any("XXXX-1" in one.text for one in later.composed.composition.messages)
    assert "{service}, 3 sur 12" in first.composed.composition.messages[0].text


async def test_it_is_composed_away_from_the_loop_with_the_same_digest(voice: Voice) -> None:
    made = await specimen.template(Context(voice, None, watch=WATCH), FIRST)  # type: ignore[arg-type]
    assert made.digest == digest(voice)
    assert made.people == 2
