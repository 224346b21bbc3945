"""A post as a mail (RFC 5322), pure. The part that all recipients share is built once."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from alertbot.model import Post

NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]+")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff]")
MOST_REFERENCES = 20


def shared(post: Post, sender: Address, unsubscribe: str | None) -> bytes:
    """Everything that is the same for every recipient: sender, subject, body."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["Subject"] = " ".join(_clean(post.subject or post.text.strip().partition("\n")[0]).split())
    mail["Content-Language"] = post.lang
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_clean(post.text), cte="quoted-printable")
    if post.html is not None:
        _add_html(mail, post, post.html)
    return _unsubscribe(unsubscribe) + mail.as_bytes()


def _add_html(mail: EmailMessage, post: Post, html: str) -> None:
    """The HTML, with the picture inside it (RFC 2392) below the text. The plain text is whole without."""
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
    """The mail for one recipient. These headers are written by hand: the library would encode an id that
    is longer than a line. `recipient` must have passed `email_recipients.checked`."""
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
    """The same at every attempt, so that a mail sent twice is seen as one by mail programs."""
    return _bracketed(post.message_id or f"{post.alert}.{post.delivery}", sender_domain)


def _bracketed(name: str, domain: str) -> str:
    known = NOT_IN_AN_ID.sub("-", name.strip().strip("<>"))
    local, at, given = known.rpartition("@")
    return f"<{local.replace('@', '-')}@{given}>" if at and local and given else f"<{known}@{domain}>"


def _kept(references: Sequence[str]) -> Sequence[str]:
    """The first and the newest; RFC 5322 asks for all, mail programs cut the middle out too."""
    if len(references) <= MOST_REFERENCES:
        return references
    return [references[0], *references[-MOST_REFERENCES + 1 :]]


def _unsubscribe(address: str | None) -> bytes:
    """RFC 2369, and the one click of RFC 8058 where it is a https address."""
    if address is None:
        return b""
    one_click = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return (
        f"List-Unsubscribe: <{address}>\r\n{one_click if address.startswith('https:') else ''}".encode()
    )


def _clean(text: str) -> str:
    return UNPRINTABLE.sub("", text)
