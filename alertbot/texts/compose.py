"""Composing an alert: from values, kind and channels to every message, its targets and its digest, or
the faults that prevent it. Pure.

Texts are rendered only here; the result is shown, signed by its digest, stored and sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from alertbot.core.model import (
    Action,
    Audience,
    Channel,
    Composition,
    Fault,
    Markup,
    Message,
    Omission,
    Relation,
    Target,
)
from alertbot.core.target_list import TargetList
from alertbot.core.words import _
from alertbot.numbers.rules_entry import NumberRow
from alertbot.texts import document, documenting, lint
from alertbot.texts.cards import pictures
from alertbot.texts.digest import digest_of
from alertbot.texts.kinds.kind_spec import FieldType, Kind, Prepared, Template
from alertbot.texts.posts import edits, messages, pieces
from alertbot.texts.posts.messages import PlacedMessage
from alertbot.texts.posts.pieces import Edition, Thread
from alertbot.texts.request import ComposeFindings, ComposeRequest, context, seen_organisation
from alertbot.texts.wording.language import lacks_words, language_name, looked_up_once
from alertbot.texts.wording.render import TemplateBrokenError, TemplateText


def edition(
    desk: ComposeFindings,
    template: Template,
    lang: str,
    title: str,
    *,
    contact: str = "",
    fields: bool = True,
) -> Edition | None:
    """The text of this template, the same for every channel that has it; None if a fault prevents it. `contact`: whom the channel's readers may ask. `fields`
    False: the template may not use any field of the kind."""
    request, key = desk.request, (template.path, lang, contact)
    if not _can_be_marked(desk, lang):
        return None
    if key not in desk.rendered:
        try:
            text = TemplateText(
                template,
                context(request, lang, contact=contact, fields=fields),
                lang=lang,
                zone=request.zone,
                issued=request.now,
                organisation=partial(seen_organisation, request, lang) if request.page else None,
            )
            places = pieces.places_of(number_lists(request)) if fields else ()
            desk.rendered[key] = one = messages.edition(
                title, lang, text, places, request.marked, has_page=request.page is not None
            )
            desk.whole_text(one)  # whatever is wrong with the template is found here
        except TemplateBrokenError as error:
            desk.rendered[key] = None
            if not (fields and _field_absent(desk)):
                desk.faults.append(Fault("template", str(error), lang=lang))
    return desk.rendered[key]


def number_lists(request: ComposeRequest) -> Iterator[tuple[tuple[NumberRow, ...], bool]]:
    """The lists of numbers in the order of the kind's fields, each with whether they must not be called."""
    for spec in request.kind.fields:
        value = request.parsed.values.get(spec.name)
        if spec.type is FieldType.NUMBERS and isinstance(value, tuple):
            yield tuple(one for one in value if isinstance(one, NumberRow)), spec.struck


def _can_be_marked(desk: ComposeFindings, lang: str) -> bool:
    """Whether an exercise has its marks; it is never published without them (R23)."""
    frame = desk.request.frame
    if not desk.request.exercise or (frame and frame.opening.get(lang) and frame.closing.get(lang)):
        return True
    sentence = _("The exercise frame has no text in “{lang}”.").format(lang=lang)
    desk.faults.append(Fault("language_missing", sentence, lang=lang))
    return False


def _field_absent(desk: ComposeFindings) -> bool:
    """Whether a template failed for a value that was missing or wrong: then the template has no fault."""
    values = desk.request.parsed.values
    return any(fault.field and fault.field not in values for fault in desk.request.parsed.faults)


def written(
    desk: ComposeFindings, channel: Channel, one: Edition, *, retracts: bool = False
) -> list[PlacedMessage]:
    """The posts of one language on this channel. A text that does not fit leaves out this channel and language
    alone; what is not allowed is a fault, and so is a retraction that does not fit: what it takes back would stay."""
    thread = messages.thread(channel.spec, one)
    if thread.excess or thread.needed:
        why = _told(desk, channel, one, thread)
        if retracts:
            desk.faults += why
        else:
            desk.left_out += why
            desk.omitted.append(
                Omission(channel.name, one.lang, " ".join(fault.message for fault in why))
            )
        return []
    desk.faults += lint.many_parts(channel, one.lang, len(thread.posts))
    if told := messages.unsaid(channel, one, thread.unsaid):
        desk.warnings.append(told)
    if frame := desk.request.marked:
        text = desk.whole_text(one)
        desk.faults += lint.real_words(frame, one.lang, text, channel.name)
    finished = _as_data(desk, channel, one, messages.written(channel, one, thread), retracts=retracts)
    desk.faults += messages.over_limit(finished)
    desk.faults += messages.untitled(channel, finished)
    desk.faults += messages.misread(channel, finished)
    desk.faults += lint.open_ended(finished)
    return [
        PlacedMessage(message, post.territories)
        for message, post in zip(finished, thread.posts, strict=True)
    ]


def _as_data(
    desk: ComposeFindings, channel: Channel, one: Edition, finished: list[Message], *, retracts: bool
) -> list[Message]:
    """The messages of a page with the alert as data beside the text; those of other channels as they are."""
    if channel.spec.markup is not Markup.PAGE:
        return finished
    make = documenting.retraction if retracts else documenting.document
    found = document.to_json(make(desk.request, one, contact=channel.contact.get(one.lang, "")))
    return [replace(message, document=found) for message in finished]


def _told(desk: ComposeFindings, channel: Channel, one: Edition, thread: Thread) -> list[Fault]:
    """Why a text does not fit."""
    told = [
        messages.too_long(channel, one, excess, desk.request.parsed.values) for excess in thread.excess
    ]
    return [*told, messages.too_many(channel, one, thread.needed)] if thread.needed else told


def prepare(desk: ComposeFindings, said: Sequence[Message]) -> None:
    """Compose the retraction of `said` for the same channels and languages. A language without templates
    for it is a judgement: there the alert could not be taken back at once."""
    prepared = desk.request.prepared
    if prepared is None:
        return
    for channel in desk.request.channels:
        posts = [one for one in said if one.channel == channel.name]
        languages = dict.fromkeys(one.lang for one in posts)
        desk.retraction += _for_channel(desk, prepared, channel, tuple(languages))
        desk.retraction += edits.of_posts(desk, channel, posts, Relation.RETRACTION)


def _for_channel(
    desk: ComposeFindings, prepared: Prepared, channel: Channel, languages: Sequence[str]
) -> list[Message]:
    alert, texts = desk.request.identity.alert, []
    for lang in languages:
        template = messages.template(prepared.retraction, channel.spec, lang)
        if template is None:
            desk.faults.append(_missing(channel, lang))
            continue
        desk.warnings += _about_language(template, lang)
        one = edition(
            desk, template, lang, f"[{alert}]", contact=channel.contact.get(lang, ""), fields=False
        )
        texts += [one] if one else []
    desk.faults += lint.unequal(channel, {one.lang: _comparable(desk, one) for one in texts})
    return [post.message for one in texts for post in written(desk, channel, one, retracts=True)]


def _comparable(desk: ComposeFindings, one: Edition) -> str:
    """The whole text, with links to the public page as every language has them."""
    text, page = desk.whole_text(one), desk.request.page
    return page.without_language(text, one.lang) if page else text


def _missing(channel: Channel, lang: str) -> Fault:
    sentence = _(
        "There is no retraction text in “{lang}”: add short.md.j2 and long.md.j2 to {folder} in your"
        " messages folder."
    )
    words = sentence.format(lang=lang, folder=f"retraction/{lang}")
    return Fault("retraction_missing", words, channel=channel.name, lang=lang, acceptable=True)


JUDGED_LATER = frozenset({"contradicts"})  # found only beside the other alerts of the incident (R9)


@looked_up_once()
def compose(request: ComposeRequest) -> Composition:
    """Every message of this alert, its targets and its digest, with faults, warnings and omissions; the
    edits of the alert it follows; and its own retraction, ready to be sent."""
    desk = ComposeFindings(request)
    _judge_fields(desk)
    for channel in request.channels:
        _compose_channel(desk, channel)
    _judge_whole(desk)
    _judge_left_out(desk)
    desk.faults += lint.faults(desk.messages, _rows(request))
    said = tuple(desk.messages)
    prepare(desk, said)
    edits.follow(desk)
    targets = {one.name: _targets(one, desk.messages) for one in request.channels}
    faults, accepted = _sorted_out(desk.faults, request.accepted)
    desk.warnings += _idle(request.accepted, desk.faults)
    return Composition(
        kind=request.kind.name,
        digest=digest_of(
            request.kind.name,
            desk.messages,
            targets,
            exercise=request.exercise,
            retraction=desk.retraction,
        ),
        messages=tuple(desk.messages),
        targets=targets,
        faults=faults,
        warnings=_once(desk.warnings),
        accepted=accepted,
        omitted=tuple(desk.omitted),
        completeness=_table(request),
        promised=tuple(sorted({when for _field, when in _promises(request) if when > request.now})),
        retraction=tuple(desk.retraction),
        pictures=tuple(desk.pictures.values()),
    )


# --- judging -------------------------------------------------------------------------------------


def _judge_fields(desk: ComposeFindings) -> None:
    request, values = desk.request, desk.request.parsed.values
    desk.faults += request.parsed.faults
    desk.faults += lint.fields(request.kind, values)
    desk.faults += lint.numbers(request.kind, values, request.channels, request.organisation)
    told = {fault.field for fault in request.parsed.faults if fault.rule == "past_time"}
    desk.faults += (
        one for one in lint.past_times(_promises(request), request.now) if one.field not in told
    )
    desk.faults += lint.exercise(request.channels) if request.exercise else ()
    desk.faults += lint.audience(request.kind, request.channels)
    desk.faults += request.judgements
    desk.warnings += request.parsed.warnings
    desk.warnings += lint.field_warnings(values)
    desk.warnings += lint.warnings(_table(request))


def _judge_whole(desk: ComposeFindings) -> None:
    request = desk.request
    if not request.channels:
        desk.faults.append(Fault("no_channel", _no_channel(request.kind, exercise=request.exercise)))
    spoken = {lang for channel in request.channels for lang in channel.languages}
    for lang in request.languages or ():
        if request.channels and lang not in spoken:
            sentence = _("No channel publishes in “{lang}”; the channels' languages are {spoken}.")
            words = sentence.format(lang=lang, spoken=", ".join(sorted(spoken)))
            desk.faults.append(Fault("language_missing", words, lang=lang))


def _no_channel(kind: Kind, *, exercise: bool) -> str:
    if exercise:
        return _(
            "An exercise goes to exercise channels only, and no channel has the audience `exercise`."
        )
    if not kind.audiences:
        return _("There is no channel left to publish on.")
    sentence = _(
        "{kind} goes to channels with audience {audiences}, and none is configured. `alertbot show ALERT --as {kind}`"
        " writes it to a file."
    )
    audiences = _(" or ").join(f"`{one}`" for one in kind.audiences)
    return sentence.format(kind=kind.name, audiences=audiences)


def _judge_left_out(desk: ComposeFindings) -> None:
    """A channel and language whose text does not fit is left out and told; if nothing goes out to the public for
    that, it is a fault."""
    live = {one.name for one in desk.request.channels if one.audience is Audience.LIVE}
    reached = {one.channel for one in desk.messages}
    if desk.left_out and not (reached & live if live else reached):
        desk.faults += desk.left_out
    else:
        desk.warnings += desk.left_out


def _promises(request: ComposeRequest) -> Iterator[tuple[str, datetime]]:
    return lint.promises(request.kind, request.parsed.values)


def _rows(request: ComposeRequest) -> list[NumberRow]:
    """Every number in the values, including those taken back."""
    lists = (value for value in request.parsed.values.values() if isinstance(value, tuple))
    return [one for value in lists for one in value if isinstance(one, NumberRow)]


def _table(request: ComposeRequest) -> dict[str, bool | None]:
    source = bool(request.link(""))
    return lint.table(request.kind, request.parsed.values, source=source)


def _sorted_out(
    faults: Iterable[Fault], reasons: Mapping[str, str]
) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Faults that stop the alert, and judgements that a person accepted with a reason."""
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
    """Warnings for accepted rules under which nothing was found: perhaps a mistyped name."""
    found = {fault.rule for fault in faults}
    for rule in sorted(reasons.keys() - found - JUDGED_LATER):
        yield Fault(
            "nothing_accepted",
            _("There is no fault “{rule}” here, so nothing was accepted.").format(rule=rule),
        )


def _cannot(fault: Fault) -> str:
    if fault.acceptable:
        return _("{rule} can be accepted only with a reason.").format(rule=fault.rule)
    return _(
        "{rule} cannot be accepted: it is a rule, not a matter of judgement. Fix the alert."
    ).format(rule=fault.rule)


def _once(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The faults without repetitions."""
    return tuple({(one.rule, one.message): one for one in reversed(list(faults))}.values())[::-1]


# --- channel by channel --------------------------------------------------------------------------


def _compose_channel(desk: ComposeFindings, channel: Channel) -> None:
    texts = [
        edition
        for lang in _languages(desk, channel)
        if (edition := _edition(desk, channel, lang)) is not None
    ]
    desk.editions |= {(channel.name, one.lang): one for one in texts}
    desk.faults += lint.unequal(channel, {one.lang: _comparable(desk, one) for one in texts})
    made = [message for one in texts for message in _posts(desk, channel, one)]
    desk.faults += lint.unequal(channel, pictures.alternatives(desk.request, channel, texts))
    desk.warnings += lint.text_warnings(channel, made)
    desk.messages += made


def _posts(desk: ComposeFindings, channel: Channel, one: Edition) -> list[Message]:
    """The posts of one language, with number cards if requested."""
    return pictures.beside(desk, channel, one.lang, written(desk, channel, one))


def _languages(desk: ComposeFindings, channel: Channel) -> Iterator[str]:
    """The languages this channel publishes; the others are reported as left out."""
    wanted = desk.request.languages
    left = [lang for lang in channel.languages if wanted is None or lang in wanted]
    for lang in channel.languages:
        if lang not in left:
            desk.omitted.append(Omission(channel.name, lang, _("left out (--lang)")))
    with_template = [lang for lang in left if _has_template(desk, channel, lang)]
    if left and not with_template:
        sentence = _("{kind} has no text for {channel} in {languages}.")
        words = sentence.format(
            kind=desk.request.kind.name, channel=channel.name, languages=", ".join(left)
        )
        desk.faults.append(Fault("language_missing", words, channel=channel.name))
    yield from with_template


def _has_template(desk: ComposeFindings, channel: Channel, lang: str) -> bool:
    kind = desk.request.kind
    if messages.template(kind.templates, channel.spec, lang) is not None:
        return True
    reason = _("{kind} has no text in “{lang}”").format(kind=kind.name, lang=lang)
    desk.omitted.append(Omission(channel.name, lang, reason))
    return False


def _edition(desk: ComposeFindings, channel: Channel, lang: str) -> Edition | None:
    request = desk.request
    template = messages.template(request.kind.templates, channel.spec, lang)
    assert template is not None
    desk.warnings += _about_language(template, lang)
    title = f"{request.kind.title.get(lang, request.kind.name)} [{request.identity.alert}]"
    return edition(desk, template, lang, title, contact=channel.contact.get(lang, ""))


def _about_language(template: Template, lang: str) -> Iterator[Fault]:
    """What an approver must know of the language itself."""
    if template.unread:
        sentence = _(
            "The shipped texts in {lang} have not been read by a native speaker. Have one read this text before it"
            " goes out, and keep your own version in your messages folder."
        )
        yield Fault("language_unread", sentence.format(lang=language_name(lang)), lang=lang)
    if lacks_words(lang):
        sentence = _(
            "In “{lang}”, times, dates and what stands beside numbers are partly in English: {file} in your messages"
            " folder lacks words."
        )
        named = sentence.format(lang=lang, file=f"ready_words/{lang}.yaml")
        yield Fault("language_words", named, lang=lang)


# --- targets -------------------------------------------------------------------------------------


def _targets(channel: Channel, all_messages: Iterable[Message]) -> Sequence[Target]:
    """Every target with the language it gets: its own if that is published, else the channel's first
    that is. A post goes to its target once per language, unless the target has its own language; never twice."""
    posts = (one for one in all_messages if one.action is Action.PUBLISH)
    goes_out = [one.lang for one in posts if one.channel == channel.name]
    languages = list(dict.fromkeys(goes_out))
    if channel.spec.per_recipient and isinstance(channel.targets, TargetList):
        return channel.targets.in_languages(languages)
    found: list[Target] = []
    for target in channel.targets if languages else ():
        if target.lang is None and not channel.spec.per_recipient:
            found += (replace(target, lang=lang) for lang in languages)
        else:
            found.append(
                replace(target, lang=target.lang if target.lang in languages else languages[0])
            )
    # a place that earlier alerts reached in two languages gets the one that is left only once
    return tuple(found) if channel.spec.per_recipient else tuple(dict.fromkeys(found))
