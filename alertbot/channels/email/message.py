"""Mail: checking addresses, reading recipients (a list in the configuration, or a CSV file), and writing
the messages."""

import csv
import io
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from pathlib import Path

from alertbot.core.errors import ConfigInvalid
from alertbot.core.frozen import dataclass
from alertbot.core.model import Post, Target
from alertbot.core.signs import hidden_place, shown
from alertbot.core.words import _

LONGEST_ADDRESS = 254
LONGEST_LOCAL = 64
COLUMNS = ("address", "lang", "topics")
LANGUAGE = re.compile(r"[a-z]{2,3}")
LOCAL = re.compile(r"[^\s\x00-\x1f\x7f\x80-\x9f<>()\[\]:;@\\,\"]+")
LABEL = re.compile(r"[^\W_]([\w-]*[^\W_])?")
TOPICS = re.compile(r"[\s;,|]+")


def checked(address: str) -> str:
    """The address with its domain in lower case. Raises `ValueError` with a sentence that says what is
    wrong; no accepted address can break out of a header or an SMTP command."""
    if place := hidden_place(address.strip()):
        sentence = _("in “{address}” {place}; type the address again instead of pasting it")
        raise ValueError(sentence.format(address=_short(shown(address)), place=place))
    local, _at, domain = address.strip().rpartition("@")
    if not local or not domain:
        raise ValueError(_("“{address}” is not a mail address such as name@domain").format(address=_short(address)))  # fmt: skip
    if len(address) > LONGEST_ADDRESS or len(local) > LONGEST_LOCAL:
        raise ValueError(_("{address} is too long for a mail address").format(address=_short(address)))
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if dots or not LOCAL.fullmatch(local):
        raise ValueError(_("{address} contains characters that are not allowed before the @").format(address=_short(address)))  # fmt: skip
    if not all(LABEL.fullmatch(label) for label in domain.split(".")):
        raise ValueError(_("{address} has no valid domain after the @").format(address=_short(address)))
    in_ascii(domain)
    return f"{local}@{domain.lower()}"


def in_ascii(domain: str) -> str:
    """The domain as mail servers want it, by IDNA 2008: in Python's own "idna", of 2003, straße.example becomes
    strasse.example, the domain of somebody else. Raises `ValueError` with a sentence."""
    if domain.isascii():
        return domain.lower()
    import idna  # large tables, for few addresses

    try:
        return idna.encode(domain, uts46=True, transitional=False).decode()
    except UnicodeError:
        raise ValueError(_("{address} has no valid domain after the @").format(address=_short(f"@{domain}"))) from None  # fmt: skip


def _short(address: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in address)
    return shown if len(shown) <= 60 else shown[:59] + "…"


def listed(addresses: Sequence[str]) -> tuple[Target, ...]:
    """The targets in a list of addresses. Raises `ConfigInvalid`, naming every wrong entry by its
    number."""
    rows = [(number, {"address": address}) for number, address in enumerate(addresses, start=1)]
    return _targets(rows, _("recipients, entry {number}"))


def read(path: Path) -> tuple[Target, ...]:
    """The targets in a CSV file with the columns address, lang, topics (the last two optional),
    separated by commas or semicolons. Raises `ConfigInvalid`, naming every wrong row by its line."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigInvalid(
            _("The recipient list {file} cannot be read: {why}.").format(file=path, why=error.strerror)
        ) from None
    except UnicodeDecodeError:
        raise ConfigInvalid(
            _("The recipient list {file} is not UTF-8 text; save it as CSV UTF-8.").format(file=path)
        ) from None
    return _targets(_rows(path, text), f"{path}:{{number}}")


def _rows(path: Path, text: str) -> list[tuple[int, Mapping[str, str]]]:
    first = text.partition("\n")[0]
    lines = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ","
    )
    try:
        columns = [name.strip().lower() for name in next(lines, [])]
        _check_columns(path, columns)
        return [
            (
                lines.line_num,
                dict(zip(columns, map(str.strip, row), strict=False)) | _too_many(columns, row),
            )
            for row in lines
            if any(map(str.strip, row))
        ]
    except csv.Error:
        raise ConfigInvalid(
            _("{file}:{line}: this is not CSV (an unclosed quote, or another kind of file).").format(
                file=path, line=lines.line_num
            )
        ) from None


def _too_many(columns: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    return {"more": "yes"} if len(row) > len(columns) else {}


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    unknown = sorted(set(columns) - set(COLUMNS)) or [c for c in COLUMNS if columns.count(c) > 1]
    if "address" not in columns or unknown:
        raise ConfigInvalid(
            _("{file}:1: the first line must name the columns {columns}{unknown}.").format(
                file=path,
                columns=", ".join(COLUMNS),
                unknown=_("; not {names}").format(names=", ".join(unknown)) if unknown else "",
            )
        )


def _targets(rows: Sequence[tuple[int, Mapping[str, str]]], place: str) -> tuple[Target, ...]:
    found: dict[str, Target] = {}
    faults: list[str] = []
    for number, row in rows:
        try:
            target = _target(row)
        except ValueError as fault:
            faults.append(f"{place.format(number=number)}: {fault}")
        else:
            found[target.address] = _merged(found.get(target.address), target)
    if faults:
        raise ConfigInvalid(_("The recipient list has faults:"), faults)
    return tuple(found.values())


def _target(row: Mapping[str, str]) -> Target:
    if row.get("more"):
        raise ValueError(
            _("there are more values than columns; put a value that contains a comma in quotes")
        )
    lang = row.get("lang", "") or None
    if lang is not None and not LANGUAGE.fullmatch(lang):
        raise ValueError(_("{lang} is not a language code such as fr or en").format(lang=_short(lang)))
    return Target(checked(row["address"]), lang, tuple(_topics(row.get("topics", ""))))


def _topics(text: str) -> Iterator[str]:
    return (topic for topic in TOPICS.split(text) if topic)


def _merged(first: Target | None, second: Target) -> Target:
    """A recipient listed twice gets one mail: the first language counts, the topics are combined."""
    if first is None:
        return second
    topics = tuple(dict.fromkeys(first.topics + second.topics))
    return replace(first, lang=first.lang or second.lang, topics=topics)


NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]+")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff]")
BLANKS = re.compile(r"[ \t\r\n]+")  # a no-break space stays one
MOST_REFERENCES = 20
LONGEST_RAW = 60  # with the name of its header well within a line of 78
MOST_NAME_BYTES = 45
MOST_ENCODED_BYTES = 39  # 64 characters as an encoded word, of which a line may hold 76


def shared(post: Post, sender: Address, unsubscribe: str | None) -> bytes:
    """Everything that is the same for every recipient: sender, subject, body."""
    subject = BLANKS.sub(" ", _clean(post.subject or post.text.strip().partition("\n")[0])).strip(" ")
    head = f"From: {_named(sender)}\r\nSubject: {encoded(subject)}\r\n".encode()
    mail = EmailMessage(policy=SMTP)
    mail["Content-Language"] = post.lang
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_clean(post.text), cte="quoted-printable")
    if post.html is not None:
        _add_html(mail, post, post.html)
    return head + _unsubscribe(unsubscribe) + mail.as_bytes()


def encoded(text: str, most: int = MOST_ENCODED_BYTES) -> str:
    """The text as a header's value: as it is if it is short and ASCII, else in encoded words of whole letters
    (RFC 2047) of up to `most` bytes. The library, which cuts by words, loses blanks between them and cuts encoded words in two."""
    if text.isascii() and len(text) <= LONGEST_RAW and "=?" not in text:
        return text
    pieces, piece = [], ""
    for letter in text:
        piece += letter
        if len(piece.encode("utf-8", "replace")) > most:
            cut = len(piece) - 1
            while cut > 1 and (piece[cut].isspace() or piece[cut - 1].isspace()):
                cut -= 1  # some readers add a blank to one at the edge of an encoded word
            pieces.append(piece[:cut])
            piece = piece[cut:]
    words = [b64encode(one.encode("utf-8", "replace")).decode() for one in [*pieces, piece]]
    return "\r\n ".join(f"=?utf-8?b?{one}?=" for one in words)


def _named(sender: Address) -> str:
    name, address = sender.display_name, f"<{sender.addr_spec}>"
    if not name:
        return address
    value = encoded(name, MOST_NAME_BYTES)  # in one word: readers add blanks between those of a name
    if value != name:
        return f"{value}\r\n {address}"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" {address}'


def parted(sender: str) -> Address:
    """The name and address of `Name <name@domain>` or of an address alone. The name is everything before the
    bracket, with or without quotes, whatever signs it holds. Raises `ValueError` with a sentence."""
    if any(not letter.isprintable() for letter in sender):
        raise ValueError(_("must be plain text, without line ends or invisible characters"))
    found = re.fullmatch(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>", sender.strip())
    name, address = (found["name"].strip(), found["address"]) if found else ("", sender)
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    local, _at, domain = checked(address).rpartition("@")
    if not local.isascii():
        raise ValueError(_("must have an address in ASCII before the @"))
    return Address(name, addr_spec=f"{local}@{in_ascii(domain)}")


def _add_html(mail: EmailMessage, post: Post, html: str) -> None:
    """Add the HTML, with the picture embedded (RFC 2392) below the text. The plain text is complete
    without it."""
    if post.picture is None:
        mail.add_alternative(_clean(html), subtype="html", cte="quoted-printable")
        return
    name = f"{post.picture.digest[:32]}@picture"
    image = f'<p><img src="cid:{name}" alt="{escape(post.alt or "")}" style="max-width:100%"></p>'
    body, end, rest = html.rpartition("</main>" if "</main>" in html else "</body>")
    whole = f"{body}{image}{end}{rest}" if end else html + image
    mail.add_alternative(_clean(whole), subtype="html", cte="quoted-printable")
    part = mail.get_body(("html",))
    assert part is not None
    kind, _slash, subtype = post.picture.mime.partition("/")
    part.add_related(post.picture.content, kind, subtype, cid=f"<{name}>", disposition="inline")


def addressed(common: bytes, post: Post, sender_domain: str, recipient: str, now: datetime) -> bytes:
    """The mail for one recipient. These headers are written by hand, because the library would encode an
    id longer than a line. `recipient` must have passed `checked`."""
    lines = [
        f"Date: {format_datetime(now)}",
        f"To: <{recipient}>",
        f"Message-ID: {message_id(post, sender_domain)}",
    ]
    if earlier := [_bracketed(reference, sender_domain) for reference in post.references]:
        lines += [
            f"In-Reply-To: {earlier[-1]}",
            "References: " + "\r\n ".join(_kept(earlier)),
        ]
    return "\r\n".join([*lines, ""]).encode() + common


def message_id(post: Post, sender_domain: str) -> str:
    """The same at every attempt, so that mail programs recognise a mail sent twice."""
    return _bracketed(post.message_id or f"{post.alert}.{post.delivery}", sender_domain)


def _bracketed(name: str, domain: str) -> str:
    known = NOT_IN_AN_ID.sub("-", name.strip().strip("<>"))
    local, at, given = known.rpartition("@")
    return f"<{local.replace('@', '-')}@{given}>" if at and local and given else f"<{known}@{domain}>"


def _kept(references: Sequence[str]) -> Sequence[str]:
    """The first reference and the newest ones; RFC 5322 asks for all, mail programs cut the middle out
    too."""
    if len(references) <= MOST_REFERENCES:
        return references
    return [references[0], *references[-MOST_REFERENCES + 1 :]]


def _unsubscribe(address: str | None) -> bytes:
    """The headers of RFC 2369, and one-click unsubscribe (RFC 8058) for a https address."""
    if address is None:
        return b""
    one_click = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return (
        f"List-Unsubscribe: <{address}>\r\n{one_click if address.startswith('https:') else ''}".encode()
    )


def _clean(text: str) -> str:
    return UNPRINTABLE.sub("", text)


_LINE_END = re.compile(rb"\r\n|\n|\r(?!\n)")
_FIRST_DOT = re.compile(rb"(?m)^\.")


def as_sent(text: bytes) -> bytes:
    """The text with line ends and dots as SMTP wants them."""
    return _FIRST_DOT.sub(b"..", _LINE_END.sub(b"\r\n", text).removesuffix(b"\r\n") + b"\r\n")


@dataclass(frozen=True, slots=True)
class MailEnvelope:
    """The addresses of one transaction. `utf8`: an address has letters beyond ASCII before its @."""

    sender: str
    recipient: str
    utf8: bool = False
