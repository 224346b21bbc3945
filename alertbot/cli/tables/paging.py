"""What is longer than the screen goes through the reader's pager; what goes into a pipe or a file never does."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from alertbot.texts.preview import panels
from alertbot.texts.preview.phrases import Sheet

PAGER = "less"
NOT_FOUND = 127  # what a shell answers for a command that it does not know
LESS = "FRX"  # colours as they are, and the text stays on the screen afterwards


def show_sheet(where: Console, sheet: Sheet, *, pager: bool, full: bool = False) -> None:
    """Print a preview, through the pager where it is longer than the screen."""
    paged(where, lambda: panels.show(where, sheet, full=full), pager=pager)


def paged(where: Console, show: Callable[[], None], *, pager: bool) -> None:
    """Print what `show` prints to this console; through the pager if `pager`, and if it is longer than the
    terminal's screen."""
    if not pager or not panels.drawn(where) or not (sys.stdout.isatty() and sys.stdin.isatty()):
        show()
        return
    with where.capture() as captured:
        show()
    text = captured.get()
    if text.count("\n") < where.height or not _in_pager(text):
        sys.stdout.write(text)


def _in_pager(text: str) -> bool:
    """Show the text in $PAGER, else in `less`; False if neither can be started."""
    try:
        command = shlex.split(os.environ.get("PAGER") or PAGER)
        with undisturbed():
            reader = subprocess.run(  # noqa: S603 - the person's own pager
                command,
                check=False,
                input=text.encode("utf-8", "replace"),
                env={"LESS": LESS, **os.environ},
            )
    except (OSError, ValueError):
        return False
    return reader.returncode != NOT_FOUND


@contextmanager
def undisturbed() -> Iterator[None]:
    """While another program has the terminal, Ctrl-C is for that program alone."""
    before = signal.signal(signal.SIGINT, lambda _sign, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
