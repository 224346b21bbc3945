"""Telegram HTML read back into lines of styled runs, so that it can be written anew and stays valid."""

from collections.abc import Iterator, Sequence

from alertbot.compose.markup import Line, Run
from alertbot.compose.spans import spans

_STYLES = frozenset({"b", "i", "s"})

Paragraph = tuple[Line, ...]


def paragraphs(html: str) -> tuple[Paragraph, ...]:
    """The paragraphs of this HTML, which blank lines part. Tags other than those of `writing.telegram` are
    passed over; their text stays."""
    lines: list[list[Run]] = [[]]
    for span in spans(html):
        styles = tuple(sorted(_STYLES.intersection(span.tags)))
        for count, text in enumerate(span.text.split("\n")):
            if count:
                lines.append([])
            if text:
                lines[-1].append(Run(text, styles, span.address))
    return tuple(_paragraphs(lines))


def plain_paragraphs(text: str) -> tuple[Paragraph, ...]:
    """The same of a text without markup."""
    return tuple(_paragraphs([[Run(line)] if line else [] for line in text.split("\n")]))


def _paragraphs(lines: Sequence[Sequence[Run]]) -> Iterator[Paragraph]:
    gathered: list[Line] = []
    for line in lines:
        if any(run.text.strip() for run in line):
            gathered.append(tuple(line))
        elif gathered:
            yield tuple(gathered)
            gathered = []
    if gathered:
        yield tuple(gathered)
