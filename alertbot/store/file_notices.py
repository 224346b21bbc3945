"""What the system tells of changes to a file, so that nobody has to look (Linux: inotify(7), through libc).

Elsewhere there are none, and some file systems tell nothing: whoever waits looks by itself as well.
"""

import asyncio
import ctypes
import os
import struct
from pathlib import Path

MODIFIED, CREATED = 0x2, 0x100  # IN_MODIFY, IN_CREATE
_HEAD = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_READ_BYTES = 65_536


class FileNotices:
    """Changes to a file and to those beside it whose name begins with its name (SQLite's -wal and -shm)."""

    def __init__(self, path: Path) -> None:
        self._name = path.name.encode()
        self._changed = asyncio.Event()
        self._fd = _watch(path.parent)
        if self._fd is not None:
            asyncio.get_running_loop().add_reader(self._fd, self._hear)

    @property
    def possible(self) -> bool:
        """Whether this system tells anything at all."""
        return self._fd is not None

    async def wait(self, seconds: float) -> bool:
        """Wait for a change, at most so long; whether there was one since the last time."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return self.take()

    def take(self) -> bool:
        """Whether there was a change since the last time."""
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    def close(self) -> None:
        if self._fd is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

    def _hear(self) -> None:
        assert self._fd is not None
        try:
            told = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        place = 0
        while place < len(told):
            *_rest, length = _HEAD.unpack_from(told, place)
            name = told[place + _HEAD.size : place + _HEAD.size + length].rstrip(b"\0")
            place += _HEAD.size + length
            if name.startswith(self._name) or not name:  # without a name: some were lost
                self._changed.set()


def _watch(folder: Path) -> int | None:
    """An open inotify instance for a folder; None where there is no such thing, or no more of them."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        begin, add = libc.inotify_init1, libc.inotify_add_watch
    except AttributeError:
        return None
    fd = int(begin(os.O_NONBLOCK | os.O_CLOEXEC))
    if fd < 0:
        return None
    if add(fd, os.fsencode(folder), ctypes.c_uint32(MODIFIED | CREATED)) < 0:
        os.close(fd)
        return None
    return fd
