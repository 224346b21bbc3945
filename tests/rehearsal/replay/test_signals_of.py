"""What each entry means: trouble opens, calm never does, the operator's word confirms nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.rehearsal.replay.results import first_word, is_public
from alertbot.rehearsal.replay.signals_of import (
    CALM,
    FALSE,
    HISTORY,
    STATES,
    TROUBLE,
    EntryRole,
    fault_of,
    first_trouble,
    operator_of,
    speaks_for,
    steps_of,
    witnesses,
)
from alertbot.rehearsal.replay.timeline import read_case
from alertbot.watch.rules_signals import Observed
from tests.rehearsal.replay.at_hand import entries, moment, shared

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "case-format.md"


def roles(*lines: str) -> list[str]:
    return [str(step.role) for step in steps_of(entries(*lines))]


def heard(*lines: str) -> list[str]:
    return [str(step.signal.observed) if step.signal else "–" for step in steps_of(entries(*lines))]


def test_the_page_names_every_state() -> None:
    page = PAGE.read_text("utf-8")
    assert {state for state in STATES if f"`{state}`" not in page} == set()


def test_the_fault_is_the_first_undetected_and_known_to_nobody() -> None:
    case = entries("16:00 pre-incident Op", "16:45 undetected Op", "16:50 undetected SAMU 69")
    assert [str(step.role) for step in steps_of(case)] == ["history", "fault", "trouble"]
    assert (fault := fault_of(case)) is not None
    assert fault.at == moment("16:45")
    assert first_trouble(steps_of(case)) == moment("16:50")


def test_without_undetected_the_fault_is_the_first_report_and_a_signal() -> None:
    case = entries("16:00 audit X", "16:50 degraded SAMU 69", "17:00 investigating Op")
    assert (fault := fault_of(case)) is not None
    assert (fault.at, first_trouble(steps_of(case))) == (moment("16:50"), moment("16:50"))
    assert heard("16:50 degraded SAMU 69") == ["degraded"]


def test_trouble_before_the_fault_is_history() -> None:
    assert roles("16:40 degraded X", "16:45 undetected Op", "16:46 degraded X") == [
        "history",
        "fault",
        "trouble",
    ]


@pytest.mark.parametrize("state", TROUBLE)
def test_trouble_is_a_report_of_trouble(state: str) -> None:
    (_fault, step) = steps_of(entries("16:45 undetected Op", f"16:50 {state} X"))
    assert step.role is EntryRole.TROUBLE
    assert step.signal is not None
    assert step.signal.trouble
    assert (step.signal.at, step.signal.confirms) == (moment("16:50"), False)


@pytest.mark.parametrize("state", [*CALM, "resolved"])
def test_calm_is_never_trouble(state: str) -> None:
    assert heard(f"16:50 {state} X") == ["up"]
    assert fault_of(entries(f"16:50 {state} X")) is None


@pytest.mark.parametrize("state", [*HISTORY, "retracted-partial", "sunny", "maintenance"])
def test_the_rest_says_nothing_about_the_service(state: str) -> None:
    assert heard("16:45 undetected Op", f"16:50 {state} X") == ["–", "–"]


def test_an_unknown_state_never_means_down() -> None:
    assert roles("16:45 undetected Op", "16:50 kaputt X") == ["fault", "unknown"]


@pytest.mark.parametrize(
    ("actor", "role"),
    [
        ("Operator", "claim"),
        ("operator france", "claim"),
        ("Jane Doe (head of Operator)", "claim"),
        ("Operator via RTL", "claim"),
        ("Operator, Interior ministry", "claim"),
        ("", "claim"),
        ("SAMU 69", "confirmation"),
        ("Prime minister", "confirmation"),
    ],
)
def test_resolved_is_a_claim_or_a_confirmation(actor: str, role: str) -> None:
    case = entries("16:45 undetected Operator", f"23:00 resolved {actor}")
    step = steps_of(case)[-1]
    assert str(step.role) == ("claim" if "operator" in actor.casefold() else role)
    assert step.signal is not None
    assert step.signal.confirms is (step.role is EntryRole.CONFIRMATION)


def test_the_case_may_name_the_operator() -> None:
    lines = ("16:45 undetected Ministry", "23:00 resolved Exemple Telecom")
    head = "operator: Exemple Telecom"
    assert roles(*lines)[-1] == "confirmation"
    case = entries(*lines, head=head)
    assert (operator_of(case), steps_of(case)[-1].role) == ("Exemple Telecom", EntryRole.CLAIM)


def test_a_service_that_noticed_the_fault_is_no_operator() -> None:
    noticed = "16:45 undetected SAMU 69"
    assert operator_of(entries(noticed)) == ""
    assert roles(noticed, "23:00 resolved SAMU 69")[-1] == "confirmation"
    assert roles(noticed, "17:00 degraded Town", "23:00 resolved Town")[-1] == "confirmation"
    # who the operator is, nobody knows: it may be this one
    assert roles(noticed, "23:00 resolved Exemple Telecom")[-1] == "claim"
    assert witnesses(entries(noticed, "17:00 down Town", "17:01 down SDIS 69")) == (
        "SAMU 69",
        "SDIS 69",
        "Town",
    )


@pytest.mark.parametrize(
    ("actor", "operator", "same"),
    [
        ("Orange France", "Orange", True),
        ("Orange", "Orange France", True),
        ("ORANGE", "orange", True),
        ("Stéphane Richard (PDG Orange)", "Orange", True),
        ("Stéphane Richard (PDG Orange)", "Orange Wholesale", True),
        ("Orange, ministère de l'Intérieur", "Orange", True),
        ("Télécom Exemple", "Telecom Exemple SA", True),
        ("KPN", "KPN / Tele2", True),
        ("Tele2", "KPN / Tele2", True),
        ("Jean Castex (Premier ministre)", "Orange", False),
        ("SAMU 85", "SAMU du Nord / préfecture 37", False),
        ("SAMU du Nord", "SAMU du Nord / préfecture 37", True),
        ("Gouvernement via HuffPost", "Orange", False),
        ("FCC", "HI-EMA", False),
        ("HI-EMA; Governor Ige", "HI-EMA", True),
        ("Orangerie", "Orange", False),
        ("SAMU 69", "", False),
        ("", "Orange", True),
        ("?", "Orange", True),
        ("Ministère de la Santé (France)", "France Exemple", False),
    ],
)
def test_who_speaks_for_the_operator(actor: str, operator: str, same: bool) -> None:
    assert speaks_for(actor, operator) is same


@settings(deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_everybody_speaks_for_themselves(name: str) -> None:
    assert speaks_for(name, name)


def test_a_false_alert_opens_no_fault_of_a_service() -> None:
    lines = ("08:05 exercise A", "08:07 false-alert A", "08:09 investigating A", "08:20 correction A")
    assert roles(*lines) == ["history", "false_alert", "history", "history"]
    assert heard(*lines) == ["–"] * 4
    assert roles("08:07 false-alert A", "08:30 degraded B", "08:40 investigating A") == [
        "false_alert",
        "trouble",
        "trouble",
    ]


@pytest.mark.parametrize("state", FALSE)
def test_a_false_message_is_a_fault_and_known_at_once(state: str) -> None:
    case = entries("08:05 exercise A", f"08:07 {state} A", "08:09 investigating A")
    assert (fault := fault_of(case)) is not None
    assert (fault.at, first_trouble(steps_of(case))) == (moment("08:07"), moment("08:07"))


def test_a_false_number_in_a_fault_changes_nothing_about_the_fault() -> None:
    assert roles("16:45 undetected Op", "17:00 degraded X", "17:30 false-number X", "18:00 investigating Op") == [
        "fault", "trouble", "false_number", "trouble",
    ]  # fmt: skip


@pytest.mark.parametrize("lines", [(), ("10:00 audit X",), ("10:00 resolved X", "11:00 monitoring Y")])
def test_a_case_without_a_fault(lines: tuple[str, ...]) -> None:
    case = entries(*lines)
    assert fault_of(case) is None
    assert first_trouble(steps_of(case)) is None
    assert first_word(case) is None
    assert operator_of(case) == ""


@settings(deadline=None)
@given(st.lists(st.sampled_from([*STATES, "sunny"]), max_size=12))
def test_whatever_the_states(states: list[str]) -> None:
    case = entries(*(f"{10 + place}:00 {state} Op" for place, state in enumerate(states)))
    steps = steps_of(case)
    assert [step.entry for step in steps] == list(case.entries)
    keys = [step.signal.key for step in steps if step.signal]
    assert len(set(keys)) == len(keys)
    for step in steps:
        trouble = step.signal is not None and step.signal.observed in (Observed.DOWN, Observed.DEGRADED)
        assert trouble is (step.role is EntryRole.TROUBLE)
        assert not (trouble and step.entry.state not in TROUBLE)
        if fault_of(case):
            assert step.role is not EntryRole.CONFIRMATION  # all of one actor


@pytest.mark.parametrize(
    ("channel", "public"),
    [
        ("", False),
        ("none (no public message yet)", False),
        ("aucun", False),
        ("internal observation", False),
        ("phone", False),
        ("drill call", False),
        ("interministerial crisis cell", False),
        ("direct notice to authorities", False),
        ("press agency, later that evening", False),
        ("ORSEC / continuity plans", False),
        ("meeting at Interior ministry", False),
        ("network", False),
        ("X/Twitter @example", True),
        ("Facebook; call to FEMA", True),
        ("réseaux sociaux", True),
        ("réseau social", True),
        ("press release (internal inquiry)", True),
        ("TV news", True),
    ],
)
def test_whether_the_public_could_read_it(channel: str, public: bool) -> None:
    (entry,) = entries(f"10:00 degraded Op @{channel}").entries
    assert is_public(entry) is public


def test_the_first_word_in_reality() -> None:
    case = entries(
        "16:30 degraded X @press",  # before the fault
        "16:45 undetected Op @none",
        "17:00 degraded X @phone",
        "17:30 audit Y @press",
        "18:00 investigating Op @press",
    )
    assert (word := first_word(case)) is not None
    assert word.at == moment("18:00")


def test_what_happened_in_the_shared_cases() -> None:
    minutes = {
        "orange-2021-06-02": 105,
        "orange-2023-01-17": 60,
        "hawaii-false-alert-2018-01-13": 13,
    }
    for name, delay in minutes.items():
        case = read_case(shared(name))
        fault, word = fault_of(case), first_word(case)
        assert fault is not None
        assert word is not None
        assert (word.at - fault.at).total_seconds() == delay * 60


def test_who_confirms_in_the_shared_cases() -> None:
    steps = steps_of(read_case(shared("orange-2021-06-02")))
    confirmed = [step.entry.actor for step in steps if step.role is EntryRole.CONFIRMATION]
    assert confirmed == ["Jean Castex (Premier ministre)"]
    steps = steps_of(read_case(shared("orange-2023-01-17")))
    assert [step.entry.actor for step in steps if step.role is EntryRole.CLAIM] == ["Orange France"]
    assert not [step for step in steps if step.role is EntryRole.CONFIRMATION]
