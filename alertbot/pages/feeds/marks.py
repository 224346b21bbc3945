"""The marks of an exercise on everything that a feed carries away from its page. Anything else stays as it is. Pure."""

from markupsafe import Markup

from alertbot.pages.views import PageSite
from alertbot.pages.words import Wording


def title(text: str, lang: str, site: PageSite) -> str:
    """A headline, with the word before it."""
    if not site.exercise:
        return text
    w = Wording(lang, site.timezone)
    word = w.say("exercise").unescape().partition(":")[0].strip()
    return f"{w.before(word)} {text}"


def text(whole: str, lang: str, site: PageSite) -> str:
    """A text between the sentences that say so."""
    if not site.exercise:
        return whole
    w = Wording(lang, site.timezone)
    return f"{w.say('exercise').unescape()}\n\n{whole}\n\n{w.say('exercise_end').unescape()}"


def html(body: str, lang: str, site: PageSite) -> str:
    """A text in HTML between the sentences that say so."""
    if not site.exercise:
        return body
    w, frame = Wording(lang, site.timezone), Markup("<p><strong>{}</strong></p>")
    return frame.format(w.say("exercise")) + body + frame.format(w.say("exercise_end"))
