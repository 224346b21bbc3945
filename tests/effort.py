"""How many examples a property test tries: few everyday, all of them in `make test-all`, which CI runs.

A test without a number of its own tries what the profile says, as Hypothesis does; one with a number asks
`examples`, so that both profiles reach it.
"""

from hypothesis import settings

FULL, EVERYDAY = "full", "everyday"  # names for --hypothesis-profile
FULL_EXAMPLES = 100
EVERYDAY_EXAMPLES = 20
FEWEST = 5


def register() -> None:
    """Make the profiles known; everyday is the one that counts where none is asked for. Call it before the
    tests are loaded. Whatever else Hypothesis chose for this machine (as for CI) stays."""
    settings.register_profile(FULL, max_examples=FULL_EXAMPLES)
    settings.register_profile(EVERYDAY, max_examples=EVERYDAY_EXAMPLES)
    settings.load_profile(EVERYDAY)


def examples(full: int) -> int:
    """The number for `settings(max_examples=…)` of a test that tries `full` examples in the full profile."""
    share = settings().max_examples / FULL_EXAMPLES
    return min(full, max(FEWEST, round(full * share)))
