"""`alertbot init`: its questions, the answers they accept, and the configuration it writes. Imports
nothing heavy."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from alertbot.core.connecting import is_loopback
from alertbot.core.errors import Misuse, Refused
from alertbot.core.words import _
from alertbot.regions import packs

CHANNEL_TYPES = ("x", "telegram", "email", "hand", "console")
SPOKEN = ("fr", "en")  # the languages that every shipped kind has


@dataclass(frozen=True, slots=True)
class Question:
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


def questions(region: str = packs.DEFAULT) -> tuple[Question, ...]:
    """All questions, in order; pass the answers so far to `Question.asked`. `region`: the country, whose clock and
    languages are proposed once it is known."""
    home = _defaults(region)
    asked = (_about_country(region), *_about_us(), *_about_trust(), *_about_channels())
    return tuple(replace(one, default=home.get(one.key, one.default)) for one in asked)


def _about_country(region: str) -> Question:
    return Question(
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
        "sender": "alerts@example.org",
        "recipients": "newsdesk@example.org",
    }


def _about_us() -> tuple[Question, ...]:
    return (
        Question(
            "sandbox",
            _("Practise with the sandbox on this machine first? (yes or no)"),
            _("yes"),
            r"yes|no|oui|non",
            _("Answer yes or no."),
        ),
        Question(
            "name",
            _("Your organisation, as the public knows it"),
            "Préfecture de l'Exemple",
            r"\S(.{0,98}\S)?",
            _("Enter a name of at most 100 characters."),
        ),
        Question(
            "languages",
            _("Languages, most important first"),
            "fr, en",
            r"[a-z]{2,3}([ ,]+[a-z]{2,3})*",
            _("Enter language codes, such as fr, en."),
        ),
        Question("timezone", _("Time zone"), "Europe/Paris", r"[\w+/-]{1,60}"),
    )


def _about_trust() -> tuple[Question, ...]:
    return (
        Question(
            "verification_page",
            _("Your page where anyone can check that an alert is real (empty: none yet)"),
            "",
            r"(https://[^\s/@]+(/\S*)?)?",
            _("Enter an https:// address, or nothing."),
        ),
        Question(
            "hashtag",
            _("Hashtag for every post (empty: none)"),
            "",
            r"(#?[^\s#@]{1,50})?",
            _("Enter one word, or nothing."),
        ),
        Question(
            "channels",
            _("Channels ({types})").format(types=", ".join(CHANNEL_TYPES)),
            "x, telegram, email",
            r"({one})([ ,]+({one}))*".format(one="|".join(CHANNEL_TYPES)),
            _("Choose from {types}.").format(types=", ".join(CHANNEL_TYPES)),
        ),
    )


def _about_channels() -> tuple[Question, ...]:
    return (
        Question(
            "chat",
            _("Telegram: the @name of your public channel"),
            "@alertes_exemple",
            r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,18}",
            _("Enter a @name, or the id of a chat."),
            "telegram",
        ),
        Question(
            "smtp_host",
            _("Mail: the name of your mail server"),
            "smtp.example.org",
            r"[A-Za-z0-9.:-]{1,253}",
            _("Enter the name of a server."),
            "email",
            live=True,
        ),
        Question(
            "sender",
            _("Mail: the address mails are sent from"),
            "alertes@example.org",
            r"[^\s@<>]+@[^\s@<>]+",
            _("Enter a mail address."),
            "email",
        ),
        Question(
            "recipients",
            _("Mail: press addresses, separated by commas"),
            "redaction@example.org",
            r"[^\s@<>,]+@[^\s@<>,]+([ ,]+[^\s@<>,]+@[^\s@<>,]+)*",
            _("Enter mail addresses."),
            "email",
        ),
        _about_hands(),
    )


def _about_hands() -> Question:
    return Question(
        "place",
        _("By hand: the place where a person posts, as they know it"),
        "WhatsApp « Préfet 69 »",
        r"\S(.{0,198}\S)?",
        _("Enter a name of at most 200 characters."),
        "hand",
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


FILE = "config.yaml"
EXAMPLE = "config.example.yaml"
SANDBOX = {"x": "http://127.0.0.1:8101", "telegram": "http://127.0.0.1:8102"}
# Words that YAML takes for true and false; `no` is Norwegian.
TRUTHS = {"no", "on", "off", "yes", "n", "y"}


HEAD = """\
# The configuration of alertbot. `alertbot check` tells whether it is right and which secrets are missing;
# config.example.yaml, in the sources, shows everything that may stand here.

region: {region} # the country whose numbers, services and territories are meant: alertbot regions show {region}

organisation:
  name: {name} # as the public knows it; it stands in the texts
  languages: [{languages}] # the most important first
  timezone: {timezone} # the zone in which times are written in the texts
  {page} # where anybody can check an alert
  {hashtag} # without the #
{sandbox}
database: sqlite:///alertbot.db # made on first use; or postgresql://USER@HOST:PORT/NAME

# Time to shout "halt" between the last approval and the first call: 0s, 90s, 5m.
publish_delay: 0s

# Other approvals than the kinds themselves ask for (`alertbot kinds` lists them).
# approvals:
#   provisional_number: {{approvers: 2, expires_after: 30m}}

# On any channel also: languages, audience (live, relay, team or exercise), pace, budget.
# Secrets never stand here: <name>_env names a variable, <name>_file a file that holds the secret alone.
channels:
{channels}"""
SANDBOX_LINE = """\
  # A rehearsal: allowed only while every address below is on 127.0.0.1. Start `alertbot sandbox` for it.
  sandbox: true # to go live: take this line out
"""
X = """\
  # X. The application needs "Read and write"; every post costs money, one with a link much more.
  x_main:
    type: x{api_url}
    consumer_key_env: ALERTBOT_X_CONSUMER_KEY
    consumer_secret_env: ALERTBOT_X_CONSUMER_SECRET
    access_token_env: ALERTBOT_X_ACCESS_TOKEN
    access_token_secret_env: ALERTBOT_X_ACCESS_TOKEN_SECRET
    budget: {{amount: 20, per: day}} # in USD
"""
TELEGRAM = """\
  # Telegram. The bot (made with @BotFather) must be an administrator of the channel.
  telegram_public:
    type: telegram{api_url}
    bot_token_env: ALERTBOT_TELEGRAM_BOT_TOKEN
    chat: {chat}
"""
EMAIL = """\
  # Mail: one mail per recipient, in the recipient's language.
  press:
    type: email
{server}
    sender: {sender}
    recipients: # in the first language; or a CSV file with the columns address, lang, topics
{recipients}
"""
SANDBOX_SERVER = """\
    host: 127.0.0.1 # to go live: your mail server,
    port: 8125 #        its port (587 with starttls, 465 with tls)
    security: none #    and starttls or tls
    # username_env: ALERTBOT_SMTP_USERNAME
    # password_env: ALERTBOT_SMTP_PASSWORD"""
LIVE_SERVER = """\
    host: {host}
    port: 587
    security: starttls
    username_env: ALERTBOT_SMTP_USERNAME
    password_env: ALERTBOT_SMTP_PASSWORD"""
HAND = """\
  # A place without an API: a person posts there, with exactly the approved words, and says when it is done.
  by_hand:
    type: hand
    where: {place}
    who: duty # or a person's name
    within: 15m # then the team is alarmed
"""
CONSOLE = """\
  # A dry run: prints instead of publishing.
  screen:
    type: console
    audience: team
"""


def render(answers: Mapping[str, str]) -> str:
    """A commented configuration from the answers; unanswered questions take their default.

    Raises `Misuse` for an answer that its question does not accept.
    """
    given = _complete(answers)
    languages = words(given["languages"])
    wanted = dict.fromkeys(words(given["channels"]))
    channels = "\n".join(CHANNELS[channel](given) for channel in wanted)
    return HEAD.format(
        region=given["region"],
        name=_quoted(given["name"]),
        languages=", ".join(_quoted(w) if w in TRUTHS else w for w in dict.fromkeys(languages)),
        timezone=given["timezone"],
        page=_line("verification_page", given["verification_page"], "https://alertes.example.fr"),
        hashtag=_line("hashtag", given["hashtag"].removeprefix("#"), "AlerteExemple"),
        sandbox=SANDBOX_LINE if rehearsal(given) else "",
        channels=channels,
    )


def write(folder: Path, answers: Mapping[str, str] | None = None) -> list[Path]:
    """Write `config.yaml` into a folder (created if necessary) and return the files written. Without
    answers: the example, for the sandbox. Raises `Refused` rather than overwrite a file, `Misuse` if
    it cannot be written."""
    text = example() if answers is None else render(answers)
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        sentence = _("{path} already exists and was not changed. Give another folder, or move it away.")
        raise Refused(sentence.format(path=path if path.exists() else folder)) from None
    except OSError as error:
        sentence = _("{path} cannot be written: {why}.")
        raise Misuse(sentence.format(path=path, why=error.strerror)) from None
    return [path]


def example() -> str:
    """The text of `config.example.yaml`."""
    here = Path(__file__).parents[1]
    shipped, source = here / "_shipped" / EXAMPLE, here.parent / EXAMPLE
    return (shipped if shipped.is_file() else source).read_text(encoding="utf-8")


def _complete(answers: Mapping[str, str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for question in questions(answers.get("region", packs.DEFAULT)):
        answer = answers.get(question.key, question.default).strip()
        if fault := question.fault(answer):
            raise Misuse(f"{question.key}: {fault}")
        given[question.key] = answer
    return given


def _quoted(value: str) -> str:
    """A YAML string in double quotes, whatever it contains."""
    return json.dumps(value, ensure_ascii=False)


def _line(key: str, value: str, example_value: str) -> str:
    return f"{key}: {_quoted(value)}" if value else f"# {key}: {example_value}"


def _api_url(channel: str, given: Mapping[str, str]) -> str:
    return f"\n    api_url: {SANDBOX[channel]} # to go live: take this line out" * rehearsal(given)


def _x(given: Mapping[str, str]) -> str:
    return X.format(api_url=_api_url("x", given))


def _telegram(given: Mapping[str, str]) -> str:
    chat = given["chat"]
    chat = _quoted(chat) if chat.startswith("@") else str(int(chat))
    return TELEGRAM.format(api_url=_api_url("telegram", given), chat=chat)


def _email(given: Mapping[str, str]) -> str:
    lines = [f"      - {_quoted(address)}" for address in words(given["recipients"])]
    return EMAIL.format(
        server=SANDBOX_SERVER if rehearsal(given) else _server(given["smtp_host"]),
        sender=_quoted(given["sender"]),
        recipients="\n".join(dict.fromkeys(lines)),
    )


def _server(host: str) -> str:
    if is_loopback(host):
        return f"    host: {_quoted(host)}\n    port: 25\n    security: none"
    return LIVE_SERVER.format(host=_quoted(host))


def _hand(given: Mapping[str, str]) -> str:
    return HAND.format(place=_quoted(given["place"]))


def _console(_given: Mapping[str, str]) -> str:
    return CONSOLE


CHANNELS = {"x": _x, "telegram": _telegram, "email": _email, "hand": _hand, "console": _console}
