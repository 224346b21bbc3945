"""Checks on an alert's wording: faults (laws and judgements), warnings, and completeness. Pure.

Fields are checked before rendering, texts after. A law can never be accepted; a judgement can, with a
reason (`acceptable`).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

from alertbot.core.model import Audience, Channel, Fault, Message, Organisation
from alertbot.core.words import _, language
from alertbot.numbers import rules_words
from alertbot.numbers.rules_digits import misprint
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import in_force
from alertbot.regions.region import Territory
from alertbot.texts.fields import findings
from alertbot.texts.fields.findings import plainly
from alertbot.texts.fields.values import Figure, Text, Value
from alertbot.texts.kinds.kind_spec import COMPLETENESS, Frame, Kind
from alertbot.texts.wording.language import language_name

MOST_EMOJI = 3  # in one part
MOST_PARTS = 25
SHOWN_ROWS = 3

Wording = tuple[str, str, str]  # field, language ("" serves every language), words


# --- fields --------------------------------------------------------------------------------------


def fields(kind: Kind, values: Mapping[str, Value]) -> Iterator[Fault]:
    """Faults in typed values: digits (R1), addresses, mentions, fields that the kind forbids."""
    yield from forbidden(kind, values)
    for field, lang, words in free_words(values):
        for find, fault in _FIELD_RULES:
            if found := next(iter(find(words)), None):
                yield fault(found, field, lang or None)


def forbidden(kind: Kind, values: Mapping[str, Value]) -> Iterator[Fault]:
    """Faults for fields that this kind must not have."""
    for field in kind.forbidden:
        if field in values:
            sentence = _("A {kind} must not contain “{field}”; remove it.")
            yield Fault("forbidden_field", sentence.format(kind=kind.name, field=field), field)


def free_words(values: Mapping[str, Value]) -> Iterator[Wording]:
    """Every free text in the values, including zones and conditions of numbers."""
    for field, value in values.items():
        for one in value if isinstance(value, tuple) else (value,):
            for by_lang in _worded(one):
                yield from ((field, lang, words) for lang, words in by_lang.items())


def _worded(value: object) -> Iterator[Mapping[str, str]]:
    if isinstance(value, Text):
        yield value.by_lang or {"": value.bare or ""}
    elif isinstance(value, Figure):
        yield from _worded(value.unit)
        yield from _worded(value.source)
    elif isinstance(value, NumberRow):
        yield value.zone
        yield value.condition
        yield value.place
        if value.territory.free:
            yield value.territory.names


def _digits(found: str, field: str, lang: str | None) -> Fault:
    sentence = _(
        "“{found}” looks like a telephone number. Use a numbers field for numbers, and a"
        " figure for quantities."
    )
    return Fault("digits_in_text", sentence.format(found=found), field, lang=lang)


def _misprint(found: str, field: str, lang: str | None) -> Fault:
    right = in_force().habits.misprints.get(found, "")
    sentence = misprint(found, right)
    return Fault("invalid_number", sentence, field, lang=lang)


def _link(found: str, field: str, lang: str | None) -> Fault:
    sentence = _("“{found}” would become a link. Use a url field for addresses.")
    return Fault("link_in_text", sentence.format(found=found[:80]), field, lang=lang)


def _mention(found: str, field: str, lang: str | None) -> Fault:
    sentence = _("“{found}” would become a mention or a hashtag. Write the name without the sign.")
    return Fault("mention_in_text", sentence.format(found=found[:80]), field, lang=lang)


FieldRule = tuple[Callable[[str], Iterable[str]], Callable[[str, str, str | None], Fault]]
_FIELD_RULES: tuple[FieldRule, ...] = (
    (rules_words.dialled, _digits),
    (rules_words.misprinted, _misprint),
    (rules_words.links, _link),
    (rules_words.mentions, _mention),
)


def field_warnings(values: Mapping[str, Value]) -> Iterator[Fault]:
    """Warnings about typed values: "everywhere" (R12) and capitals."""
    for field, lang, words in free_words(values):
        for found in findings.everywhere(words):
            yield _everywhere(found, field, lang or None)
        for found in findings.capitals(words):
            sentence = _("“{found}”: use capitals for key words only.")
            yield Fault("capitals", sentence.format(found=found), field, lang=lang or None)
    for field, value in values.items():
        for one in value if isinstance(value, tuple) else ():
            if isinstance(one, Territory) and one.whole:
                yield _everywhere(one.name_in(language()), field, None)


def _everywhere(found: str, field: str, lang: str | None) -> Fault:
    sentence = _("“{found}” claims the whole country. Say where it fails and where it works.")
    return Fault("everywhere", sentence.format(found=found), field, lang=lang)


# --- numbers -------------------------------------------------------------------------------------


def numbers(
    kind: Kind, values: Mapping[str, Value], channels: Sequence[Channel], organisation: Organisation
) -> Iterator[Fault]:
    """Faults of numbers that must not reach the public: unverified (R3) or fictional ones."""
    if not any(channel.audience.outward for channel in channels):
        return
    for field, rows in _dialled_rows(kind, values):
        if unverified := [row for row in rows if not row.verified]:
            sentence = _("{field}: {count} numbers not verified by a second person: {rows}.")
            words = sentence.format(field=field, count=len(unverified), rows=_first_of(unverified))
            yield Fault("unverified_number", words, field)
        fictional = [row for row in rows if row.fictional]
        if fictional and not organisation.sandbox:
            sentence = _("{field}: {count} fictional numbers, which reach no one: {rows}.")
            words = sentence.format(field=field, count=len(fictional), rows=_first_of(fictional))
            yield Fault("fictional_number", words, field)


def _dialled_rows(
    kind: Kind, values: Mapping[str, Value]
) -> Iterator[tuple[str, tuple[NumberRow, ...]]]:
    """The numbers that people should call: not those taken back."""
    for field, value in values.items():
        spec = kind.field(field)
        rows = (
            tuple(one for one in value if isinstance(one, NumberRow))
            if isinstance(value, tuple)
            else ()
        )
        if rows and not (spec and spec.struck):
            yield field, rows


def _first_of(rows: Sequence[NumberRow]) -> str:
    shown = [f"{row.territory.code} {row.service} {row.number}" for row in rows[:SHOWN_ROWS]]
    return "; ".join(shown) + ("; …" if len(rows) > SHOWN_ROWS else "")


# --- times ---------------------------------------------------------------------------------------


def promises(kind: Kind, values: Mapping[str, Value]) -> Iterator[tuple[str, datetime]]:
    """The times the text promises: future time fields, and how long numbers are valid."""
    for field, value in values.items():
        spec = kind.field(field)
        if spec is not None and (spec.past or spec.struck):
            continue
        for one in value if isinstance(value, tuple) else (value,):
            yield from ((field, when) for when in _promised(one))


def _promised(value: object) -> Iterator[datetime]:
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, NumberRow):
        yield from (when for when in (value.valid_until, value.review_at) if when is not None)


def past_times(promised: Iterable[tuple[str, datetime]], now: datetime) -> Iterator[Fault]:
    """Faults for promised times that have passed."""
    for field, when in promised:
        if when <= now:
            sentence = _("{field} promises {when}, which has passed; give a later time.")
            moment = when.isoformat(sep=" ", timespec="minutes")
            yield Fault("past_time", sentence.format(field=field, when=moment), field)


# --- texts ---------------------------------------------------------------------------------------


_ISOLATES = re.compile("[\u2066-\u2069]")  # signs of direction around numbers and addresses


def unequal(channel: Channel, texts: Mapping[str, str]) -> Iterator[Fault]:
    """Faults for languages that disagree on a number, a time or an address (R26)."""
    bare = {lang: _ISOLATES.sub("", text) for lang, text in texts.items()}
    for one in findings.differences(bare):
        sentence = _("{channel}: the text in {lang} gives {pieces}, the one in {without} does not.")
        words = sentence.format(
            channel=channel.name,
            lang=language_name(one.lang),
            pieces=", ".join(one.pieces),
            without=language_name(one.without),
        )
        yield Fault("parity", words, channel=channel.name, lang=one.without, acceptable=True)


def exercise(channels: Sequence[Channel]) -> Iterator[Fault]:
    """Faults for an exercise addressed to the public (promise 7)."""
    for channel in channels:
        if channel.audience.outward:
            sentence = _(
                "An exercise cannot go out on {channel}, which reaches the public. Leave it out"
                " (--channel)."
            )
            yield Fault("exercise_live", sentence.format(channel=channel.name), channel=channel.name)


def audience(kind: Kind, channels: Sequence[Channel]) -> Iterator[Fault]:
    """Faults for a kind that is not for the public, addressed to it."""
    for channel in channels if kind.audiences else ():
        if channel.audience is Audience.LIVE:
            sentence = _(
                "{kind} is not for the public, and {channel} reaches it. It goes to channels with audience {audiences}"
                " only."
            ).format(
                kind=kind.name,
                channel=channel.name,
                audiences=_(" or ").join(f"`{one}`" for one in kind.audiences),
            )
            yield Fault("not_public", sentence, channel=channel.name)


def real_words(frame: Frame, lang: str, text: str, channel: str) -> Iterator[Fault]:
    """Faults for wording of real alerts in an exercise (R23)."""
    said = _folded(text)
    for words in frame.refused.get(lang, ()):
        if _folded(words) in said:
            sentence = _(
                "“{words}”: these are the words of a real alert; an exercise must not contain them."
            )
            yield Fault("exercise_words", sentence.format(words=words), channel=channel, lang=lang)


def _folded(text: str) -> str:
    return " ".join(text.replace("’", "'").casefold().split())


def text_warnings(channel: Channel, messages: Sequence[Message]) -> Iterator[Fault]:
    """Warnings about finished texts: emoji (R24) and the cost of links."""
    for message in messages:
        if (
            len(findings.emoji(message.text)) > MOST_EMOJI
            or findings.begins_with_emoji(message.text) > 1
        ):
            sentence = _("{channel} ({lang}): use few emoji, and never as bullets.")
            words = sentence.format(channel=channel.name, lang=message.lang)
            yield Fault("emoji", words, channel=channel.name, lang=message.lang)
    linked = sum(message.has_link for message in messages)
    price = channel.spec.price
    if linked and price.post_with_link > price.post:
        sentence = _(
            "{channel}: {linked} of {count} posts contain a link and cost {dear} each instead of {cheap}."
        )
        words = sentence.format(
            channel=channel.name,
            linked=linked,
            count=len(messages),
            dear=_price(price.post_with_link, price.currency),
            cheap=_price(price.post, price.currency),
        )
        yield Fault("link_cost", words, channel=channel.name)


def _price(amount: float, currency: str) -> str:
    mark = "," if language() == "fr" else "."
    return f"{amount:.3f} {currency}".replace(".", mark)


def many_parts(channel: Channel, lang: str, parts: int) -> Iterator[Fault]:
    """The fault of a thread with too many parts to be read."""
    if parts > MOST_PARTS:
        sentence = _(
            "{channel} ({lang}) would need {parts} posts, more than {most}. Send fewer numbers at once."
        )
        words = sentence.format(channel=channel.name, lang=lang, parts=parts, most=MOST_PARTS)
        yield Fault("too_many_parts", words, channel=channel.name, lang=lang, acceptable=True)


def open_ended(messages: Iterable[Message]) -> Iterator[Fault]:
    """Faults for posts that end with a colon: what they announce stands in another post, or nowhere."""
    for one in messages:
        if one.text.rstrip().endswith(":"):
            sentence = _(
                "{channel} ({lang}), part {part} ends with a colon, so what it announces is missing there. Put both into"
                " one block of the template."
            )
            words = sentence.format(channel=one.channel, lang=one.lang, part=one.part)
            yield Fault("open_end", words, channel=one.channel, lang=one.lang)


def table(kind: Kind, values: Mapping[str, Value], *, source: bool) -> dict[str, bool | None]:
    """The completeness table, row by row: said, not said, or None if this kind does not require it.
    `source`: whether the organisation has a verification page."""
    return {
        row: _is_given(kind, row, values, source=source)
        for row in {**COMPLETENESS, **kind.completeness}
    }


def _is_given(kind: Kind, row: str, values: Mapping[str, Value], *, source: bool) -> bool | None:
    if row not in kind.completeness:
        return None
    names = kind.completeness[row]
    said = any(values.get(name) for name in names) if names else source
    return True if said else (False if not names or _called_for(kind, row, names) else None)


def _called_for(kind: Kind, row: str, names: Sequence[str]) -> bool:
    """Whether a row is required, because one of its fields is; "since when" is always required while the
    fault lasts: of nine real posts none gave it."""
    one_of = {name for group in kind.one_of for name in group}
    required = {spec.name for spec in kind.fields if spec.required}
    return any(name in required | one_of for name in names) or (row == "since" and not kind.final)


def warnings(rows: Mapping[str, bool | None]) -> Iterator[Fault]:
    """One warning for each completeness row that is required and not said."""
    sentences = _sentences()
    for row, said in rows.items():
        if said is False:
            sentence = (
                sentences[row]()
                if row in sentences
                else _("The alert does not say: {row}.").format(row=row)
            )
            yield Fault(f"incomplete_{row}", sentence)


@cache
def _sentences() -> Mapping[str, Callable[[], str]]:
    return {
        "fact": lambda: _("The alert does not say what fails."),
        "since": lambda: _("The alert does not say since when."),
        "where": lambda: _("The alert does not say where."),
        "what_to_do": lambda: _("The alert does not say what people should do."),
        "number": lambda: _("The alert gives no number to call instead."),
        "until": lambda: _(
            "The alert does not say until when it is valid, or when it will be reviewed."
        ),
        "next_update": lambda: _("The alert does not say when the next update comes."),
        "source": lambda: _(
            "The alert names no page where people can check it. Set organisation.verification_page."
        ),
    }


LONGEST_SHORT = 6  # digits of a short number


def faults(messages: Iterable[Message], rows: Sequence[NumberRow]) -> Iterator[Fault]:
    """One fault for each number that a message, or the text alternative of its picture, gives without
    its zone or condition on the same line."""
    long = (row for row in rows if len(row.number) > LONGEST_SHORT)  # a short one is in many a sentence
    detailed = [row for row in long if row.zone or row.condition]
    for message in messages if detailed else ():
        for text in filter(None, (message.text, message.alt)):
            for row in _bare(text, message.lang, detailed):
                yield _fault(row, message)


def _bare(text: str, lang: str, rows: Sequence[NumberRow]) -> Iterator[NumberRow]:
    plain = plainly(text)
    lines: list[str] = []
    for row in rows:
        if row.number not in plain:
            continue
        lines = lines or [_folded_cells(line) for line in plain.splitlines()]
        number = re.compile(rf"(?<!\d){re.escape(row.number)}(?!\d)")
        where = [line for line in lines if number.search(line)]
        kept = [_folded_cells(one) for one in (row.zone_in(lang), row.condition_in(lang)) if one]
        if where and not any(all(one in line for one in kept) for line in where):
            yield row


def _folded_cells(text: str) -> str:
    return " ".join(plainly(text).replace("’", "'").split())


def _fault(row: NumberRow, message: Message) -> Fault:
    sentence = _(
        "{channel} ({lang}), part {part}: {number} appears without its zone or condition ({details})."
        " Let the template write it with the filter “calls” or “dial”."
    )
    kept = ", ".join(one for one in (row.zone_in(message.lang), row.condition_in(message.lang)) if one)
    words = sentence.format(
        channel=message.channel,
        lang=message.lang,
        part=message.part,
        number=row.number,
        details=kept,
    )
    return Fault("number_alone", words, channel=message.channel, lang=message.lang)
