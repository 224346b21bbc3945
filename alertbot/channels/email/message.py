"""Mail: checking addresses, and writing the messages."""

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from html import escape

from alertbot.core.frozen import dataclass
from alertbot.core.model import Post
from alertbot.core.signs import hidden_place, shown
from alertbot.core.words import _

LONGEST_ADDRESS = 254
LONGEST_LOCAL = 64
LOCAL = re.compile(r"[^\s\x00-\x1f\x7f\x80-\x9f<>()\[\]:;@\\,\"]+")
PLAIN = re.compile(  # what nearly all are: found right at a fifth of the price
    r"((?![^@]{65})[A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]+)*)@"
    r"([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)"
)
LABEL = re.compile(r"[^\W_]([\w-]*[^\W_])?")


def checked(address: str) -> str:
    """The address with its domain in lower case. Raises `ValueError` with a sentence that says what is
    wrong; no accepted address can break out of a header or an SMTP command."""
    if len(address) <= LONGEST_ADDRESS and (plain := PLAIN.fullmatch(address)):
        return f"{plain[1]}@{plain[2].lower()}"
    if place := hidden_place(address.strip()):
        sentence = _("in “{address}” {place}; type the address again instead of pasting it")
        raise ValueError(sentence.format(address=short(shown(address)), place=place))
    local, _at, domain = address.strip().rpartition("@")
    if not local or not domain:
        raise ValueError(_("“{address}” is not a mail address such as name@domain").format(address=short(address)))  # fmt: skip
    if len(address) > LONGEST_ADDRESS or len(local) > LONGEST_LOCAL:
        raise ValueError(_("{address} is too long for a mail address").format(address=short(address)))
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if dots or not LOCAL.fullmatch(local):
        raise ValueError(_("{address} contains characters that are not allowed before the @").format(address=short(address)))  # fmt: skip
    if not all(LABEL.fullmatch(label) for label in domain.split(".")):
        raise ValueError(_("{address} has no valid domain after the @").format(address=short(address)))
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
        raise ValueError(_("{address} has no valid domain after the @").format(address=short(f"@{domain}"))) from None  # fmt: skip


def short(address: str) -> str:
    """The address as a sentence may show it."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in address)
    return shown if len(shown) <= 60 else shown[:59] + "…"


NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]+")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff]")
BLANKS = re.compile(r"[ \t\r\n]+")  # a no-break space stays one
MOST_REFERENCES = 20
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
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


def addressed(post: Post, sender_domain: str, recipient: str, now: datetime) -> bytes:
    """The head of the mail for one recipient. These headers are written by hand, because the library would encode an
    id longer than a line. `recipient` must have passed `checked`."""
    lines = [
        f"Date: {_date(int(now.timestamp()))}",
        f"To: <{recipient}>",
        f"Message-ID: {message_id(post, sender_domain)}",
    ]
    if earlier := [_bracketed(reference, sender_domain) for reference in post.references]:
        lines += [
            f"In-Reply-To: {earlier[-1]}",
            "References: " + "\r\n ".join(_kept(earlier)),
        ]
    return "\r\n".join([*lines, ""]).encode()


def leaving(link: str, mailto: str | None) -> bytes:
    """How one recipient leaves the list by a link of their own (RFC 8058)."""
    beside = f",\r\n <{mailto}>" if mailto else ""
    return f"List-Unsubscribe: <{link}>{beside}\r\n{ONE_CLICK}".encode()


@lru_cache(maxsize=2)
def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


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
    post = ONE_CLICK if address.startswith("https:") else ""
    return f"List-Unsubscribe: <{address}>\r\n{post}".encode()


def _clean(text: str) -> str:
    return UNPRINTABLE.sub("", text)


_LINE_END = re.compile(rb"\r\n|\n|\r(?!\n)")
_FIRST_DOT = re.compile(rb"(?m)^\.")


def with_crlf(text: bytes) -> bytes:
    """The text with line ends as in a mail, one at its end."""
    return _LINE_END.sub(b"\r\n", text).removesuffix(b"\r\n") + b"\r\n"


def as_sent(text: bytes) -> bytes:
    """The text with line ends and dots as SMTP wants them."""
    return _FIRST_DOT.sub(b"..", with_crlf(text))


@dataclass(frozen=True, slots=True)
class MailEnvelope:
    """The addresses of one transaction. `utf8`: an address has letters beyond ASCII before its @."""

    sender: str
    recipient: str
    utf8: bool = False
