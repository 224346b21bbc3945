"""Mailboxes, read by IMAP with the standard library: blocking, so everything here runs in a thread.

A server may say anything, slowly or without an end. So one answer, one mail and one wait have a limit each; whoever
waits for the thread has another, and shuts the connection with `abandon`.
"""

import imaplib
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from alertbot.core.connecting import reason_of
from alertbot.core.errors import AlertbotError, safe
from alertbot.core.frozen import dataclass
from alertbot.core.words import _

INBOX = "INBOX"
LARGEST_ANSWER = 16_000_000  # bytes, of one thing that a server sends
MOST_OF_A_MAIL = 262_144  # a report comes before the mail that it is about
ANSWER_SECONDS = 15.0
AT_ONCE = 20  # mails in one answer
WINDOW = 5000  # mails searched in one go: a line of an answer is limited too
UID = re.compile(rb"\bUID (\d+)")
NOT_PLAIN = re.compile(r"[^\x20-\x25\x27-\x7e]+|&")


class MailboxUnread(AlertbotError):
    """A mailbox that cannot be read now; the sentence says why."""


@dataclass(frozen=True, slots=True)
class ImapServer:
    """`login` gives user and password when it is called, or raises `ConfigInvalid`."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    login: Callable[[], tuple[str, str]]
    ca_file: Path | None = None


class _Bounded:
    """Refuses what is larger than anything that was asked for."""

    def read(self, size: int) -> bytes:
        if size > LARGEST_ANSWER:
            raise imaplib.IMAP4.abort(f"an answer of {size} bytes")
        return super().read(size)  # type: ignore[misc, no-any-return]


class _Plain(_Bounded, imaplib.IMAP4):
    pass


class _Tls(_Bounded, imaplib.IMAP4_SSL):
    pass


@contextmanager
def opened(server: ImapServer, seconds: float) -> Iterator[imaplib.IMAP4]:
    """A connection on which the user is logged in; each wait in it takes at most so many seconds. Raises
    `MailboxUnread`, also for what goes wrong while it is used."""
    user, password = server.login()
    with _told(server, password):
        box = _connected(server, seconds)
        try:
            _log_in(box, user, password)
            yield box
        finally:
            with suppress(OSError, imaplib.IMAP4.error):
                box.logout()


@contextmanager
def _told(server: ImapServer, *secrets: str) -> Iterator[None]:
    sentence = _("The mailbox on {host} could not be read: {why}.")
    try:
        yield
    except imaplib.IMAP4.error as error:
        why = safe(_said(error), *secrets).rstrip(". ")
        raise MailboxUnread(sentence.format(host=server.host, why=why)) from None
    except (OSError, UnicodeError) as error:
        raise MailboxUnread(sentence.format(host=server.host, why=reason_of(error))) from None


def _said(error: imaplib.IMAP4.error) -> str:
    """The library raises with what the server said, as bytes or as a text."""
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


def _connected(server: ImapServer, seconds: float) -> imaplib.IMAP4:
    if server.security == "none":
        return _Plain(server.host, server.port, timeout=seconds)
    tls = _trusting(server.ca_file)
    if server.security == "tls":
        return _Tls(server.host, server.port, ssl_context=tls, timeout=seconds)
    box = _Plain(server.host, server.port, timeout=seconds)
    try:
        box.starttls(tls)
    except BaseException:
        box.shutdown()
        raise
    return box


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError:  # no such file, or none of certificates
        told = _("The certificates in {file} cannot be read.").format(file=ca_file)
        raise MailboxUnread(told) from None


def _log_in(box: imaplib.IMAP4, user: str, password: str) -> None:
    """By AUTH=PLAIN, which takes any letters, where the server offers it."""
    if "AUTH=PLAIN" in box.capabilities:
        box.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{password}".encode())
        return
    if not (user + password).isascii():
        raise imaplib.IMAP4.error(_("it takes user and password in ASCII only"))
    quoted = user.replace("\\", "\\\\").replace('"', '\\"')
    box.login(f'"{quoted}"', password)


def quoted(folder: str) -> str:
    """The name of a folder as a command has it (RFC 3501, 5.1.3)."""

    def shifted(found: "re.Match[str]") -> str:
        if found[0] == "&":
            return "&-"
        return f"&{b64encode(found[0].encode('utf-16-be')).decode().rstrip('=').replace('/', ',')}-"

    name = NOT_PLAIN.sub(shifted, folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}"'


@dataclass(frozen=True, slots=True)
class ReturnsPlace:
    """Where mail comes back to, and the pause between two looks there. What was read is moved to the folder `done`;
    without one it is marked as read, and only what is not counts."""

    server: ImapServer
    folder: str = INBOX
    done: str | None = None
    every: timedelta = timedelta(minutes=1)


class ReturnsBox:
    """One visit to such a place: `open` first, `close` last."""

    def __init__(self, place: ReturnsPlace, *, seconds: float = ANSWER_SECONDS) -> None:
        self.server, self.folder = place.server, place.folder
        self._done, self._seconds = place.done, seconds
        self._count = 0  # of mails in the folder
        self._able: frozenset[str] = frozenset()
        self._box: imaplib.IMAP4 | None = None
        self._stack = ExitStack()

    def open(self) -> None:
        """Log in and select the folder. Raises `MailboxUnread`."""
        self._box = box = self._stack.enter_context(opened(self.server, self._seconds))
        with _told(self.server):
            said = _required(box.capability())  # a server can do more for who is logged in
            self._able = frozenset(b" ".join(said).decode("ascii", "replace").upper().split())
            try:
                state, said = box.select(quoted(self.folder))
            except imaplib.IMAP4.readonly:
                told = _("The folder {folder} of the mailbox on {host} may only be read: mails there cannot be put away.")  # fmt: skip
                raise MailboxUnread(self._in(told)) from None
            if state != "OK":
                raise MailboxUnread(
                    self._in(_("There is no folder {folder} in the mailbox on {host}."))
                )
            self._count = int((said and said[0]) or 0)

    def close(self) -> None:
        """Log out; never raises."""
        self._box = None
        with suppress(MailboxUnread):
            self._stack.close()

    def abandon(self) -> None:
        """Break the connection, so that the thread that waits for it ends."""
        if self._box is not None:
            with suppress(OSError):
                self._box.socket().shutdown(socket.SHUT_RDWR)

    def batches(self) -> Iterator[dict[int, bytes]]:
        """The mails that nobody has settled, a few at a time, by their numbers: the first part of each. Raises
        `MailboxUnread`."""
        wanted = "UNDELETED" if self._done else "UNSEEN UNDELETED"
        starts = range(1, self._count + 1, WINDOW)
        with _told(self.server):
            for first in starts[:1] if self._done else starts:  # places change while mails are moved
                assert self._box is not None
                last = min(self._count, first + WINDOW - 1)
                said = _required(self._box.uid("SEARCH", f"{first}:{last}", wanted))
                numbers = [int(one) for one in b" ".join(filter(None, said)).split()]
                for start in range(0, len(numbers), AT_ONCE):
                    yield self._fetched(numbers[start : start + AT_ONCE])

    def _fetched(self, numbers: Sequence[int]) -> dict[int, bytes]:
        assert self._box is not None
        what = f"(UID BODY.PEEK[]<0.{MOST_OF_A_MAIL}>)"
        parts = _required(self._box.uid("FETCH", ",".join(map(str, numbers)), what))
        found: dict[int, bytes] = {}
        content: bytes | None = None
        for part in parts:
            said = part[0] if isinstance(part, tuple) else part
            content = part[1] if isinstance(part, tuple) else content
            number = UID.search(said or b"")  # before the mail or behind it, as the server likes
            if number and content is not None and int(number[1]) in numbers:
                found.setdefault(int(number[1]), content)
                content = None
        return found

    def settled(self, numbers: Sequence[int]) -> None:
        """Put these mails away. Raises `MailboxUnread`."""
        if not numbers:
            return
        which = ",".join(map(str, numbers))
        with _told(self.server):
            assert self._box is not None
            if self._done is None:
                _required(self._box.uid("STORE", which, "+FLAGS.SILENT", r"(\Seen)"))
            elif "MOVE" in self._able:
                self._put("MOVE", which, self._done)
            else:
                self._put("COPY", which, self._done)
                _required(self._box.uid("STORE", which, "+FLAGS.SILENT", r"(\Deleted)"))
                if "UIDPLUS" in self._able:  # else it would take away what others deleted
                    _required(self._box.uid("EXPUNGE", which))

    def _put(self, verb: str, which: str, folder: str) -> None:
        """Move or copy them there; the folder is made if there is none."""
        assert self._box is not None
        if self._box.uid(verb, which, quoted(folder))[0] != "OK":
            self._box.create(quoted(folder))
            _required(self._box.uid(verb, which, quoted(folder)))

    def _in(self, sentence: str) -> str:
        return sentence.format(folder=self.folder, host=self.server.host)


def _required(answer: tuple[str, list[Any]]) -> list[Any]:
    """What the server said, if it was no refusal. Raises `IMAP4.error`."""
    state, said = answer
    if state != "OK":
        raise imaplib.IMAP4.error(*said[:1])
    return said
