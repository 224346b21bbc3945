"""What a configuration adds to a source's reports: our names for its services, and whether it confirms."""

from collections.abc import Iterable
from dataclasses import replace

from alertbot.incident.signals import Signal
from alertbot.settings.watching import SourceSettings


def as_configured(signals: Iterable[Signal], settings: SourceSettings) -> tuple[Signal, ...]:
    """The reports under the names that the configuration gives to services (`names:`), and confirming (R11)
    where the source speaks for the emergency services (`confirms: true`). Pure."""
    return tuple(
        replace(
            one,
            service=settings.names.get(one.service, one.service),
            confirms=one.confirms or settings.confirms,
        )
        for one in signals
    )
