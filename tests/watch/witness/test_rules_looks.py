"""When to look again, and what is said in the end."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.watch.polling import fetch
from alertbot.watch.polling.network import ForbiddenAddress, Network
from alertbot.watch.witness.rules_looks import (
    AFTERWARDS,
    Before,
    Found,
    LookVerdict,
    WitnessPlan,
    after,
)
from tests.effort import examples

PLAN = WitnessPlan(timedelta(seconds=5), timedelta(minutes=10))
LOOKING = LookVerdict.LOOKING


@pytest.mark.parametrize(
    ("found", "age", "last", "verdict", "then"),
    [
        (Found.SEEN, 5, None, LOOKING, LookVerdict.SEEN),
        (Found.SEEN, 900, Found.ABSENT, LookVerdict.UNSEEN, LookVerdict.SEEN),
        (Found.ABSENT, 599, Found.ABSENT, LOOKING, LOOKING),
        (Found.ABSENT, 600, Found.ABSENT, LOOKING, LookVerdict.UNSEEN),
        (Found.OTHER, 5, None, LOOKING, LOOKING),
        (Found.OTHER, 5, Found.OTHER, LOOKING, LookVerdict.OTHER),
        (Found.OTHER, 5, Found.ABSENT, LOOKING, LOOKING),
        (Found.BLIND, 600, Found.BLIND, LOOKING, LOOKING),
        (Found.BLIND, 600, Found.ABSENT, LOOKING, LOOKING),
        (Found.BLIND, 1200, Found.ABSENT, LOOKING, LookVerdict.BLIND),
        (Found.BLIND, 1300, Found.ABSENT, LookVerdict.UNSEEN, LookVerdict.UNSEEN),
    ],
)
def test_what_follows_from_a_look(
    found: Found, age: float, last: Found | None, verdict: LookVerdict, then: LookVerdict
) -> None:
    assert after(found, Before(3, age, last, verdict), PLAN).verdict is then


@settings(max_examples=examples(300))
@given(
    finds=st.lists(st.sampled_from([Found.ABSENT, Found.BLIND, Found.OTHER]), min_size=1, max_size=200),
    first=st.integers(1, 60),
    within=st.integers(1, 1800),
)
def test_it_ends_and_who_could_never_look_never_says_unseen(
    finds: list[Found], first: int, within: int
) -> None:
    plan = WitnessPlan(timedelta(seconds=first), timedelta(seconds=within))
    age, last, verdict, pause = float(first), None, LOOKING, 0.0
    looks = 0
    while pause is not None:
        found = finds[looks % len(finds)]
        verdict, pause = after(found, Before(looks, age, last, verdict), plan)
        last, looks = found, looks + 1
        assert looks < 10_000
        age += pause or 0.0
    assert verdict is not LOOKING
    assert age <= 2 * within + AFTERWARDS + 600
    if set(finds) == {Found.BLIND}:
        assert verdict is LookVerdict.BLIND


@pytest.mark.parametrize(
    "address", ["http://10.1.2.3/", "http://127.0.0.1:1/", "http://[::1]:1/", "http://192.168.0.1/"]
)
async def test_private_addresses_are_not_asked(address: str) -> None:
    with pytest.raises(ForbiddenAddress):
        await fetch.look(address, timeout=timedelta(seconds=2), network=Network(outward=True))
