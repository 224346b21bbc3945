"""What every command shares: the session, output for people and for programs, errors as messages."""

import json
import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alertbot.cli import kept
from alertbot.cli.parsing import offered
from alertbot.core.errors import AlertbotError, Faulty, Misuse, one_line
from alertbot.core.frozen import dataclass
from alertbot.core.json import as_json
from alertbot.core.signs import hidden_place
from alertbot.core.words import _

if TYPE_CHECKING:
    from rich.console import Console


WIDTH_IN_A_PIPE = 4000  # cells
_SURROGATES = re.compile("[\ud800-\udfff]")  # bytes of an argument that are no text

AsJson = Annotated[
    bool, typer.Option("--json", help=_("Print one JSON document on stdout; messages go to stderr."))
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar=_("FIELD=VALUE"), help=_("Set a field; FIELD.fr=… for one language.")
    ),
]
Vars = Annotated[
    Path | None, typer.Option("--vars", metavar=_("FILE"), help=_("YAML file with field values."))
]
Langs = Annotated[
    list[str] | None,
    typer.Option("--lang", metavar="L", help=_("Only this language; repeatable.")),
]
Channels = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        metavar="C",
        help=_("Only this channel; repeatable."),
        autocompletion=offered("channels"),
    ),
]
Accepts = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar=_("RULE=REASON"),
        help=_("Accept a fault that is a matter of judgement, with a reason."),
    ),
]
AlertId = Annotated[
    str,
    typer.Argument(
        metavar=_("ALERT"), help=_("The alert, for example BKRT-1."), autocompletion=offered("alerts")
    ),
]
LastAlert = Annotated[
    str | None,
    typer.Argument(
        metavar=_("[ALERT]"),
        help=_("The alert, for example BKRT-1; default: the last one you worked on."),
        autocompletion=offered("alerts"),
    ),
]
OneAlert = Annotated[
    str | None,
    typer.Argument(
        metavar=_("[ALERT]"),
        help=_("One alert; default: everything."),
        autocompletion=offered("alerts"),
    ),
]
Digest = Annotated[
    str | None,
    typer.Option(
        "--digest",
        metavar="D",
        help=_(
            "What you approve: its digest; the first 12 characters if you were shown it, else at least 32."
        ),
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help=_("Replace the FILE of --html even if it is no preview of alertbot.")),
]
NoPager = Annotated[
    bool,
    typer.Option(
        "--no-pager", help=_("Print everything at once, even if it is longer than the screen.")
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar=_("FILE"),
        help=_("Your token, instead of ALERTBOT_TOKEN or what `login` kept."),
    ),
]


@dataclass(frozen=True, slots=True)
class Session:
    """The options given before the command's name."""

    config: Path | None
    token_file: Path | None
    at: str | None = None  # the server that was named

    def config_path(self) -> Path:
        """`--config`, else `$ALERTBOT_CONFIG`, else `./config.yaml`."""
        return self.config or Path(os.environ.get("ALERTBOT_CONFIG") or "config.yaml")

    @property
    def server(self) -> str | None:
        """The origin of the server whose desk is asked instead of a database: `--server`, else $ALERTBOT_SERVER; else,
        where no configuration is named or found, the one that `login` kept. Raises `Misuse`."""
        if self.at and self.config:
            raise Misuse(_("--server asks a desk, --config opens a database here; give only one."))
        if self.config:
            return None
        if given := self.at or os.environ.get("ALERTBOT_SERVER"):
            return kept.origin_of(given)
        here = os.environ.get("ALERTBOT_CONFIG") or self.config_path().exists()
        return None if here else kept.logins().server

    @property
    def place(self) -> str:
        """Where commands act, by the name under which a login and the last alert are kept."""
        return self.server or str(self.config_path().absolute())

    def token_from(self, given: Path | None = None) -> str:
        """Where `token` finds it, in words; empty where nothing is set."""
        if path := given or self.token_file:
            return str(path)
        if os.environ.get("ALERTBOT_TOKEN"):
            return "ALERTBOT_TOKEN"
        return str(kept.logins_file()) if self.place in kept.logins().by_place else ""

    def token(self, given: Path | None = None) -> str | None:
        """The acting person's token: of `--token-file`, else $ALERTBOT_TOKEN, else of a kept login; None if none is
        set. Raises `Misuse` if its file cannot be read, or if a sign that nobody sees is in it."""
        path = given or self.token_file
        if path is None and os.environ.get("ALERTBOT_TOKEN"):
            return _whole(os.environ["ALERTBOT_TOKEN"], "ALERTBOT_TOKEN")
        if path is None:
            login = kept.logins().by_place.get(self.place)
            return None if login is None else login.token
        try:
            _warn_if_exposed(path)
            return _whole(path.read_text(encoding="utf-8-sig").strip(), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise Misuse(
                _("The token file {path} cannot be read: {why}.").format(path=path, why=_why(error))
            ) from None


def _whole(token: str, where: str) -> str | None:
    if place := hidden_place(token):
        sentence = _("In your token from {where}, {place}. Copy the token again.")
        raise Misuse(sentence.format(where=where, place=place))
    return token or None


HANDED_IN = (
    "/run/credentials",
    "/run/secrets",
)  # by systemd or a container engine: nobody else sees these


def _warn_if_exposed(path: Path) -> None:
    """Say on stderr that other users can read a person's token, as `check` says it of the secrets of channels."""
    if any(path.is_relative_to(place) for place in HANDED_IN) or not path.is_file():
        return
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        sentence = _(
            "alertbot: other users of this machine can read your token in {path}. Run `chmod 600 {path}`; if"
            " someone may have read it, `alertbot people rotate`."
        )
        print(sentence.format(path=path), file=sys.stderr)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def session(context: typer.Context) -> Session:
    found = context.find_root().obj
    return found if isinstance(found, Session) else Session(None, None)


def this_or_last(context: typer.Context, alert: str | None, token_file: Path | None = None) -> str:
    """The alert that was named, else the last one that this person worked on, which is said on stderr. Not for
    what goes out or takes back: there an alert must be named. Raises `Misuse` if there is none."""
    if alert is not None:
        return alert
    here = session(context)
    found = kept.last_alert(here.place, here.token(token_file))
    if found is None:
        raise Misuse(_("Which alert? You have worked on none here; `alertbot status` lists them."))
    print(_("Alert {id} (the last one you worked on)").format(id=found), file=sys.stderr)
    return found


def example(line: str) -> str:
    """The example under a command's help."""
    return _("Example: {line}").format(line=line)


def console(as_json: bool = False) -> "Console":
    """The console for people: stdout, or stderr while stdout carries a JSON document. As wide as a line
    needs if no terminal sets a width: piped output is searched and cut, not looked at."""
    from rich.console import Console

    where = Console(stderr=as_json, highlight=False, markup=False)
    if not where.is_terminal:
        where.width = WIDTH_IN_A_PIPE
    return where


def drawable() -> bool:
    """Whether stdout can show frames and colour; checked before the drawing library is loaded."""
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


def say(text: str, as_json: bool = False) -> None:
    """One plain sentence for people, never wrapped or coloured."""
    print(text, file=sys.stderr if as_json else sys.stdout, flush=True)


def emit(view: object) -> None:
    """Print a command's one JSON document, from a view or a list or mapping of views; escaped if stdout
    is not UTF."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(as_json(view), ensure_ascii=plain, indent=2)
    print(_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text), flush=True)


def complain(error: AlertbotError) -> None:
    """Print an error for people: the message, then each fault."""
    print(f"alertbot: {error}", file=sys.stderr)
    if isinstance(error, Faulty):
        for fault in error.faults:
            if error.contradictions and fault.rule == "contradicts":
                continue  # shown below, with both texts
            place = " ".join(filter(None, (fault.field, fault.channel, fault.lang)))
            rule = f"{fault.rule} ({place})" if place else fault.rule
            said = _("{name}: {value}").format(name=rule, value=fault.message)
            print(f"  - {said}", file=sys.stderr)
        if error.contradictions:
            from alertbot.cli.tables import show_alerts

            show_alerts.show(console(as_json=True), error.contradictions)


def split_pairs(pairs: list[str] | None, option: str) -> dict[str, str]:
    """The `RULE=REASON` pairs of an option. Raises `Misuse` for one without a reason."""
    found = {}
    for pair in pairs or []:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise Misuse(
                _("{option} takes NAME=VALUE, neither side empty; got '{pair}'.").format(
                    option=option, pair=pair
                )
            )
        found[name.strip()] = one_line(value)
    return found
