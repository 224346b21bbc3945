"""Countries: regions list, show, confirm."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from alertbot.cli.frame import AsJson, TokenFile, emit, say
from alertbot.cli.running import act, at_home, read
from alertbot.core.words import _, language
from alertbot.people import confirming
from alertbot.regions import packs
from alertbot.regions.facts import in_force
from alertbot.regions.views import ConfirmationView, RegionLine, RegionView

Code = Annotated[
    str,
    typer.Argument(metavar=_("CODE"), help=_("The country's code, as `alertbot regions list` has it.")),
]


def list_regions(context: typer.Context, as_json: AsJson = False) -> None:
    messages, confirmation = _here(context)
    used = in_force()
    lines = [_line(code, messages, used.code, confirmation) for code in packs.codes(messages)]
    if as_json:
        emit(lines)
        return
    for line in lines:
        say(_in_words(line))


def show(context: typer.Context, code: Code, as_json: AsJson = False) -> None:
    messages, _confirmation = _here(context, database=False)
    view = packs.view(packs.load(code.strip().upper(), messages), language())
    if as_json:
        emit(view)
        return
    for line in _facts(view):
        say(line)


def confirm(
    context: typer.Context, code: Code, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    done = act(context, lambda service, actor: confirming.confirm(service, actor, code), token_file)
    said = _("{name} has confirmed the facts of the country pack {region} as they are now.")
    say(said.format(name=done.by, region=done.region), as_json)
    if as_json:
        emit(done)


def _here(
    context: typer.Context, *, database: bool = True
) -> tuple[Path | None, ConfirmationView | None]:
    """The team's own messages folder, and who confirmed the pack in force; neither without a configuration."""
    app = at_home(context)
    if app is None:
        return None, None
    config = app.config
    known = database and config.database_exists()
    found = (
        read(context, lambda service: service.database.read(confirming.confirmed)) if known else None
    )
    return config.messages_folder, found


def _line(
    code: str, messages: Path | None, used: str, confirmation: ConfirmationView | None
) -> RegionLine:
    region = packs.load(code, messages)
    return RegionLine(
        code=code,
        name=region.name_in(language()),
        shipped=region.folder.parent == packs.shipped(),
        in_force=code == used,
        confirmed_by=confirmation.by if confirmation and code == used else None,
    )


def _in_words(line: RegionLine) -> str:
    about = [] if line.shipped else [_("your own")]
    if line.in_force:
        about.append(_("in force"))
    if line.confirmed_by:
        about.append(_("confirmed by {name}").format(name=line.confirmed_by))
    return f"{line.code}  {line.name}" + (f"  ({', '.join(about)})" if about else "")


def _facts(view: RegionView) -> Iterator[str]:
    yield f"{view.code}  {view.name}  ({view.folder})"
    yield _("Time zone: {zone}. Languages: {languages}. Calls abroad begin with: {prefix}").format(
        zone=view.zone, languages=", ".join(view.languages), prefix=view.international or "–"
    )
    yield ""
    yield _("Short numbers (* emergency) and what they reach:")
    for one in view.short:
        mark = "*" if one.emergency else " "
        yield f"  {mark} {one.number:<7} {one.reaches}  [{', '.join(one.sources)}]"
    yield _("Services, and the number each replaces:")
    for service in view.services:
        yield f"    {service.key}: {service.name} {service.replaces}".rstrip()
    yield _("For people who cannot speak or hear:")
    for line in view.relay or (_("none is known; texts say nothing of it"),):
        yield f"    {line}"
    if view.relay_sources:
        yield f"    [{', '.join(view.relay_sources)}]"
    yield _("Numbers reserved for fiction begin with: {starts}").format(
        starts=", ".join(view.fiction) or "–"
    )
    yield _("Territories: {count}").format(count=view.territories)
    yield _("Codes of the territories in other lists (geocodes.csv): {lists}").format(
        lists=", ".join(view.geocodes) or "–"
    )
    yield _("Sources, with the day they were read:")
    for source in view.sources:
        yield f"    {source.key} ({source.read}): {source.title}  {source.url}"
        if source.note:
            yield f"      {source.note}"
