"""Mail addresses and lists of recipients: a list in the configuration, or a CSV file."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from alertbot.errors import ConfigInvalid
from alertbot.model import Target
from alertbot.words import _

LONGEST_ADDRESS = 254
LONGEST_LOCAL = 64
COLUMNS = ("address", "lang", "topics")
LANGUAGE = re.compile(r"[a-z]{2,3}")
LOCAL = re.compile(r"[^\s\x00-\x1f\x7f\x80-\x9f<>()\[\]:;@\\,\"]+")
LABEL = re.compile(r"[^\W_]([\w-]*[^\W_])?")
TOPICS = re.compile(r"[\s;,|]+")


def checked(address: str) -> str:
    """The address with its domain in lower case. Raises `ValueError` with a sentence that says what is
    wrong; nothing that passes can break out of a header or an SMTP command."""
    local, _at, domain = address.strip().rpartition("@")
    if not local or not domain:
        raise ValueError(_("{address} is not a mail address: name@domain is expected").format(address=_short(address)))  # fmt: skip
    if len(address) > LONGEST_ADDRESS or len(local) > LONGEST_LOCAL:
        raise ValueError(_("{address} is too long for a mail address").format(address=_short(address)))
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if dots or not LOCAL.fullmatch(local):
        raise ValueError(_("{address} holds characters that no mail address has before the @").format(address=_short(address)))  # fmt: skip
    if not all(LABEL.fullmatch(label) for label in domain.split(".")):
        raise ValueError(_("{address} has no valid domain after the @").format(address=_short(address)))
    return f"{local}@{domain.lower()}"


def _short(address: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in address)
    return shown if len(shown) <= 60 else shown[:59] + "…"


def listed(addresses: Sequence[str]) -> tuple[Target, ...]:
    """Targets of a list of addresses. Raises `ConfigInvalid` naming every wrong entry by its number."""
    rows = [(number, {"address": address}) for number, address in enumerate(addresses, start=1)]
    return _targets(rows, _("recipients, entry {number}"))


def read(path: Path) -> tuple[Target, ...]:
    """Targets of a CSV file with the columns address, lang, topics (the last two may be absent), with
    commas or semicolons between. Raises `ConfigInvalid` naming every wrong row by its line."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigInvalid(
            _("The list of recipients {file} cannot be read: {why}.").format(
                file=path, why=error.strerror
            )
        ) from None
    except UnicodeDecodeError:
        raise ConfigInvalid(
            _("The list of recipients {file} is not UTF-8 text; save it as CSV UTF-8.").format(
                file=path
            )
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
            _("{file}:{line}: this is not CSV (an open quote, or a file of another kind).").format(
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
        raise ConfigInvalid(_("The list of recipients has faults:"), faults)
    return tuple(found.values())


def _target(row: Mapping[str, str]) -> Target:
    if row.get("more"):
        raise ValueError(_("there are more values than columns; quote a value that holds a comma"))
    lang = row.get("lang", "") or None
    if lang is not None and not LANGUAGE.fullmatch(lang):
        raise ValueError(_("{lang} is not a language code such as fr or en").format(lang=_short(lang)))
    return Target(checked(row["address"]), lang, tuple(_topics(row.get("topics", ""))))


def _topics(text: str) -> Iterator[str]:
    return (topic for topic in TOPICS.split(text) if topic)


def _merged(first: Target | None, second: Target) -> Target:
    """One recipient named twice gets one mail: the first language named counts, the topics add up."""
    if first is None:
        return second
    topics = tuple(dict.fromkeys(first.topics + second.topics))
    return replace(first, lang=first.lang or second.lang, topics=topics)
