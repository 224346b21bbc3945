"""A number as machines read it: the same object in `alerts.json` and in the parameters of CAP."""

from datetime import datetime
from zoneinfo import ZoneInfo

from alertbot.core.json import Json
from alertbot.pages.views import PageSite
from alertbot.pages.words import Wording
from alertbot.texts.document import DocumentNumber


def as_object(number: DocumentNumber, alert: str, site: PageSite) -> dict[str, Json]:
    """`alert`: the one that gave it. What is not known is left out."""
    given: dict[str, Json] = {
        "territory": number.territory,
        "territory_name": number.territory_name,
        "service": number.service,
        "service_name": number.service_name,
        "number": number.number,
        "dial": number.dial,
        "place": number.place,
        "replaces": number.replaces,
        "zone": number.zone,
        "condition": number.condition,
        "valid_until": moment(number.valid_until, site),
        "review_at": moment(number.review_at, site),
        "entry": number.entry,
        "alert": alert,
    }
    return {name: value for name, value in given.items() if value}


def moment(at: datetime | None, site: PageSite) -> str | None:
    """The time with the offset of the page's zone, to the second."""
    return at.astimezone(ZoneInfo(site.timezone)).isoformat(timespec="seconds") if at else None


def in_line(number: DocumentNumber, w: Wording) -> str:
    """The number as the approved texts write it, with its end, for those who say it again later."""
    told = number.line or f"{w.before(number.service_name)} {number.number or number.place}"
    end = number.ends_at
    if end is None:
        return told
    name = "valid_until" if end == number.valid_until else "review_at"
    return f"{told} ({w.say(name, when=w.spoken(end)).unescape().removesuffix('.')})"
