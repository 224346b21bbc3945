"""The command line: one small file per group of commands.

Start-up is a feature, so only the file of the command at hand is loaded; all of them for `--help`.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from alertbot import __version__
from alertbot.cli.frame import Session, TokenFile, complain, emit
from alertbot.errors import AlertbotError, safe
from alertbot.words import _

GROUPS = {
    "composing": ("preview", "kinds"),
    "alerts": ("draft", "edit", "show", "submit", "discard", "record", "test-send"),
    "approving": ("approve", "return", "reject", "countersign"),
    "publishing": ("run", "status", "deliveries", "halt", "resume", "settle"),
    "people": ("people",),
    "auditing": ("audit",),
    "setting_up": ("init", "check", "config", "db"),
    "rehearsing": ("sandbox", "demo"),
}
VALUED = ("--config", "--token-file")  # options of the root that take a value

app = typer.Typer(
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
            metavar="FILE", help=_("The configuration, else $ALERTBOT_CONFIG, else ./config.yaml.")
        ),
    ] = None,
    token_file: TokenFile = None,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help=_("Print the version."))
    ] = False,
) -> None:
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
        import_module(f"alertbot.cli.{group}").register(app)


def main() -> None:
    """Run one command and leave with its exit code: 0 done, 1 refused, 2 misuse, 3 partly delivered."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; answers its exit code. Never a traceback (unless ALERTBOT_DEBUG is set)."""
    load(command_named(arguments))
    try:
        typer.main.get_command(app).main(arguments, prog_name="alertbot")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except AlertbotError as error:
        return _fail(error, "--json" in arguments)
    except Exception as error:  # noqa: BLE001 - the last net: a sentence, never a traceback
        return _unexpected(error)
    return 0


def _fail(error: AlertbotError, as_json: bool) -> int:
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
        emit({"error": str(error), "faults": faults})
    return error.exit_code


def _unexpected(error: Exception) -> int:
    if os.environ.get("ALERTBOT_DEBUG"):
        raise error
    sentence = _(
        "something unexpected happened ({error}). Set ALERTBOT_DEBUG=1 to see where, and tell the developers."
    ).format(error=safe(f"{type(error).__name__}: {error}"))
    print(f"alertbot: {sentence}", file=sys.stderr)
    return 2
