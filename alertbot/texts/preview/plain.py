"""A preview as plain text: for pipes, files, dumb terminals and screen readers; and the copy for press
and radio.

Messages are printed as they are, line for line, never wrapped.
"""

from collections.abc import Iterable, Iterator

from alertbot.core.model import Action, Composition, Fault, Message
from alertbot.core.words import _
from alertbot.texts.preview import phrases
from alertbot.texts.preview.phrases import Sheet, ShownThread, address, readers, threads
from alertbot.texts.wording.language import language_name

LONG_FORMS = (
    "email",
    "page",
    "telegram",
    "apprise",
    "console",
    "memory",
)  # whose text is read aloud first


def plain(sheet: Sheet, *, full: bool = False) -> str:
    """The preview as plain text: how it stands first, then what is wrong, then the texts, each once. `full`: every
    text of every channel, the prepared retraction and the completeness table too."""
    shown = sheet.composition
    stands = phrases.judged(sheet)
    further = [f"  {phrases.visible(line)}" for line in stands.further]
    blocks = [title(sheet), "\n".join([phrases.visible(stands.said), *further])]
    blocks += filter(
        None,
        [
            _faults(_("Faults"), shown.faults),
            _omitted(shown),
            _faults(_("Accepted with a reason"), shown.accepted),
            _faults(_("Warnings"), shown.warnings),
        ],
    )
    blocks.append("\n".join(phrases.stated(name, value) for name, value in facts(sheet)))
    found = threads(shown.messages)
    same = {} if full else phrases.repeated(found)
    blocks += [_thread(sheet, thread, same.get(thread, "")) for thread in found]
    blocks += retraction(sheet, full=full)
    if full:
        blocks += filter(None, [_completeness(shown)])
    return "\n\n".join(blocks)


def plain_copy(messages: Iterable[Message]) -> str:
    """The long form of each language, for press and radio: plain text, ready to be read aloud."""
    by_lang: dict[str, list[ShownThread]] = {}
    for thread in threads(tuple(one for one in messages if one.action is Action.PUBLISH)):
        by_lang.setdefault(thread.lang, []).append(thread)
    copies = [_read_aloud(lang, min(found, key=_rank)) for lang, found in by_lang.items()]
    return "\n\n\n".join(copies)


def title(sheet: Sheet) -> str:
    """`Status update (status)`; for an exercise with the word in front."""
    said = phrases.visible(f"{sheet.title} ({sheet.composition.kind})")
    return _("EXERCISE: {title}").format(title=said) if sheet.exercise else said


def header(sheet: Sheet, thread: ShownThread) -> list[tuple[str, str]]:
    """The headers above a mail, as a mail reader shows them; elsewhere the title, if the service shows one."""
    if thread.type != "email":
        return [(_("Title"), phrases.visible(thread.subject))] if thread.subject else []
    reached = readers(sheet, thread)
    nobody = (
        _("no one in this language")
        if sheet.composition.targets.get(thread.channel)
        else _("no recipients yet")
    )
    sender = phrases.visible(sheet.senders.get(thread.channel) or sheet.speaker)
    lines = [(_("From"), sender)] if sender else []
    lines.append((_("To"), phrases.recipients(reached) if reached else nobody))
    return [*lines, (_("Subject"), phrases.visible(thread.subject or ""))]


def heading(sheet: Sheet, thread: ShownThread) -> str:
    """`Telegram · telegram_public · @chat · French`."""
    said = (phrases.channel_type(thread.type), thread.channel, address(sheet, thread))
    return phrases.visible(" · ".join(filter(None, (*said, phrases.edition_name(thread)))))


def retraction(sheet: Sheet, *, full: bool) -> list[str]:
    """The prepared retraction, text by text; of an edit only the line that it puts above the old text. Before
    anything is stored, unless `full`, only that it is there."""
    found = threads(sheet.composition.retraction)
    if not found:
        return []
    if sheet.verdict is None and not full:
        return [phrases.folded_retraction()]
    same = {} if full else phrases.repeated(found)
    return [
        f"{_('Prepared retraction')}\n{phrases.about_retraction()}",
        *(_taken_back(sheet, one) for one in found if one not in same),
    ]


def _taken_back(sheet: Sheet, thread: ShownThread) -> str:
    texts = [phrases.visible(message.text) for message in thread.parts]
    if thread.action is Action.EDIT:
        texts = [text.partition("\n\n")[0] for text in texts[:1]]
    return "\n\n".join([f"=== {heading(sheet, thread)}", *texts])


def facts(sheet: Sheet) -> list[tuple[str, str]]:
    """Cost, time, earlier posts that change, approval and digest, each in one line; of what is out only what is still so."""
    digest = (_("Digest"), phrases.short_digest(sheet.composition.digest))
    return [*facts_before(sheet), digest]


def facts_before(sheet: Sheet) -> list[tuple[str, str]]:
    """The same without the digest; none of what is out."""
    if phrases.judged(sheet).out:
        return []
    return [
        (_("Cost"), phrases.price(sheet)),
        (_("Last recipient reached"), phrases.when_reached(sheet.forecast.seconds)),
        *((_("Answers, edits or deletes"), one) for one in phrases.acted_upon(sheet)),
        (_("Must be approved by"), phrases.must_approve(sheet.approvals)),
    ]


def facts_title(sheet: Sheet) -> str:
    """The heading above the facts."""
    return _("What went out") if phrases.judged(sheet).out else _("Before it goes out")


def sentences(fault: Fault) -> Iterator[str]:
    """A fault as lines: what and where, then what to do."""
    place = phrases.place(fault)
    yield phrases.visible(phrases.stated(place, fault.message) if place else fault.message)
    if remedy := phrases.remedy(fault):
        yield remedy


def left_out(composition: Composition) -> list[str]:
    """What is not published, and why."""
    return [
        phrases.stated(
            " · ".join(filter(None, (gone.channel, language_name(gone.lang) if gone.lang else None))),
            phrases.visible(gone.reason),
        )
        for gone in composition.omitted
    ]


def _thread(sheet: Sheet, thread: ShownThread, same_as: str) -> str:
    if same_as:
        lines = [f"=== {heading(sheet, thread)}"]
        lines += [phrases.stated(name, value) for name, value in header(sheet, thread)]
        return "\n".join([*lines, phrases.as_on(same_as)])
    blocks = []
    for message in thread.parts:
        lines = [f"=== {heading(sheet, thread)} · {phrases.counters(message)}"]
        if above := header(sheet, thread):
            lines += [phrases.stated(name, value) for name, value in above] + [""]
        lines.append(phrases.visible(message.text))
        if message.picture:
            lines += ["", phrases.alternative(message)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _completeness(composition: Composition) -> str:
    if not composition.completeness:
        return ""
    rows = [
        (phrases.row_name(row), phrases.answer(held)) for row, held in composition.completeness.items()
    ]
    return "\n".join(
        [_("Completeness"), *(f"  {phrases.stated(name, answer)}" for name, answer in rows)]
    )


def _omitted(composition: Composition) -> str:
    lines = left_out(composition)
    return "\n".join([_("Left out"), *(f"  {line}" for line in lines)]) if lines else ""


def _faults(named: str, faults: tuple[Fault, ...]) -> str:
    if not faults:
        return ""
    lines = [named]
    for fault in faults:
        first, *rest = sentences(fault)
        lines += [f"  - {first} [{fault.rule}]", *(f"    {line}" for line in rest)]
    return "\n".join(lines)


def _rank(thread: ShownThread) -> int:
    return LONG_FORMS.index(thread.type) if thread.type in LONG_FORMS else len(LONG_FORMS)


def _read_aloud(lang: str, thread: ShownThread) -> str:
    text = "\n\n".join(phrases.visible(message.text).strip() for message in thread.parts)
    subject = phrases.visible(thread.subject or "")
    named = f"— {language_name(lang).upper()} —"
    return "\n\n".join(filter(None, [named, subject, text]))
