"""Words that have been released: scripts and the team's JSON read them, so none changes its spelling."""

from enum import StrEnum

import pytest

from alertbot.core.model import Action, AlertState, DeliveryState, Purpose, Relation, Role
from alertbot.numbers.rules_checks import CheckRule, CoverageLevel, Severity
from alertbot.numbers.rules_entry import Standing
from alertbot.people.rules import Verb
from alertbot.watch.preapproval.rules_ahead import PreapprovalReason
from alertbot.watch.rules_log import IncidentAction, Reason, State
from alertbot.watch.rules_rule import RuleMode, Transition
from alertbot.watch.rules_signals import Observed


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            PreapprovalReason,
            "in_force never proposed lapsed expired changed revoked hands forbidden broken",
        ),
        (Standing, "unverified planned in_force expired withdrawn"),
        (CoverageLevel, "none partial whole"),
        (Severity, "warning information"),
        (
            CheckRule,
            (
                "two_services two_territories foreign_prefix contradictory_zones contradictory_conditions"
                " several_numbers no_service"
            ),
        ),
        (Observed, "up degraded down maintenance unknown"),
        (RuleMode, "auto propose off"),
        (
            Transition,
            "open reopen worse better wider relapse update stabilise resolve remind lapsed history",
        ),
        (
            AlertState,
            (
                "draft pending approved returned rejected expired publishing published partly_published"
                " failed discarded"
            ),
        ),
        (
            DeliveryState,
            "pending claimed sending sent failed uncertain cancelled expired skipped",
        ),
        (State, "investigating identified degraded down stabilised resolved maintenance"),
        (IncidentAction, "open update stabilise resolve reopen remind hold drop"),
        (
            Reason,
            (
                "confirmed relapse worse better wider relapse_under_watch recovered confirmed_and_watched"
                " never_announced due by_hand confirming_down confirming_up dwell flapping daily_cap"
                " maintenance awaiting_confirmation watching unchanged nothing_open no_signal stale"
                " unnamed"
            ),
        ),
        (Role, "author approver admin"),
        (Purpose, "publication test notice retraction"),
        (Action, "publish edit delete pin picture"),
        (Relation, "update correction withdrawal retraction cancel end"),
        (
            Verb,
            (
                "edit submit approve break_glass return reject discard expire start complete complete_partly"
                " fail"
            ),
        ),
    ],
)
def test_the_words_of_a_state_are_kept(kind: type[StrEnum], words: str) -> None:
    assert {one.name: one.value for one in kind} == {word.upper(): word for word in words.split()}
