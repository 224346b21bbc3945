"""Completing a line in a shell: what a person may type next. What it offers beside commands and options is in
`offers`, which is loaded only where it is asked for."""

from collections.abc import Sequence
from typing import Annotated

import typer
from typer._click.shell_completion import CompletionItem, _resolve_context, _resolve_incomplete

from alertbot.cli.frame import AsJson, emit
from alertbot.cli.parsing import Group
from alertbot.core.errors import Misuse, one_line
from alertbot.core.words import _

MOST = 60  # of what is offered at once
LONGEST_HINT = 70

BASH = """_alertbot_completion() {
    local IFS=$'\\n'
    COMPREPLY=($(_ALERTBOT_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _alertbot_completion alertbot
"""
ZSH = """#compdef alertbot
_alertbot() {
    local -a found
    found=("${(@f)$(_ALERTBOT_COMPLETE=zsh "${words[1]}" "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then _describe alertbot found; else _files; fi
}
if [[ "${funcstack[1]}" = _alertbot ]]; then _alertbot "$@"; else compdef _alertbot alertbot; fi
"""
FISH = """function __alertbot_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l found (env _ALERTBOT_COMPLETE=fish $words[1] $words[2..-1] "$last" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$last"
    end
end
complete --command alertbot --no-files --arguments '(__alertbot_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(
    shell: Annotated[str, typer.Argument(metavar=_("SHELL"), help=_("bash, zsh or fish."))],
    as_json: AsJson = False,
) -> None:
    script = SCRIPTS.get(shell)
    if script is None:
        raise Misuse(
            _("There is no completion for '{shell}'; there is one for {known}.").format(
                shell=shell[:40], known=", ".join(SCRIPTS)
            )
        )
    emit({"shell": shell, "script": script}) if as_json else print(script, end="")


def answer(root: Group, shell: str, arguments: Sequence[str]) -> None:
    """Print what may stand in the place of the last argument, one line each, as this shell reads it."""
    *before, incomplete = arguments or [""]
    context = _resolve_context(root, {}, "alertbot", list(before))
    if isinstance(context.command, Group) and context._protected_args:
        return  # no such command
    asked, rest = _resolve_incomplete(context, list(before), incomplete)
    for one in asked.shell_complete(context, rest)[:MOST]:
        if one.type == "plain":
            print(_line(shell, one))


def _line(shell: str, one: CompletionItem) -> str:
    value, hint = str(one.value), one_line(one.help or "")[:LONGEST_HINT]
    if shell == "zsh":
        return value.replace(":", "\\:") + (f":{hint}" if hint else "")
    return f"{value}\t{hint}" if shell == "fish" and hint else value
