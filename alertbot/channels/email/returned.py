"""Mail that came back: reports of mail servers (RFC 3464) and what others write in words, read by `flufl.bounce`.

Anybody can write a report. So only the return address, which each mail has of its own, says whom it is about.
"""

import re
from collections.abc import Iterator, Sequence
from email import policy
from email.message import Message
from email.parser import BytesParser
from enum import StrEnum
from typing import NamedTuple

GONE = re.compile(r"5\.1\.(1|2|3|6|10)")  # no such mailbox or domain, moved away
OURS = re.compile(r"[45]\.7\.\d+")  # policy and authentication: about us, not about the address
ADDRESS = re.compile(r"[^\s<>@,;:\"]+@[^\s<>@,;:\"]+")
ADDRESSED = ("to", "delivered-to", "x-original-to", "envelope-to", "x-failed-recipients")


class BounceVerdict(StrEnum):
    """What a report says of the address."""

    GONE = "gone"  # there is no such address, definitely
    FOR_NOW = "for_now"  # it failed, and may work another time
    OURS = "ours"  # our mail was refused: the address is as good as any
    NOTHING = "nothing"  # no failure, or no report


class ReturnedMail(NamedTuple):
    """`to`: the local parts of whom it came back to, one of which may be a return address."""

    verdict: BounceVerdict
    status: str | None
    to: tuple[str, ...]


def split(content: bytes) -> Iterator[bytes]:
    """The mails in a file: one, or those of an mbox."""
    if not content.startswith(b"From "):
        yield content
        return
    for one in re.split(rb"(?:\A|\r?\n\r?\n)From [^\n]*\n", content)[1:]:
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", one)


def read_returned(content: bytes) -> ReturnedMail:
    """What one mail says. Never raises: whoever wrote it may have written anything."""
    mail = BytesParser(policy=policy.compat32).parsebytes(content)
    values = [str(value) for name in ADDRESSED for value in mail.get_all(name, ())]
    to = tuple(
        address.rpartition("@")[0] for value in values for address in ADDRESS.findall(value[:2000])
    )
    found = [_of_report(action, status) for action, status in _reports(mail)]
    if not found:
        return ReturnedMail(_in_words(mail), None, to)
    order = list(BounceVerdict)
    verdict, status = min(found, key=lambda one: order.index(one[0]))
    return ReturnedMail(verdict, status or None, to)


def _reports(mail: Message) -> Iterator[tuple[str, str]]:
    """Action and status of each recipient in the report."""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            blocks: Sequence[object] = part.get_payload()  # type: ignore[assignment]
            for block in blocks:
                if isinstance(block, Message) and block.get("action"):
                    status = re.match(r"\s*(\d\.\d{1,3}\.\d{1,3})", str(block.get("status", "")))
                    yield str(block["action"]).strip().lower(), status[1] if status else ""


def _of_report(action: str, status: str) -> tuple[BounceVerdict, str]:
    if action.startswith("delayed"):
        return BounceVerdict.FOR_NOW, status
    if not action.startswith("failed"):
        return BounceVerdict.NOTHING, status
    if OURS.fullmatch(status):
        return BounceVerdict.OURS, status
    return (BounceVerdict.GONE if GONE.fullmatch(status) else BounceVerdict.FOR_NOW), status


def _in_words(mail: Message) -> BounceVerdict:
    """Of what is no report: nothing in it is definite enough to write to somebody no more."""
    from flufl.bounce import all_failures  # loads only where mail has come back

    try:
        temporary, permanent = all_failures(mail)
    except Exception:  # noqa: BLE001 - a stranger's mail; the library raises whatever its parts do
        return BounceVerdict.NOTHING
    return BounceVerdict.FOR_NOW if temporary or permanent else BounceVerdict.NOTHING
