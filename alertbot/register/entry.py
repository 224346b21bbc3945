"""Provisional numbers: one row is one number for one service in one place, with zone and condition (R4).

Rows come out of files by `register.numbers`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alertbot.register.digits import is_fictional
from alertbot.register.services import SERVICES
from alertbot.register.territories import Territory

EVERY_LANGUAGE = ""


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One number. `zone` and `condition` are worded per language; the key `""` serves every language.

    `number` is written in pairs (`04 65 71 00 15`) or is a short number. Times are aware.
    """

    territory: Territory
    service: str  # a key of `services.SERVICES`
    number: str
    replaces: str = ""  # the short number that fails: 15, 17, 18, 196
    zone: Mapping[str, str] = field(default_factory=dict)
    condition: Mapping[str, str] = field(default_factory=dict)
    capacity: int | None = None  # calls at once (R8)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    review_at: datetime | None = None
    sources: tuple[str, ...] = ()
    published_at: str = ""  # as the source gives it: `2021-06` or a day
    verified_by: str = ""  # the second person, who read the digits back and placed a test call (R3)
    verified_at: datetime | None = None

    @property
    def verified(self) -> bool:
        """Whether a second person vouches for it, by name and time."""
        return bool(self.verified_by) and self.verified_at is not None

    @property
    def fictional(self) -> bool:
        """Whether it rings nowhere: a range kept for fiction."""
        return is_fictional(self.number)

    def service_in(self, lang: str) -> str:
        """The service's name in this language."""
        return SERVICES[self.service].name_in(lang)

    def zone_in(self, lang: str) -> str:
        """The zone in this language, else as given; empty: the whole territory."""
        return _worded(self.zone, lang)

    def condition_in(self, lang: str) -> str:
        """For whom or when it serves, else empty."""
        return _worded(self.condition, lang)

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two rows the same entry: territory, service, zone, condition and number."""
        return (
            self.territory.code,
            self.service,
            *(f"{key}={text}" for key, text in sorted(self.zone.items())),
            "/",
            *(f"{key}={text}" for key, text in sorted(self.condition.items())),
            self.number,
        )

    def __str__(self) -> str:
        parts = (self.zone_in("fr"), self.condition_in("fr"))
        return " ".join(
            part for part in (self.territory.code, self.service, *parts, self.number) if part
        )


def _worded(by_lang: Mapping[str, str], lang: str) -> str:
    given = by_lang.get(lang) or by_lang.get(EVERY_LANGUAGE)
    return given or next(iter(by_lang.values()), "")
