"""The program in a terminal of its own, as a person at a keyboard has it: what stands on the screen, and keys."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

from tests.program import PATIENCE_SECONDS, PROGRAM, surroundings

WHERE_IS_THE_CURSOR = b"\x1b[6n"  # a program asks, the terminal answers


class Terminal:
    """A command in a terminal. `seen`: what it has printed so far; `keys`: how many were pressed."""

    def __init__(
        self, folder: Path, *arguments: str, lines: int = 40, cells: int = 80, **more: str
    ) -> None:
        self.seen, self.keys = "", 0
        given = {"TERM": "xterm"} | more
        self.process, self.end = pty.fork()
        if self.process == 0:
            signal.signal(
                signal.SIGINT, signal.SIG_DFL
            )  # a suite in the background may have it ignored
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, cells, 0, 0))
            os.chdir(folder)
            os.execve(PROGRAM, [PROGRAM, *arguments], surroundings(**given))

    def until(self, words: str) -> str:
        """Wait until these words have been printed since the last call; returns what was printed up to them."""
        deadline = time.monotonic() + PATIENCE_SECONDS / 4
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            assert self._read(), self.seen
        before, found, self.seen = self.seen.partition(words)
        return before + found

    def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        self.keys += len(keys)
        os.write(self.end, keys.encode())

    def leave(self) -> int:
        """Wait until the command has ended; returns its exit code."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def _read(self) -> bool:
        """Read what is there; False once the command has ended."""
        if not select.select([self.end], [], [], 0.1)[0]:
            return True
        try:
            more = os.read(self.end, 65536)
        except OSError:
            return False
        self.seen += more.decode("utf-8", "replace")
        if WHERE_IS_THE_CURSOR in more:
            os.write(self.end, b"\x1b[1;1R")
        return bool(more)


@contextlib.contextmanager
def terminal(folder: Path, *arguments: str, **more: str) -> Iterator[Terminal]:
    """A command in a terminal of 80 by 40, ended where the test ends before it."""
    one = Terminal(folder, *arguments, **more)
    try:
        yield one
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(one.process, signal.SIGKILL)
            os.waitpid(one.process, 0)
        os.close(one.end)
