"""Write `docs/reference/commands.md` from the commands themselves: `make docs`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["LANGUAGE"] = "en"  # before the words are loaded

from alertbot import cli

PAGE = Path(__file__).parent / "reference" / "commands.md"
HEAD = """# Commands

Generated from the program by `make docs`; the test suite fails if it is out of date.

`alertbot [--config FILE] [--server ADDRESS] [--token-file FILE] [--log-level LEVEL] COMMAND …`. The configuration is `--config`, else
`$ALERTBOT_CONFIG`, else `./config.yaml`. Your token comes from the file given with `--token-file`, else from
`ALERTBOT_TOKEN`, else from `alertbot login`. With `--server`, `$ALERTBOT_SERVER` or a login at a server, and without a
configuration, commands ask [the desk of a service](../how-to/from-a-laptop.md). With `--json` exactly one JSON document is printed on stdout; messages go to stderr. Messages are in
English or French, depending on your locale (`LANG`, `LC_ALL`). Logs go to stderr: readable lines in a terminal,
otherwise one JSON object per line. The log level is `--log-level`, else `$ALERTBOT_LOG`, else `info`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | refused by a rule; nothing was changed |
| 2 | usage, configuration or database |
| 3 | delivered in part: something failed, is uncertain or still waits |
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(
        _section(f"alertbot {name}", command) for name, command in _walk(cli.commands())
    )


def _walk(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name in group.listing:
        command = group.get_command(None, name)
        yield prefix + name, command
        if hasattr(command, "listing"):
            yield from _walk(command, f"{prefix}{name} ")


def _section(name: str, command: Any) -> str:
    words = [f"\n## `{name}`\n", f"{command.help}\n"]
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        words += ["| argument or option | what it does |\n|---|---|", *rows, ""]
    if command.epilog:
        words += [f"{command.epilog.replace('Example: ', 'Example: `', 1)}`\n"]
    return "\n".join(words)


def _row(parameter: Any) -> str:
    shown = (
        " ".join(parameter.opts)
        if parameter.opts[0].startswith("-")
        else str(parameter.metavar or parameter.name)
    )
    metavar = f" {parameter.metavar}" if parameter.metavar and parameter.opts[0].startswith("-") else ""
    return f"| `{shown}{metavar}` | {(parameter.help or '').replace('|', '/')} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
