"""An alert, a kind and channels in; every message, or what stands in its way, out. Pure.

Rendered once here; what comes out is shown, signed by digest, stored and sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from alertbot.approval.digest import digest
from alertbot.compose import completeness, lint, messages
from alertbot.compose.fields import Parsed
from alertbot.compose.kinds import Frame, Kind
from alertbot.compose.messages import Edition
from alertbot.compose.render import Rendered, TemplateBrokenError, render
from alertbot.compose.values import Url, seen
from alertbot.model import (
    Channel,
    Composition,
    Fault,
    Identity,
    Message,
    Omission,
    Organisation,
    Target,
)
from alertbot.words import _


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be composed. `languages` None: each channel's own. `accepted`: rule -> reason.
    `now` is the moment of issue, and what promised times are judged by."""

    kind: Kind
    parsed: Parsed
    channels: tuple[Channel, ...]
    languages: tuple[str, ...] | None
    organisation: Organisation
    identity: Identity
    now: datetime
    exercise: bool = False
    frame: Frame | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Desk:
    """What gathers while an alert is composed."""

    request: Request
    rendered: dict[tuple[str, str], Rendered | None] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    omitted: list[Omission] = field(default_factory=list)


JUDGED_LATER = frozenset({"contradicts"})  # found only beside the other alerts of the incident (R9)


@dataclass(frozen=True, slots=True)
class _Page:
    """What templates see as `org`. `hashtag` without its sign; both may be empty."""

    name: str
    verification_page: Url | str
    hashtag: str


def compose(request: Request) -> Composition:
    """Every message of this alert, its targets and its digest, with faults, warnings and omissions."""
    desk = _Desk(request)
    _judge_fields(desk)
    for channel in request.channels:
        _compose_channel(desk, channel)
    _judge_whole(desk)
    targets = {one.name: tuple(_targets(one, desk.messages)) for one in request.channels}
    faults, accepted = _sorted_out(desk.faults, request.accepted)
    desk.warnings += _idle(request.accepted, desk.faults)
    return Composition(
        kind=request.kind.name,
        digest=digest(request.kind.name, desk.messages, targets, exercise=request.exercise),
        messages=tuple(desk.messages),
        targets=targets,
        faults=faults,
        warnings=_once(desk.warnings),
        accepted=accepted,
        omitted=tuple(desk.omitted),
        completeness=_table(request),
        promised=tuple(sorted({when for _field, when in _promises(request) if when > request.now})),
    )


# --- judging -------------------------------------------------------------------------------------


def _judge_fields(desk: _Desk) -> None:
    request, values = desk.request, desk.request.parsed.values
    desk.faults += request.parsed.faults
    desk.faults += lint.fields(request.kind, values)
    desk.faults += lint.numbers(request.kind, values, request.channels, request.organisation)
    told = {fault.field for fault in request.parsed.faults if fault.rule == "past_time"}
    desk.faults += (
        one for one in lint.past_times(_promises(request), request.now) if one.field not in told
    )
    desk.faults += lint.exercise(request.channels) if request.exercise else ()
    desk.warnings += request.parsed.warnings
    desk.warnings += lint.field_warnings(values)
    desk.warnings += completeness.warnings(_table(request))


def _judge_whole(desk: _Desk) -> None:
    request = desk.request
    if not request.channels:
        desk.faults.append(Fault("no_channel", _("No channel is left to publish this on.")))
    spoken = {lang for channel in request.channels for lang in channel.languages}
    for lang in request.languages or ():
        if request.channels and lang not in spoken:
            sentence = _("No channel speaks “{lang}”; the channels' languages are {spoken}.")
            words = sentence.format(lang=lang, spoken=", ".join(sorted(spoken)))
            desk.faults.append(Fault("language_missing", words, lang=lang))


def _promises(request: Request) -> Iterator[tuple[str, datetime]]:
    return lint.promises(request.kind, request.parsed.values)


def _table(request: Request) -> dict[str, bool | None]:
    source = bool(request.organisation.verification_page)
    return completeness.table(request.kind, request.parsed.values, source=source)


def _sorted_out(
    faults: Iterable[Fault], reasons: Mapping[str, str]
) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """What stands in the way, and the judgements that a person accepted with a reason."""
    standing: list[Fault] = []
    accepted: list[Fault] = []
    for fault in _once(faults):
        if fault.acceptable and reasons.get(fault.rule, "").strip():
            accepted.append(fault)
            continue
        standing.append(fault)
        if fault.rule in reasons:
            standing.append(Fault(fault.rule, _cannot(fault), fault.field))
    return _once(standing), tuple(accepted)


def _idle(reasons: Mapping[str, str], faults: Iterable[Fault]) -> Iterator[Fault]:
    """What somebody accepts although nothing of the kind was found: perhaps a name mistyped."""
    found = {fault.rule for fault in faults}
    for rule in sorted(reasons.keys() - found - JUDGED_LATER):
        yield Fault(
            "nothing_accepted",
            _("--accept {rule}: nothing was found under this name, so nothing was accepted.").format(
                rule=rule
            ),
        )


def _cannot(fault: Fault) -> str:
    if fault.acceptable:
        return _("{rule} can be accepted only with a reason.").format(rule=fault.rule)
    return _("{rule} cannot be accepted: it is a rule, not a judgement; mend the alert.").format(
        rule=fault.rule
    )


def _once(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Without those that say the same again."""
    return tuple({(one.rule, one.message): one for one in reversed(list(faults))}.values())[::-1]


# --- channel by channel --------------------------------------------------------------------------


def _compose_channel(desk: _Desk, channel: Channel) -> None:
    editions = [
        edition
        for lang in _languages(desk, channel)
        if (edition := _edition(desk, channel, lang)) is not None
    ]
    desk.faults += lint.unequal(channel, {one.lang: messages.whole_text(one) for one in editions})
    made = [message for edition in editions for message in _messages(desk, channel, edition)]
    desk.warnings += lint.text_warnings(channel, made)
    desk.messages += made


def _languages(desk: _Desk, channel: Channel) -> Iterator[str]:
    """The languages that this channel publishes; the others are named as left out."""
    wanted = desk.request.languages
    left = [lang for lang in channel.languages if wanted is None or lang in wanted]
    for lang in channel.languages:
        if lang not in left:
            desk.omitted.append(Omission(channel.name, lang, _("left out by --lang")))
    with_template = [lang for lang in left if _has_template(desk, channel, lang)]
    if left and not with_template:
        sentence = _("{kind} has no text for {channel} in {languages}.")
        words = sentence.format(
            kind=desk.request.kind.name, channel=channel.name, languages=", ".join(left)
        )
        desk.faults.append(Fault("language_missing", words, channel=channel.name))
    yield from with_template


def _has_template(desk: _Desk, channel: Channel, lang: str) -> bool:
    kind = desk.request.kind
    if messages.template(kind, channel.spec, lang) is not None:
        return True
    reason = _("{kind} has no text in “{lang}”").format(kind=kind.name, lang=lang)
    desk.omitted.append(Omission(channel.name, lang, reason))
    return False


def _edition(desk: _Desk, channel: Channel, lang: str) -> Edition | None:
    template = messages.template(desk.request.kind, channel.spec, lang)
    assert template is not None
    key = (template.path, lang)
    if key not in desk.rendered:
        try:
            desk.rendered[key] = render(
                template,
                _context(desk.request, lang),
                lang=lang,
                zone=ZoneInfo(desk.request.organisation.timezone),
                issued=desk.request.now,
            )
        except TemplateBrokenError as error:
            desk.rendered[key] = None
            if not _field_absent(desk):
                desk.faults.append(Fault("template", str(error), lang=lang))
    text = desk.rendered[key]
    if text is None or not _can_be_marked(desk, lang):
        return None
    frame = desk.request.frame if desk.request.exercise else None
    return messages.edition(desk.request.kind, lang, text, frame, desk.request.identity.alert)


def _can_be_marked(desk: _Desk, lang: str) -> bool:
    """An exercise never goes out without its marks (R23)."""
    frame = desk.request.frame
    if not desk.request.exercise or (frame and frame.opening.get(lang) and frame.closing.get(lang)):
        return True
    sentence = _("The exercise frame has no words in “{lang}”.").format(lang=lang)
    desk.faults.append(Fault("language_missing", sentence, lang=lang))
    return False


def _field_absent(desk: _Desk) -> bool:
    """A template that lacks a value which was missing or wrong is no fault of the template."""
    values = desk.request.parsed.values
    return any(fault.field and fault.field not in values for fault in desk.request.parsed.faults)


def _context(request: Request, lang: str) -> dict[str, object]:
    values: dict[str, object] = {spec.name: None for spec in request.kind.fields}
    values |= {name: seen(value, lang) for name, value in request.parsed.values.items()}
    page = request.organisation.verification_page
    organisation = request.organisation
    return {
        **values,
        "org": _Page(organisation.name, Url(page) if page else "", organisation.hashtag.lstrip("#")),
        "incident": request.identity.incident,
        "alert": request.identity.alert,
        "references": request.identity.references,
        "exercise": request.exercise,
    }


def _messages(desk: _Desk, channel: Channel, edition: Edition) -> Sequence[Message]:
    thread = messages.thread(channel.spec, edition)
    for excess in thread.excess:
        desk.faults.append(messages.too_long(channel, edition, excess, desk.request.parsed.values))
    desk.faults += lint.many_parts(channel, edition.lang, len(thread.parts))
    if desk.request.exercise and desk.request.frame is not None:
        text = messages.whole_text(edition)
        desk.faults += lint.real_words(desk.request.frame, edition.lang, text, channel.name)
    finished = messages.written(channel, edition, thread)
    desk.faults += messages.over_limit(finished)
    return finished


# --- targets -------------------------------------------------------------------------------------


def _targets(channel: Channel, all_messages: Iterable[Message]) -> Iterator[Target]:
    """Every target with the language it gets: its own if that goes out, else the channel's first that
    does. A post goes to its target once per language, unless the target has one of its own."""
    goes_out = [one.lang for one in all_messages if one.channel == channel.name]
    languages = list(dict.fromkeys(goes_out))
    for target in channel.targets if languages else ():
        if target.lang is None and not channel.spec.per_recipient:
            yield from (replace(target, lang=lang) for lang in languages)
        else:
            yield replace(target, lang=target.lang if target.lang in languages else languages[0])
