"""`alertbot init`: the configuration it writes from the answers to its questions. Imports nothing heavy."""

import json
from collections.abc import Mapping
from pathlib import Path

from alertbot.config.starter_questions import questions, rehearsal, words
from alertbot.core.connecting import is_loopback
from alertbot.core.errors import Misuse, Refused
from alertbot.core.words import _
from alertbot.regions import packs

FILE = "config.yaml"
EXAMPLE = "config.example.yaml"
SANDBOX = {
    "x": "http://127.0.0.1:8101",
    "telegram": "http://127.0.0.1:8102",
    "bluesky": "http://127.0.0.1:8103",
    "mastodon": "http://127.0.0.1:8104",
}
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
    witness: true # after each post, look as a stranger would whether it can be seen
"""
TELEGRAM = """\
  # Telegram. The bot (made with @BotFather) must be an administrator of the channel.
  telegram_public:
    type: telegram{api_url}
    bot_token_env: ALERTBOT_TELEGRAM_BOT_TOKEN
    chat: {chat}{witness}
"""
WITNESS = "\n    witness: true # after each message, look as a stranger would whether it can be seen"
BLUESKY = """\
  # Bluesky. The app password is made in the settings of the account; never the account's own password.
  bluesky:
    type: bluesky{api_url}
    account: {handle}
    app_password_env: ALERTBOT_BLUESKY_APP_PASSWORD
"""
MASTODON = """\
  # Mastodon. The token is made in the account's settings, under "Development".
  mastodon:
    type: mastodon
    api_url: {server}
    account: {account}
    access_token_env: ALERTBOT_MASTODON_ACCESS_TOKEN
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
PAGE = """\
  # The public page and its feeds, as files; `alertbot serve` shows them too: docs/how-to/public-page.md
  page:
    type: page
    folder: page # its link `current` is what a web server shows; or s3://BUCKET/PATH
    public_url: {public_url}
"""
SERVED = """
# Where `alertbot serve` listens, and the path under which it shows the public page.
serve:
  host: 127.0.0.1
  port: 8470
  public: {public}
"""
DESK = """
# The pages on which people write, approve and follow, served by `alertbot serve`: docs/how-to/desk.md
desk:
  url: http://localhost:8470 # to go live: its https address, such as https://desk.example.org
"""
DESK_OFF = """
# The pages on which people write, approve and follow, served by `alertbot serve`: docs/how-to/desk.md
# desk:
#   url: https://desk.example.org
"""
LOCAL_PAGE = "http://127.0.0.1:8470/public # to go live: its https:// address"
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
        channels=channels
        + (_served(given) if "page" in wanted else "")
        + (DESK if rehearsal(given) else DESK_OFF),
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
    public = chat.startswith("@")
    chat = _quoted(chat) if public else str(int(chat))
    return TELEGRAM.format(
        api_url=_api_url("telegram", given), chat=chat, witness=WITNESS if public else ""
    )


def _bluesky(given: Mapping[str, str]) -> str:
    return BLUESKY.format(api_url=_api_url("bluesky", given), handle=_quoted(given["handle"]))


def _mastodon(given: Mapping[str, str]) -> str:
    server = given["mastodon_server"].rstrip("/")
    if rehearsal(given):
        server = f"{SANDBOX['mastodon']} # to go live: your server, such as https://social.example.org"
    return MASTODON.format(server=server, account=_quoted(given["mastodon_account"]))


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


def _page(given: Mapping[str, str]) -> str:
    return PAGE.format(public_url=LOCAL_PAGE if rehearsal(given) else _quoted(given["public_url"]))


def _served(given: Mapping[str, str]) -> str:
    return SERVED.format(public="/public/" if rehearsal(given) else "/")


def _hand(given: Mapping[str, str]) -> str:
    return HAND.format(place=_quoted(given["place"]))


def _console(_given: Mapping[str, str]) -> str:
    return CONSOLE


CHANNELS = {
    "x": _x,
    "telegram": _telegram,
    "bluesky": _bluesky,
    "mastodon": _mastodon,
    "email": _email,
    "page": _page,
    "hand": _hand,
    "console": _console,
}
