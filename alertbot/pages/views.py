"""What the public page is made of, and what making it gives: values that the room's rules take and return."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from alertbot.core.frozen import dataclass
from alertbot.texts.document import AlertDocument, DocumentNumber


@dataclass(frozen=True, slots=True)
class PublicAlert:
    """An alert that this page has published: its languages, and the time of the first edition that shows it (UTC)."""

    alert: str
    published_at: datetime
    documents: Mapping[str, AlertDocument]  # by language


@dataclass(frozen=True, slots=True)
class StandingNumber:
    """A number as the public was last told it, by which alert and when. `lang`: the language of its words, which is
    another than the page's where that alert was not published in the page's. `struck_by`: the alert that said not to
    call it any more, or that its alert was wrong or its incident over."""

    number: DocumentNumber
    alert: str
    given_at: datetime
    lang: str
    struck_by: str = ""


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """An incident as the page shows it: its alerts in the order of publication, the last one of those that still
    stand, whether it has ended; which alerts were corrected, withdrawn or retracted, and by which; those of which
    nothing holds. `next_update`: the promise that no later alert has kept, also one that is past."""

    incident: str
    alerts: tuple[PublicAlert, ...]
    last: PublicAlert | None
    ended: bool
    superseded: Mapping[str, str] = field(
        default_factory=dict
    )  # alert -> the one that corrects or takes it back
    exercise: bool = False
    false: frozenset[str] = frozenset()
    next_update: datetime | None = None
    state: PublicAlert | None = None


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What stood of an alert's incident right after it, by language: the numbers that its incident's alerts gave, and
    those that they struck and that must not be called any more."""

    alert: PublicAlert
    numbers: Mapping[str, tuple[StandingNumber, ...]]
    over: Mapping[str, tuple[StandingNumber, ...]]


@dataclass(frozen=True, slots=True)
class PublicStanding:
    """What stands in public at `at`: the pure result of the published alerts and a time, from which page, CAP, Atom
    and JSON are made, so that they say the same. `changes_at`: when the next number or promise runs out or something
    is shown no longer."""

    at: datetime
    incidents: tuple[PublicIncident, ...]  # open ones first, the latest word first
    numbers: Mapping[str, Mapping[str, tuple[StandingNumber, ...]]]  # language -> territory -> numbers
    over: Mapping[
        str, Mapping[str, tuple[StandingNumber, ...]]
    ]  # not to be called any more, and named once
    lapsed: Mapping[
        str, Mapping[str, tuple[StandingNumber, ...]]
    ]  # their time ran out, and nobody said more
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PageSite:
    """What every file of a page has in common. `public_url` ends without a slash. `exercise`: this is the address
    of exercises, marked on every page and feed."""

    organisation: str
    public_url: str
    languages: tuple[str, ...]
    timezone: str
    verification_page: str = ""
    sender: str = ""  # of CAP: no spaces, commas, `<` or `&`
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class PageEdition:
    """The whole of a page at one time: every file by its path, without a leading slash. `sequence` counts the
    editions of this page from 1. `digest`: over every file but the pointer. `holds_until`: when time alone makes it
    false."""

    at: datetime
    sequence: int
    files: Mapping[str, bytes]
    digest: str
    holds_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A delivery that an edition shows first: the time of that edition (epoch seconds), and the sum of its text then."""

    delivery: int
    shown: float
    digest: str


@dataclass(frozen=True, slots=True)
class EditionRow:
    """An edition as it was written down before it was shown. `base`: the sequence of the one that it continues.
    `stood_at`: when it was seen to stand; None: never, as far as is known."""

    channel: str
    sequence: int
    base: int | None
    at: datetime
    digest: str
    holds_until: datetime | None
    site: PageSite
    wording: str
    added: tuple[Added, ...]
    stood_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PublishedText:
    """One language of an alert as the page's channel has it."""

    delivery: int
    alert: str
    lang: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionView:
    """An edition of a page. `stood_at`: when it was seen to stand; None: never, as far as is known."""

    sequence: int
    at: datetime
    holds_until: datetime | None
    hash: str
    stood_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """A page of this installation: where it is, which edition stands by its own word, and the last of the record, the
    latest first. `needs`: what keeps it from being true."""

    channel: str
    public_url: str
    place: str
    stands: int | None
    editions: tuple[EditionView, ...]
    needs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltView:
    """An edition made again of the record. `same`: byte for byte what was written down then; `audited`: the audit knows
    these bytes; `reworded`: another version of the program wrote it then. `folder`: where its files were put."""

    channel: str
    edition: EditionView
    hash: str
    same: bool
    audited: bool
    reworded: bool
    files: int
    folder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCheckView:
    """Whether what stands is what the record says, file by file."""

    channel: str
    sound: bool
    sequence: int | None
    files: int
    problems: tuple[str, ...]
