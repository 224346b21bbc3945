"""What is shown of country packs."""

from alertbot.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class ShortNumberView:
    """A short number, what it reaches, and the titles of its sources."""

    number: str
    reaches: str
    emergency: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service and the short number it usually answers."""

    key: str
    name: str
    replaces: str


@dataclass(frozen=True, slots=True)
class SourceView:
    """Where facts of a pack come from, with the day on which that was read."""

    key: str
    title: str
    url: str
    read: str
    note: str


@dataclass(frozen=True, slots=True)
class RegionLine:
    """One pack in a list. `confirmed_by`: who confirmed it as it is now, if it is the one in force."""

    code: str
    name: str
    shipped: bool
    in_force: bool
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class RegionView:
    """A pack, for a person who reads and confirms it. `geocodes`: each list of codes with the keys of its sources."""

    code: str
    name: str
    folder: str
    fingerprint: str
    languages: tuple[str, ...]
    zone: str
    international: str
    short: tuple[ShortNumberView, ...]
    services: tuple[ServiceView, ...]
    relay: tuple[str, ...]
    relay_sources: tuple[str, ...]
    writing: str
    fiction: tuple[str, ...]
    territories: int
    geocodes: tuple[str, ...]
    sources: tuple[SourceView, ...]


@dataclass(frozen=True, slots=True)
class ConfirmationView:
    """Who confirmed a pack, and when (ISO 8601)."""

    region: str
    fingerprint: str
    by: str
    at: str
