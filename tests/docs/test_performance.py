"""docs/performance.md says what was measured and counted, and which goals are not met."""

from benchmarks import performance
from benchmarks.chaos import record
from benchmarks.chaos.record import Row

RESULTS = """# Figures of a day

A machine.

## Approval to first byte (goal)

| figure | value |
|---|---|
| approve -> first byte (ms, median) | 61.2 |

## Mail to a local sink, the whole engine (goal)

| figure | value |
|---|---|
| the engine on sqlite, mails per second (median) | 3600 |
| nodemailer, mails per second (median) | 1200 |
"""


def test_the_page_is_in_step() -> None:
    results = performance.RESULTS.read_text("utf-8")
    made = performance.page(results, record.read().values())
    assert performance.PAGE.read_text("utf-8") == made, "run `python -m benchmarks.performance`"


def test_goals_are_met_or_not_and_said_so() -> None:
    page = performance.page(RESULTS, [Row(fault="f", rounds=3, deliveries=9, doubled=1)])
    assert "| approval to first byte: at most 50 ms | 61.2 | **no** |" in page
    assert "| mail, SQLite: at least 3 times nodemailer, in one run | 3 | yes |" in page
    assert "| idle: under 1 % of a core | not measured | not measured |" in page
    assert (
        "3 rounds, 9 deliveries: 1 NOT as they should be. The goal of 1,000 rounds is NOT met." in page
    )
