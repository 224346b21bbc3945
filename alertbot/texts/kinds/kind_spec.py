"""What a kind of alert is: plain values, read from files by `catalogue`."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from enum import StrEnum

from alertbot.core.frozen import dataclass
from alertbot.core.model import Approvals, Audience, WhenUncertain
from alertbot.core.words import language
from alertbot.texts.kinds.cap_table import CapTable

FORMS = ("short", "long")
UNREAD = "to be read by a native speaker before use"  # in the comment that opens such a template
# The completeness table: what a public message says, and the fields any of which say it. The
# verification page (`source`) is the organisation's and has no field.
COMPLETENESS: Mapping[str, tuple[str, ...]] = {
    "fact": ("what_fails", "what_was_wrong"),
    "since": ("since",),
    "where": ("where",),
    "what_to_do": ("what_to_do",),
    "number": ("numbers",),
    "until": ("valid_until", "review_at"),
    "next_update": ("next_update",),
    "source": (),
}


class FieldType(StrEnum):
    """The type of a field's value."""

    TEXT = "text"
    DATETIME = "datetime"
    DURATION = "duration"
    TERRITORY = "territory"
    NUMBERS = "numbers"
    URL = "url"
    CHOICE = "choice"
    FIGURE = "figure"
    CERTAINTY = "certainty"
    SERVICES = "services"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a kind."""

    name: str
    type: FieldType
    required: bool
    label: Mapping[str, str]
    help: Mapping[str, str]
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    longest: int | None = None  # characters of a text
    needs: str | None = None  # another field that must be given with it
    needs_value: str | None = None  # and what that one must say, unless a person accepts otherwise
    default: object | None = None  # a raw value; shown in preview like any other
    default_from: str | None = None  # another field whose value is taken where this one has none
    struck: bool = False  # numbers that are taken back: shown struck, need no verification
    past: bool = False  # a time that has been: never read as tomorrow, never a promise
    phrases: tuple[Mapping[str, str], ...] = ()  # ready texts by language, offered to who writes it


@dataclass(frozen=True, slots=True)
class Template:
    """The text of a template and its file, for faults with file and line."""

    text: str
    path: str

    @property
    def unread(self) -> bool:
        """Whether its first line says that no native speaker has read it yet."""
        return UNREAD in self.text.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of alert. `priority`: lower goes first. `final`: promises no next update."""

    name: str
    title: Mapping[str, str]
    purpose: Mapping[str, str]
    fields: tuple[FieldSpec, ...]
    forbidden: tuple[str, ...]
    one_of: tuple[tuple[str, ...], ...]  # of each group at least one must be given
    approvals: Approvals
    priority: int
    ttl: timedelta  # how long after approval it may still go out
    when_uncertain: WhenUncertain  # to single recipients; a public post is never resent
    final: bool
    example: Mapping[str, object]
    templates: Mapping[tuple[str, str], Template]  # by (language, form or channel type)
    languages: tuple[str, ...]  # that have both forms
    completeness: Mapping[str, tuple[str, ...]]  # row -> the fields any of which fills it
    audiences: tuple[Audience, ...] = ()  # whom it is for; empty: the public
    automatic: bool = False  # may go out by itself, where two people approved that ahead (R33)

    def field(self, name: str) -> FieldSpec | None:
        """The field of this name, if the kind has it."""
        return next((spec for spec in self.fields if spec.name == name), None)

    def __str__(self) -> str:
        return self.name

    def template(self, lang: str, form: str, channel_type: str = "") -> Template | None:
        """The template for this language: the channel type's own, else the form's."""
        return self.templates.get((lang, channel_type)) or self.templates.get((lang, form))


@dataclass(frozen=True, slots=True)
class Prepared:
    """Texts that do not depend on an alert's content: retraction templates by (language, form or channel
    type); per language the lines that an edit puts above an earlier text, by relation, and those of a
    number card. `cap`: what CAP is told of each kind."""

    retraction: Mapping[tuple[str, str], Template]
    edits: Mapping[str, Mapping[str, str]]
    card: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cap: CapTable = field(default_factory=CapTable)


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of an exercise (R23), per language: lines before and after, and wording of real alerts
    that is forbidden inside."""

    opening: Mapping[str, str]
    closing: Mapping[str, str]
    refused: Mapping[str, tuple[str, ...]]
    subject: Mapping[str, str]  # put before the subject of a mail


def in_words(by_lang: Mapping[str, str]) -> str:
    """A text of the catalogue in the reader's language, else in English, else in any."""
    return by_lang.get(language()) or by_lang.get("en") or next(iter(by_lang.values()), "")
