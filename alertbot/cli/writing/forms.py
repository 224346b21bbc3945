"""Values in a file that a person edits: $VISUAL or $EDITOR, faults at their line, and nothing typed that is lost."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from alertbot.alerts.compose import read_values, text_of
from alertbot.alerts.views import OpenedAlert
from alertbot.cli.frame import complain
from alertbot.cli.tables import paging
from alertbot.core.errors import AlertbotError, ConfigInvalid, Faulty, Misuse
from alertbot.core.model import Fault, RawValues
from alertbot.core.words import _
from alertbot.texts.fields import form
from alertbot.texts.kinds.kind_spec import in_words

T = TypeVar("T")
STDERR = 2  # where an editor talks while stdout belongs to a document


def at_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def kept(name: str, text: str) -> Path:
    """A file of the person's own (0600) with what was typed, where it outlasts this program."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = state / "alertbot"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(".yaml", f"{name}-", folder)
    except OSError:  # a service's user has no home that it may write to
        handle, path = tempfile.mkstemp(".yaml", f"alertbot-{name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(path)


def edited(opened: OpenedAlert, save: Callable[[RawValues], T], *, quiet: bool) -> T:
    """Open the alert's values in the person's editor and `save` what changed. Where that is refused, the file is
    kept and, at a terminal, can be opened again. `quiet`: stdout belongs to a document. Raises `Misuse` if nothing
    changed or no editor can be started."""
    kind = opened.kind
    title = _("{alert}, {kind}").format(alert=opened.id, kind=in_words(kind.title))
    before = form.written(kind, opened.values, opened.languages, title=title)
    path = kept(opened.id, before)
    while True:
        try:
            _open_editor(path, quiet=quiet)
            result = _saved(path, before, opened, save)
        except AlertbotError as error:
            if form.bare(text_of(path)) == before:
                path.unlink()
                raise
            told = _at_its_line(path, error)
            if isinstance(error, Faulty | ConfigInvalid) and _again(path, told):
                continue
            _say_kept(path, opened.id)
            raise told from None
        path.unlink()
        return result


def _saved(path: Path, before: str, opened: OpenedAlert, save: Callable[[RawValues], T]) -> T:
    after = read_values(form.bare(text_of(path)), str(path))
    changes = form.changed(read_values(before, ""), after)
    if not changes:
        path.write_text(before, encoding="utf-8")
        raise Misuse(_("Nothing changed in {alert}.").format(alert=opened.id))
    return save(changes)


def _at_its_line(path: Path, error: AlertbotError) -> AlertbotError:
    """The error with the line of each fault; the lines are marked in the file."""
    if not isinstance(error, Faulty):
        return error
    text = form.bare(text_of(path))
    lines = form.with_lines(text, error.faults)
    path.write_text(form.annotated(text, lines), encoding="utf-8")
    found = [
        _placed(one, line)
        for line, words in lines.items()
        for one in error.faults
        if one.message in words
    ]
    return Faulty(str(error), found, error.contradictions)


def _placed(fault: Fault, line: int) -> Fault:
    if not line:
        return fault
    said = _("line {line}: {fault}").format(line=line, fault=fault.message)
    return replace(fault, message=said)


def _again(path: Path, error: AlertbotError) -> bool:
    """Whether the person at the terminal wants to open the file again."""
    if not at_terminal():
        return False
    complain(error)
    try:
        print(_("Open {path} again? Enter: yes; n: no").format(path=path), end=" ", flush=True)
        return not input().strip().lower().startswith("n")
    except (EOFError, KeyboardInterrupt):
        print()
        return False


def _say_kept(path: Path, alert: str) -> None:
    said = _("What you typed is kept in {path}. To try it again: alertbot edit {alert} --vars {path}")
    print(said.format(path=path, alert=alert), file=sys.stderr)


def _open_editor(path: Path, *, quiet: bool) -> None:
    """Raises `Misuse` if no editor can be started, or if it fails."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    to_stderr = quiet or not sys.stdout.isatty()
    try:
        command: Sequence[str] = [*shlex.split(editor), str(path)]
        with paging.undisturbed():
            subprocess.run(command, check=True, stdout=STDERR if to_stderr else None)  # noqa: S603
    except (OSError, subprocess.CalledProcessError, ValueError):
        raise Misuse(
            _("The editor '{editor}' failed; nothing was changed. Set $EDITOR, or use --set.").format(
                editor=editor
            )
        ) from None
