"""The command line. `commands` lists all commands; each is a function in a file of this folder.

Start-up must be fast, so only the file of the called command is loaded, and none for `--help`.
"""

import contextvars
import gc
import os
import sys
from contextlib import redirect_stderr, suppress
from io import TextIOWrapper
from pathlib import Path
from threading import Timer
from typing import Annotated

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError

from alertbot import __version__
from alertbot.cli.commands import COMMANDS, FIRST_STEPS, SECTIONS
from alertbot.cli.frame import Session, TokenFile, complain, emit, say
from alertbot.cli.parsing import PAGE_WIDTH, Group, install_words, load, misused, refuse_hidden
from alertbot.core import logs
from alertbot.core.errors import AlertbotError, Misuse, Refused, safe
from alertbot.core.words import _

COMPLETING = "_ALERTBOT_COMPLETE"  # set by a shell that wants a line completed, to its name
COMPLETION_SECONDS = 8.0

app = typer.Typer(
    name="alertbot",
    cls=Group,
    help=_(
        "Tell the public on every channel and in every language: written once, approved by two people,"
        " published everywhere, provable afterwards."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    options_metavar=_("[OPTIONS]"),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": PAGE_WIDTH},
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
            metavar=_("FILE"),
            help=_("Configuration file; default: $ALERTBOT_CONFIG, else ./config.yaml."),
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar=_("ADDRESS"),
            help=_(
                "Ask this desk instead of a database here: https://desk.example.org; default: $ALERTBOT_SERVER."
            ),
        ),
    ] = None,
    token_file: TokenFile = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            metavar=_("LEVEL"),
            help=_(
                "Log level on stderr: debug, info, warning or error; default: $ALERTBOT_LOG, else info."
            ),
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help=_("Print the version and exit.")
        ),
    ] = False,
) -> None:
    logs.set_up(log_level)
    context.obj = Session(config, token_file, server)


def commands() -> Group:
    """The root group with every command listed, none of them loaded."""
    root = typer.main.get_command(app)
    assert isinstance(root, Group)
    root.listing = {name: COMMANDS[name] for section in SECTIONS for name in section.names}
    root.sections, root.first_steps, root.alone = SECTIONS, FIRST_STEPS, _alone
    return root


def _alone() -> list[str]:
    """`alertbot` and nothing more: at a terminal, where something is set up, what somebody has to know first."""
    if not sys.stdout.isatty():
        return []
    here = Session(None, None)
    return ["now"] if here.config_path().exists() or here.server else []


def program() -> None:
    """Run one command and exit with its code: 0 done, 1 refused, 2 misuse, 3 partly delivered."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an ASCII terminal shows a ? rather than nothing
    if COMPLETING in os.environ:
        _leave_soon()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: `alertbot deliveries | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    gc.freeze()  # looking for garbage in all that was loaded is a quarter of a preview, and the process ends
    sys.exit(code)


def _leave_soon() -> None:
    """Nobody waits longer for a completion, whatever a database is doing."""
    leaving = Timer(COMPLETION_SECONDS, os._exit, [1])
    leaving.daemon = True
    leaving.start()


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code. Never shows a traceback (unless ALERTBOT_DEBUG is set). What the
    command sets for its task, such as the country, ends with it."""
    asked = COMPLETING in os.environ
    return contextvars.copy_context().run(_complete if asked else _run, arguments)


def _complete(arguments: list[str]) -> int:
    """Answer a shell that completes a line. Whatever fails, it prints nothing: the line belongs to a person who is
    typing."""
    install_words()
    logs.set_up("error")
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):  # noqa: PTH123 - no file
        try:
            load("completing:answer")(commands(), os.environ[COMPLETING], arguments)
        except Exception:
            if os.environ.get("ALERTBOT_DEBUG"):
                raise
            return 1  # nothing is offered; the command itself will say what is wrong
    return 0


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    install_words()
    try:
        refuse_hidden(arguments)
        code = commands().main(_server_first(arguments), prog_name="alertbot", standalone_mode=False)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except AlertbotError as error:
        return fail(error, as_json)
    except typer.Abort:
        return fail(Refused(_("Interrupted; nothing was done.")), as_json)
    except UnicodeEncodeError:
        return fail(Misuse(_("An argument contains bytes that are not text; type it again.")), as_json)
    except NoArgsIsHelpError as error:
        with suppress(BrokenPipeError):  # `alertbot | head`
            say(error.format_message(), as_json)
        return fail(misused(error), as_json)
    except ClickException as error:
        return fail(misused(error), as_json)
    except Exception as error:  # noqa: BLE001 - the last net: a sentence, never a traceback
        return fail(_unexpected(error), as_json)
    return code if isinstance(code, int) else 0


def _server_first(arguments: list[str]) -> list[str]:
    """`--server` may stand anywhere, as in `alertbot login --server ADDRESS`: no command has one of its own."""
    for at, given in enumerate(arguments):
        if given == "--":
            break
        if given == "--server" or given.startswith("--server="):
            after = at + (1 if "=" in given else 2)
            return [*arguments[at:after], *arguments[:at], *arguments[after:]]
    return arguments


def fail(error: AlertbotError, as_json: bool) -> int:
    """Report an error: a message on stderr, and one JSON document on stdout if requested."""
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


def _unexpected(error: Exception) -> AlertbotError:
    if os.environ.get("ALERTBOT_DEBUG"):
        raise error
    return Misuse(
        _(
            "unexpected error ({error}). Set ALERTBOT_DEBUG=1 to see where, and report it to the developers."
        ).format(error=safe(f"{type(error).__name__}: {error}"))
    )
