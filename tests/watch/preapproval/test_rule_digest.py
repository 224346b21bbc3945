"""The digest of a rule: the same for the same words, another for anything that could change one."""

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertbot.core.model import Organisation
from alertbot.core.words import spoken
from alertbot.texts.kinds.layers import shipped
from alertbot.texts.publisher import Publisher
from alertbot.watch.context import Watch, WatchContext
from alertbot.watch.preapproval import sample
from alertbot.watch.rules_rule import Transition
from tests.effort import examples
from tests.team import Clock, channel
from tests.watch.preapproval.rules import FIRST, TITLES, VALUES

WATCH = Watch(rules=(FIRST,), titles=TITLES)
LETTERS = st.text("abcdefgh", min_size=1, max_size=8)


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    folder = tmp_path / "messages"
    shutil.copytree(shipped(), folder)
    organisation = Organisation("Préfecture d'essai", sandbox=True)
    channels = {name: channel(name) for name in ("public", "second")}
    return Publisher(organisation, channels, (folder,), {}, Clock())


def digest(publisher: Publisher, rule: Any = FIRST) -> str:
    return sample.compose_template(publisher, WATCH, rule).digest


def test_it_does_not_depend_on_the_hour_or_the_reader(publisher: Publisher) -> None:
    before = digest(publisher)
    later = replace(publisher, clock=lambda: datetime.now().astimezone() + timedelta(days=400))
    assert digest(later) == before
    with spoken("fr"):
        assert digest(publisher) == before
    sample._kept.clear()
    assert digest(publisher) == before


@pytest.mark.parametrize("name", ["fr/short.md.j2", "en/long.md.j2", "kind.yaml"])
def test_a_template_changed_where_no_example_reaches_changes_it(
    publisher: Publisher, name: str
) -> None:
    before = digest(publisher)
    path = publisher.folders[0] / "holding" / name
    never = "{% if regret and false %}never{% endif %}\n" if name.endswith("j2") else "# a note\n"
    path.write_text(path.read_text("utf-8") + never, encoding="utf-8")
    assert digest(publisher) != before


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
def test_any_other_value_changes_it(publisher: Publisher, field: str, lang: str, words: str) -> None:
    values = VALUES | {field: {**VALUES[field], lang: f"{VALUES[field][lang]} {words}"}}
    assert digest(publisher, replace(FIRST, values=values)) != digest(publisher)


def test_first_words_and_what_follows_are_both_composed(publisher: Publisher) -> None:
    every = replace(FIRST, on=frozenset(Transition))
    made = sample.compose_template(publisher, WATCH, every)
    first, later = made.samples
    assert set(first.on) == {Transition.OPEN, Transition.HISTORY}
    assert {*first.on, *later.on} == set(Transition)
    assert any("XXXX-1" in one.text for one in later.composed.composition.messages)
    assert "{service}, 3 sur 12" in first.composed.composition.messages[0].text


async def test_it_is_composed_away_from_the_loop_with_the_same_digest(publisher: Publisher) -> None:
    made = await sample.template(WatchContext(publisher, None, watch=WATCH), FIRST)  # type: ignore[arg-type]
    assert made.digest == digest(publisher)
    assert made.people == 2
