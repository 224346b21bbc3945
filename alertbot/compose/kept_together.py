"""Whether zone and condition stand with their number wherever it is given (R4); pure.

The filters see to it; a template that writes `row.number` by itself is caught here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from alertbot.compose.findings import plainly
from alertbot.model import Fault, Message
from alertbot.register.entry import NumberRow
from alertbot.words import _

LONGEST_SHORT = 6  # digits of a short number


def faults(messages: Iterable[Message], rows: Sequence[NumberRow]) -> Iterator[Fault]:
    """One for each number that a message, or the text alternative of its picture, gives without its zone
    or condition on the same line."""
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
        lines = lines or [_folded(line) for line in plain.splitlines()]
        number = re.compile(rf"(?<!\d){re.escape(row.number)}(?!\d)")
        where = [line for line in lines if number.search(line)]
        kept = [_folded(one) for one in (row.zone_in(lang), row.condition_in(lang)) if one]
        if where and not any(all(one in line for one in kept) for line in where):
            yield row


def _folded(text: str) -> str:
    return " ".join(plainly(text).split())


def _fault(row: NumberRow, message: Message) -> Fault:
    sentence = _(
        "{channel} ({lang}), part {part}: {number} stands without its zone or condition ({details}); let"
        " the template write it with numbers_block."
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
