"""From the field values of an alert to what it tells callers. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from alertbot.incident import wording
from alertbot.incident.guidance import NO, YES, Fallback, Guidance, Word, moment_of

END_KIND = "end"
SAID_IN = {  # the fields that each topic is read from, the clearest first
    "line": ("what_to_do", "what_works"),
    "first": ("what_to_do",),
    "restored": ("what_is_right", "what_works", "what_to_do"),
}
_PREFERRED = ("fr", "en", "")


def guidance_of(kind: str, given: Mapping[str, Any], *, alert: str = "") -> Guidance:
    """What an alert with these frozen field values tells callers. An explicit `line` wins over words."""
    texts = {name: _texts(given.get(name)) for names in SAID_IN.values() for name in names}
    struck = (*_rows(given.get("wrong_numbers"), alert), *_rows(given.get("no_longer_valid"), alert))
    return Guidance(
        line=_line(kind, given.get("line"), texts, alert),
        first=_first(texts, alert),
        restored=_restored(kind, texts, alert),
        fallbacks=tuple(_rows(given.get("numbers"), alert)),
        struck=struck,
        until=str(given.get("valid_until") or ""),
    )


def _texts(value: Any) -> tuple[str, ...]:
    """A text in each language, French and English first."""
    if isinstance(value, Mapping):
        order = sorted(value, key=lambda lang: (lang not in _PREFERRED, str(lang) != "fr"))
        return tuple(str(value[lang]) for lang in order)
    return (value,) if isinstance(value, str) else ()


def _line(kind: str, chosen: Any, texts: Mapping[str, tuple[str, ...]], alert: str) -> Word | None:
    if chosen in (wording.LANDLINE, wording.MOBILE, wording.ANY):
        shown = next(iter(texts["what_to_do"]), "")
        return Word(str(chosen), shown if wording.line_in(shown) == chosen else str(chosen), alert)
    for text in _of(texts, "line"):
        if found := wording.line_in(text):
            return Word(found, text, alert)
    return Word(wording.ANY, "", alert) if kind == END_KIND else None  # advice for the fault is over


def _first(texts: Mapping[str, tuple[str, ...]], alert: str) -> Word | None:
    for text in _of(texts, "first"):
        if found := wording.first_in(text):
            return Word("/".join(sorted(found)), text, alert)
    return None


def _restored(kind: str, texts: Mapping[str, tuple[str, ...]], alert: str) -> Word | None:
    said = list(_of(texts, "restored"))
    for text in said:
        if wording.says_over(text):
            return Word(YES, text, alert)
    if kind == END_KIND:
        return Word(YES, next(iter(texts["what_works"]), ""), alert)
    return Word(NO, said[0], alert) if said else None


def _of(texts: Mapping[str, tuple[str, ...]], topic: str) -> Iterator[str]:
    for name in SAID_IN[topic]:
        yield from texts[name]


def _rows(value: Any, alert: str) -> Iterator[Fallback]:
    """Frozen rows of a field of numbers; what could not be read is passed over."""
    rows = value if isinstance(value, list | tuple) else ()
    for row in rows:
        if isinstance(row, Mapping) and row.get("territory") and row.get("service"):
            ends = [str(row[name]) for name in ("valid_until", "review_at") if moment_of(row.get(name))]
            yield Fallback(
                str(row["territory"]),
                str(row["service"]),
                _worded(row.get("zone")),
                _worded(row.get("condition")),
                str(row.get("number") or ""),
                _worded(row.get("place")),
                min(ends, key=datetime.fromisoformat, default=""),
                alert,
            )


def _worded(value: Any) -> str:
    by_lang = value if isinstance(value, Mapping) else {"": value or ""}
    for lang in _PREFERRED:
        if by_lang.get(lang):
            return str(by_lang[lang]).strip()
    return str(next(iter(by_lang.values()), "")).strip()
