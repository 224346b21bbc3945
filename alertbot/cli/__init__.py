"""The command line: one small file per group of commands.

Start-up is a feature, so only the file of the command at hand is loaded; all of them for `--help`.
"""

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from alertbot import __version__
from alertbot.cli.frame import Session, TokenFile, complain, emit
from alertbot.cli.typer_words import App, in_words, install
from alertbot.errors import AlertbotError, Misuse, Refused, safe
from alertbot.words import _

GROUPS = {
    "composing": ("preview", "kinds"),
    "alerts": ("draft", "edit", "show", "submit", "discard", "record", "test-send"),
    "following": ("update", "correct", "end"),
    "taking_back": ("withdraw", "retract", "cancel"),
    "incidents": ("incident",),
    "approving": ("approve", "return", "reject", "countersign"),
    "rules": ("rules",),
    "serving": ("serve",),
    "signals": ("signals", "decisions"),
    "publishing": ("run", "status", "deliveries", "halt", "resume", "settle"),
    "numbers": ("numbers",),
    "people": ("people",),
    "tasks": ("task",),
    "auditing": ("audit",),
    "setting_up": ("init", "check", "config", "db"),
    "rehearsing": ("sandbox", "demo"),
    "replaying": ("replay",),
}
VALUED = ("--config", "--token-file", "--log-level")  # options of the root that take a value

_loaded: set[str] = set()  # groups whose commands are registered

app = App(
    name="alertbot",
    help=_(
        "Tell the public, on every channel, in every language: composed once, approved by two people,"
        " published everywhere, and provable afterwards."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"alertbot {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar=_("FILE"), help=_("The configuration, else $ALERTBOT_CONFIG, else ./config.yaml.")
        ),
    ] = None,
    token_file: TokenFile = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            metavar=_("LEVEL"),
            help=_(
                "What is logged on stderr: debug, info, warning, error; else $ALERTBOT_LOG, else info."
            ),
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help=_("Print the version."))
    ] = False,
) -> None:
    from alertbot import logs

    logs.set_up(log_level)
    context.obj = Session(config, token_file)


def command_named(arguments: list[str]) -> str | None:
    """The first word that is neither a root option nor its value."""
    words = iter(arguments)
    for word in words:
        if word in VALUED:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def load(command: str | None) -> None:
    """Import the file that holds this command, or every file where it is unknown."""
    wanted = [group for group, names in GROUPS.items() if command in names] or list(GROUPS)
    for group in wanted:
        if group not in _loaded:
            import_module(f"alertbot.cli.{group}").register(app)
            _loaded.add(group)


def main() -> None:
    """Run one command and leave with its exit code: 0 done, 1 refused, 2 misuse, 3 partly delivered."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an ASCII terminal shows a ? rather than nothing
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: `alertbot deliveries | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; answers its exit code. Never a traceback (unless ALERTBOT_DEBUG is set)."""
    as_json = "--json" in arguments
    install()
    load(command_named(arguments))
    try:
        code = typer.main.get_command(app).main(arguments, prog_name="alertbot", standalone_mode=False)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except AlertbotError as error:
        return fail(error, as_json)
    except typer.Abort:
        return fail(Refused(_("Stopped before the end; nothing was done.")), as_json)
    except UnicodeEncodeError:
        return fail(Misuse(_("An argument holds bytes that are no text; type it anew.")), as_json)
    except Exception as error:  # noqa: BLE001 - the last net: a sentence, never a traceback
        return fail(_misused(error) or _unexpected(error), as_json)
    return code if isinstance(code, int) else 0


def fail(error: AlertbotError, as_json: bool) -> int:
    """Say what went wrong: words on stderr, and one document on stdout where one was asked for."""
    complain(error)
    if as_json:
        faults = [
            {
                "rule": f.rule,
                "field": f.field,
                "channel": f.channel,
                "lang": f.lang,
                "message": f.message,
            }
            for f in getattr(error, "faults", ())
        ]
        beside = getattr(error, "contradictions", ())
        more = {"contradictions": list(beside)} if beside else {}
        emit({"error": str(error), "faults": faults, **more})
    return error.exit_code


def _misused(error: Exception) -> Misuse | None:
    """What the parser of the command line says, in one sentence; None for any other error."""
    said = getattr(error, "format_message", None)
    if said is None:
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "alertbot"
    if type(error).__name__ == "NoArgsIsHelpError":
        return Misuse(said() or _("Say what to do: {command} --help").format(command=command))
    return Misuse(_("{what}. See `{command} --help`.").format(what=in_words(said()), command=command))


def _unexpected(error: Exception) -> AlertbotError:
    if os.environ.get("ALERTBOT_DEBUG"):
        raise error
    return Misuse(
        _(
            "something unexpected happened ({error}). Set ALERTBOT_DEBUG=1 to see where, and tell the"
            " developers."
        ).format(error=safe(f"{type(error).__name__}: {error}"))
    )
