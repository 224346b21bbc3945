"""A canary: a mailbox of our own among the recipients of a mail channel, looked into by IMAP."""

import imaplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from alertbot.channels.email.mailbox import INBOX, ImapServer, MailboxUnread, opened
from alertbot.channels.witnessing import Canary, CouldNotLook, Shown, Sought
from alertbot.core.frozen import dataclass
from alertbot.core.words import _

LARGEST_MAIL = 2_000_000


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where the canary's mail is. `login` gives user and password when it is called, or raises `ConfigInvalid`."""

    address: str
    host: str
    port: int
    encrypted: bool
    login: Callable[[], tuple[str, str]]


class MailCanary(Canary):
    """Looks for the mail to the canary by its Message-ID, in the inbox and then among what counts as spam."""

    trial = Sought("", "<none@none.invalid>")

    def __init__(self, mailbox: Mailbox) -> None:
        self._box = mailbox
        self.target = mailbox.address

    def look(self, sought: Sought, seconds: float) -> tuple[Shown, ...]:
        with self._connected(seconds) as box:
            for folder in (INBOX, *_junk(box)):
                found = _mail(box, folder, sought.remote_id or "")
                if found is not None:
                    where = "" if folder == INBOX else _("it lies in {folder}").format(folder=folder)
                    return (Shown(sought.remote_id or "", found, place=where),)
        return ()

    def of(self, sought: Sought, found: tuple[Shown, ...]) -> Shown | None:  # noqa: ARG002 - it was found by its id
        return found[0] if found else None

    @contextmanager
    def _connected(self, seconds: float) -> Iterator[imaplib.IMAP4]:
        here = self._box
        server = ImapServer(here.host, here.port, "tls" if here.encrypted else "none", here.login)
        try:
            with opened(server, seconds) as box:
                yield box
        except MailboxUnread as error:
            raise CouldNotLook(str(error)) from None


def _junk(box: imaplib.IMAP4) -> list[str]:
    """The folders for spam, as the server names them (RFC 6154)."""
    state, lines = box.list()
    if state != "OK":
        return []
    told = [line.decode("utf-8", "replace") for line in lines if isinstance(line, bytes)]
    return [line.rpartition(' "/" ')[2].strip('"') or line for line in told if "\\junk" in line.lower()]


def _mail(box: imaplib.IMAP4, folder: str, message_id: str) -> str | None:
    """The plain text of the mail with this Message-ID; None if it is not there. Raises `IMAP4.error`."""
    state, _answer = box.select(f'"{folder}"', readonly=True)
    if state != "OK":
        raise CouldNotLook(_("The folder {folder} cannot be opened.").format(folder=folder))
    state, found = box.uid("SEARCH", "HEADER", "Message-ID", f'"{message_id}"')
    if state != "OK":
        raise CouldNotLook(_("The mailbox cannot be searched."))
    numbers = (found[0] or b"").split()
    if not numbers:
        return None
    state, parts = box.uid("FETCH", numbers[-1].decode(), "(BODY.PEEK[])")
    raw = next((one[1] for one in parts if isinstance(one, tuple)), b"")
    if state != "OK" or not raw or len(raw) > LARGEST_MAIL:
        raise CouldNotLook(_("The mail is there, but it cannot be read."))
    mail = message_from_bytes(raw, policy=policy.default)
    body = mail.get_body(("plain",)) if isinstance(mail, EmailMessage) else None
    return str(body.get_content()) if body is not None else ""
