"""A replay as lines: what happened at the time, next to what alertbot did. Pure; the terminal and the
page show the same."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from alertbot.core.words import _, language, ngettext
from alertbot.regions.facts import all_territories, in_force, whole_country
from alertbot.rehearsal.replay.results import Refusal, Replay, ReplayDecision, ReplayPost, is_public
from alertbot.rehearsal.replay.signals_of import EntryRole
from alertbot.rehearsal.replay.timeline import CaseEntry, said
from alertbot.watch.rules_log import decided, reason_words

LONGEST_EXCERPT = 120


class LineMark(StrEnum):
    """The kind of a line; its sign repeats what the words say."""

    DECIDED = "→"
    POSTED = "✉"
    HELD = "✗"


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One thing that alertbot did or did not do."""

    mark: LineMark
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One time: an entry of the case, alertbot's lines, or both."""

    at: datetime
    entry: CaseEntry | None = None
    ours: list[TimelineLine] = field(default_factory=list)


def notes_of(replay: Replay) -> list[str]:
    """Caveats about the case for readers of this replay."""
    sentence = _("Line {line}: there is no state “{state}”; it counts as history.")
    notes = [
        sentence.format(line=step.entry.line, state=step.entry.state)
        for step in replay.steps
        if step.role is EntryRole.UNKNOWN
    ]
    case = replay.timeline
    zones = {one.zone for one in all_territories().values()}
    if replay.posts and case.where == whole_country() and case.zone.key not in {*zones, "UTC"}:
        sentence = _("No listed territory is in {zone}: the texts say {country}.")
        whole = in_force().whole.name_in(language())
        notes.append(sentence.format(zone=case.zone.key, country=whole))
    return notes


def rows_of(replay: Replay) -> list[Row]:
    """Everything in order, in the case's time zone."""
    zone = replay.timeline.zone
    rows = [Row(step.entry.at, step.entry) for step in replay.steps]
    by_entry = {id(row.entry): row for row in rows}
    for decision in replay.decisions:
        row = by_entry.get(id(decision.step.entry)) if decision.step else None
        if row is None:
            row = Row(decision.at.astimezone(zone))
            rows.append(row)
        row.ours.append(TimelineLine(LineMark.DECIDED, decision_words(decision)))
    told = {(one.at, one.reason) for one in replay.decisions if one.action == "hold"}
    refused = [one for one in replay.refused if (one.at, one.reason) not in told]
    for at, line in (*_posts(replay), *_refusals(refused)):
        _at_moment(rows, at.astimezone(zone)).ours.append(line)
    return sorted(rows, key=lambda row: row.at)


def _at_moment(rows: list[Row], at: datetime) -> Row:
    """The last row of this time, or a new one."""
    found = next((row for row in reversed(rows) if row.at == at), None)
    if found is None:
        found = Row(at)
        rows.append(found)
    return found


def _posts(replay: Replay) -> Iterator[tuple[datetime, TimelineLine]]:
    """One line per alert, whatever the number of languages."""
    for (at, _alert), group in groupby(replay.posts, key=lambda one: (one.at, one.alert)):
        texts = list(group)
        mine = next((one for one in texts if one.lang == language()), texts[0])
        yield at, TimelineLine(LineMark.POSTED, _post_words(replay, mine, [one.lang for one in texts]))


def _post_words(replay: Replay, post: ReplayPost, langs: Iterable[str]) -> str:
    title = said(replay.titles.get(post.kind, {}), language()) or post.kind
    sentence = (
        _("{title} ({languages}), by itself: {text}")
        if post.by_itself
        else _("{title} ({languages}), approved by people: {text}")
    )
    return sentence.format(
        title=title, languages=", ".join(dict.fromkeys(langs)), text=excerpt(post.text)
    )


def excerpt(text: str) -> str:
    """The beginning of a post: its news."""
    body = " ".join(text.split())
    return body if len(body) <= LONGEST_EXCERPT else body[: LONGEST_EXCERPT - 1].rstrip() + "…"


def _refusals(refused: Iterable[Refusal]) -> Iterator[tuple[datetime, TimelineLine]]:
    for (at, _reason), group in groupby(refused, key=lambda one: (one.at, one.reason)):
        found = list(group)
        more = len(found) - 1
        and_more = ngettext("{words} (and {n} more)", "{words} (and {n} more)", more)
        words = refusal_words(found[0])
        yield at, TimelineLine(LineMark.HELD, and_more.format(words=words, n=more) if more else words)


def decision_words(decision: ReplayDecision) -> str:
    """`opened: trouble, confirmed as the policy asks`."""
    words = {
        "history": _("history: nothing to do"),
        "not_known_yet": _("no one knows yet"),
        "unknown_state": _("unknown state: history, nothing to do"),
        "names_no_rows": _("nothing is withdrawn"),
        "not_done": _("nothing was written"),
        "lapsed": _("the promised time has passed, and no update came"),
    }
    alert = f" [{decision.alert}]" if decision.alert else ""
    return (words.get(decision.reason) or decided(decision.action, decision.reason)) + alert


def refusal_words(refusal: Refusal) -> str:
    """`resolved: nobody of the services concerned has confirmed it (R11)`."""
    return _("{name}: {value}").format(name=what_word(refusal.what), value=_why(refusal))


def what_word(what: str) -> str:
    """The name of what was not published, in the reader's language."""
    words = {
        "open": _("opening"),
        "stabilised": _("stabilised"),
        "change": _("a change"),
        "resolved": _("resolved"),
        "provisional_number": _("provisional numbers"),
        "withdrawal": _("withdrawal of numbers"),
        "correction": _("correction"),
        "denial": _("denial"),
        "import": _("import of numbers"),
        "rule": _("a rule"),
    }
    return words.get(what, what)


def _why(refusal: Refusal) -> str:
    words = {
        "unverified_number": _("a number goes out only after someone else has test-called it"),
        "names_no_rows": _("the entry names no rows, and they are not guessed from its text"),
        "no_such_row": refusal.sentence,
        "expired": _("not approved in time"),
        "overtaken": _("no longer needed: the situation has changed"),
        "past_moment": _("a time it promises had passed before it was approved"),
        "not_approved_ahead": refusal.sentence,
    }
    return words.get(refusal.reason) or refusal.sentence or reason_words(refusal.reason)


# --- figures --------------------------------------------------------------------------------------


def span_words(seconds: float | None) -> str:
    """`5 min`, `1 h 45`, `2 d 03 h`; a dash for what did not happen."""
    if seconds is None:
        return "–"
    minutes = round(timedelta(seconds=seconds).total_seconds() / 60)
    sign, minutes = ("-" if minutes < 0 else ""), abs(minutes)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return sign + _("{days} d {hours:02d} h").format(days=days, hours=hours)
    return sign + (f"{hours} h {rest:02d}" if hours else f"{rest} min")


def summary_of(replay: Replay) -> list[tuple[str, str]]:
    """The summary figures, with labels."""
    first, reality = replay.first_post, replay.reality
    told = replay.view().first_public_post
    resolved = next((one for one in replay.posts if one.state == "resolved"), None)
    numbers = next((one for one in replay.posts if one.kind == "provisional_number"), None)
    numbered = (one for one in replay.timeline.entries if one.state == "workaround" and is_public(one))
    by_itself = len({one.alert for one in replay.posts if one.by_itself})
    alerts = len({one.alert for one in replay.posts})
    return [
        (_("The fault began"), _moment(replay, replay.fault.at if replay.fault else None)),
        (_("First public message from alertbot"), _after(replay, first.at if first else None)),
        (_("… after the first signal"), span_words(told.signal_delay_seconds)),
        (_("First public message in reality"), _after(replay, reality.at if reality else None)),
        (_("First numbers from alertbot"), _after(replay, numbers.at if numbers else None)),
        (_("First numbers in reality"), _after(replay, next((one.at for one in numbered), None))),
        (_("“Over”, said by alertbot"), _after(replay, resolved.at if resolved else None)),
        (_("Alerts"), _("{n}, of which {auto} by themselves").format(n=alerts, auto=by_itself)),
        (_("Held back or refused"), str(len(replay.refused))),
    ]


def _after(replay: Replay, at: datetime | None) -> str:
    """`2 June 2021 at 16:50 (5 min)`."""
    if at is None:
        return "–"
    return _("{moment} ({span} after the fault)").format(
        moment=_moment(replay, at), span=span_words(replay.since_fault(at))
    )


def _moment(replay: Replay, at: datetime | None) -> str:
    return at.astimezone(replay.timeline.zone).strftime(_("%Y-%m-%d %H:%M")) if at else "–"


def headline(entry: CaseEntry) -> str:
    """`degraded · SAMU 85 · inbound call`."""
    return " · ".join(filter(None, (entry.state, entry.actor, entry.channel)))
