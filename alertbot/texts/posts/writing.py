"""Writing blocks as plain text, as Telegram HTML and as mail HTML (all with the same content), and
reading such HTML back as paragraphs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from alertbot.channels.telegram.spans import spans
from alertbot.texts.wording.language import right_to_left
from alertbot.texts.wording.markup import Block, Line, Run, Shape

Writer = Callable[[Line], str]
CODE = "code"  # the style of a number
WITHIN = "#"  # how the address of a link within the text begins
_OUTSIDE = ("https://", "http://", "mailto:")
CALL = "tel:"  # how the address of a number begins: a link in mails only


# --- plain text ----------------------------------------------------------------------------------


def plain(blocks: Sequence[Block]) -> str:
    """As plain text: a link is written `text address`, or the address alone when they are the same."""
    return _join(blocks, plain_line)


def visible(blocks: Sequence[Block]) -> str:
    """What a Telegram reader sees: the text without the addresses behind links."""
    return _join(blocks, visible_line)


def visible_line(line: Line) -> str:
    """One line of `visible`."""
    return line[0].text if len(line) == 1 else "".join([run.text for run in line])


def plain_line(line: Line) -> str:
    """One line of `plain`."""
    for run in line:
        if run.address:
            break
    else:
        return visible_line(line)
    return "".join(_plain_link(address, list(runs)) for address, runs in _links(line))


def _plain_link(address: str, runs: Sequence[Run]) -> str:
    text = "".join(run.text for run in runs)
    if not address or address.startswith((WITHIN, CALL)):
        return text
    shown = address.removeprefix("mailto:")
    return shown if _same(text, shown) else f"{text} {shown}"


def _same(text: str, address: str) -> bool:
    def bare(one: str) -> str:
        return one.strip().removeprefix("https://").removeprefix("http://").rstrip("/")

    return bare(text) == bare(address)


def _links(line: Line) -> Iterator[tuple[str, Iterable[Run]]]:
    return groupby(line, key=lambda run: run.address)


def _join(blocks: Sequence[Block], write: Writer) -> str:
    pieces: list[str] = []
    for block in blocks:
        if pieces:
            pieces.append("\n" if block.tight else "\n\n")
        pieces.append(_block_text(block, write))
    return "".join(pieces)


def _block_text(block: Block, write: Writer) -> str:
    indent = "" if block.shape is Shape.HEADING else "  " * block.depth
    first = indent + block.bullet
    rest = "\n" + indent + " " * len(block.bullet)
    return first + rest.join(write(line).strip() for line in block.lines)


def has_link(blocks: Sequence[Block]) -> bool:
    """Whether a platform will find an address in the text."""
    runs = (run for block in blocks for line in block.lines for run in line)
    return any(run.address.startswith(_OUTSIDE) or "://" in run.text for run in runs)


# --- Telegram ------------------------------------------------------------------------------------


def telegram(blocks: Sequence[Block]) -> str:
    """Telegram HTML (b, i, s, a), with everything else escaped."""
    return _join([_shown_heading(block) for block in blocks], telegram_line)


def entities(blocks: Sequence[Block]) -> int:
    """How many entities Telegram will count, at most."""
    runs = [run for block in blocks for line in _shown_heading(block).lines for run in line]
    return sum(
        len(run.styles) + (bool(run.address) and not run.address.startswith(CALL)) for run in runs
    )


def _shown_heading(block: Block) -> Block:
    if block.shape is not Shape.HEADING:
        return block
    bold = tuple(
        tuple(replace(run, styles=tuple(sorted({*run.styles, "b"}))) for run in line)
        for line in block.lines
    )
    return replace(block, lines=bold)


def telegram_line(line: Line) -> str:
    """One line of `telegram`. A number is not a link there: people copy it with one touch."""
    return "".join(
        linked("" if address.startswith(CALL) else address, "".join(map(_styled, runs)))
        for address, runs in _links(line)
    )


def _styled(run: Run) -> str:
    text = escaped(run.text)
    for style in run.styles:
        text = f"<{style}>{text}</{style}>"
    return text


def linked(address: str, inner: str) -> str:
    """What is in a link, if there is an address."""
    return f'<a href="{escaped(address)}">{inner}</a>' if address else inner


def _mail_line(line: Line) -> str:
    """One line of a mail: a number is a link that dials it."""
    bare = (replace(run, styles=tuple(style for style in run.styles if style != CODE)) for run in line)
    return "".join(
        linked(address, "".join(map(_styled, runs))) for address, runs in _links(tuple(bare))
    )


def escaped(text: str) -> str:
    """Safe between tags and inside a quoted attribute."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


# --- mail ----------------------------------------------------------------------------------------


def email(blocks: Sequence[Block]) -> str:
    """As an HTML fragment of headings, paragraphs and lists."""
    return "\n".join(
        _email_list(list(group)) if shape is Shape.ITEM else "\n".join(map(_email_block, group))
        for shape, group in groupby(blocks, key=lambda block: block.shape)
    )


def _email_block(block: Block) -> str:
    tag = f"h{min(block.depth + 1, 6)}" if block.shape is Shape.HEADING else "p"
    named = f' id="{escaped(block.anchor)}"' if block.anchor else ""
    return f"<{tag}{named}>{_email_lines(block)}</{tag}>"


def _email_lines(block: Block) -> str:
    return "<br>\n".join(_mail_line(line).strip() for line in block.lines)


def _email_list(items: Sequence[Block]) -> str:
    """Consecutive lists are separated by a blank line; deeper items are indented by style."""
    return "\n".join(_one_email_list(run) for run in _runs_of_items(items))


def _runs_of_items(items: Sequence[Block]) -> Iterator[Sequence[Block]]:
    start = 0
    for at in range(1, len(items) + 1):
        if at == len(items) or not items[at].tight:
            yield items[start:at]
            start = at


def _one_email_list(items: Sequence[Block]) -> str:
    numbered = items[0].bullet[:1].isdigit()
    tag = f'ol start="{items[0].bullet.partition(".")[0]}"' if numbered else "ul"
    rows = "\n".join(f"<li{_indent(item)}>{_email_lines(item)}</li>" for item in items)
    return f"<{tag}>\n{rows}\n</{tag[:2]}>"


def _indent(item: Block) -> str:
    return f' style="margin-left:{2 * item.depth}em"' if item.depth else ""


_STYLES = frozenset({"b", "i", "s", CODE})

Paragraph = tuple[Line, ...]


def paragraphs(html: str) -> tuple[Paragraph, ...]:
    """The paragraphs of this HTML, separated by blank lines. Tags other than those of `telegram` are
    skipped; their text stays."""
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
    """The paragraphs of a text without markup, separated by blank lines."""
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


_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;padding:1rem;background:#fff;color:#1a1a1a;"
    "font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif}"
    "main{max-width:38rem;margin:0 auto;overflow-wrap:anywhere}"
    "h1,h2,h3{line-height:1.3;margin:1.5rem 0 .5rem}"
    "h1{font-size:1.35rem;margin-top:0}h2{font-size:1.2rem}h3{font-size:1.05rem}"
    "p,ul,ol{margin:0 0 1rem}li{margin:0 0 .25rem}a{color:#0b57d0}"
    "a[href^='tel:']{font-size:1.15em;font-weight:bold;white-space:nowrap}"
    "@media (prefers-color-scheme:dark){body{background:#121212;color:#eaeaea}a{color:#8ab4f8}}"
)


def document(blocks: Sequence[Block], *, subject: str, lang: str) -> str:
    """A complete HTML document. It contains no recipient: it is the same for everyone with this
    language."""
    direction = ' dir="rtl"' if right_to_left(lang) else ""
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="{escaped(lang)}"{direction}>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(subject)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{email(blocks)}\n</main>\n</body>\n</html>\n"
    )
