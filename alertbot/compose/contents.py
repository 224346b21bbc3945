"""The index of a long text: its regions and, in a thread, the messages they are in; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from alertbot.compose.markup import Block, Line, Run
from alertbot.compose.writing import WITHIN

Blocks = tuple[Block, ...]
_TITLE = {"fr": "Numéros par région", "en": "Numbers by region"}
_IN = {"fr": "message {parts}", "en": "message {parts}"}
_FROM_TO = {"fr": "messages {parts}", "en": "messages {parts}"}
_COLON = {"fr": "\u00a0: "}
WIDEST = "999–999"  # stands for the messages until they are counted


def headings(body: Sequence[Block]) -> Blocks:
    """What the index will list."""
    return tuple(block for block in body if block.indexed)


def placed(body: Blocks, lang: str, *, anchors: bool) -> Blocks:
    """The text with its index above the first listed heading, where there is one. `anchors`: each line
    leads to its heading."""
    if not headings(body):
        return body
    lines = [_line(block, lang, anchors=anchors) for block in headings(body)]
    return _before(body, _index(lines, lang))


def counted(body: Blocks, lang: str, *, first: bool) -> Blocks:
    """The same for a thread, before anybody knows which message a region is in. `first`: at the very top,
    where the index must be in the first message."""
    lines = [_line(block, lang, parts=WIDEST) for block in headings(body)]
    index = _index(lines, lang)
    return (index, *body) if first else _before(body, index)


def filled(parts: Sequence[Blocks], lang: str) -> tuple[Blocks, ...] | None:
    """A thread with the right messages in its index; None where that is not in the first message."""
    listed = [block for part in parts for block in headings(part)]
    draft = _index([_line(block, lang, parts=WIDEST) for block in listed], lang)
    at = next((at for at, block in enumerate(parts[0]) if block.lines == draft.lines), None)
    if at is None:
        return None
    where = _where(parts)
    lines = [_line(block, lang, parts=_parts(where[block.anchor])) for block in listed]
    index = replace(parts[0][at], lines=_index(lines, lang).lines)
    return ((*parts[0][:at], index, *parts[0][at + 1 :]), *parts[1:])


def _where(parts: Sequence[Blocks]) -> dict[str, list[int]]:
    """The messages that hold something of each heading: its own and those of the territories under it."""
    found: dict[str, list[int]] = {}
    current = ""
    for count, part in enumerate(parts, 1):
        for block in part:
            current = block.anchor if block.indexed else current
            if current and (block.indexed or block.titled) and count not in found.get(current, ()):
                found.setdefault(current, []).append(count)
    return found


def _parts(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"


def _index(lines: Sequence[Line], lang: str) -> Block:
    title = _TITLE.get(lang, _TITLE["en"]) + _COLON.get(lang, ":").rstrip(" ")
    return Block(((Run(title, ("b",)),), *lines))


def _line(heading: Block, lang: str, *, anchors: bool = False, parts: str = "") -> Line:
    name = "".join(run.text for line in heading.lines for run in line)
    address = f"{WITHIN}{heading.anchor}" if anchors else ""
    return tuple(_runs(name, address, heading.indexed, lang, parts))


def _runs(name: str, address: str, codes: str, lang: str, parts: str) -> Iterator[Run]:
    yield Run(name, (), address)
    yield Run(f" ({codes})")
    if parts:
        words = _FROM_TO if "–" in parts else _IN
        yield Run(_COLON.get(lang, ": ") + words.get(lang, "{parts}").format(parts=parts))


def _before(body: Blocks, index: Block) -> Blocks:
    at = next(at for at, block in enumerate(body) if block.indexed)
    return (*body[:at], index, *body[at:])
