"""What the configuration lays over a report."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.config.sources import SourceSettings
from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.directory import LONGEST_KEY, as_configured

T = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
REPORT = Signal("page", "sip-core-1", Observed.UP, T, key="k1")


def source(**more: object) -> SourceSettings:
    return SourceSettings.model_validate({"type": "generic", **more})


def test_services_get_our_names() -> None:
    names = source(names={"sip-core-1": "emergency_calls"})
    told = as_configured([REPORT, replace(REPORT, service="other")], names)
    assert [one.service for one in told] == ["emergency_calls", "other"]
    assert [one.key for one in told] == ["k1", "k1"]


@pytest.mark.parametrize("claimed", [True, False])
@pytest.mark.parametrize("observed", Observed)
def test_only_the_configuration_says_who_confirms(observed: Observed, claimed: bool) -> None:
    one = replace(REPORT, observed=observed, confirms=claimed)
    assert [told.confirms for told in as_configured([one], source())] == [False]
    confirming = as_configured([one], source(confirms=True))
    assert [told.confirms for told in confirming] == [observed is Observed.UP]


@settings(deadline=None)
@given(st.lists(st.text(max_size=700), unique=True, max_size=5))
def test_keys_stay_different_and_short(keys: list[str]) -> None:
    told = as_configured([replace(REPORT, key=key) for key in keys], source())
    assert len({one.key for one in told}) == len(keys)
    assert all(0 < len(one.key) <= LONGEST_KEY for one in told)


def test_long_keys_that_differ_at_the_end_differ() -> None:
    told = as_configured([replace(REPORT, key="x" * 400 + end) for end in "ab"], source())
    assert len({one.key for one in told}) == 2


def test_a_report_without_a_key_is_not_taken_for_another() -> None:
    reports = [replace(REPORT, key="", observed=one) for one in (Observed.UP, Observed.DOWN)]
    assert len({one.key for one in as_configured(reports, source())}) == 2
