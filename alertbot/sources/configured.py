"""What the configuration says about a source, laid over what it reported. The same for what is sent to us and
for what is asked."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from alertbot.incident.signals import Observed, Signal
from alertbot.settings.sources import SourceSettings

LONGEST_KEY = 300
_KEPT = 200


def as_configured(signals: Iterable[Signal], settings: SourceSettings) -> tuple[Signal, ...]:
    """The signals with our names for services and with the word of those who may confirm (R11).

    Where several names lead to one service, each stays a subject of its own: the service is up when all of
    them are. `confirms` comes from the configuration alone, never from a body, and only `up` confirms. A key is never
    empty and never too long, or two reports would pass for one.
    """
    return tuple(
        replace(
            one,
            service=settings.names.get(one.service, one.service),
            subject=one.subject or (one.service if one.service in settings.names else ""),
            confirms=settings.confirms and one.observed is Observed.UP,
            key=_key(one),
        )
        for one in signals
    )


def _key(signal: Signal) -> str:
    key = signal.key or f"{signal.service}/{signal.observed}/{signal.at.isoformat()}"
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[:_KEPT]}#{sha256(key.encode(errors='replace')).hexdigest()}"
