"""What is to be composed, and what is collected while composing."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from zoneinfo import ZoneInfo

from alertbot.core.frozen import dataclass
from alertbot.core.model import (
    Channel,
    Fault,
    Identity,
    Markup,
    Message,
    Omission,
    Organisation,
    Picture,
    Relation,
)
from alertbot.regions.facts import in_force
from alertbot.regions.region import RelayWords, Territory
from alertbot.texts.addresses import PublicPage
from alertbot.texts.fields.parse import Parsed
from alertbot.texts.fields.values import Url, seen
from alertbot.texts.kinds.kind_spec import FieldType, Frame, Kind, Prepared
from alertbot.texts.posts import messages
from alertbot.texts.posts.pieces import Edition
from alertbot.texts.wording.render import FOOT, LEAD


@dataclass(frozen=True, slots=True)
class ComposeRequest:
    """What is to be composed. `languages` None: each channel's own. `accepted`: rule -> reason. `now` is
    the time of issue, against which promised times are checked.

    `prepared` None: no retraction is made. `relation` and `originals`: what this alert follows and the
    messages of that one, which are edited on channels that can. `judgements`: faults found beside the
    texts, on which a person may decide.
    """

    kind: Kind
    parsed: Parsed
    channels: tuple[Channel, ...]
    languages: tuple[str, ...] | None
    organisation: Organisation
    identity: Identity
    now: datetime
    exercise: bool = False
    frame: Frame | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)
    prepared: Prepared | None = None
    relation: Relation | None = None
    originals: Sequence[Message] = ()
    judgements: Sequence[Fault] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The zone that times are written in."""
        return ZoneInfo(self.organisation.timezone)

    @property
    def marked(self) -> Frame | None:
        """The frame of an exercise, if this is one."""
        return self.frame if self.exercise else None

    @property
    def page(self) -> PublicPage | None:
        """The public page on which this alert will stand; None: on none."""
        for one in self.channels:
            address = one.targets[0].address if one.targets else ""
            if one.spec.markup is Markup.PAGE and "://" in address:
                return PublicPage(address.rstrip("/"), one.languages)
        return None

    def link(self, lang: str, piece: str = "", place: Territory | None = None) -> str:
        """Where a piece of the text sends its readers: to their territory's page, to that of the message, to the home
        of the language; without a public page to the organisation's own; empty if there is none."""
        page = self.page
        if page is None:
            return self.organisation.verification_page
        if piece == FOOT:
            return page.alert(lang, self.identity.alert)
        where = self.parsed.values.get("where")
        named = [one for one in where if isinstance(one, Territory)] if isinstance(where, tuple) else []
        here = place or (named[0] if piece == LEAD and len(named) == 1 else None)
        return page.home(lang) if here is None or here.whole else page.place(lang, here.code)


@dataclass
class ComposeFindings:
    """What is collected while an alert is composed."""

    request: ComposeRequest
    rendered: dict[tuple[str, str, str], Edition | None] = field(default_factory=dict)
    editions: dict[tuple[str, str], Edition] = field(default_factory=dict)  # by channel and language
    messages: list[Message] = field(default_factory=list)
    retraction: list[Message] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    omitted: list[Omission] = field(default_factory=list)
    left_out: list[Fault] = field(default_factory=list)  # why a channel and language has no text
    whole: dict[int, str] = field(default_factory=dict)  # of the texts in `rendered`, by their identity

    def whole_text(self, one: Edition) -> str:
        """Subject and text in one piece. Raises `TemplateBrokenError`."""
        if id(one) not in self.whole:
            self.whole[id(one)] = messages.whole_text(one)
        return self.whole[id(one)]


@dataclass(frozen=True, slots=True)
class _Page:
    """`org` as templates see it. `hashtag` without its sign; both may be empty."""

    name: str
    verification_page: Url | str
    hashtag: str


def seen_organisation(
    request: ComposeRequest, lang: str, piece: str = "", place: Territory | None = None
) -> _Page:
    """`org` as a piece of a text sees it."""
    name, hashtag = request.organisation.name, request.organisation.hashtag.lstrip("#")
    link = request.link(lang, piece, place)
    return _Page(name, Url(link) if link else "", hashtag)


def relay(lang: str) -> RelayWords | None:
    """How people who cannot hear or speak get help there; None if that is not known, or is not said in this
    language."""
    line = in_force().relay
    return line.spoken(lang) if line else None


STILL_MISSING = (
    "…"  # for a text that is needed and was not given: a fault of its own, and the rest is shown
)
TAKEN_BACK_WITH = ("no_danger", "you_may")  # optional: what a kind has for its prepared false alert


def context(
    request: ComposeRequest, lang: str, *, contact: str = "", fields: bool = True
) -> dict[str, object]:
    """The variables of a template in this language. `contact`: whom the readers of the channel may ask. `fields`
    False: only what every alert has, and what is said if it turns out to be false."""
    specs = request.kind.fields
    known = {
        spec.name for spec in specs if fields or (spec.name in TAKEN_BACK_WITH and not spec.required)
    }
    values: dict[str, object] = dict.fromkeys([*known, *TAKEN_BACK_WITH])
    values |= {
        name: seen(value, lang) for name, value in request.parsed.values.items() if name in known
    }
    for spec in specs:
        if spec.name in known and spec.required and spec.type is FieldType.TEXT:
            values[spec.name] = values[spec.name] or STILL_MISSING
    return {
        "country": in_force().in_words(
            lang
        ),  # a team's own field of this name, from before, goes first
        "relay": relay(lang),
        **values,
        "org": seen_organisation(request, lang),
        "incident": request.identity.incident,
        "alert": request.identity.alert,
        "kind": request.kind.name,
        "references": request.identity.references,
        "exercise": request.exercise,
        "contact": contact,
    }
