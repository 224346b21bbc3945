"""Places where a person posts by hand."""

from datetime import timedelta

from alertbot.core.frozen import dataclass

DUTY = "duty"


@dataclass(frozen=True, slots=True)
class HandWork:
    """Who posts in a place that has no API. `who`: a person's name, or `DUTY`. `within`: how long they may take before
    the team is alarmed."""

    who: str
    within: timedelta
