"""A text as an A4 page to print and put on a door: as HTML, and as PDF. The numbers are large, and text, not pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alertbot.texts.posts import writing
from alertbot.texts.posts.writing import CODE, escaped
from alertbot.texts.wording.markup import Block, Line, Run, Shape

if TYPE_CHECKING:
    from fpdf import FPDF

FONTS = Path(__file__).parent / "cards" / "fonts"
_FACES = {"": "DejaVuSansCondensed.ttf", "B": "DejaVuSansCondensed-Bold.ttf"}
_FAMILY = "DejaVu"
_MARGIN = 15  # mm
_LEADING = 0.45  # mm of line height for each point of type: 1.28 times the type
_SIZES = {1: 30, 2: 24}  # points, by depth of the heading
_TEXT, _LABEL, _NUMBER, _SMALL = 16, 20, 44, 12
_STYLE = (
    "@page{size:A4;margin:15mm}"
    "body{margin:0 auto;max-width:180mm;padding:1rem;background:#fff;color:#000;"
    "font:16pt/1.3 'DejaVu Sans Condensed',Arial,sans-serif;overflow-wrap:anywhere}"
    "h1{font-size:min(30pt,8vw);line-height:1.15;margin:0 0 .5em}h2{font-size:min(24pt,7vw);margin:.8em 0 .2em}"
    "h3{font-size:min(20pt,6vw);margin:.8em 0 .2em}"
    "h1,h2,h3{break-after:avoid}"
    "p{margin:0 0 .6em}.call{break-inside:avoid;font-size:min(20pt,5.5vw);margin:0 0 .4em}"
    ".number{display:block;font-size:min(44pt,9.5vw);line-height:1.1;font-weight:bold;white-space:nowrap}"
    ".number a{color:inherit}@media print{.number{font-size:44pt}.number a{text-decoration:none}}"
    "section+section{break-before:page}footer{font-size:12pt;border-top:1pt solid #000;padding-top:.5em}"
)
Row = tuple[str, int, str]  # text, points, style
Page = tuple[str, str, Sequence[Block]]  # language, title, text; its last block is the foot


def html(pages: Sequence[Page]) -> str:
    """The pages as one HTML document, one language after the other."""
    first_lang = pages[0][0]
    said = "\n".join(_section(lang, blocks) for lang, _title, blocks in pages)
    return (
        f'<!DOCTYPE html>\n<html lang="{escaped(first_lang)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{escaped(_title(pages[0]))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{said}\n</main>\n"
        "</body>\n</html>\n"
    )


def _title(page: Page) -> str:
    """What stands largest on it, or the title of the text."""
    _lang, title, blocks = page
    return next((_heading(block) for block in blocks if block.shape is Shape.HEADING), title)


def _section(lang: str, blocks: Sequence[Block]) -> str:
    shown = "\n".join(map(_block, blocks[:-1]))
    return f'<section lang="{escaped(lang)}">\n{shown}\n<footer>\n{_block(blocks[-1])}\n</footer>\n</section>'


def _block(block: Block) -> str:
    if block.shape is Shape.HEADING:
        depth = min(block.depth + 1, 6)
        return f"<h{depth}>{'<br>'.join(map(_plain, block.lines))}</h{depth}>"
    return "\n".join(_paragraph(block.bullet, line) for line in block.lines)


def _paragraph(bullet: str, line: Line) -> str:
    if not _is_call(line):
        return f"<p>{escaped(bullet)}{_plain(line)}</p>"
    said = "".join(_number(run) if CODE in run.styles else escaped(run.text) for run in line)
    return f'<p class="call">{said}</p>'


def _number(run: Run) -> str:
    """A number, which dials itself where the page is on a telephone."""
    return f'<strong class="number">{writing.linked(run.address, escaped(run.text))}</strong>'


def _plain(line: Line) -> str:
    return escaped(writing.plain_line(line))


def _is_call(line: Line) -> bool:
    return any(CODE in run.styles for run in line)


def pdf(pages: Sequence[Page]) -> bytes:
    """The pages as one PDF, one language after the other, with its language, title and outline."""
    from fpdf import FPDF

    paper = FPDF(format="A4")
    for style, file in _FACES.items():
        paper.add_font(_FAMILY, style, FONTS / file)
    paper.set_margin(_MARGIN)
    paper.set_auto_page_break(auto=True, margin=_MARGIN)
    paper.set_lang(pages[0][0])
    paper.set_title(_title(pages[0]))
    for _lang, _fallback, blocks in pages:
        paper.add_page()
        for unit in _units(blocks[:-1]):
            _keep(paper, [row for block in unit for rows in _rows(block) for row in rows])
            for block in unit:
                _draw(paper, block)
        _rule(paper)
        for line in blocks[-1].lines:
            _write(paper, (writing.plain_line(line), _SMALL, ""))
    return bytes(paper.output())


def _units(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """What stays on one page, if a page can hold it: a place with its numbers."""
    unit: list[Block] = []
    for block in blocks:
        if unit and block.shape is Shape.HEADING and unit[-1].shape is not Shape.HEADING:
            yield unit
            unit = []
        unit.append(block)
    yield unit


def _rows(block: Block) -> Iterator[list[Row]]:
    """The rows of each line, which stay together: a number is never parted from what it reaches."""
    if block.shape is Shape.HEADING:
        yield [(_heading(block), _SIZES.get(block.depth + 1, _LABEL), "B")]
        return
    for line in block.lines:
        if _is_call(line):
            said = [(run.text.strip(" –"), CODE in run.styles) for run in line]
            yield [
                (text, *((_NUMBER, "B") if number else (_LABEL, ""))) for text, number in said if text
            ]
        else:
            yield [(block.bullet + writing.plain_line(line), _TEXT, "")]


def _heading(block: Block) -> str:
    return " ".join(map(writing.plain_line, block.lines))


def _draw(paper: "FPDF", block: Block) -> None:
    if block.shape is Shape.HEADING:
        paper.start_section(_heading(block), level=block.depth)
    for rows in _rows(block):
        _keep(paper, rows)
        for row in rows:
            _write(paper, row)
    if block.shape is not Shape.HEADING:
        paper.ln(2)


def _keep(paper: "FPDF", rows: Sequence[Row]) -> None:
    """Go on to a new page unless all of this fits on what is left of this one."""
    height = sum(_write(paper, row, dry_run=True) for row in rows)
    if paper.get_y() > _MARGIN and paper.will_page_break(height):
        paper.add_page()


def _rule(paper: "FPDF") -> None:
    paper.line(_MARGIN, paper.get_y(), paper.w - _MARGIN, paper.get_y())
    paper.ln(2)


def _write(paper: "FPDF", row: Row, *, dry_run: bool = False) -> float:
    """Write a row, or only measure it; returns its height."""
    text, size, style = row
    paper.set_font(_FAMILY, style, size)
    height = paper.multi_cell(
        0, size * _LEADING, text, align="L", new_x="LMARGIN", new_y="NEXT", dry_run=dry_run, output="HEIGHT"
    )  # fmt: skip
    assert isinstance(height, float)
    return height
