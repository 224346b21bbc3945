"""What the API answers when it does not do something: problem details (RFC 9457), with the sentences of the verbs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from alertbot.alerts.showing import TextDifferences
from alertbot.core.errors import (
    AlertbotError,
    Faulty,
    Misuse,
    NotThere,
    PastMoment,
    Refused,
    StoreFailed,
)
from alertbot.core.json import Json, as_json
from alertbot.core.words import _

TYPE = "urn:alertbot:problem:"
MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20
LONGEST_PLACE = 80

STATUS: Mapping[str, int] = {
    "invalid": 422,
    "not-json": 400,
    "misuse": 400,
    "incomplete": 400,
    "no-token": 401,
    "token-invalid": 401,
    "scope-missing": 403,
    "refused": 403,
    "not-found": 404,
    "unknown": 404,
    "no-method": 405,
    "slow": 408,
    "faulty": 409,
    "past-moment": 409,
    "changed": 409,
    "under-way": 409,
    "answer-lost": 409,
    "too-large": 413,
    "media-type": 415,
    "key-reused": 422,
    "too-many": 429,
    "failed": 500,
    "database": 503,
}
"""Every problem by the last part of its type. They stay: programs decide by them."""


class Problem(Exception):
    """An answer that says why something was not done. `more`: members of the document besides; `headers`: of the
    answer."""

    def __init__(
        self, name: str, detail: str, headers: Mapping[str, str] | None = None, /, **more: Json
    ) -> None:
        super().__init__(detail)
        self.name, self.status, self.detail = name, STATUS[name], detail
        self.headers, self.more = dict(headers or {}), more

    def document(self) -> dict[str, Json]:
        return {
            "type": TYPE + self.name,
            "title": title(self.name),
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }


class TextChanged(Refused):
    """The alert is not the one that the program has: what differs is told with it."""

    def __init__(self, message: str, digest: str, differs: TextDifferences) -> None:
        super().__init__(message)
        self.digest, self.differs = digest, differs


def title(name: str) -> str:
    words = {
        "invalid": _("The request does not fit"),
        "not-json": _("Not JSON"),
        "misuse": _("That cannot be done"),
        "incomplete": _("The request broke off"),
        "no-token": _("A token is needed"),
        "token-invalid": _("The token opens nothing"),
        "scope-missing": _("The token may not do this"),
        "refused": _("Not allowed"),
        "not-found": _("Nothing here"),
        "unknown": _("Not there"),
        "no-method": _("Not done in this way"),
        "slow": _("Too slow"),
        "faulty": _("Faults stand in the way"),
        "past-moment": _("A promised time is over"),
        "changed": _("The text has changed"),
        "under-way": _("Under way"),
        "answer-lost": _("Interrupted, and perhaps done"),
        "too-large": _("Too large"),
        "media-type": _("Another type of content is needed"),
        "key-reused": _("The key belongs to another request"),
        "too-many": _("Too many attempts"),
        "failed": _("Something went wrong"),
        "database": _("The database cannot be reached"),
    }
    return words[name]


# --- refusals of verbs ----------------------------------------------------------------------------

_KINDS: Mapping[type[AlertbotError], str] = {
    TextChanged: "changed",
    Faulty: "faulty",
    PastMoment: "past-moment",
    Refused: "refused",
    StoreFailed: "database",
    NotThere: "unknown",
    Misuse: "misuse",
    AlertbotError: "failed",
}
"""The first that fits, narrow before wide."""


def of(error: AlertbotError, *, commands: bool = False) -> Problem:
    """The problem that a verb's refusal is. `commands`: its reader is the command line, which its sentences may name."""
    name = next(word for kind, word in _KINDS.items() if isinstance(error, kind))
    if name == "database":
        return unreachable()
    worded: Callable[[str], str] = str if commands else for_programs
    more: dict[str, Json] = {}
    if isinstance(error, Faulty):
        faults = [replace(one, message=worded(one.message)) for one in error.faults]
        more = {"faults": as_json(faults), "contradictions": as_json(error.contradictions)}
    if isinstance(error, TextChanged):
        more = {"digest": error.digest, "changes": as_json(error.differs)}
    if isinstance(error, PastMoment):
        more = {"moment": as_json(error.moment)}
    return Problem(name, worded(str(error)), **more)


def unreachable() -> Problem:
    sentence = _("The database cannot be reached; nothing was done. Try again in a minute.")
    return Problem("database", sentence, {"retry-after": "60"})


_COMMAND = re.compile(r"`?alertbot [a-z]|ALERTBOT_[A-Z]|--token-file")
_OPTION = re.compile(r"--([a-z][a-z-]*)")
_NAMES = {"set": "values", "lang": "languages"}
_SENTENCE = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][»”]))\s+(?=\S)|\n+")
_CLAUSE = re.compile(r"\s*(?:[;:,]|\N{NO-BREAK SPACE}[;:]| \()\s*")
_FRAGMENT = re.compile(
    r"(?:To|If|Once|When|Then|Or|See|Or on|Pour|Si|Une fois|Dès|Quand|Lorsque|Puis|Ou|Voir|Ensuite)\b"
    r"|.*\b(?:then|run|puis|exécuter?|lancer?)\.$|(?:Check|Vérifiez) ?\S*\.$"
)


def for_programs(text: str) -> str:
    """The sentences without what sends the reader to the command line, where a program cannot go. Options are named as
    the members of a body are."""
    kept: list[str] = []
    for sentence in _SENTENCE.split(text):
        if not _COMMAND.search(sentence):
            kept.append(sentence)
            continue
        begin = _before_command(sentence)
        if begin and (not kept or not _FRAGMENT.match(begin)):
            kept.append(begin)
    said = " ".join(kept) or _("That cannot be done in this way.")
    return _OPTION.sub(lambda found: f"`{_member(found[1])}`", said)


def _member(option: str) -> str:
    return _NAMES.get(option, option.replace("-", "_"))


def _before_command(sentence: str) -> str:
    """The clauses of a sentence before the first one with a command."""
    end = 0
    for found in _CLAUSE.finditer(sentence):
        if _COMMAND.search(sentence[: found.start()]):
            break
        end = found.start()
    begin = sentence[:end].strip()
    return f"{begin}." if begin else ""


# --- requests that do not fit ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit, and where: `values.fact`, `channels.0`."""

    place: str
    message: str
    known: tuple[str, ...] = field(default=())


def misfit(error: ValidationError, known: Sequence[str]) -> Problem:
    """The problem of a body or query that does not fit; `known`: the names that there are."""
    errors = error.errors(include_url=False, include_input=False)
    errors.sort(
        key=lambda each: each["type"] != "extra_forbidden"
    )  # a mistyped name, then what it leaves missing
    found = [_one(each, known) for each in errors]
    said = found[0]
    where = _("“{place}”: {why}.") if said.place else _("The request does not fit: {why}.")
    sentence = where.format(place=said.place, why=said.message)
    rows: list[Json] = [{"place": one.place, "message": one.message} for one in found[:MOST_ERRORS]]
    return Problem("invalid", sentence, errors=rows)


def _one(error: Mapping[str, Any], known: Sequence[str]) -> Misfit:
    steps = [str(step) for step in error["loc"]]
    place = ".".join(steps)[:LONGEST_PLACE]
    limits = error.get("ctx", {})
    words = {
        "texts": str(error["msg"]),
        "missing": _("is missing"),
        "extra_forbidden": _("is not known here; known are: {known}").format(known=", ".join(known)),
        "string_type": _("must be a text"),
        "bool_type": _("must be true or false"),
        "bool_parsing": _("must be true or false"),
        "int_type": _("must be a whole number"),
        "int_parsing": _("must be a whole number"),
        "int_from_float": _("must be a whole number"),
        "list_type": _("must be a list"),
        "dict_type": _("must be an object with names"),
        "model_type": _("must be an object with names"),
        "model_attributes_type": _("must be an object with names"),
        "string_too_long": _("has more than {n} characters").format(n=limits.get("max_length")),
        "string_too_short": _("has fewer than {n} characters").format(n=limits.get("min_length")),
        "too_long": _("has more than {n} entries").format(n=limits.get("max_length")),
        "too_short": _("is empty"),
        "string_pattern_mismatch": _("does not look as it must"),
        "greater_than_equal": _("must be at least {n}").format(n=limits.get("ge")),
        "less_than_equal": _("must be at most {n}").format(n=limits.get("le")),
        "enum": _("must be one of: {known}").format(known=limits.get("expected")),
        "literal_error": _("must be one of: {known}").format(known=limits.get("expected")),
    }
    return Misfit(place, words.get(str(error["type"]), _("cannot be read")))
