"""What a person's own account on this machine keeps between commands: the last alert, and whom they act as.

Both files are for their owner alone. The last alert is a convenience: whatever is wrong with its file, it is as if there
were none. A login decides who acts: whatever is wrong with its file is said."""

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from alertbot.core.errors import Misuse
from alertbot.core.words import _

OTHERS = stat.S_IRWXG | stat.S_IRWXO
MOST_PLACES = 200  # configurations and servers whose last alert is kept


def _folder(variable: str, usual: str) -> Path:
    """A folder of the XDG base directory specification; a relative one does not count, as it says."""
    given = Path(os.environ.get(variable) or "")
    return (given if given.is_absolute() else Path.home() / usual) / "alertbot"


# --- the last alert -------------------------------------------------------------------------------


def last_alert(place: str, token: str | None) -> str | None:
    """The alert that whoever has this token worked on last at this place: a configuration, or a server."""
    found = _last().get(_whose(place, token))
    return found if isinstance(found, str) else None


def note_alert(place: str, token: str | None, alert: str) -> None:
    """Remember the alert that was worked on."""
    key = _whose(place, token)
    others = [(name, value) for name, value in _last().items() if name != key][-MOST_PLACES:]
    with suppress(OSError, RuntimeError):  # an account without a home, as a service's: nothing is kept
        _write(_folder("XDG_STATE_HOME", ".local/state") / "last.json", dict(others) | {key: alert})


def _last() -> Mapping[str, object]:
    try:
        found = json.loads((_folder("XDG_STATE_HOME", ".local/state") / "last.json").read_bytes())
    except (OSError, ValueError, RuntimeError):
        return {}
    return found if isinstance(found, dict) else {}


def _whose(place: str, token: str | None) -> str:
    """Several people may use one account: what each has worked on is kept apart, and the token is not kept here."""
    return sha256(f"{place}\n{token or ''}".encode()).hexdigest()[:24]


# --- who acts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Login:
    """Whom a person acts as at one place, until they log out."""

    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Logins:
    """Every kept login, by place; `server`: the one that commands go to where no other place is named."""

    by_place: Mapping[str, Login]
    server: str | None = None


def logins_file() -> Path:
    """Where logins are kept. Raises `Misuse` where there is no home."""
    try:
        return _folder("XDG_CONFIG_HOME", ".config") / "logins.json"
    except RuntimeError:
        raise Misuse(
            _("This account has no home folder to keep a login in. Use ALERTBOT_TOKEN or --token-file.")
        ) from None


def logins() -> Logins:
    """What is kept. Raises `Misuse` if others can read the file, or if it is no such file."""
    path = logins_file()
    try:
        mode = path.stat().st_mode
        if mode & OTHERS:
            raise Misuse(
                _(
                    "Other users of this machine can read your login in {path}, so it is not used. Run `chmod 600"
                    " {path}`; if someone may have read it, `alertbot people rotate`."
                ).format(path=path)
            )
        found = json.loads(path.read_bytes())
        given = {
            str(place): Login(str(one["name"]), str(one["token"]))
            for place, one in found["logins"].items()
        }
        server = found.get("server")
        return Logins(given, server if isinstance(server, str) else None)
    except FileNotFoundError:
        return Logins({})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = getattr(error, "strerror", None) or _("it holds something else")
        raise Misuse(
            _(
                "Your login in {path} cannot be read: {why}. Delete the file, then: alertbot login"
            ).format(path=path, why=why)
        ) from None


def keep_logins(kept: Logins) -> Path:
    """Keep these instead, and return where. Raises `Misuse` if that cannot be written."""
    path = logins_file()
    document = {
        "logins": {
            place: {"name": one.name, "token": one.token} for place, one in kept.by_place.items()
        },
        "server": kept.server,
    }
    try:
        _write(path, document)
    except OSError as error:
        raise Misuse(
            _("Your login cannot be kept in {path}: {why}.").format(path=path, why=error.strerror)
        ) from None
    return path


def _write(path: Path, document: object) -> None:
    """Write for the owner alone, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(document, file)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
