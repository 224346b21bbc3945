"""What the verbs about provisional numbers return: plain values, which `--json` prints and tables show."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.model import AlertState
from alertbot.numbers.reading import RowFault
from alertbot.numbers.rules_changes import RowFate
from alertbot.numbers.rules_checks import CheckRule, CoverageLevel, Severity
from alertbot.numbers.rules_entry import Entry, Standing, TestCall, standing


@dataclass(frozen=True, slots=True)
class NumberView:
    """An entry of the register; see `NumberRow` for its cells. `entry` is its name (`N12`), `said` the row in
    one line. Moments are aware, in UTC."""

    entry: str
    version: int
    standing: Standing
    territory: str
    territory_name: str
    service: str
    zone: Mapping[str, str]
    condition: Mapping[str, str]
    replaces: str
    number: str
    place: Mapping[str, str]
    capacity: int | None
    valid_from: datetime | None
    valid_until: datetime | None
    review_at: datetime | None
    sources: tuple[str, ...]
    published_at: str
    entered_by: str
    entered_at: datetime
    verified_by: str | None
    verified_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None
    said: str

    @classmethod
    def of(cls, entry: Entry, now: datetime, **added: Any) -> Self:
        """An entry as it stands at `now`. `added`: what a view that says more has besides."""
        row = entry.row
        return cls(
            entry=entry.name,
            version=row.version,
            standing=standing(entry, now),
            territory=row.territory.code,
            territory_name=row.territory.name,
            service=row.service,
            zone=row.zone,
            condition=row.condition,
            replaces=row.replaces,
            number=row.number,
            place=row.place,
            capacity=row.capacity,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            review_at=row.review_at,
            sources=tuple(row.sources),
            published_at=row.published_at,
            entered_by=entry.entered_by,
            entered_at=entry.entered_at,
            verified_by=row.verified_by or None,
            verified_at=row.verified_at,
            withdrawn_by=entry.withdrawn_by,
            withdrawn_at=entry.withdrawn_at,
            withdrawn_reason=entry.withdrawn_reason,
            said=str(row),
            **added,
        )


@dataclass(frozen=True, slots=True)
class VersionView:
    """A form that an entry had: what was done (`verb`), and its cells as they are kept."""

    version: int
    verb: str
    by: str
    at: datetime
    row: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class CheckView:
    """A reading back. `matched`: the digits were typed alike. `call`: how the test call went."""

    version: int
    by: str
    at: datetime
    matched: bool
    call: str | None
    called_at: datetime | None
    note: str | None


@dataclass(frozen=True, slots=True)
class PublishedIn:
    """An alert that carried an entry, in the form `version`. `taken_back`: a later alert of its incident struck the
    entry."""

    alert: str
    state: AlertState
    taken_back: bool
    version: int


ACTED_ON = ("number", "place", "zone", "condition")  # by callers


@dataclass(frozen=True, slots=True)
class NumberHistory(NumberView):
    """An entry with every form it had, every reading back, and the alerts that carried it."""

    versions: tuple[VersionView, ...]
    checks: tuple[CheckView, ...]
    published: tuple[PublishedIn, ...]

    @property
    def untrue(self) -> str:
        """What callers read that is not so any more: `withdrawn`, `changed`, `wrong`; else empty."""
        if all(one.taken_back for one in self.published):
            return ""
        if self.standing is Standing.WITHDRAWN:
            return "withdrawn"
        if self.checks and self.checks[-1].call == TestCall.WRONG_SERVICE and not self.verified_at:
            return "wrong"
        return "changed" if self.told_otherwise else ""

    @property
    def told_otherwise(self) -> bool:
        """Whether the last alert of an incident that gives the entry gives another number, place, zone or condition
        than it has now."""
        forms = {one.version: [one.row.get(name) for name in ACTED_ON] for one in self.versions}
        still = [one for one in self.published if not one.taken_back]
        last = {one.alert.rpartition("-")[0]: one.version for one in still}  # the oldest first
        return any(forms[version] != forms[self.version] for version in last.values())


@dataclass(frozen=True, slots=True)
class FindingView:
    """A coincidence that deserves a look, with the names of the entries that it is about."""

    rule: CheckRule
    severity: Severity
    message: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CoverageView:
    """How far callers of a service, or of either of two, are helped in a territory."""

    territory: str
    services: tuple[str, ...]
    cover: CoverageLevel
    message: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegisterCheck:
    """What was found in `entries` entries."""

    entries: int
    findings: tuple[FindingView, ...]
    coverage: tuple[CoverageView, ...]


@dataclass(frozen=True, slots=True)
class ImportView:
    """What an import did. Entries are named (`N12`); `sources_added`: those that gained a source and changed
    in nothing else; `same` were known as they are; `withdrawn` before, and still; `ended`: past their end,
    which the file does not renew; `published`: where the public can still read what changed entries said."""

    file: str
    rows: int
    entries: int
    new: tuple[str, ...]
    changed: tuple[str, ...]
    sources_added: tuple[str, ...]
    same: int
    withdrawn: tuple[str, ...]
    ended: tuple[str, ...]
    faults: tuple[RowFault, ...]
    warnings: tuple[RowFault, ...]
    information: tuple[RowFault, ...]
    published: tuple["StillPublic", ...] = ()


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What an import does with one row of a file. `said`: the row in one line; `entry`: the one that it is about;
    `notes`: why it cannot be used, or what deserves a look."""

    row: int
    fate: RowFate
    said: str
    entry: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportPlanView:
    """What importing a file would do, row by row. `faults`: of the whole file; `published`: where the public reads
    what would change."""

    file: str
    rows: tuple[RowOutcome, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    published: tuple["StillPublic", ...]


@dataclass(frozen=True, slots=True)
class StillPublic:
    """An alert that still carries an entry which left the register or changed. `stopped`: how many of its calls
    that were to come will not start."""

    entry: str
    row: str
    alert: str
    state: AlertState
    stopped: int = 0


@dataclass(frozen=True, slots=True)
class NumbersTold:
    """Entries that a query finds, and the alerts in which the public can still read each."""

    entries: tuple[NumberView, ...]
    published: tuple[StillPublic, ...]


@dataclass(frozen=True, slots=True)
class NumberChanged(NumberView):
    """An entry after a change, and where the public can still read what it said before."""

    published: tuple[StillPublic, ...]


@dataclass(frozen=True, slots=True)
class NumbersWithdrawn:
    """What left the register, and where the public can still read it."""

    withdrawn: tuple[NumberView, ...]
    reason: str
    published: tuple[StillPublic, ...]


@dataclass(frozen=True, slots=True)
class SittingView:
    """A sitting in which a territory was read back: what was `verified`, whether it was `left` before the
    end, what is still `waiting`, what another person has to read back (`own`), of how many (`whole`)."""

    verified: tuple[str, ...]
    left: bool
    waiting: tuple[str, ...]
    own: tuple[str, ...]
    whole: int


@dataclass(frozen=True, slots=True)
class EntryToRead:
    """An entry that somebody is to read back, without its digits. `described`: what it is, in one line; `version`: the
    form that it has."""

    entry: str
    version: int
    territory: str
    described: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadBackHolder:
    """Who is reading back the numbers of a territory, and until when nobody else does."""

    territory: str
    person: str
    until: datetime


@dataclass(frozen=True, slots=True)
class ReadingView:
    """What somebody can read back now: the entries that wait (`waiting`), how many are `done`, what they entered
    themselves and another has to read (`own`), and who is at which of the territories (`holders`)."""

    waiting: tuple[EntryToRead, ...]
    done: int
    own: tuple[str, ...]
    holders: tuple[ReadBackHolder, ...]

    @property
    def whole(self) -> int:
        return len(self.waiting) + self.done
