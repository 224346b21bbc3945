"""A text as an A4 page to print and put on a door: as HTML, and as PDF. The numbers are large, and text, not pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alertbot.texts.posts import writing
from alertbot.texts.posts.writing import CODE, escaped
from alertbot.texts.wording.markup import Block, Line, Shape

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
    "h1{font-size:30pt;line-height:1.15;margin:0 0 .5em}h2{font-size:24pt;margin:.8em 0 .2em}"
    "p{margin:0 0 .6em}.call{break-inside:avoid;font-size:20pt;margin:0 0 .4em}"
    ".number{display:block;font-size:44pt;line-height:1.1;font-weight:bold;white-space:nowrap}"
    "section+section{break-before:page}footer{font-size:12pt;border-top:1pt solid #000;padding-top:.5em}"
)
Page = tuple[str, str, Sequence[Block]]  # language, title, text; its last block is the foot


def html(pages: Sequence[Page]) -> str:
    """The pages as one HTML document, one language after the other."""
    first_lang, title, _blocks = pages[0]
    said = "\n".join(_section(lang, blocks) for lang, _title, blocks in pages)
    return (
        f'<!DOCTYPE html>\n<html lang="{escaped(first_lang)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{said}\n</main>\n"
        "</body>\n</html>\n"
    )


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
    said = "".join(
        f'<strong class="number">{escaped(run.text)}</strong>'
        if CODE in run.styles
        else escaped(run.text)
        for run in line
    )
    return f'<p class="call">{said}</p>'


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
    paper.set_title(pages[0][1])
    for _lang, _title, blocks in pages:
        paper.add_page()
        for block in blocks[:-1]:
            _draw(paper, block)
        _rule(paper)
        for line in blocks[-1].lines:
            _write(paper, writing.plain_line(line), _SMALL)
    return bytes(paper.output())


def _draw(paper: "FPDF", block: Block) -> None:
    if block.shape is Shape.HEADING:
        text = " ".join(map(writing.plain_line, block.lines))
        paper.start_section(text, level=block.depth)
        _write(paper, text, _SIZES.get(block.depth + 1, _LABEL), "B")
        return
    for line in block.lines:
        if not _is_call(line):
            _write(paper, block.bullet + writing.plain_line(line), _TEXT)
            continue
        for run in line:
            if text := run.text.strip(" –"):
                _write(paper, text, *((_NUMBER, "B") if CODE in run.styles else (_LABEL, "")))
    paper.ln(2)


def _rule(paper: "FPDF") -> None:
    paper.line(_MARGIN, paper.get_y(), paper.w - _MARGIN, paper.get_y())
    paper.ln(2)


def _write(paper: "FPDF", text: str, size: int, style: str = "") -> None:
    paper.set_font(_FAMILY, style, size)
    paper.multi_cell(0, size * _LEADING, text, align="L", new_x="LMARGIN", new_y="NEXT")
