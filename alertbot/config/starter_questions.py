"""The questions of `alertbot init`, and the answers they accept. Imports nothing heavy."""

import re
from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.regions import packs

CHANNEL_TYPES = ("x", "telegram", "bluesky", "mastodon", "email", "page", "hand", "console")
SPOKEN = ("fr", "en")  # the languages that every shipped kind has


@dataclass(frozen=True, slots=True)
class StarterQuestion:
    """One question. `channel`: only if this type of channel was chosen. `live`: only without a
    rehearsal."""

    key: str
    text: str
    default: str
    form: str = r".*"  # what the answer must match
    wanted: str = ""  # how to say so
    channel: str = ""
    live: bool = False

    def asked(self, answers: Mapping[str, str]) -> bool:
        """Whether the answers so far require it."""
        if self.live and rehearsal(answers):
            return False
        return not self.channel or self.channel in words(answers.get("channels", ""))

    def fault(self, answer: str) -> str:
        """What is wrong with an answer, as a sentence; "" if it is accepted."""
        if not re.fullmatch(self.form, answer) or not answer.isprintable():
            return self.wanted or _("Enter one line of plain text.")
        return _zone_fault(answer) if self.key == "timezone" else ""


def questions(region: str = packs.DEFAULT) -> tuple[StarterQuestion, ...]:
    """All questions, in order; pass the answers so far to `Question.asked`. `region`: the country, whose clock and
    languages are proposed once it is known."""
    home = _defaults(region)
    asked = (_about_country(region), *_about_us(), *_about_trust(), *_about_channels())
    return tuple(replace(one, default=home.get(one.key, one.default)) for one in asked)


def _about_country(region: str) -> StarterQuestion:
    return StarterQuestion(
        "region",
        _("Country (`alertbot regions list` shows the codes)"),
        region,
        "|".join(packs.shipped_codes()),
        _("Enter one of {codes}.").format(codes=", ".join(packs.shipped_codes())),
    )


def _defaults(region: str) -> dict[str, str]:
    """What is proposed in another country than France."""
    if region not in packs.shipped_codes() or region == packs.DEFAULT:
        return {}
    pack = packs.load(region)
    spoken = [lang for lang in pack.languages if lang in SPOKEN] or ["en"]
    return {
        "name": "Example Emergency Service",
        "languages": ", ".join(spoken),
        "timezone": pack.zone,
        "chat": "@example_alerts",
        "handle": "alerts.example.org",
        "mastodon_account": "@alerts",
        "sender": "alerts@example.org",
        "recipients": "newsdesk@example.org",
    }


def _about_us() -> tuple[StarterQuestion, ...]:
    return (
        StarterQuestion(
            "sandbox",
            _("Practise with the sandbox on this machine first? (yes or no)"),
            _("yes"),
            r"yes|no|oui|non",
            _("Answer yes or no."),
        ),
        StarterQuestion(
            "name",
            _("Your organisation, as the public knows it"),
            "Préfecture de l'Exemple",
            r"\S(.{0,98}\S)?",
            _("Enter a name of at most 100 characters."),
        ),
        StarterQuestion(
            "languages",
            _("Languages, most important first"),
            "fr, en",
            r"[a-z]{2,3}([ ,]+[a-z]{2,3})*",
            _("Enter language codes, such as fr, en."),
        ),
        StarterQuestion("timezone", _("Time zone"), "Europe/Paris", r"[\w+/-]{1,60}"),
    )


def _about_trust() -> tuple[StarterQuestion, ...]:
    return (
        StarterQuestion(
            "verification_page",
            _("Your page where anyone can check that an alert is real (empty: none yet)"),
            "",
            r"(https://[^\s/@]+(/\S*)?)?",
            _("Enter an https:// address, or nothing."),
        ),
        StarterQuestion(
            "hashtag",
            _("Hashtag for every post (empty: none)"),
            "",
            r"(#?[^\s#@]{1,50})?",
            _("Enter one word, or nothing."),
        ),
        StarterQuestion(
            "channels",
            _("Channels ({types})").format(types=", ".join(CHANNEL_TYPES)),
            "x, telegram, email",
            r"({one})([ ,]+({one}))*".format(one="|".join(CHANNEL_TYPES)),
            _("Choose from {types}.").format(types=", ".join(CHANNEL_TYPES)),
        ),
    )


def _about_channels() -> tuple[StarterQuestion, ...]:
    return (
        StarterQuestion(
            "chat",
            _("Telegram: the @name of your public channel"),
            "@alertes_exemple",
            r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,18}",
            _("Enter a @name, or the id of a chat."),
            "telegram",
        ),
        *_about_networks(),
        StarterQuestion(
            "smtp_host",
            _("Mail: the name of your mail server"),
            "smtp.example.org",
            r"[A-Za-z0-9.:-]{1,253}",
            _("Enter the name of a server."),
            "email",
            live=True,
        ),
        StarterQuestion(
            "sender",
            _("Mail: the address mails are sent from"),
            "alertes@example.org",
            r"[^\s@<>]+@[^\s@<>]+",
            _("Enter a mail address."),
            "email",
        ),
        StarterQuestion(
            "recipients",
            _("Mail: press addresses, separated by commas"),
            "redaction@example.org",
            r"[^\s@<>,]+@[^\s@<>,]+([ ,]+[^\s@<>,]+@[^\s@<>,]+)*",
            _("Enter mail addresses."),
            "email",
        ),
        _about_page(),
        _about_hands(),
    )


def _about_page() -> StarterQuestion:
    return StarterQuestion(
        "public_url",
        _("Page: the address at which the public finds it"),
        "https://alerte.example.org",
        r"https://[^\s/@?#]+(/[^\s?#]*)?",
        _("Enter an https:// address, without a question mark."),
        "page",
        live=True,
    )


def _about_hands() -> StarterQuestion:
    return StarterQuestion(
        "place",
        _("By hand: the place where a person posts, as they know it"),
        "WhatsApp « Préfet 69 »",
        r"\S(.{0,198}\S)?",
        _("Enter a name of at most 200 characters."),
        "hand",
    )


def _about_networks() -> tuple[StarterQuestion, ...]:
    return (
        StarterQuestion(
            "handle",
            _("Bluesky: the handle of your account"),
            "alertes.example.fr",
            r"@?([A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{0,62}",
            _("Enter a handle, such as alertes.example.fr."),
            "bluesky",
        ),
        StarterQuestion(
            "mastodon_server",
            _("Mastodon: the address of your server"),
            "https://social.example.org",
            r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?/?",
            _("Enter an https:// address."),
            "mastodon",
            live=True,
        ),
        StarterQuestion(
            "mastodon_account",
            _("Mastodon: the @name of your account"),
            "@alertes",
            r"@?[A-Za-z0-9_]{1,30}",
            _("Enter a @name."),
            "mastodon",
        ),
    )


def rehearsal(answers: Mapping[str, str]) -> bool:
    """Whether the configuration is for the sandbox first."""
    return answers.get("sandbox", "yes") in ("yes", "oui")


def words(answer: str) -> list[str]:
    """The items of an answer with several, separated by commas or spaces."""
    return [word for word in re.split(r"[ ,]+", answer) if word]


def _zone_fault(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return _("Enter an IANA time zone, such as Europe/Paris.")
    return ""
