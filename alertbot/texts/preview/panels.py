"""A preview in the terminal: one panel per channel and language, as the public will see it."""

from collections.abc import Iterable, Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alertbot.core.model import Composition, Fault, Message
from alertbot.core.words import _
from alertbot.texts.preview import phrases
from alertbot.texts.preview.fragments import styled
from alertbot.texts.preview.phrases import Sheet, ShownThread, threads
from alertbot.texts.preview.plain import (
    facts,
    facts_title,
    header,
    heading,
    left_out,
    plain,
    retraction,
    sentences,
    title,
)

TWO_COLUMNS_FROM = 110  # cells
WIDEST_PANEL = 76
BORDERS = {"x": "none", "telegram": "cyan", "email": "magenta"}


def show(console: Console, sheet: Sheet, *, full: bool = False) -> None:
    """Print the preview; without drawing if the output is not a real terminal. `full`: as in `plain`."""
    if drawn(console):
        for block in blocks(sheet, console.width, full=full):
            console.print(block, highlight=False)
    else:
        console.out(plain(sheet, full=full), highlight=False)


def drawn(console: Console) -> bool:
    """Whether frames and columns help the reader: not in a pipe, a file or a dumb terminal."""
    return console.is_terminal and not console.is_dumb_terminal


def blocks(sheet: Sheet, width: int, *, full: bool = False) -> Iterator[RenderableType]:
    """The preview from top to bottom: how it stands, what is wrong, then the texts."""
    shown = sheet.composition
    yield Text(title(sheet), style="bold reverse" if sheet.exercise else "bold")
    stands = phrases.judged(sheet)
    style = {True: "bold green", False: "bold red", None: "bold"}[stands.ready]
    yield Text(f"{stands.mark} {phrases.visible(stands.said)}", style=style)
    for line in stands.further:
        yield Text(f"  {phrases.visible(line)}")
    yield from fault_lists(shown)
    yield _facts(sheet)
    yield from message_panels(sheet, width, full=full)
    yield from _retraction(sheet, width, full=full)
    if full:
        yield from _completeness(shown)


def message_panels(sheet: Sheet, width: int, *, full: bool) -> Iterator[RenderableType]:
    """The panels; languages of one channel are side by side if the terminal is wide enough."""
    found = threads(sheet.composition.messages)
    same = {} if full else phrases.repeated(found)
    by_channel: dict[str, list[Panel]] = {}
    for thread in found:
        by_channel.setdefault(thread.channel, []).append(_panel(sheet, thread, same.get(thread, "")))
    abreast = 2 if width >= TWO_COLUMNS_FROM else 1
    for panels in by_channel.values():
        for start in range(0, len(panels), abreast):
            yield _row(panels[start : start + abreast], abreast, width)


def _retraction(sheet: Sheet, width: int, *, full: bool) -> Iterator[RenderableType]:
    """The prepared retraction in short: it is signed with the alert and sent only when needed."""
    named, *texts = retraction(sheet, full=full) or [""]
    first, _line_end, about = named.partition("\n")
    if texts:
        yield _heading(first)
        yield Text(about, style="dim")
        inside = Wrapped(Text("\n\n".join(texts)))
        yield Panel(inside, border_style="dim", box=box.ROUNDED, width=min(WIDEST_PANEL, width))
    elif first:
        yield Text(first, style="dim")


def fault_lists(composition: Composition) -> Iterator[RenderableType]:
    """Faults, what was left out or accepted, and warnings."""
    if composition.faults:
        yield _list(_("Faults"), "red", "✗", map(_fault_lines, composition.faults))
    if lines := left_out(composition):
        yield _list(_("Left out"), "dim", "–", [[line] for line in lines])
    for named, style, mark, faults in (
        (_("Accepted with a reason"), "yellow", "!", composition.accepted),
        (_("Warnings"), "yellow", "!", composition.warnings),
    ):
        if faults:
            yield _list(named, style, mark, map(_fault_lines, faults))


class Wrapped:
    """A text broken only at plain spaces: what a no-break space joins (a phone number, a time and its
    unit) stays together, as on the reader's phone."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.split("\n", allow_blank=True):
            for piece in line.divide(_breaks(line.plain, options.max_width)):
                piece.plain = piece.plain.rstrip(" ")
                yield piece


def _breaks(line: str, width: int) -> list[int]:
    """Where to begin a new line: offsets after the last plain space that still fits."""
    breaks, begun = [], 0
    for start, end in _words(line):
        if start > begun and cell_len(line[begun:end]) > width:
            breaks.append(start)
            begun = start
        while cell_len(line[begun:end]) > width:  # one word longer than the line
            begun += max(1, width // 2 if cell_len(line[begun : begun + width]) > width else width)
            breaks.append(begun)
    return breaks


def _words(line: str) -> Iterator[tuple[int, int]]:
    offset = 0
    for word in line.split(" "):
        if word:
            yield offset, offset + len(word)
        offset += len(word) + 1


def _row(panels: list[Panel], abreast: int, width: int) -> Table:
    grid = Table.grid(padding=(0, 1), pad_edge=False)
    column = min(WIDEST_PANEL, width if abreast == 1 else (width - 1) // 2)
    for _each in panels:
        grid.add_column(width=column)
    grid.add_row(*panels)
    return grid


def _panel(sheet: Sheet, thread: ShownThread, same_as: str) -> Panel:
    border = BORDERS.get(thread.type, "blue")
    only = thread.parts[0] if len(thread.parts) == 1 else None
    inside: list[RenderableType] = [_envelope(sheet, thread)] if header(sheet, thread) else []
    if same_as:
        inside.append(Text(phrases.as_on(same_as), style="dim"))
    else:
        inside += [_text(only)] if only else [_part(message) for message in thread.parts]
    return Panel(
        Group(*inside),
        title=Text(heading(sheet, thread), style="bold"),
        title_align="left",
        subtitle=_counters(only) if only else None,
        subtitle_align="right",
        border_style="red" if any(map(phrases.excess, thread.parts)) else border,
        box=box.ROUNDED,
    )


def _part(message: Message) -> Panel:
    return Panel(
        _text(message),
        subtitle=_counters(message),
        subtitle_align="right",
        border_style="red" if phrases.excess(message) else "dim",
        box=box.ROUNDED,
    )


def _text(message: Message) -> Wrapped:
    if message.type == "telegram" and message.html:
        text = styled(message.html)
    else:
        text = Text(phrases.visible(message.text))
    if message.picture:
        text.append(f"\n\n{phrases.alternative(message)}", style="dim")
    return Wrapped(text)


def _counters(message: Message) -> Text:
    return Text(phrases.counters(message), style="bold red" if phrases.excess(message) else "dim")


def _envelope(sheet: Sheet, thread: ShownThread) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for name, value in header(sheet, thread):
        grid.add_row(
            Text(name, style="dim"),
            Text(value, style="bold" if name in (_("Subject"), _("Title")) else ""),
        )
    return Group(grid, Text(""))


def _fault_lines(fault: Fault) -> list[str]:
    first, *rest = sentences(fault)
    return [f"{first} [{fault.rule}]", *rest]


def _list(named: str, style: str, mark: str, entries: Iterable[list[str]]) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for first, *rest in entries:
        grid.add_row(Text(mark, style=style), Text(first))
        for line in rest:
            grid.add_row("", Text(line, style="italic"))
    return Group(_heading(named, style), grid)


def _heading(words: str, style: str = "") -> Text:
    return Text(f"\n{words}", style=f"bold {style}".strip())


def _facts(sheet: Sheet) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name, value in facts(sheet):
        grid.add_row(Text(name, style="dim"), Text(value))
    return Group(_heading(facts_title(sheet)), grid, Text(""))


def _completeness(composition: Composition) -> Iterator[RenderableType]:
    if not composition.completeness:
        return
    grid = Table.grid(padding=(0, 1))
    marks = {True: ("✓", "green"), False: ("✗", "yellow"), None: ("–", "dim")}
    for row, held in composition.completeness.items():
        mark, style = marks[held]
        grid.add_row(
            Text(mark, style=style),
            Text(phrases.row_name(row)),
            Text(phrases.answer(held), style=style),
        )
    yield Group(_heading(_("Does it say…")), grid)
