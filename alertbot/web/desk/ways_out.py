"""Sentences of the verbs as the desk says them: where one names a command as the way out, the desk names its own page
or button, as a link. A sentence tells options in brackets (`--text`), which the desk leaves out. Pure."""

import re
from collections.abc import Callable
from urllib.parse import quote

from markupsafe import Markup, escape

from alertbot.core.words import _
from alertbot.texts.preview.phrases import visible
from alertbot.watch.rules_log import State

ROOT = "/desk"
_COMMAND = re.compile(r"`alertbot (?P<quoted>[^`]+)`|\balertbot (?=[a-z])(?P<bare>[^\n]*)")
_GROUPS = (
    "incident",
    "numbers",
    "people",
    "rules",
    "task",
    "audit",
    "regions",
    "db",
    "recipients",
    "page",
)
_VALUES = frozenset({*map(str, State), "holding", "status"})  # arguments that look like other words
_STOPS = ".,;:)"
_BETWEEN = 8  # ", then ", "; voir "
_OPTIONS = re.compile(r"[\s ]\((?:[^()`]*\s)?--[a-z][^()]*\)")
_FIELD = re.compile(r"^[a-z_]+ \((?=[^()]+\)\s?: )([^()]+)\)")  # the name that files have for a field
_ALERT = re.compile(r"\b[A-Z]{4}-\d+\b")
_ENTRY = re.compile(r"\bN[1-9]\d*\b")
_INCIDENT = re.compile(r"\b[A-Z]{4}\b")

Way = tuple[str, str]  # where it leads, and its name; without a place nothing on the desk does it


def for_desk(sentence: object) -> Markup:
    """A sentence for a page of the desk: escaped, with links in the place of commands."""
    plain = visible(str(sentence))
    plain = _FIELD.sub(r"\1", _OPTIONS.sub("", _whole().get(plain, plain)))
    made, last, said = Markup(), 0, ("", "")
    while found := _COMMAND.search(plain, last):
        command = found["quoted"] or _bare(found["bare"])
        place, name = way = _way(command)
        before = plain[last : found.start()]
        last = found.end() if found["quoted"] else found.start("bare") + len(command)
        if way == said and len(before) <= _BETWEEN:
            continue  # two commands, one page
        said = way
        if not before.strip() or before.endswith((". ", "! ")):
            name = name[:1].upper() + name[1:]
        made += escape(before)
        made += Markup('<a href="{}">{}</a>').format(place, name) if place else escape(name)
    return made + escape(plain[last:])


def _bare(words: str) -> str:
    """The command that a sentence goes on with, up to its next own word."""
    tokens = words.split(" ")
    length = 3 if tokens[0] == "rules" else 2 if tokens[0] in _GROUPS else 1
    while length < len(tokens) and tokens[length - 1][-1:] not in _STOPS:
        token, before = tokens[length].rstrip(_STOPS), tokens[length - 1]
        named = any(sign.isupper() or sign.isdigit() or sign in "…=_" for sign in token)
        follows = before.startswith("--") or tokens[length + 1 : length + 2] == ["--incident"]
        if not (named or follows or token.startswith("--") or token in _VALUES):
            break
        length += 1
    return " ".join(tokens[:length]).rstrip(_STOPS)


def _whole() -> dict[str, str]:
    """Sentences that speak of the machine, of which the desk knows nothing."""
    ask = _("NO WORKER is running: nothing goes out until whoever runs this machine starts it.")
    nobody = _("Nobody is asked by the program: no `approvals_by:` is configured. Call them yourself.")
    return {
        nobody: _("Nobody is asked by the program, by mail or by Telegram. Call them yourself."),
        _(
            "NO WORKER is running: requests and notices wait, and nothing goes out, until someone runs"
            " `alertbot serve` or `alertbot run`."
        ): ask,
        _(
            "NO WORKER is running: nothing goes out until someone runs `alertbot serve` or `alertbot run`."
        ): ask,
    }


def _way(command: str) -> Way:
    _verb, _space, rest = command.strip().partition(" ")
    alert = found[0] if (found := _ALERT.search(rest)) else ""
    for words, way in _WAYS:
        if re.match(rf"(?:{words})(?: |$)", command):
            return way(alert, rest)
    return "", _("whoever runs this machine")


def _on_page(button: Callable[[], str], part: str = "") -> Callable[[str, str], Way]:
    """A button on an alert's page."""

    def way(alert: str, _rest: str) -> Way:
        name = _("“{button}”").format(button=button())
        return f"{ROOT}/alerts/{alert}{part}" if alert else ROOT, name

    return way


def _to(place: str, name: Callable[[], str]) -> Callable[[str, str], Way]:
    return lambda _alert, _rest: (ROOT + place, _("“{button}”").format(button=name()))


def _shown(alert: str, _rest: str) -> Way:
    if alert:
        return f"{ROOT}/alerts/{alert}", _("the page of {alert}").format(alert=alert)
    return ROOT, _("“{button}”").format(button=_("Right now"))


def _elsewhere(alert: str, _rest: str) -> Way:
    return f"{ROOT}/alerts/{alert}/elsewhere" if alert else ROOT, _("“{button}”").format(
        button=_("Elsewhere")
    )


def _deliveries(alert: str, _rest: str) -> Way:
    asked = f"?alert={quote(alert)}" if alert else ""
    return f"{ROOT}/deliveries{asked}", _("“{button}”").format(button=_("Deliveries and stop"))


def _write(_alert: str, rest: str) -> Way:
    kind = found[0] if (found := re.match(r"[a-z_]+", rest)) else ""
    incident = found[0] if (found := _INCIDENT.search(rest)) else ""
    asked = f"?incident={incident}" if incident else ""
    place = f"{ROOT}/write/{kind}{asked}" if kind else f"{ROOT}/write{asked}"
    return place, _("“{button}”").format(button=_("Write"))


def _entry(_alert: str, rest: str) -> Way:
    """The page of an entry: what can be done with it, and what the public reads of it."""
    if found := _ENTRY.search(rest):
        return f"{ROOT}/numbers/{found[0]}", _("the page of {alert}").format(alert=found[0])
    return f"{ROOT}/numbers", _("“{button}”").format(button=_("Numbers"))


def _incident(_alert: str, rest: str) -> Way:
    if found := _INCIDENT.search(rest):
        return f"{ROOT}/incidents/{found[0]}", _("the page of {alert}").format(alert=found[0])
    return f"{ROOT}/incidents", _("“{button}”").format(button=_("Incidents"))


def _machine(name: Callable[[], str]) -> Callable[[str, str], Way]:
    """What nobody can do on the desk."""
    return lambda _alert, _rest: ("", name())


# The commands that sentences name, each with what does the same on the desk; the first that fits.
_WAYS: tuple[tuple[str, Callable[[str, str], Way]], ...] = (
    ("show .*--as|record|test-send", _elsewhere),
    ("show", _shown),
    ("approve", _on_page(lambda: _("Approve"), "#decision")),
    ("countersign", _on_page(lambda: _("I have looked at it: countersign"), "#glass")),
    ("edit", _on_page(lambda: _("Change it"), "/edit")),
    ("submit .*--retime", _on_page(lambda: _("Count times such as +30m from now on"), "#draft")),
    ("submit", _on_page(lambda: _("Submit it for approval"), "#draft")),
    ("discard", _on_page(lambda: _("Discard"), "#draft")),
    ("draft .*--like", _on_page(lambda: _("Write it again"), "#again")),
    ("draft", _write),
    ("update", _on_page(lambda: _("Update"), "#follow")),
    ("correct", _on_page(lambda: _("Correction"), "#follow")),
    ("withdraw .*--numbers", _entry),
    ("withdraw", _on_page(lambda: _("Withdraw its numbers"), "#follow")),
    ("retract", _on_page(lambda: _("Take it back at once"), "#follow")),
    ("halt", _deliveries),
    ("resume|settle", _to("/deliveries", lambda: _("Deliveries and stop"))),
    ("deliveries", _deliveries),
    ("task", _to("/tasks", lambda: _("Tasks"))),
    ("incident", _incident),
    ("status", _to("", lambda: _("Right now"))),
    ("rules abort", _to("/watching", lambda: _("Watching"))),
    ("rules|signals|decisions", _to("/watching", lambda: _("Watching"))),
    ("numbers import", _to("/numbers/import", lambda: _("Import a file"))),
    ("numbers add", _to("/numbers/new", lambda: _("Add a number"))),
    ("numbers verify", _to("/numbers/read-back", lambda: _("Read numbers back"))),
    ("numbers", _entry),
    ("people rotate", _to("/you", lambda: _("Renew my token"))),
    ("people", _to("/people", lambda: _("People"))),
    ("check", _machine(lambda: _("the check by whoever runs this machine"))),
    ("recipients", _to("/recipients", lambda: _("Recipients of mail"))),
    ("regions", _to("/country", lambda: _("The country’s facts"))),
    ("page", _to("/public-page", lambda: _("The public page"))),
    ("audit", _to("/audit", lambda: _("Audit"))),
)
