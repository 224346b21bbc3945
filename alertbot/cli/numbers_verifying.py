"""Reading numbers back: one of them, or a whole territory in one sitting (R3)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from alertbot.alerts.lists import still_public
from alertbot.cli.frame import AsJson, TokenFile, emit, say
from alertbot.cli.parsing import offered
from alertbot.cli.running import act
from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.numbers import verifying
from alertbot.numbers.rules_entry import TestCall
from alertbot.numbers.verifying import Verification
from alertbot.numbers.views import EntryToRead, NumberView, ReadingView, SittingView
from alertbot.watch.context import WatchContext

LEAVE = "q"
PARTLY = 3  # the exit code where some are still to be read back


OneEntry = Annotated[
    str | None,
    typer.Argument(
        metavar=_("[ENTRY]"),
        help=_("The entry, for example N12."),
        autocompletion=offered("entries"),
    ),
]
CallResult = Annotated[
    str | None,
    typer.Option(
        metavar="R",
        help=_("Result of the test call: answered, no-answer, busy, wrong-service or not-called."),
    ),
]


def verify(
    context: typer.Context,
    entry: OneEntry = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session", metavar=_("TERRITORY"), help=_("Verify a territory, number by number.")
        ),
    ] = None,
    digits: Annotated[
        str | None,
        typer.Option(metavar="D", help=_("The digits, typed again; asked for if not given.")),
    ] = None,
    call: CallResult = None,
    called_at: Annotated[
        str | None,
        typer.Option(
            metavar=_("TIME"), help=_("Time of the call: -10m, 18:00 or ISO 8601; default: now.")
        ),
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar=_("TEXT"), help=_("Anything worth noting."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    typed = (digits, call, called_at, note)
    require_one(entry, session, typed)
    if session is not None:
        _session(context, session, token_file, as_json)
        return
    assert entry is not None
    _one(context, entry, typed, token_file, as_json)


def require_one(entry: str | None, session: str | None, typed: tuple[str | None, ...]) -> None:
    """Raises `Misuse` unless it is one entry, or a session in which everything is asked for."""
    if (entry is None) == (session is None):
        raise Misuse(_("Give one entry, such as N12, or a territory with --session."))
    if session is not None and any(typed):
        raise Misuse(_("A session asks for each number: leave out --digits and --call."))


def _one(
    context: typer.Context,
    name: str,
    typed: tuple[str | None, ...],
    token_file: Path | None,
    as_json: bool,
) -> None:
    digits, call, called_at, note = typed

    async def work(service: WatchContext, person: Person) -> NumberView:
        asked = await verifying.open_entry(service, person, name)
        said = digits or ask(_("{row}: type its digits again").format(row=verifying.described(asked)))
        result = call or ask_call()
        return await still_public.verify(
            service, person, name, Verification(said, result, called_at, note)
        )

    tell_verified(act(context, work, token_file), as_json)


def tell_verified(view: NumberView, as_json: bool) -> None:
    """Print what was read back."""
    sentence = _("{entry} was verified by {verified_by}: {said}.")
    say(sentence.format(entry=view.entry, verified_by=view.verified_by, said=view.said), as_json)
    if as_json:
        emit(view)


def _session(context: typer.Context, query: str, token_file: Path | None, as_json: bool) -> None:
    async def work(service: WatchContext, person: Person) -> SittingView:
        reading = verifying.reading_of(await verifying.take(service, person, query))
        tell_others(reading, person.name, service.clock)
        done, asked = [], 0
        for entry, given in answers(reading, as_json):
            asked += 1
            try:
                await still_public.verify(service, person, entry.entry, given)
            except Refused as refused:
                say(f"  ✗ {refused}", as_json=True)
            else:
                done.append(entry.entry)
                tell_read(entry, as_json)
        after = await verifying.leave_all(service, person, query)
        return sitting(done, after, left=asked < len(reading.waiting))

    leave_with(act(context, work, token_file), query, as_json)


def tell_others(reading: ReadingView, person: str, clock: Callable[[datetime], str]) -> None:
    """Say who else is at it, and where."""
    for one in reading.holders:
        if one.person != person:
            told = _("{who} is reading {territory} back, until {time}: it is left out here.")
            time = clock(one.until)
            say(told.format(who=one.person, territory=one.territory, time=time), as_json=True)


def answers(reading: ReadingView, as_json: bool) -> Iterator[tuple[EntryToRead, Verification]]:
    """Ask for each number, one after the other, until the person leaves. What was said of each one is kept before the
    next is asked for."""
    for place, entry in enumerate(reading.waiting, start=reading.done + 1):
        try:
            given = _read_back(entry, place, reading.whole, as_json)
        except (typer.Abort, EOFError):
            return
        if given is None:
            return
        yield entry, given


def tell_read(entry: EntryToRead, as_json: bool) -> None:
    """Say that this one is done."""
    say("  ✓ " + _("{entry} is verified.").format(entry=entry.entry), as_json)


def sitting(done: list[str], after: ReadingView, *, left: bool) -> SittingView:
    """What came of it."""
    waiting = tuple(one.entry for one in after.waiting)
    return SittingView(
        verified=tuple(done), left=left, waiting=waiting, own=after.own, whole=after.whole
    )


def leave_with(outcome: SittingView, query: str, as_json: bool) -> None:
    """Say what came of it, and leave with 0, or 3 where some are still to be read back."""
    _tell_session(outcome, query, as_json)
    if as_json:
        emit(outcome)
    if outcome.waiting:
        raise typer.Exit(PARTLY)


def _read_back(entry: EntryToRead, place: int, whole: int, as_json: bool) -> Verification | None:
    """What the person says of this number; None to leave. The screen never shows the digits."""

    say(f"{place}/{whole}  {entry.described}", as_json)
    for source in entry.sources:
        say(f"      {source}", as_json)
    digits = ask(_("Its digits, from the source ({leave} to leave)").format(leave=LEAVE))
    if digits.strip().lower() == LEAVE:
        return None
    call = ask_call(leave=True)
    if call == LEAVE:
        return None
    note = (
        ask(_("Why it was not called, and who confirmed it")) if call == TestCall.NOT_CALLED else None
    )
    return Verification(digits, call, note=note, version=entry.version)


def ask(question: str) -> str:
    """The answer to a question at the terminal."""
    return str(typer.prompt(question, err=True))


def ask_call(*, leave: bool = False) -> str:
    """How the call went. There is no answer that is taken for pressing a key."""

    known = [str(call) for call in TestCall]
    question = _("The test call: {known}").format(known=", ".join(known))
    while True:
        answer = ask(question).strip().lower()
        if answer in known or (leave and answer == LEAVE):
            return answer


def _tell_session(outcome: SittingView, query: str, as_json: bool) -> None:
    say(
        _("Verified now: {done}. Still to verify in {query}: {waiting}.").format(
            done=len(outcome.verified), waiting=len(outcome.waiting), query=query
        ),
        as_json,
    )
    if outcome.own:
        say(
            _("You entered {names} yourself: someone else must verify them.").format(
                names=", ".join(outcome.own)
            ),
            as_json,
        )
    if outcome.waiting:
        say(_("Continue with: alertbot numbers verify --session {query}").format(query=query), as_json)
