"""How long until the last recipient, and what it costs."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.channels.base import EMAIL, TELEGRAM, X
from alertbot.core.model import Channel, Composition, Cost, Pace, Price, Target
from alertbot.delivery.rules_forecast import calls, cost, forecast
from tests.texts.preview import examples

HOUR = 3600.0


def posts(number: int, *, linked: bool = False) -> Composition:
    one = replace(examples.messages("fr")[0], has_link=linked)
    return replace(examples.STATUS, messages=(one,) * number, targets={})


def mails(number: int, lang: str = "fr") -> Composition:
    return replace(
        examples.STATUS,
        messages=tuple(m for m in examples.STATUS.messages if m.channel == "press"),
        targets={"press": tuple(Target(f"r{n}@example.fr", lang) for n in range(number))},
    )


def x_channel(pace: Pace = Pace()) -> Channel:
    return Channel("x_main", X, ("fr",), pace=pace)


def press(pace: Pace = Pace()) -> Channel:
    return Channel("press", EMAIL, ("fr", "en"), pace=pace)


def test_one_message_goes_out_at_once() -> None:
    assert forecast(posts(1), [x_channel()]).seconds == 0


def test_nothing_to_send_takes_no_time() -> None:
    assert forecast(posts(0), [x_channel()]).seconds == 0


def test_the_first_hundred_posts_on_x_take_a_second_each() -> None:
    assert forecast(posts(100), [x_channel()]).seconds == pytest.approx(99)


def test_the_101st_post_on_x_waits_for_the_quarter_hour() -> None:
    assert forecast(posts(101), [x_channel()]).seconds == pytest.approx(900)


def test_301_posts_on_x_take_three_hours() -> None:
    assert forecast(posts(300), [x_channel()]).seconds < 3 * HOUR
    assert forecast(posts(301), [x_channel()]).seconds >= 3 * HOUR
    assert forecast(posts(302), [x_channel()]).seconds > 3 * HOUR


def test_mail_at_twenty_thousand_a_second() -> None:
    assert forecast(mails(10_001), [press()]).seconds == pytest.approx(0.5)


def test_the_configured_pace_counts_before_the_usual_one() -> None:
    slow = press(Pace(per_second=0.5))
    assert forecast(mails(11), [slow]).seconds == pytest.approx(20)


def test_one_chat_is_slower_than_the_account() -> None:
    chat = Channel("telegram_public", TELEGRAM, ("fr",), targets=(Target("@c"),))
    parts = tuple(replace(examples.messages("fr")[1], part=n, parts=4) for n in range(1, 5))
    many = replace(examples.STATUS, messages=parts, targets={"telegram_public": chat.targets})
    assert forecast(many, [chat]).seconds == pytest.approx(3 / 0.98)


def test_channels_go_out_side_by_side() -> None:
    readers = tuple(Target(f"{n}@example.fr", "fr") for n in range(40_001))
    both = replace(examples.STATUS, targets={"press": readers})
    seen = forecast(both, examples.CHANNELS)
    assert seen.seconds == max(seen.per_channel.values()) == pytest.approx(2)
    assert set(seen.per_channel) == {"x_main", "telegram_public", "press"}


def test_a_recipient_gets_the_parts_of_their_own_language() -> None:
    targets = (Target("a@example.fr", "fr"), Target("b@example.fr", "en"), Target("c@example.fr", "de"))
    mixed = replace(mails(0), targets={"press": targets})
    assert calls(mixed, press()) == {"a@example.fr": 1, "b@example.fr": 1, "c@example.fr": 1}


def test_a_post_with_a_link_costs_more() -> None:
    assert cost(posts(2), [x_channel()]).amount == pytest.approx(0.03)
    linked = cost(posts(2, linked=True), [x_channel()])
    assert (linked.currency, linked.amount) == ("USD", pytest.approx(0.40))


def test_telegram_and_mail_cost_nothing() -> None:
    assert cost(mails(5000), [press()]).amount == 0


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_more_posts_never_arrive_sooner_nor_cost_less(one: int, other: int) -> None:
    few, many = sorted((one, other))
    channel = [x_channel()]
    assert forecast(posts(few), channel).seconds <= forecast(posts(many), channel).seconds
    assert cost(posts(few), channel).amount <= cost(posts(many), channel).amount


@settings(deadline=None)
@given(st.integers(0, 3000), st.integers(0, 3000))
def test_more_recipients_are_never_reached_sooner(one: int, other: int) -> None:
    few, many = sorted((one, other))
    assert forecast(mails(few), [press()]).seconds <= forecast(mails(many), [press()]).seconds


@settings(deadline=None)
@given(
    number=st.integers(1, 200),
    rate=st.floats(0.5, 50),
    windows=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 600)), max_size=3),
)
def test_no_window_ever_holds_more_than_its_quota(
    number: int, rate: float, windows: list[tuple[int, int]]
) -> None:
    pace = Pace(
        per_second=rate,
        windows=tuple((most, timedelta(seconds=s)) for most, s in windows) or X.pace.windows,
    )
    starts = [forecast(posts(n), [x_channel(pace)]).seconds for n in range(1, number + 1)]
    for most, length in pace.windows:
        for first, last in zip(starts, starts[most:], strict=False):
            assert last - first >= length.total_seconds() - 1e-6
    for before, after in pairwise(starts):
        assert after - before >= 1 / rate - 1e-6


@pytest.mark.parametrize(("number", "seconds"), [(1, 0), (2, 1), (3, 2), (100, 99)])
def test_the_first_call_waits_for_nothing_and_each_other_for_one_gap(
    number: int, seconds: float
) -> None:
    assert forecast(posts(number), [x_channel()]).seconds == pytest.approx(seconds)


@pytest.mark.parametrize("readers", [0, 1, 3])
def test_every_mail_has_its_price(readers: int) -> None:
    paid = replace(EMAIL, price=Price(post=0.25, post_with_link=0.5, currency="EUR"))
    channel = Channel("press", paid, ("fr", "en"))
    said = mails(readers)
    said = replace(said, messages=tuple(replace(one, has_link=False) for one in said.messages))
    assert cost(said, [channel]) == Cost("EUR", 0.25 * readers)
    linked = replace(said, messages=tuple(replace(one, has_link=True) for one in said.messages))
    assert cost(linked, [channel]) == Cost("EUR", 0.5 * readers)
