"""What an alert advises callers, read from its field values, and contradictions as sentences for the
team. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from alertbot.alerts import rules_wording
from alertbot.alerts.rules_guidance import (
    NO,
    YES,
    Contradiction,
    Fallback,
    Guidance,
    TopicAdvice,
    moment_of,
)
from alertbot.core.words import _

LONGEST_QUOTE = 200


def topic_word(topic: str) -> str:
    """The name of a topic on which two alerts disagree; used as the heading above both texts."""
    words = {
        "line": _("Which line to use"),
        "first": _("Which number to try first"),
        "number": _("Which number to call instead"),
        "place": _("Where to go instead"),
        "restored": _("Whether it is over"),
    }
    return words[topic]


def sentence(found: Contradiction) -> str:
    """A contradiction in one line, with the texts of both alerts."""
    return _("{topic}: {alert} says “{said}”, this alert says “{says}”.").format(
        topic=topic_word(found.topic),
        alert=found.alert,
        said=_in_one_line(found.said),
        says=_in_one_line(found.says),
    )


def _in_one_line(text: str) -> str:
    line = " / ".join(filter(None, (part.strip() for part in text.splitlines())))
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"


END_KIND = "end"
SAID_IN = {  # the fields that each topic is read from, the clearest first
    "line": ("what_to_do", "what_works"),
    "first": ("what_to_do",),
    "restored": ("what_is_right", "what_works", "what_to_do"),
}
_PREFERRED = ("fr", "en", "")


def guidance_of(kind: str, given: Mapping[str, Any], *, alert: str = "") -> Guidance:
    """The guidance in an alert's frozen field values. An explicit `line` field overrides the wording."""
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


def _line(
    kind: str, chosen: Any, texts: Mapping[str, tuple[str, ...]], alert: str
) -> TopicAdvice | None:
    if chosen in (rules_wording.LANDLINE, rules_wording.MOBILE, rules_wording.ANY):
        shown = next(iter(texts["what_to_do"]), "")
        return TopicAdvice(
            str(chosen), shown if rules_wording.line_in(shown) == chosen else str(chosen), alert
        )
    for text in _of(texts, "line"):
        if found := rules_wording.line_in(text):
            return TopicAdvice(found, text, alert)
    return (
        TopicAdvice(rules_wording.ANY, "", alert) if kind == END_KIND else None
    )  # advice for the fault is over


def _first(texts: Mapping[str, tuple[str, ...]], alert: str) -> TopicAdvice | None:
    for text in _of(texts, "first"):
        if found := rules_wording.first_in(text):
            return TopicAdvice("/".join(sorted(found)), text, alert)
    return None


def _restored(kind: str, texts: Mapping[str, tuple[str, ...]], alert: str) -> TopicAdvice | None:
    said = list(_of(texts, "restored"))
    for text in said:
        if rules_wording.says_over(text):
            return TopicAdvice(YES, text, alert)
    if kind == END_KIND:
        return TopicAdvice(YES, next(iter(texts["what_works"]), ""), alert)
    return TopicAdvice(NO, said[0], alert) if said else None


def _of(texts: Mapping[str, tuple[str, ...]], topic: str) -> Iterator[str]:
    for name in SAID_IN[topic]:
        yield from texts[name]


def _rows(value: Any, alert: str) -> Iterator[Fallback]:
    """The frozen rows of a numbers field; unreadable rows are skipped."""
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
