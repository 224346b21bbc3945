"""What an approval signs: SHA-256 over every message of every channel and language, the prepared retraction
included, and every target; and over what is added when the alert is submitted: a random salt, and the terms
under which it may go out."""

import hashlib
import json
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence

from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.model import Action, Message, Target

FORMAT = 2  # a change of what is covered is a new number, and an entry in `agrees`
FIRST_FORMAT = 1  # 0.1.0
SALT_BYTES = 16
_AT_ONCE = 5000  # targets
_PLAIN = re.compile(r"[A-Za-z0-9@._+:/=-]*")  # letters that JSON leaves as they are

NAMED = "named"
"""In the terms: the digest of the same content with the pseudonyms of its addresses in their places. It still belongs to
the alert when addresses were erased, since their pseudonyms stay."""

Terms = Mapping[str, Json]  # see `alerts.sealing`


@dataclass(frozen=True, slots=True)
class Erasure:
    """What there is of an alert whose addresses were erased, all or some. `content`: the digest of its content, as it
    was when it still could be computed; `named`: see `NAMED`; `targets`: as they are now, with pseudonyms for
    addresses."""

    content: str
    named: str
    targets: Mapping[str, Sequence[Target]]


def digest_of(
    kind: str,
    messages: Iterable[Message],
    targets: Mapping[str, Sequence[Target]],
    *,
    exercise: bool,
    retraction: Iterable[Message] = (),
) -> str:
    """The digest of the content alone, as a draft has it: 64 hexadecimal digits. The order of messages and
    targets does not matter; everything that a reader or a recipient could notice does."""
    covered = {
        "format": FORMAT,
        "kind": kind,
        "exercise": exercise,
        "messages": sorted(map(_message, messages), key=_canonical),
        "retraction": sorted(map(_message, retraction), key=_canonical),
    }
    return _sum_to(covered, targets)


def new_salt() -> str:
    """32 hexadecimal digits that nobody can know before the alert is submitted: of two texts nobody can
    prepare digests that begin alike."""
    return secrets.token_hex(SALT_BYTES)


def salted(content: str, salt: str | None, terms: Terms | None = None) -> str:
    """What is signed: the digest of the content, with the salt and the terms of its submission. Without a salt
    (a draft; what 0.1.0 stored) it is the digest of the content."""
    if salt is None:
        return content
    whole = content if terms is None else f"{terms_sum(terms)}:{content}"
    return hashlib.sha256(f"{salt}:{whole}".encode()).hexdigest()


def terms_sum(terms: Terms) -> str:
    """64 hexadecimal digits over the terms alone, for the audit."""
    return _sum(dict(terms))


def agrees(
    signed: str,
    kind: str,
    messages: Collection[Message],
    targets: Mapping[str, Sequence[Target]],
    *,
    exercise: bool,
    retraction: Collection[Message] = (),
    salt: str | None = None,
    terms: Terms | None = None,
    erasure: Erasure | None = None,
) -> bool:
    """Whether a digest, of this format or an earlier one, belongs to this content, salt and terms. Where addresses were
    erased, the rest of the content has to make the digest that was taken of it with pseudonyms, by the people who
    signed it or, for what is older, when the first of them was erased."""
    if erasure is None:
        found = content_of(
            signed,
            kind,
            messages,
            targets,
            exercise=exercise,
            retraction=retraction,
            salt=salt,
            terms=terms,
        )
        return found is not None
    named = digest_of(kind, messages, erasure.targets, exercise=exercise, retraction=retraction)
    vouched = named == erasure.named == (terms or {}).get(NAMED, named)
    return vouched and signed == salted(erasure.content, salt, terms)


def content_of(
    signed: str,
    kind: str,
    messages: Collection[Message],
    targets: Mapping[str, Sequence[Target]],
    *,
    exercise: bool,
    retraction: Collection[Message] = (),
    salt: str | None = None,
    terms: Terms | None = None,
) -> str | None:
    """The digest of this content from which `signed` was made; None if it was made of another. An earlier format
    counts only if the content has nothing that it did not cover."""
    content = digest_of(kind, messages, targets, exercise=exercise, retraction=retraction)
    if signed == salted(content, salt, terms):
        return content
    beyond = retraction or any(
        one.picture or one.alt or one.document or one.action is not Action.PUBLISH for one in messages
    )
    if beyond:
        return None
    first = _first(kind, messages, targets, exercise=exercise)
    return first if signed == salted(first, salt, terms) else None


def _first(
    kind: str,
    messages: Iterable[Message],
    targets: Mapping[str, Sequence[Target]],
    *,
    exercise: bool,
) -> str:
    """The digest as 0.1.0 computed it, before pictures, actions and retractions existed."""
    covered = {
        "format": FIRST_FORMAT,
        "kind": kind,
        "exercise": exercise,
        "messages": sorted(map(_first_message, messages), key=_canonical),
    }
    return _sum_to(covered, targets)


def _first_message(message: Message) -> dict[str, Json]:
    return {
        "channel": message.channel,
        "type": message.type,
        "lang": message.lang,
        "part": message.part,
        "parts": message.parts,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
    }


def _message(message: Message) -> dict[str, Json]:
    """A document only where there is one: what was signed before there were pages stays valid."""
    own: dict[str, Json] = {} if message.document is None else {"document": message.document}
    return _first_message(message) | {
        "action": str(message.action),
        "picture": message.picture,
        "alt": message.alt,
        **own,
    }


def _sum_to(covered: Mapping[str, object], targets: Mapping[str, Sequence[Target]]) -> str:
    """The sum over `covered` with the key "targets", which is its last: `[address, language]` of each by channel,
    sorted. As `_sum` would make it, but hundreds of thousands are never one text."""
    whole = hashlib.sha256(_canonical(covered).removesuffix("}").encode())
    separator = ',"targets":{'
    for channel, each in sorted(targets.items()):
        whole.update(f"{separator}{_canonical(channel)}:[".encode())
        rows = sorted(map(_target, each))
        for start in range(0, len(rows), _AT_ONCE):
            whole.update(
                ("," if start else "").encode() + ",".join(rows[start : start + _AT_ONCE]).encode()
            )
        whole.update(b"]")
        separator = ","
    whole.update(b"}}" if targets else f"{separator}}}}}".encode())
    return whole.hexdigest()


def _target(target: Target) -> str:
    address = target.address
    if address.isascii() and _PLAIN.fullmatch(address):  # what nearly all are, ten times as fast
        return f'["{address}",{_canonical(target.lang)}]'
    return _canonical([address, target.lang])


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _sum(covered: object) -> str:
    return hashlib.sha256(_canonical(covered).encode()).hexdigest()
