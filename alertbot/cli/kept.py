"""What a person's own account on this machine keeps between commands: the last alert, and whom they act as.

Both files are for their owner alone. The last alert is a convenience: whatever is wrong with its file, it is as if there
were none. A login decides who acts: whatever is wrong with its file is said."""

import ipaddress
import json
import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from alertbot.core.errors import Misuse, safe
from alertbot.core.words import _

OTHERS = stat.S_IRWXG | stat.S_IRWXO
KEYS_LAST = 23 * 3600.0  # seconds; a server keeps them for a day
MOST_PLACES = 200  # configurations and servers whose last alert is kept


def _folder(variable: str, usual: str) -> Path:
    """A folder of the XDG base directory specification; a relative one does not count, as it says."""
    given = Path(os.environ.get(variable) or "")
    return (given if given.is_absolute() else Path.home() / usual) / "alertbot"


# --- where ----------------------------------------------------------------------------------------


def origin_of(url: str) -> str:
    """The server's address, without a path. Raises `Misuse` for one that is none, or whose connection others could
    read: http counts on this machine only."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise Misuse(
            _("{url} is no address of a server; it looks like https://desk.example.org").format(
                url=safe(url)
            )
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise Misuse(
            _("{url} is not encrypted: others could read your token. Use https://{host}").format(
                url=safe(url), host=parts.netloc
            )
        )
    return f"{parts.scheme}://{parts.netloc}".lower()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- the last alert -------------------------------------------------------------------------------


def last_alert(place: str, token: str | None) -> str | None:
    """The alert that whoever has this token worked on last at this place: a configuration, or a server."""
    try:
        found = _content(_last_file()).get(_whose(place, token))
    except RuntimeError:  # no home
        return None
    return found if isinstance(found, str) else None


def note_alert(place: str, token: str | None, alert: str) -> None:
    """Remember the alert that was worked on."""
    key = _whose(place, token)
    with suppress(OSError, RuntimeError):  # an account without a home, as a service's: nothing is kept
        others = [(name, value) for name, value in _content(_last_file()).items() if name != key]
        _write(_last_file(), dict(others[-MOST_PLACES:]) | {key: alert})


def _last_file() -> Path:
    return _folder("XDG_STATE_HOME", ".local/state") / "last.json"


def _content(path: Path) -> Mapping[str, object]:
    """What such a file holds; nothing if it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _whose(place: str, token: str | None) -> str:
    """Several people may use one account: what each has worked on is kept apart, and the token is not kept here."""
    return sha256(f"{place}\n{token or ''}".encode()).hexdigest()[:24]


# --- what was shown -------------------------------------------------------------------------------


def _shown_file() -> Path:
    return _folder("XDG_STATE_HOME", ".local/state") / "shown.json"


def shown(place: str, token: str | None, alert: str) -> str | None:
    """The digest of the text that whoever has this token was shown last, whole."""
    found = _content(_shown_file()).get(_whose(f"{place} {alert}", token))
    return found if isinstance(found, str) else None


def note_shown(place: str, token: str | None, alert: str, digest: str) -> None:
    """Remember which text was shown. Raises `Misuse` if that cannot be kept: an approval goes by it."""
    key = _whose(f"{place} {alert}", token)
    others = [(one, value) for one, value in _content(_shown_file()).items() if one != key]
    try:
        _write(_shown_file(), dict(others[-MOST_PLACES:]) | {key: digest})
    except OSError as error:
        sentence = _("What you were shown cannot be noted in {path}: {why}.")
        raise Misuse(sentence.format(path=_shown_file(), why=error.strerror)) from None


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


# --- requests whose answer did not come -----------------------------------------------------------


def _requests() -> Path:
    return _folder("XDG_STATE_HOME", ".local/state") / "requests.json"


def request_key(mark: str) -> str | None:
    """The key of the same request, if it was made within a day and its answer did not come."""
    found = _read_requests().get(_fingerprint(mark))
    return found[0] if found else None


def note_request(mark: str, key: str) -> None:
    """Keep the key of a request that is about to be made."""
    with suppress(OSError, RuntimeError):  # then the same command is a new request
        _write(_requests(), dict(_read_requests()) | {_fingerprint(mark): (key, time.time())})


def forget_request(mark: str) -> None:
    """Its answer came: the same command is a new request from now on."""
    _keep_requests(lambda one, _key: one != _fingerprint(mark))


def forget_key(key: str) -> None:
    """As `forget_request`, by the key."""
    _keep_requests(lambda _one, other: other != key)


def _keep_requests(stays: Callable[[str, str], bool]) -> None:
    left = {one: found for one, found in _read_requests().items() if stays(one, found[0])}
    with suppress(OSError, RuntimeError):
        _write(_requests(), left)


def _read_requests() -> Mapping[str, tuple[str, float]]:
    try:
        found = json.loads(_requests().read_bytes())
        since = time.time() - KEYS_LAST
        return {str(one): (str(key), float(at)) for one, (key, at) in found.items() if at > since}
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError):
        return {}


def _fingerprint(mark: str) -> str:
    return sha256(mark.encode()).hexdigest()[:32]
