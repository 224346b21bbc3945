"""A configuration as people write it: what comes out, and what is said about mistakes."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import field_validator

from alertbot.config.channel import ChannelSettings, channel_of
from alertbot.config.reading import read
from alertbot.config.root import approvals_of, organisation_of
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Approvals, Audience, Budget, ChannelSpec, Organisation, Pace
from tests.config.accounts import TYPES
from tests.config.conftest import Faults, Reads

WHOLE = """\
organisation:
  name: Préfecture de l'Exemple
  languages: [fr, en]
  timezone: Europe/Paris
  verification_page: https://alertes.example.fr/vrai
  hashtag: AlerteExemple
database: sqlite:///state/alertbot.db
publish_delay: 1m30s
approvals:
  status: {approvers: 2, expires_after: 1h}
channels:
  public:
    type: chat
    chat: "@example"
    bot_token_env: BOT_TOKEN
    languages: [en]
    pace: &slow {per_second: 1, windows: [[100, 15m], [300, 3h]]}
    budget: {amount: 20, per: day}
  team:
    type: chat
    chat: -1001400000002
    bot_token_file: secrets/bot
    audience: team
    pace: *slow
  press:
    type: mail
    host: mail.example.org
    recipients: [{address: a@example.org, lang: fr}]
"""
SMALL = "organisation: {name: A}\nchannels: {a: {type: screen}}\n"
SPEC = ChannelSpec(type="chat", limit=10, pace=Pace(per_second=29.0, per_chat_second=0.98))


def test_a_whole_file_becomes_values(reads: Reads, tmp_path: Path) -> None:
    config = reads(WHOLE)
    assert organisation_of(config) == Organisation(
        "Préfecture de l'Exemple",
        ("fr", "en"),
        "Europe/Paris",
        "https://alertes.example.fr/vrai",
        "AlerteExemple",
    )
    assert config.publish_delay == timedelta(seconds=90)
    assert config.database_url == f"sqlite:///{tmp_path}/state/alertbot.db"
    assert list(config.channels) == ["public", "team", "press"]
    assert config.channels["team"].audience is Audience.TEAM
    assert isinstance(config.channels["press"], TYPES["mail"])


def test_what_is_left_out_has_a_default(reads: Reads, tmp_path: Path) -> None:
    config = reads(SMALL)
    assert organisation_of(config) == Organisation("A")
    assert config.publish_delay == timedelta(0)
    assert config.database_url == f"sqlite:///{tmp_path}/alertbot.db"
    assert config.messages_folder is None
    assert config.channels["a"].audience is Audience.LIVE


def test_a_channel_takes_pace_and_languages_from_spec_and_organisation(reads: Reads) -> None:
    config = reads(WHOLE)
    organisation = organisation_of(config)
    public = channel_of("public", config.channels["public"], SPEC, (), organisation)
    assert public.languages == ("en",)
    assert public.budget == Budget(20, timedelta(days=1))
    assert public.pace == Pace(1.0, 0.98, ((100, timedelta(minutes=15)), (300, timedelta(hours=3))))
    press = channel_of("press", config.channels["press"], SPEC, (), organisation)
    assert (press.languages, press.pace, press.budget) == (("fr", "en"), SPEC.pace, None)


def test_approvals_change_only_what_they_name(reads: Reads) -> None:
    text = SMALL + "approvals: {status: {approvers: 2}}\n"
    kind = Approvals(1, author_may_approve=False, expires_after=timedelta(hours=1))
    assert approvals_of(reads(text), "end", kind) == kind
    changed = approvals_of(reads(text), "status", kind)
    assert changed == Approvals(2, author_may_approve=False, expires_after=timedelta(hours=1))


def test_all_faults_are_told_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    lines = faults(
        """\
        organisation:
          name: 12
          langages: [fr]
          timezone: Europe/Pariss
        publish_delay: soon
        channels:
          public:
            type: chat
            chat: [1]
            bot_token_env: BOT_TOKEN
            audience: public
            pace: {per_second: 0, windows: [[100, 15m], [0, 3q]]}
          Press: {type: screen}
          blog: {type: microblgo}
        """
    )
    assert lines == [
        (
            "2:9 organisation.name: must be text (put a number in quotes) "
            "(for example: Préfecture de l'Exemple)"
        ),
        "3:3 organisation.langages: is not a key here; did you mean languages?",
        "4:13 organisation.timezone: must be an IANA time zone, such as Europe/Paris",
        "5:16 publish_delay: must be a duration: 0s, 90s, 5m, 1h30m or 2d",
        (
            "9:11 channels.public.chat: must be text (put a number in quotes), or must be a whole number "
            "(for example: @example_alerts)"
        ),
        "11:15 channels.public.audience: must be live, relay, team or exercise",
        "12:24 channels.public.pace.per_second: must be more than 0 (for example: 29)",
        "12:50 channels.public.pace.windows[1][0]: must be at least 1",
        "12:53 channels.public.pace.windows[1][1]: must be a duration: 0s, 90s, 5m, 1h30m or 2d",
        "13:3 channels.Press: must begin with a lower-case letter and contain only lower-case letters, digits and _",
        (
            "14:16 channels.blog.type: must be one of chat, mail, microblog, screen, service; "
            "did you mean microblog?"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("organisation: {}", "1:1 organisation.name: is missing"),
        (SMALL + "organisation: {name: B}", "organisation: is given twice, first on line 1; keep one"),
        (SMALL + "mesages: x", "mesages: is not a key here; did you mean messages?"),
        (SMALL + "messages: nowhere", "messages: there is no folder"),
        (SMALL + "messages:", "messages: is empty; give a value or remove the key"),
        ("organisation: {name: A}\nchannels: {}", "channels: must have at least 1 entry"),
        ("organisation: {name: A}", "channels: is missing"),
        ("organisation: {name: A}\nchannels: {a: {}}", "channels.a.type: is missing"),
        ("organisation: {name: A}\nchannels: {a: 1}", "channels.a: must be a group of keys"),
        ("organisation: {name: A}\nchannels: [a]", "channels: must be a group of keys"),
        ("organisation: {name: A, hashtag: #word\n  }", "organisation.hashtag: is empty"),
        ("organisation: {name: A, languages: [fr, fr]}", "organisation.languages: contains fr twice"),
        ("organisation: {name: A, languages: [French]}", "languages[0]: must be a language code"),
        ("organisation: {name: A, languages: []}", "languages: must have at least 1 entry"),
        ("organisation: {name: A, timezone: ../../etc/passwd}", "timezone: must be an IANA time zone"),
        ("organisation: {name: A, verification_page: http://example.org}", "must be a public https://"),
        ("organisation: {name: ' '}", "organisation.name: does not have the right form"),
        (
            SMALL + "approvals: {status: {approvers: 0}}",
            "approvals.status.approvers: must be at least 1",
        ),
        (SMALL + "approvals: {status: {expires_after: 0s}}", "expires_after: must be longer than 0s"),
        (SMALL + "database: mysql://a/b", "database: must be sqlite:///FILE or postgresql://"),
        (SMALL + "database: 'sqlite:///:memory:'", "database: must be a file"),
        (SMALL + "database: postgresql://a@b", "database: must be complete"),
        (SMALL + "database: postgresql://a@b:0,c/d", "database: must be complete"),
        (SMALL + "runner: procrastinate", "runner: procrastinate needs a PostgreSQL database"),
    ],
)
def test_one_mistake_one_sentence(faults: Faults, text: str, fault: str) -> None:
    lines = faults(text)
    assert any(fault in line for line in lines), lines


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("http://api.example.com", "plain http is allowed only to 127.0.0.1"),
        ("http://127.0.0.1.example.com", "plain http is allowed only to 127.0.0.1"),
        ("https://user:pass@api.example.com", "must not contain a name or password"),
        ("http://127.0.0.1@api.example.com", "must not contain a name or password"),
        ("https://api.example.com/v2", "must be the root of the server"),
        ("https://api.example.com?x=1", "must be the root of the server"),
        ("ftp://api.example.com", "must begin with https://"),
        ("https://api.example.com:99999", "must be the root of a server"),
        ("api.example.com", "must be the root of a server"),
        ("https://", "must be the root of a server"),
        ("https://a b", "must be the root of a server"),
        ("https://a\\b", "must be the root of a server"),
    ],
)
def test_a_server_is_named_by_its_root(faults: Faults, address: str, fault: str) -> None:
    channel = f"{{type: chat, chat: a, bot_token_env: T, api_url: '{address}'}}"
    lines = faults(f"organisation: {{name: A}}\nchannels: {{a: {channel}}}")
    assert len(lines) == 1
    assert f"channels.a.api_url: {fault}" in lines[0]
    assert "pass@" not in lines[0]


@pytest.mark.parametrize(
    "address", ["https://api.example.com/", "http://127.0.0.1:8101", "http://[::1]:1"]
)
def test_a_good_root_loses_its_slash(reads: Reads, address: str) -> None:
    channel = f"{{type: chat, chat: a, bot_token_env: T, api_url: '{address}'}}"
    config = reads(f"organisation: {{name: A}}\nchannels: {{a: {channel}}}")
    assert getattr(config.channels["a"], "api_url") == address.rstrip("/")  # noqa: B009


@pytest.mark.parametrize(
    ("channel", "fault"),
    [
        (
            "type: chat, chat: a, bot_token_env: T",
            "channels.a.api_url: this channel could reach beyond this machine",
        ),
        (
            "type: mail, host: mail.example.org, recipients: a",
            "channels.a.host: this channel could reach beyond",
        ),
        ("type: microblog, bearer_token_env: T", "channels.a.api_url: this channel could reach beyond"),
    ],
)
def test_a_sandbox_stays_on_this_machine(faults: Faults, channel: str, fault: str) -> None:
    lines = faults(f"organisation: {{name: A, sandbox: true}}\nchannels: {{a: {{{channel}}}}}")
    assert len(lines) == 1
    assert fault in lines[0]


def test_the_sandbox_rule_is_told_beside_other_faults(faults: Faults) -> None:
    lines = faults(
        "organisation: {nam: A, sandbox: true}\n"
        "channels: {a: {type: chat, chat: a, bot_token_env: T}, b: {type: screen}}"
    )
    assert [line.split(": ")[0] for line in lines] == [
        "1:1 organisation.name",
        "1:16 organisation.nam",
        "2:12 channels.a.api_url",
    ]


def test_a_channels_own_rule_between_fields(faults: Faults) -> None:
    channel = "type: mail, host: mail.example.org, security: none, recipients: a.csv"
    assert faults(f"organisation: {{name: A}}\nchannels: {{a: {{{channel}}}}}") == [
        "2:62 channels.a.security: plain text is for 127.0.0.1 only"
    ]


def test_faults_inside_a_list_are_placed_there(faults: Faults) -> None:
    text = """\
    organisation: {name: A}
    channels:
      a:
        type: mail
        host: mail.example.org
        recipients:
          - {address: a@example.org, lng: fr}
          - b@example.org
    """
    assert faults(text) == [
        "7:34 channels.a.recipients[0].lng: is not a key here; did you mean lang?",
        "8:9 channels.a.recipients[1]: must be a group of keys and values",
    ]


@pytest.mark.parametrize("only", ["chat", "screen"])
def test_one_type_of_channel_alone_is_enough(reads: Reads, faults: Faults, only: str) -> None:
    types = {only: TYPES[only]}
    more = ", chat: a, bot_token_env: T" if only == "chat" else ""
    config = reads(f"organisation: {{name: A}}\nchannels: {{a: {{type: {only}{more}}}}}", types)
    assert config.channels["a"].type == only
    assert "type: must be" in faults("organisation: {name: A}\nchannels: {a: {type: b}}", types)[-1]


def test_many_faults_are_cut_off_with_their_number(faults: Faults) -> None:
    lines = faults(SMALL + "".join(f"key{n}: 1\n" for n in range(500)))
    assert len(lines) == 201


def test_a_missing_file_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigInvalid, match=r".*config\.yaml does not exist\. `alertbot init` writes one"
    ):
        read(tmp_path / "config.yaml", TYPES)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        read(tmp_path, TYPES)


def test_a_type_that_breaks_is_a_sentence_without_the_value(faults: Faults) -> None:
    class Broken(ChannelSettings):
        word: str

        @field_validator("word")
        @classmethod
        def check(cls, value: str) -> str:
            raise TypeError(value)

    text = "organisation: {name: A}\nchannels: {a: {type: broken, word: hunter2}, b: {type: screen}}"
    assert faults(text, {**TYPES, "broken": Broken}) == [
        "2:15 channels.a: the type broken cannot check this (TypeError); fix or uninstall its package"
    ]
