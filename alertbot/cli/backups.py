"""What leaves the database for a file: db backup, db restore, db compact; archive."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from alertbot.cli.frame import AsJson, TokenFile, console, emit, say, session
from alertbot.cli.running import act
from alertbot.config.partly import database_settings
from alertbot.core.errors import Misuse, safe
from alertbot.core.words import _, ngettext
from alertbot.db.backup import Told
from alertbot.ops import archive, backup
from alertbot.ops.backup import RestoredView

T = TypeVar("T")
PAGE_BYTES = 4096  # SQLite's usual page; only for the bar


def save(
    context: typer.Context,
    to: Annotated[
        Path,
        typer.Argument(metavar=_("FILE"), help=_("A new file, or a folder for one named by time.")),
    ],
    as_json: AsJson = False,
) -> None:
    done = _with_bar(context, lambda url, told: backup.save(url, to, told, _clock))
    sentence = _(
        "Copied to {path}: {mb} MB, {rows} rows of the audit. Its head, to keep elsewhere: {rows} {head}"
    )
    say(
        sentence.format(path=done.path, mb=round(done.size / 1e6, 1), rows=done.rows, head=done.head),
        as_json,
    )
    if as_json:
        emit(done)


def compact(context: typer.Context, as_json: AsJson = False) -> None:
    url = database_settings(session(context).config_path()).database_url
    done = asyncio.run(backup.compact(url))
    sentence = _("{path} was written anew: {before} MB before, {after} MB now.")
    before, after = (round(size / 1e6, 1) for size in (done.before, done.after))
    say(sentence.format(path=done.database, before=before, after=after), as_json)
    if not done.clean:
        say(
            _(
                "Somebody still reads what was there before, so its side file holds it until they have ended: run this again"
                " then."
            ),
            as_json,
        )
    say(_("Earlier backups and copies of its disk are as they were."), as_json)
    if as_json:
        emit(done)


def restore(
    context: typer.Context,
    copied: Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("A copy made by `db backup`."))],
    as_json: AsJson = False,
) -> None:
    done = _with_bar(context, lambda url, told: backup.restore(url, copied, told, _clock))
    say(
        _("Restored {path} from {copied}.").format(path=done.database, copied=done.copied.path), as_json
    )
    if done.aside:
        say(_("What stood there before is now {path}.").format(path=done.aside), as_json)
    say(_whom_to_leave_alone(done), as_json)
    for line in _what_next():
        say(line, as_json)
    if as_json:
        emit(done)


def archive_(
    context: typer.Context,
    before: Annotated[
        str,
        typer.Option(
            "--before", metavar=_("DAY"), help=_("Only what was over before this day: 2026-06-02.")
        ),
    ],
    to: Annotated[
        Path,
        typer.Option("--to", metavar=_("DIR"), help=_("Folder for the files.")),
    ] = Path("archive"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=_("Only show what would be archived."))
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    day = day_of(before)
    done = act(
        context,
        lambda service, actor: archive.archive(service, actor, day, to, dry_run=dry_run),
        token_file,
    )
    for moved in done.archived:
        sentence = (
            _("{alert}: {n} deliveries would be archived.")
            if moved.file is None
            else _("{alert}: {n} deliveries are in {file}.")
        )
        said = sentence.format(alert=moved.alert, n=moved.deliveries, file=moved.file)
        say(said, as_json)
    for stays in done.stays:
        say(_("{alert} stays: {why}.").format(alert=stays.alert, why=stays.why), as_json)
    if not done.archived:
        say(_("There is nothing to archive."), as_json)
    elif not dry_run:
        say(_("Keep the files. To check one: `alertbot audit verify --archive FILE`."), as_json)
    if as_json:
        emit(done)


def day_of(text: str) -> date:
    """A day as it is typed. Raises `Misuse`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        sentence = _("'{day}' is not a day; write it like 2026-06-02.")
        raise Misuse(sentence.format(day=safe(text[:40]))) from None


def _whom_to_leave_alone(done: RestoredView) -> str:
    if done.left_alone is None:
        return _(
            "Who unsubscribed or was erased after the copy was made is NOT known in it: before you resume, do it again, for"
            " those who were erased with `alertbot recipients erase --keys FILE` from a list that you kept."
        )
    sentence = ngettext(
        "{n} address that is not to be written to was taken over from what stood there before; the worker erases again who"
        " had asked for it.",
        "{n} addresses that are not to be written to were taken over from what stood there before; the worker erases again"
        " who had asked for it.",
        done.left_alone,
    )
    return sentence.format(n=done.left_alone)


def _what_next() -> tuple[str, ...]:
    return (
        _("Everything is halted, because what was sent after the copy was made still waits in it:"),
        _("  1. `alertbot status` lists what waits. Look on each platform whether it is already out."),
        _(
            "  2. Halt each alert that is out (`alertbot halt ALERT`) and note where: `alertbot record ALERT …`."
        ),
        _("  3. `alertbot resume`, and start the worker. Alerts that you halted stay halted."),
    )


def _clock() -> datetime:
    return datetime.now(UTC)


def _with_bar(context: typer.Context, work: Callable[[str, Told], Coroutine[Any, Any, T]]) -> T:
    """Needs only the database's address, whatever else is wrong in the configuration."""
    url = database_settings(session(context).config_path()).database_url
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    where = console(as_json=True)
    with Progress(*columns, console=where, transient=True, disable=not where.is_terminal) as progress:
        bar = progress.add_task(_("copying"), total=None)

        def told(done: int, pages: int) -> None:
            progress.update(bar, completed=done * PAGE_BYTES, total=pages * PAGE_BYTES)

        return asyncio.run(work(url, told))
