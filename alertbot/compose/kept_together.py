"""Whether zone and condition stand with their number wherever it is given (R4); pure.

The filters see to it; a template that writes `row.number` by itself is caught here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from alertbot.compose.findings import plainly
from alertbot.model import Fault, Message
from alertbot.register.entry import NumberRow
from alertbot.words import _

_NUMBER = re.compile(r"(?<!\d)\d\d(?: \d\d){4}(?!\d)")


def faults(messages: Iterable[Message], rows: Sequence[NumberRow]) -> Iterator[Fault]:
    """One for each number that a message, or the text alternative of its picture, gives without its zone
    or condition on the same line."""
    by_number: dict[str, list[NumberRow]] = {}
    for row in rows:
        if row.number and (row.zone or row.condition):
            by_number.setdefault(row.number, []).append(row)
    for message in messages if by_number else ():
        for text in filter(None, (message.text, message.alt)):
            for row in _bare(text, message.lang, by_number):
                yield _fault(row, message)


def _bare(text: str, lang: str, by_number: Mapping[str, Sequence[NumberRow]]) -> Iterator[NumberRow]:
    lines = [_folded(line) for line in text.splitlines()]
    with_number: dict[str, list[str]] = {}
    for line in lines:
        for found in _NUMBER.findall(line):
            with_number.setdefault(found, []).append(line)
    for number, where in with_number.items():
        for row in by_number.get(number, ()):
            kept = [_folded(one) for one in (row.zone_in(lang), row.condition_in(lang)) if one]
            if not any(all(one in line for one in kept) for line in where):
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
