"""What `alertbot init` asks, and what it takes for an answer. Imports nothing heavy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alertbot.words import _

CHANNEL_TYPES = ("x", "telegram", "email", "console")


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask. `channel`: only where this type of channel was chosen. `live`: only where no
    rehearsal was chosen."""

    key: str
    text: str
    default: str
    form: str = r".*"  # what the answer must match
    wanted: str = ""  # how to say so
    channel: str = ""
    live: bool = False

    def asked(self, answers: Mapping[str, str]) -> bool:
        """Whether the answers so far call for it."""
        if self.live and rehearsal(answers):
            return False
        return not self.channel or self.channel in words(answers.get("channels", ""))

    def fault(self, answer: str) -> str:
        """What is wrong with an answer, as a sentence; "" when it will do."""
        if not re.fullmatch(self.form, answer) or not answer.isprintable():
            return self.wanted or _("This must be one line of plain text.")
        return _zone_fault(answer) if self.key == "timezone" else ""


def questions() -> tuple[Question, ...]:
    """Everything to ask, in order; pass the answers so far to `Question.asked`."""
    return (*_about_us(), *_about_trust(), *_about_channels())


def _about_us() -> tuple[Question, ...]:
    return (
        Question(
            "sandbox",
            _("Rehearse against the sandbox on this machine first? (yes or no)"),
            _("yes"),
            r"yes|no|oui|non",
            _("Answer yes or no."),
        ),
        Question(
            "name",
            _("Who speaks? (the name as the public knows it)"),
            "Préfecture de l'Exemple",
            r"\S(.{0,98}\S)?",
            _("This must be a name of at most 100 characters."),
        ),
        Question(
            "languages",
            _("Languages, the most important first"),
            "fr, en",
            r"[a-z]{2,3}([ ,]+[a-z]{2,3})*",
            _("These must be language codes such as fr, en."),
        ),
        Question("timezone", _("Time zone"), "Europe/Paris", r"[\w+/-]{1,60}"),
    )


def _about_trust() -> tuple[Question, ...]:
    return (
        Question(
            "verification_page",
            _("Your page where anybody can check that an alert is real (empty: none yet)"),
            "",
            r"(https://[^\s/@]+(/\S*)?)?",
            _("This must be an https:// address, or empty."),
        ),
        Question(
            "hashtag",
            _("One hashtag for every post (empty: none)"),
            "",
            r"(#?[^\s#@]{1,50})?",
            _("This must be one word, or empty."),
        ),
        Question(
            "channels",
            _("Channels ({types})").format(types=", ".join(CHANNEL_TYPES)),
            "x, telegram, email",
            r"({one})([ ,]+({one}))*".format(one="|".join(CHANNEL_TYPES)),
            _("These must be some of {types}.").format(types=", ".join(CHANNEL_TYPES)),
        ),
    )


def _about_channels() -> tuple[Question, ...]:
    return (
        Question(
            "chat",
            _("Telegram: the @name of your public channel"),
            "@alertes_exemple",
            r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,18}",
            _("This must be a @name, or the number of a chat."),
            "telegram",
        ),
        Question(
            "smtp_host",
            _("Mail: the name of your mail server"),
            "smtp.example.org",
            r"[A-Za-z0-9.:-]{1,253}",
            _("This must be the name of a server."),
            "email",
            live=True,
        ),
        Question(
            "sender",
            _("Mail: the address that mails come from"),
            "alertes@example.org",
            r"[^\s@<>]+@[^\s@<>]+",
            _("This must be a mail address."),
            "email",
        ),
        Question(
            "recipients",
            _("Mail: addresses of the press, with commas between"),
            "redaction@example.org",
            r"[^\s@<>,]+@[^\s@<>,]+([ ,]+[^\s@<>,]+@[^\s@<>,]+)*",
            _("These must be mail addresses."),
            "email",
        ),
    )


def rehearsal(answers: Mapping[str, str]) -> bool:
    """Whether the configuration is for the sandbox first."""
    return answers.get("sandbox", "yes") in ("yes", "oui")


def words(answer: str) -> list[str]:
    """The entries of an answer that lists several, with commas or spaces between."""
    return [word for word in re.split(r"[ ,]+", answer) if word]


def _zone_fault(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return _("This must be a time zone of the IANA list, such as Europe/Paris.")
    return ""
