"""What the rules of approval look at: an alert as they see it, and the signatures under it."""

from dataclasses import dataclass
from datetime import datetime

from alertbot.model import AlertState, Approvals, Fault, Person


@dataclass(frozen=True, kw_only=True)
class AlertFacts:
    """What the rules need to know of an alert. Persons by id; None where nobody has done it yet."""

    id: str
    state: AlertState
    digest: str
    author_id: int | None
    last_editor_id: int | None
    submitter_id: int | None
    approvals: Approvals
    pending_until: datetime | None
    promised: tuple[datetime, ...]
    faults: tuple[Fault, ...]
    break_glass_by: int | None
    countersigned_by: int | None

    @property
    def hands(self) -> frozenset[int]:
        """Everybody whose words these are: author, last editor, submitter."""
        people = (self.author_id, self.last_editor_id, self.submitter_id)
        return frozenset(person for person in people if person is not None)

    @property
    def open_glass(self) -> bool:
        """One person published it, and nobody has countersigned."""
        return self.break_glass_by is not None and self.countersigned_by is None


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's signature under one digest. `person` as he or she stands now."""

    person: Person
    digest: str
    at: datetime
    expires_at: datetime
    void: bool = False  # the alert was edited after it
