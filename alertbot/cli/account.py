"""Who a person is at the command line: login, logout, whoami."""

import os
import sys
from dataclasses import replace
from getpass import getpass
from pathlib import Path

import typer

from alertbot.cli import kept
from alertbot.cli.frame import AsJson, TokenFile, emit, say, session
from alertbot.cli.kept import Login
from alertbot.cli.running import read
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.people import accounts
from alertbot.people.views import PersonView


def login(context: typer.Context, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    here = session(context)
    token = _token(context, token_file)
    person = read(context, lambda service: accounts.whoami(service, token))
    known = kept.logins()
    path = kept.keep_logins(
        replace(known, by_place={**known.by_place, here.place: Login(person.name, token)})
    )
    said = _("You are {name} ({roles}) at {place} from now on. Kept for you alone in {path}.")
    say(
        said.format(name=person.name, roles=", ".join(person.roles), place=here.place, path=path),
        as_json,
    )
    if as_json:
        emit(_who(person, here.place, str(path)))


def _token(context: typer.Context, token_file: Path | None) -> str:
    """The token to keep: of the file, of the variable, or typed without being shown."""
    here = session(context)
    if token_file or here.token_file or os.environ.get("ALERTBOT_TOKEN"):
        found = here.token(token_file)
    elif sys.stdin.isatty():
        found = getpass(_("Your token (it is not shown): ")).strip()
    else:
        raise Misuse(
            _(
                "Give your token: alertbot login --token-file FILE, or run it at a terminal, where it asks."
            )
        )
    if not found:
        raise Misuse(_("No token was given; nothing was kept."))
    return found


def logout(context: typer.Context, as_json: AsJson = False) -> None:
    here, known = session(context), kept.logins()
    gone = known.by_place.get(here.place)
    if gone is not None:
        left = {place: one for place, one in known.by_place.items() if place != here.place}
        kept.keep_logins(replace(known, by_place=left))
        said = _(
            "You are no longer {name} at {place} on this account. The token itself still works elsewhere; `alertbot"
            " people rotate {name}` ends it."
        )
        say(said.format(name=gone.name, place=here.place), as_json)
    else:
        say(_("Nobody is logged in at {place} on this account.").format(place=here.place), as_json)
    if as_json:
        emit({"name": gone.name if gone else None, "place": here.place})


def whoami(context: typer.Context, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    here = session(context)
    token, where = here.token(token_file), here.token_from(token_file)
    person = read(context, lambda service: accounts.whoami(service, token))
    if as_json:
        emit(_who(person, here.place, where))
        return
    said = _("You are {name} ({roles}) at {place}; your token is from {where}.")
    roles = ", ".join(person.roles)
    say(said.format(name=person.name, roles=roles, place=here.place, where=where))


def _who(person: PersonView, place: str, where: str) -> dict[str, object]:
    return {"person": person, "place": place, "token_from": where}
