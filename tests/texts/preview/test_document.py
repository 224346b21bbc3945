"""The preview as JSON."""

import json
from dataclasses import replace
from typing import Any

from alertbot.core.json import as_document
from alertbot.core.model import Composition, Fault
from alertbot.texts.preview.phrases import Sheet
from alertbot.texts.views import preview_view
from tests.texts.preview import examples

TOP = [
    "kind",
    "digest",
    "messages",
    "faults",
    "warnings",
    "completeness",
    "cost",
    "forecast",
    "approvals",
]
MESSAGE = [
    "channel",
    "type",
    "lang",
    "part",
    "parts",
    "text",
    "html",
    "subject",
    "length",
    "limit",
    "measure",
]
FAULT = ["rule", "field", "channel", "lang", "message"]


def document(sheet: Sheet) -> Any:
    return as_document(preview_view(sheet))


def test_the_keys_stand_in_their_fixed_order_and_additions_come_last() -> None:
    made = document(examples.sheet(examples.BLOCKED))
    assert list(made) == [*TOP, "omitted", "accepted", "publishable", "retraction", "pictures"]
    assert list(made["messages"][0]) == [*MESSAGE, "action", "picture", "alt"]
    assert list(made["faults"][0]) == list(made["warnings"][0]) == FAULT
    assert made["approvals"] == {"approvers": 1, "author_may_approve": False, "expires_after": 3600}


def test_it_survives_json_unchanged() -> None:
    made = document(examples.sheet(examples.BLOCKED))
    assert json.loads(json.dumps(made)) == made


def test_texts_cost_and_forecast_are_those_of_the_composition() -> None:
    made = document(examples.sheet())
    assert [m["text"] for m in made["messages"]] == [m.text for m in examples.STATUS.messages]
    assert made["cost"] == {"currency": "USD", "amount": 0.4}
    assert made["forecast"]["seconds"] > 0
    assert made["messages"][0]["measure"] == "weighted"


def test_publishable_says_what_the_exit_code_will() -> None:
    assert document(examples.sheet())["publishable"] is True
    assert document(examples.sheet(examples.BLOCKED))["publishable"] is False


def test_an_empty_composition_is_a_document_too() -> None:
    empty = Composition("status", "0" * 64, (), {}, faults=(Fault("no_channel", "No channel."),))
    made = document(examples.sheet(empty))
    assert made["messages"] == []
    assert made["forecast"] == {"seconds": 0.0}


def test_accepted_faults_and_omissions_are_kept() -> None:
    accepted = replace(examples.STATUS, accepted=(Fault("parity", "They differ.", acceptable=True),))
    made = document(examples.sheet(accepted))
    assert made["accepted"][0]["rule"] == "parity"
    assert made["omitted"] == [
        {"channel": "elsewhere", "lang": "en", "reason": "this channel speaks French alone"}
    ]
