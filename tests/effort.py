"""What is tried everyday (`make test`, in minutes), and what only by `make test-all`, which CI runs.

Everyday every claim is tried once, on SQLite; on PostgreSQL too where the statements themselves are tried, and along one
road through everything. The rest of PostgreSQL, and tests marked `thorough` (long variants of what another test tries in
short), need `--thorough`.

A property test without a number of its own tries as many examples as the profile says, as Hypothesis does; one with a
number asks `examples`, so that both profiles reach it.
"""

import pytest
from hypothesis import settings

FULL, EVERYDAY = "full", "everyday"  # names for --hypothesis-profile
FULL_EXAMPLES = 100
EVERYDAY_EXAMPLES = 20
FEWEST, MOST = 5, 100  # everyday, whatever share of its examples a test would get


def register() -> None:
    """Make the profiles known; everyday is the one that counts where none is asked for. Call it before the
    tests are loaded. Whatever else Hypothesis chose for this machine (as for CI) stays."""
    settings.register_profile(FULL, max_examples=FULL_EXAMPLES)
    settings.register_profile(EVERYDAY, max_examples=EVERYDAY_EXAMPLES)
    settings.load_profile(EVERYDAY)


def examples(full: int) -> int:
    """The number for `settings(max_examples=…)` of a test that tries `full` examples in the full profile."""
    share = settings().max_examples / FULL_EXAMPLES
    return full if share >= 1 else min(full, max(FEWEST, min(MOST, round(full * share))))


ON_BOTH = (
    "tests/db/",
    "tests/delivery/",
    "tests/road/",
    "/test_store",
    "/test_two_at_once",
    "/test_approval_road",
)


def is_everyday(item: pytest.Item) -> bool:
    """Whether a test is tried everyday."""
    if item.get_closest_marker("thorough"):
        return False
    return item.get_closest_marker("postgres") is None or any(part in item.nodeid for part in ON_BOTH)
