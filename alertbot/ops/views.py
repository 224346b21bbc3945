"""What looking at the whole answers: the state of everything, and of the audit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditHeadView:
    """How many rows the audit has, and the hash of the last."""

    count: int
    head: str


@dataclass(frozen=True, slots=True)
class AuditVerdictView:
    """Whether the chain of the audit is whole. `reason`: the `problems` in one line."""

    sound: bool
    count: int
    head: str
    reason: str
    problems: tuple[str, ...]
