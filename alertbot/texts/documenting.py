"""From a composed text to the alert as data (`texts.document`), with the same pieces, values and words. Pure."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from alertbot.core.model import Relation
from alertbot.numbers.rules_digits import dialling
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import in_force
from alertbot.regions.region import Service, Territory
from alertbot.texts.document import AlertDocument, CapFacts, DocumentNumber, PlaceText
from alertbot.texts.fields.values import Choice, Text
from alertbot.texts.kinds.cap_table import CapTable
from alertbot.texts.posts import edits, measure, pieces, writing
from alertbot.texts.posts.pieces import Blocks, Edition, Place
from alertbot.texts.request import ComposeRequest, relay
from alertbot.texts.wording.language import phrase
from alertbot.texts.wording.markup import Setting
from alertbot.texts.wording.numbers import SEPARATOR, Promised, row_words
from alertbot.texts.wording.phrasing import capital, sentence, steps
from alertbot.texts.wording.render import DETAIL, FOOT, LEAD, typography

RETRACTION = "retraction"  # the kind of a prepared retraction: it is no alert of its own yet
_KEY_DIGITS = 16


def document(request: ComposeRequest, one: Edition, *, contact: str = "") -> AlertDocument:
    """One language of an alert as data. `contact`: whom the readers may ask. Raises `TemplateBrokenError`."""
    values = _Values(request, one.lang)
    return _written(
        request,
        one,
        alert=request.identity.alert,
        kind=request.kind.name,
        relation=request.relation,
        above_earlier=_above(request, request.relation, one.lang),
        references=request.identity.references,
        numbers=tuple(_number(row, place, values) for place in one.places for row in place.rows),
        instructions=tuple(
            values.set(capital(sentence(step))) for step in steps(values.text("what_to_do"))
        ),
        territories=values.territories(),
        services=values.services(one.places),
        stage=values.choice("stage"),
        relay=values.relay(one.places),
        relay_state=values.choice("relay_state"),
        contact=contact,
        expires=values.expires or values.time("ends_at"),
        next_update=values.time("next_update"),
        cap=_cap(request, one, (*values.places(), *(place.territory for place in one.places))),
    )


def retraction(request: ComposeRequest, one: Edition, *, contact: str = "") -> AlertDocument:
    """The prepared retraction of this alert as data: nothing of the alert holds. Raises `TemplateBrokenError`."""
    values = _Values(request, one.lang)
    return _written(
        request,
        one,
        alert="",
        kind=RETRACTION,
        relation=Relation.RETRACTION,
        references=(request.identity.alert,),
        numbers=(),
        instructions=(),
        territories=values.territories(),
        services=(),
        contact=contact,
        above_earlier=_above(request, Relation.RETRACTION, one.lang),
        cap=_cap(request, one, values.places(), Relation.RETRACTION),
    )


def _above(request: ComposeRequest, relation: Relation | None, lang: str) -> str:
    return typography(lang)(edits.line_above(request, relation, lang)) if relation else ""


def _cap(
    request: ComposeRequest,
    one: Edition,
    places: Sequence[Territory],
    relation: Relation | None = None,
) -> CapFacts | None:
    table = request.prepared.cap if request.prepared else CapTable()
    stage = _Values(request, one.lang).choice("stage")
    row = table.row(request.kind.name, relation or request.relation, stage)
    return table.facts(row, one.lang, in_force(), places)


def _written(request: ComposeRequest, one: Edition, **more: object) -> AlertDocument:
    found = [*pieces.pieces(one)]
    lead, detail = (
        tuple(block for piece in found if piece.name == name for block in piece.full)
        for name in (LEAD, DETAIL)
    )
    return AlertDocument(
        incident=request.identity.incident,
        lang=one.lang,
        exercise=request.exercise,
        issued=request.now,
        headline=_headline(one, lead, request.identity.alert),
        lead_html=_html(lead),
        lead_text=_text(lead),
        detail_html=_html(detail),
        detail_text=_text(detail),
        foot_html=_html(one.text.piece(FOOT)),
        places=tuple(_place(piece.place, one, piece.full) for piece in found if piece.place),
        **more,  # type: ignore[arg-type]
    )


def _headline(one: Edition, lead: Blocks, alert: str) -> str:
    """The subject without the reference; without a subject the first line of the lead."""
    subject = one.text.subject().replace(f"[{alert}]", "").strip()
    return measure.normal(capital(subject or _text(lead).partition("\n")[0]))


def _place(place: Place, one: Edition, blocks: Blocks) -> PlaceText:
    territory = place.territory
    name = typography(one.lang)(territory.name_in(one.lang))
    return PlaceText(territory.code, name, place.struck, _html(blocks), _text(blocks))


def _html(blocks: Blocks) -> str:
    return measure.normal(writing.email(blocks))


def _text(blocks: Blocks) -> str:
    return measure.normal(writing.plain(blocks))


class _Values:
    """The typed values of an alert, as its document holds them."""

    def __init__(self, request: ComposeRequest, lang: str) -> None:
        self._values, self.lang, self.set = request.parsed.values, lang, typography(lang)
        kind, told_wrong = request.kind, request.parsed.values.get("wrong_numbers")
        digits_count = kind.field("what_was_wrong") or request.relation is Relation.CANCEL
        self._wrong = told_wrong if digits_count and isinstance(told_wrong, tuple) else ()
        self._setting = Setting(lang, request.zone, request.now, self.set)

    @property
    def until(self) -> datetime | None:
        return self.time("valid_until")

    @property
    def review(self) -> datetime | None:
        return self.time("review_at")

    @property
    def expires(self) -> datetime | None:
        return earliest(self.until, self.review)

    def time(self, name: str) -> datetime | None:
        value = self._values.get(name)
        return value if isinstance(value, datetime) else None

    def text(self, name: str) -> str:
        value = self._values.get(name)
        return value.in_lang(self.lang) if isinstance(value, Text) else ""

    def choice(self, name: str) -> str:
        value = self._values.get(name)
        return value.key if isinstance(value, Choice) else ""

    def places(self) -> tuple[Territory, ...]:
        where = self._values.get("where")
        named = where if isinstance(where, tuple) else ()
        return tuple(one for one in named if isinstance(one, Territory))

    def territories(self) -> tuple[str, ...]:
        return tuple(one.code for one in self.places())

    def services(self, places: Sequence[Place]) -> tuple[str, ...]:
        asked = self._values.get("services")
        named = asked if isinstance(asked, tuple) else ()
        keys = [one.key for one in named if isinstance(one, Service)]
        return tuple(dict.fromkeys([*keys, *(row.service for place in places for row in place.rows)]))

    def is_wrong(self, row: NumberRow) -> bool:
        """Whether the digits themselves are called wrong, not this row alone (`lists.rules_lists.separated`)."""
        return row in self._wrong

    def line(self, row: NumberRow, *, struck: bool) -> str:
        """One number in one line, as mails write it."""
        where = self._values.get("where")
        promised = Promised(self.until, self.review, where if isinstance(where, tuple) else ())  # type: ignore[arg-type]
        words = row_words(row, self._setting, promised, struck)
        return f"{words.label}{SEPARATOR.join([words.said, *words.details])}"

    def relay(self, places: Sequence[Place]) -> str:
        """What is said of the relay line beside numbers to call; nothing where the alert gives none."""
        line = relay(self.lang)
        if line is None or not any(not place.struck for place in places):
            return ""
        state = self.choice("relay_state")
        name = f"relay_{state if state in ('works', 'down') else 'unknown'}"
        how = line.how if state == "works" else line.how_unknown
        return self.set(phrase(name, self.lang, who=line.who, how=how))


def _number(row: NumberRow, place: Place, values: _Values) -> DocumentNumber:
    lang = values.lang
    return DocumentNumber(
        key=_key(row),
        territory=row.territory.code,
        territory_name=values.set(row.territory.name_in(lang)),
        service=row.service,
        service_name=values.set(row.service_in(lang)),
        number=row.number,
        dial=dialling(row.number, row.territory.region) if row.number else "",
        replaces=row.replaces,
        zone=values.set(row.zone_in(lang)),
        condition=values.set(row.condition_in(lang)),
        place=values.set(row.place_in(lang)),
        struck=place.struck,
        wrong=place.struck and values.is_wrong(row),
        valid_until=None if place.struck else earliest(row.valid_until, values.until),
        review_at=None if place.struck else earliest(row.review_at, values.review),
        entry=row.entry,
        line=values.line(row, struck=place.struck),
    )


def _key(row: NumberRow) -> str:
    if row.entry:
        return row.entry
    plain = json.dumps(row.identity, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()[:_KEY_DIGITS]


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of these times; None if none is known."""
    return min(filter(None, moments), default=None)
