"""What an approval signs: SHA-256 over every message of every channel and language, the prepared retraction
included, and every target."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alertbot.model import Message, Target

FORMAT = 1  # a change of what is covered is a new number


def digest(
    kind: str,
    messages: Iterable[Message],
    targets: Mapping[str, Sequence[Target]],
    *,
    exercise: bool,
    retraction: Iterable[Message] = (),
) -> str:
    """64 hexadecimal digits. The order of messages and targets does not matter; everything that a
    reader or a recipient could notice does."""
    covered = {
        "format": FORMAT,
        "kind": kind,
        "exercise": exercise,
        "messages": sorted(map(_message, messages), key=_canonical),
        "retraction": sorted(map(_message, retraction), key=_canonical),
        "targets": {
            channel: sorted(map(_target, each), key=_canonical) for channel, each in targets.items()
        },
    }
    return hashlib.sha256(_canonical(covered).encode()).hexdigest()


def _message(message: Message) -> dict[str, Any]:
    return {
        "channel": message.channel,
        "type": message.type,
        "lang": message.lang,
        "part": message.part,
        "parts": message.parts,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "action": str(message.action),
        "picture": message.picture,
        "alt": message.alt,
    }


def _target(target: Target) -> list[str | None]:
    return [target.address, target.lang]


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
