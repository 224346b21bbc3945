"""Forecasts: how long an alert takes to reach the last recipient, and what it costs. Pure.

The figures assume accounts that are idle and healthy; queued deliveries, retries and slow platforms come
on top.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from alertbot.core.model import Channel, Composition, Cost, Forecast, Message, Pace


def forecast(composition: Composition, channels: Iterable[Channel]) -> Forecast:
    """Seconds from the first call to the last, per channel and over all.

    Channels work in parallel. Each account obeys the gap between calls, the gap between calls to the
    same chat, and every window quota (X: 100 calls in 15 minutes and 300 in 3 hours).
    """
    named = {channel.name: channel for channel in channels}
    per_channel = {
        name: last_call(pace_of(named[name]), calls(composition, named[name]))
        for name in _used(composition)
        if name in named
    }
    return Forecast(max(per_channel.values(), default=0.0), per_channel)


def cost(composition: Composition, channels: Iterable[Channel]) -> Cost:
    """What the platforms charge: each post at its channel's price, with the higher price for a link."""
    currency, amount = "USD", 0.0
    for channel in channels:
        price = channel.spec.price
        if price.post or price.post_with_link:
            currency = price.currency
            amount += sum(
                copies * (price.post_with_link if message.has_link else price.post)
                for message, copies in copies_of(composition, channel)
            )
    return Cost(currency, round(amount, 4))


def calls(composition: Composition, channel: Channel) -> Mapping[str, int]:
    """How many calls the alert makes to each address of one channel."""
    messages = _messages(composition, channel.name)
    if not channel.spec.per_recipient:
        return dict.fromkeys(_addresses(composition, channel), len(messages))
    parts = Counter(message.lang for message in messages)
    counted: Counter[str] = Counter()
    for target in composition.targets.get(channel.name, ()):
        counted[target.address] += parts[_language(target.lang, messages)]
    return counted


def copies_of(composition: Composition, channel: Channel) -> list[tuple[Message, int]]:
    """Each message of the channel with the number of times it is sent."""
    messages = _messages(composition, channel.name)
    if not channel.spec.per_recipient:
        return [(message, len(_addresses(composition, channel))) for message in messages]
    targets = composition.targets.get(channel.name, ())
    readers = Counter(_language(target.lang, messages) for target in targets)
    return [(message, readers[message.lang]) for message in messages]


def last_call(pace: Pace, calls_by_address: Mapping[str, int]) -> float:
    """When the last of these calls starts, in seconds after the first."""
    total = sum(calls_by_address.values())
    to_one_chat = max(calls_by_address.values(), default=0)
    if total <= 1:
        return 0.0
    chat_gap = _gap(pace.per_chat_second)
    alone = to_one_chat == total
    gap = max(_gap(pace.per_second), chat_gap if alone else 0.0)
    minutes = (to_one_chat - 1) // pace.per_group_minute if pace.per_group_minute else 0
    return max(_schedule(total, gap, pace), (to_one_chat - 1) * chat_gap, 60.0 * minutes)


def pace_of(channel: Channel) -> Pace:
    """The effective pace: the channel's own (an empty list of windows removes the default ones), else
    its type's."""
    return channel.spec.pace if channel.pace == Pace() else channel.pace


def _schedule(total: int, gap: float, pace: Pace) -> float:
    """The greedy plan: each call as early as the gap and every window of the account allow."""
    windows = [(most, length.total_seconds()) for most, length in pace.windows if most < total]
    if not windows:
        return (total - 1) * gap
    starts = [0.0]
    for number in range(1, total):
        earliest = starts[-1] + gap
        for most, seconds in windows:
            if number >= most:
                earliest = max(earliest, starts[number - most] + seconds)
        starts.append(earliest)
    return starts[-1]


def _gap(per_second: float | None) -> float:
    return 1.0 / per_second if per_second else 0.0


def _used(composition: Composition) -> list[str]:
    return list(dict.fromkeys(message.channel for message in composition.messages))


def _messages(composition: Composition, name: str) -> list[Message]:
    return [message for message in composition.messages if message.channel == name]


def _addresses(composition: Composition, channel: Channel) -> list[str]:
    """The distinct addresses of a channel that posts; an account without a target is one address."""
    targets = composition.targets.get(channel.name, ())
    return list(dict.fromkeys(target.address for target in targets)) or [channel.name]


def _language(lang: str | None, messages: list[Message]) -> str:
    """The language a recipient reads: their own if there is a text in it, else the first text's."""
    spoken = [message.lang for message in messages]
    return lang if lang in spoken and lang is not None else next(iter(spoken), "")
