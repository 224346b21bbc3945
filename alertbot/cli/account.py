"""Who a person is at the command line: login, logout, whoami; at a configuration, or at a server."""

import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from getpass import getpass
from pathlib import Path
from typing import Any

import typer

from alertbot.cli import kept
from alertbot.cli.frame import AsJson, TokenFile, emit, say, session
from alertbot.cli.kept import Login
from alertbot.cli.remote.server import Server
from alertbot.cli.running import read
from alertbot.core.errors import Misuse, Refused
from alertbot.core.json import Json
from alertbot.core.words import _
from alertbot.people import accounts

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = "read draft submit approve"
SLOWER_SECONDS = 5


def login(context: typer.Context, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    here = session(context)
    server = here.server
    given = token_file or here.token_file or os.environ.get("ALERTBOT_TOKEN")
    token = _by_device(server) if server and not given else _token(context, token_file)
    person = _person(context, token)
    known = kept.logins()
    path = kept.keep_logins(
        replace(
            known,
            by_place={**known.by_place, here.place: Login(str(person["name"]), token)},
            server=server or known.server,
        )
    )
    said = _("You are {name} ({roles}) at {place} from now on. Kept for you alone in {path}.")
    roles = ", ".join(person["roles"])
    say(said.format(name=person["name"], roles=roles, place=here.place, path=path), as_json)
    if as_json:
        emit({"person": person, "place": here.place, "token_from": str(path)})


def _person(context: typer.Context, token: str | None) -> Mapping[str, Any]:
    """Who has this token. Raises `Refused` for one that does not count."""
    server = session(context).server
    if server is not None:
        found: Mapping[str, Any] = Server(server, token).get(Mapping[str, Any], "/me")
        return found
    view = read(context, lambda service: accounts.whoami(service, token))
    return {"name": view.name, "roles": list(view.roles)}


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


def _by_device(url: str) -> str:
    """A token that the person gives this machine on the desk: they sign in there and type the code shown here."""
    server, machine = Server(url, None), f"alertbot, {platform.node()}"[:100]
    status, asked = server.form("/device", {"scope": SCOPES, "machine": machine})
    if status != 200:
        raise Refused(str(asked.get("error_description") or asked.get("detail")))
    page, code = asked["verification_uri"], asked["user_code"]
    complete = asked.get("verification_uri_complete") or page
    say(
        _("Open {page}, sign in, and type this code: {code}\n(or open {complete})").format(
            page=page, code=code, complete=complete
        ),
        as_json=True,
    )
    until = time.monotonic() + _number(asked.get("expires_in"), 600)
    pause = _number(asked.get("interval"), SLOWER_SECONDS)
    while time.monotonic() < until:
        time.sleep(pause)
        form = {"grant_type": GRANT, "device_code": str(asked["device_code"])}
        status, found = server.form("/token", form)
        if status == 200:
            return str(found["access_token"])
        if found.get("error") == "slow_down":
            pause += SLOWER_SECONDS
        elif found.get("error") != "authorization_pending":
            raise Refused(str(found.get("error_description") or found.get("error")))
    raise Refused(
        _("Nobody typed the code in time. Try again: alertbot login --server {url}").format(url=url)
    )


def _number(value: Json, usual: float) -> float:
    return float(value) if isinstance(value, int | float) else usual


def logout(context: typer.Context, as_json: AsJson = False) -> None:
    here, known = session(context), kept.logins()
    place, at_server = here.place, here.server is not None  # before it is forgotten
    gone = known.by_place.get(place)
    if gone is not None:
        left = {one: login for one, login in known.by_place.items() if one != place}
        server = None if known.server == place else known.server
        kept.keep_logins(replace(known, by_place=left, server=server))
        how = (
            _("revoke it on the desk, on the page with your name")
            if at_server
            else _("`alertbot people rotate {name}` ends it").format(name=gone.name)
        )
        said = _(
            "You are no longer {name} at {place} on this account. The token itself still works elsewhere: {how}."
        )
        say(said.format(name=gone.name, place=place, how=how), as_json)
    else:
        say(_("Nobody is logged in at {place} on this account.").format(place=place), as_json)
    if as_json:
        emit({"name": gone.name if gone else None, "place": place})


def whoami(context: typer.Context, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    here = session(context)
    token, where = here.token(token_file), here.token_from(token_file)
    person = _person(context, token)
    if as_json:
        emit({"person": person, "place": here.place, "token_from": where})
        return
    said = _("You are {name} ({roles}) at {place}; your token is from {where}.")
    roles = ", ".join(person["roles"])
    say(said.format(name=person["name"], roles=roles, place=here.place, where=where))
