"""The JSON Schema agrees with the reader."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from alertbot.config.reading import schema
from tests.config.accounts import TYPES
from tests.config.test_read import SMALL, WHOLE

MAIN = schema(TYPES)


def errors(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(MAIN)
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


def test_it_is_a_schema() -> None:
    assert MAIN["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(MAIN)


@pytest.mark.parametrize("text", [WHOLE, SMALL])
def test_it_takes_what_the_reader_takes(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        SMALL + "extra: 1",
        SMALL + "publish_delay: soon",
        SMALL + "publish_delay:",
        "organisation: {name: A}\nchannels: {a: {type: chat, chat: b}}",
        "organisation: {name: A}\nchannels: {a: {type: chat, chat: b, bot_token_env: A, bot_token_file: b}}",
        "organisation: {name: A}\nchannels: {a: {type: microblog, consumer_key_env: A}}",
        SMALL + "database_password: x",
        SMALL + "approvals: {Status: {}}",
        "organisation: {name: A}\nchannels: {a: {type: nothing}}",
        "organisation: {name: A}\nchannels: {A: {type: screen}}",
        "organisation: {name: A}\nchannels: {a: {type: chat, chat: b, bot_token: c}}",
        "organisation: {name: A}\nchannels: {a: {type: screen, audience: public}}",
    ],
)
def test_it_refuses_what_the_reader_refuses(text: str) -> None:
    assert errors(text)


def test_every_key_is_explained() -> None:
    groups = ("Config", "OrganisationSettings", "ApprovalSettings", "PaceSettings", "BudgetSettings")
    for name, group in [("Config", MAIN), *MAIN["$defs"].items()]:
        if name in groups:
            assert all({"description", "$ref"} & set(key) for key in group["properties"].values()), name


def test_it_holds_no_path_of_this_machine() -> None:
    assert str(Path.home()) not in str(MAIN)


def test_secrets_are_explained_by_themselves() -> None:
    described = MAIN["$defs"]["ChatSettings"]["properties"]
    assert described["bot_token_env"]["description"].startswith("The environment variable that holds")
    assert described["bot_token_file"]["description"].startswith(
        "The file that holds only bot_token, on one line"
    )
