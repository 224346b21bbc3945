"""Writing a new alert: `draft` takes its values from options and files, `new` asks for them at a terminal."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from alertbot.alerts import area, following, writing
from alertbot.alerts.area import JoinableIncident
from alertbot.alerts.compose import DraftRequest, field_values, load_kind
from alertbot.alerts.views import AlertView
from alertbot.cli import alerts
from alertbot.cli.alerts import report
from alertbot.cli.frame import (
    Accepts,
    AsJson,
    Channels,
    Langs,
    Sets,
    TokenFile,
    Vars,
    say,
    split_pairs,
)
from alertbot.cli.parsing import offered
from alertbot.cli.running import act
from alertbot.cli.writing import composer, forms, questions
from alertbot.cli.writing.composer import Composer
from alertbot.cli.writing.questions import Ask, Judged, Question
from alertbot.core.errors import AlertbotError, Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person, RawValues
from alertbot.core.words import _
from alertbot.people.rules import require_role
from alertbot.regions import facts
from alertbot.regions.region import Region
from alertbot.texts.publisher import Publisher
from alertbot.texts.wording import language
from alertbot.watch.context import WatchContext

Exercise = Annotated[
    bool, typer.Option("--exercise", help=_("An exercise; goes to exercise channels only."))
]
OfKind = Annotated[
    str | None,
    typer.Argument(
        metavar=_("[KIND]"),
        help=_("See `alertbot kinds`; none with --like."),
        autocompletion=offered("kinds"),
    ),
]
InIncident = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help=_("Add to this incident; without it a new one is opened."),
        autocompletion=offered("incidents"),
    ),
]
Like = Annotated[
    str | None,
    typer.Option(
        metavar=_("ALERT"),
        help=_(
            "Take over kind, values, languages, channels and references of an alert that never went out:"
            " expired, returned, rejected, discarded or failed."
        ),
    ),
]
IsNew = Annotated[
    bool,
    typer.Option(
        "--new-incident", help=_("Open a new incident even if one is open in the same place.")
    ),
]
NotBefore = Annotated[
    str | None,
    typer.Option(
        metavar=_("TIME"), help=_("Do not publish before this time: +30m, 18:00 or ISO 8601.")
    ),
]


def draft(
    context: typer.Context,
    kind: OfKind = None,
    sets: Sets = None,
    vars_file: Vars = None,
    lang: Langs = None,
    channel: Channels = None,
    accept: Accepts = None,
    exercise: Exercise = False,
    incident: InIncident = None,
    new_incident: IsNew = False,
    not_before: NotBefore = None,
    like: Like = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    place = _place(incident, new_incident, not_before)
    given, beside = field_values(sets, vars_file), (lang, channel, accept)
    if not (given or like or as_json) and forms.at_terminal():
        _guided(context, _asker(), _wishes(kind, given, *beside, exercise=exercise), place, token_file)
        return
    if (kind is None) is (like is None):
        raise Misuse(_("Give a KIND, or --like ALERT, whose kind it takes over; not both."))
    wishes = _wishes(kind, given, *beside, exercise=exercise)

    async def work(service: WatchContext, person: Person) -> AlertView:
        if like is not None:
            again = partial(following.like, incident=incident, new_incident=new_incident)
            return await again(service, person, like, wishes, not_before=not_before)
        return await _drafted(service, person, wishes, place)

    view = act(context, work, token_file)
    report(
        view,
        _("Drafted {id} ({kind}). Check it: alertbot show {id}. Then: alertbot submit {id}").format(
            id=view.id, kind=view.kind
        ),
        as_json,
    )


@dataclass(frozen=True, slots=True)
class _DraftPlace:
    """Where a draft belongs, and when it may go out."""

    incident: str | None
    new_incident: bool
    not_before: str | None


def _place(incident: str | None, new_incident: bool, not_before: str | None) -> _DraftPlace:
    if incident is not None and new_incident:
        raise Misuse(_("Give --incident or --new-incident, not both."))
    return _DraftPlace(incident, new_incident, not_before)


async def _drafted(
    service: WatchContext, person: Person, wishes: DraftRequest, place: _DraftPlace
) -> AlertView:
    return await writing.draft(
        service,
        person,
        wishes,
        incident=place.incident,
        new_incident=place.new_incident,
        not_before=place.not_before,
    )


def new(
    context: typer.Context,
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar=_("[KIND]"),
            help=_("See `alertbot kinds`; asked without."),
            autocompletion=offered("kinds"),
        ),
    ] = None,
    sets: Sets = None,
    vars_file: Vars = None,
    lang: Langs = None,
    channel: Channels = None,
    accept: Accepts = None,
    exercise: Exercise = False,
    incident: InIncident = None,
    new_incident: IsNew = False,
    not_before: NotBefore = None,
    plain: Annotated[
        bool,
        typer.Option("--plain", help=_("Ask in plain lines, without a menu; good for screen readers.")),
    ] = False,
    token_file: TokenFile = None,
) -> None:
    if not forms.at_terminal():
        raise Misuse(
            _(
                "`alertbot new` asks its questions at a terminal, and this is none. Give the values instead: alertbot"
                " draft KIND --vars FILE, or --set FIELD=VALUE; `alertbot kinds KIND --form` prints such a file."
            )
        )
    place = _place(incident, new_incident, not_before)
    given = field_values(sets, vars_file)
    wishes = _wishes(kind, given, lang, channel, accept, exercise=exercise)
    _guided(context, _asker(plain=plain), wishes, place, token_file)


def _wishes(
    kind: str | None,
    given: RawValues,
    lang: list[str] | None,
    channel: list[str] | None,
    accept: list[str] | None,
    *,
    exercise: bool,
) -> DraftRequest:
    accepted = split_pairs(accept, "--accept")
    languages, channels = tuple(lang or ()), tuple(channel or ())
    return DraftRequest(kind or "", given, languages, channels, accepted, exercise=exercise)


def _guided(
    context: typer.Context,
    ask: Ask,
    wishes: DraftRequest,
    place: _DraftPlace,
    token_file: Path | None,
) -> None:
    """Ask for an alert, draft it, and offer to submit it."""
    view = _written(context, ask, wishes, place, token_file)
    _offer_to_submit(context, ask, view, token_file)


def _asker(*, plain: bool = False) -> Ask:
    if plain or not questions.can_draw():
        return questions.ask_plainly
    from alertbot.cli.writing import asking  # its library takes long to load

    return asking.ask


def _written(
    context: typer.Context,
    ask: Ask,
    wishes: DraftRequest,
    place: _DraftPlace,
    token_file: Path | None,
) -> AlertView:
    """Ask, then draft. Raises `Refused` where the person stops; what they typed is kept."""
    desk = act(context, _desk, token_file)
    facts.use(desk.region)
    language.use(desk.publisher.folders)
    writer: Composer | None = None
    try:
        wishes = wishes if wishes.kind else replace(wishes, kind=composer.kind_of(ask, desk.publisher))
        kind = load_kind(desk.publisher, wishes.kind)
        place, last = _joined(ask, desk, wishes, place)
        writer = Composer(ask, desk.publisher, kind, wishes, last.values if last else {})
        wishes = replace(wishes, given=writer.run())
    except (KeyboardInterrupt, EOFError):
        say("")
        if writer is None or writer.file is None:
            raise Refused(_("Stopped; nothing had been typed, and nothing was done.")) from None
        raise Refused(f"{_('Stopped; no alert was written.')} {_kept(writer, place)}") from None
    say("")
    view = _saved(context, writer, wishes, place, token_file)
    report(view, _("Drafted {id} ({kind}).").format(id=view.id, kind=view.kind), as_json=False)
    return view


def _saved(
    context: typer.Context,
    writer: Composer,
    wishes: DraftRequest,
    place: _DraftPlace,
    token_file: Path | None,
) -> AlertView:
    """Draft what was typed. Where that fails, the file with it is kept, and the person told."""
    try:
        view = act(
            context, lambda service, person: _drafted(service, person, wishes, place), token_file
        )
    except KeyboardInterrupt:
        sentence = _(
            "Interrupted while the alert was being saved; `alertbot incident list` shows whether it was."
        )
        raise Refused(f"{sentence} {_kept(writer, place)}".rstrip()) from None
    except AlertbotError:
        print(_kept(writer, place), file=sys.stderr)
        raise
    if writer.file:
        writer.file.unlink(missing_ok=True)
    return view


def _kept(writer: Composer, place: _DraftPlace) -> str:
    """Where what was typed is kept; empty if nothing was."""
    if writer.file is None:
        return ""
    beside = f" --incident {place.incident}" if place.incident else ""
    return _(
        "What you typed is kept in {path}. Go on with: alertbot new {kind} --vars {path}{beside}"
    ).format(path=writer.file, kind=writer.kind.name, beside=beside)


@dataclass(frozen=True, slots=True)
class _WritingDesk:
    """What writing an alert starts from."""

    publisher: Publisher
    incidents: tuple[JoinableIncident, ...]
    region: Region


async def _desk(service: WatchContext, person: Person) -> _WritingDesk:
    require_role("draft", person)
    return _WritingDesk(service.publisher, await area.joinable(service), facts.in_force())


def _joined(
    ask: Ask, desk: _WritingDesk, wishes: DraftRequest, place: _DraftPlace
) -> tuple[_DraftPlace, JoinableIncident | None]:
    """Where the alert belongs, and the incident that it joins, if that is known."""
    if place.incident:
        wanted = place.incident.strip().upper()
        return place, next((one for one in desk.incidents if one.id == wanted), None)
    if place.new_incident or wishes.exercise or not desk.incidents:
        return place, None
    chosen = composer.incident_of(ask, desk.incidents)
    if chosen is None:
        return replace(place, new_incident=True), None
    return replace(place, incident=chosen.id), chosen


def _offer_to_submit(
    context: typer.Context, ask: Ask, view: AlertView, token_file: Path | None
) -> None:
    """Show the draft as the public will see it, then submit, edit or leave it, as the person says."""
    kept = _("{id} is kept as a draft; nothing goes out. Go on with: alertbot submit {id}").format(
        id=view.id
    )
    sound = not view.faults
    while True:
        alerts.show(context, view.id, no_pager=True, token_file=token_file)
        label = (
            _("Submit {id}? Enter: yes; e: edit it; n: leave it as a draft")
            if sound
            else _("Put {id} right? Enter: open the editor; n: leave it as a draft")
        )
        try:
            answer = ask(Question(label.format(id=view.id), _yes_or_no)).casefold()
        except (KeyboardInterrupt, EOFError):
            say("")
            answer = "n"
        if answer == "n":
            say(kept)
            return
        if not answer and sound:
            alerts.submit(context, view.id, token_file=token_file)
            return
        try:
            alerts.edit(context, view.id, token_file=token_file)
        except Misuse as nothing:  # changed, or no editor
            say(str(nothing))
        sound = True  # what still stops it, `submit` says


def _yes_or_no(text: str) -> Judged:
    if text.casefold() in ("", "e", "n"):
        return Judged()
    return Judged(_("Press Enter, or type e or n."))
