"""What all feeds write alike: a number as machines read it, the same object in `alerts.json` and in the parameters of
CAP; and the marks of an exercise on everything that a feed carries away from its page. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

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


def marked_title(text: str, lang: str, site: PageSite) -> str:
    """A headline, with the word before it."""
    if not site.exercise:
        return text
    w = Wording(lang, site.timezone)
    word = w.say("exercise").unescape().partition(":")[0].strip()
    return f"{w.before(word)} {text}"


def marked_text(whole: str, lang: str, site: PageSite) -> str:
    """A text between the sentences that say so."""
    if not site.exercise:
        return whole
    w = Wording(lang, site.timezone)
    return f"{w.say('exercise').unescape()}\n\n{whole}\n\n{w.say('exercise_end').unescape()}"


def marked_html(body: str, lang: str, site: PageSite) -> str:
    """A text in HTML between the sentences that say so."""
    if not site.exercise:
        return body
    w, frame = Wording(lang, site.timezone), Markup("<p><strong>{}</strong></p>")
    return frame.format(w.say("exercise")) + body + frame.format(w.say("exercise_end"))
