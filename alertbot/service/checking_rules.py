"""Could the alerts of every rule go out? Asked by `check`, before a rule is needed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alertbot.approval.ahead import Why
from alertbot.compose import catalogue
from alertbot.compose.kinds import Kind
from alertbot.errors import AlertbotError, ConfigInvalid, Misuse
from alertbot.incident.rules import How, Rule
from alertbot.model import Fault
from alertbot.service import ahead
from alertbot.service.composing import asks
from alertbot.service.specimen import BEGINNINGS, compose_template, forbidden, untitled
from alertbot.settings.faults import lines_in
from alertbot.settings.yaml_text import Path
from alertbot.words import _

if TYPE_CHECKING:
    from alertbot.app import App

ABOUT_NUMBERS = frozenset({"unverified_number", "fictional_number"})  # the register knows more
Findings = Iterator[tuple[Path, str]]


def problems(app: "App") -> list[str]:
    """What must be mended, each with its place in the file."""
    return _lines(app, (found for rule in app.watch.rules for found in _wrong(app, rule)))


def warnings(app: "App") -> list[str]:
    """What a person will have to add to alerts that a rule proposes."""
    return _lines(app, (found for rule in app.watch.rules for found in _lacking(app, rule)))


async def approval_warnings(app: "App") -> list[str]:
    """Rules that are to act by themselves and may not, where there is a database that can tell."""
    automatic = [rule.name for rule in app.watch.rules if rule.how is How.AUTO]
    if not automatic or not app.config.database_exists():
        return []
    try:
        listed = await ahead.listing(await app.open())
    except AlertbotError as error:
        return [_("rules: what was approved ahead could not be read: {why}").format(why=error)]
    return [
        f"rules.{row['rule']}: {row['why']}"
        for row in listed
        if row["rule"] in automatic and row["state"] not in (None, Why.FORBIDDEN, Why.IN_FORCE)
    ]


def _wrong(app: "App", rule: Rule) -> Findings:
    place: Path = ("rules", rule.name)
    try:
        kind = catalogue.load_kind(rule.kind, *app.voice.folders)
    except ConfigInvalid:
        return  # told with the kinds
    except Misuse as error:
        yield (*place, "kind"), str(error)
        return
    if rule.how is How.AUTO and (never := forbidden(rule, kind)):
        yield (*place, "auto_after" if rule.after else "policy"), never
    if rule.how is How.AUTO and (bare := untitled(rule, app.watch)):
        yield (*place, "services"), bare
    try:
        found = _faults(app, rule, kind)
    except Misuse as error:
        yield (*place, "languages"), str(error)
        return
    for fault in found:
        if rule.how is How.AUTO or _about_value(rule, fault):
            yield _at(rule, fault), fault.message


def _lacking(app: "App", rule: Rule) -> Findings:
    """Of a first word alone: what follows takes over what was said before."""
    if rule.how is not How.PROPOSE:
        return
    try:
        kind = catalogue.load_kind(rule.kind, *app.voice.folders)
        found = _faults(app, rule, kind, beginning=True)
    except (ConfigInvalid, Misuse):
        return  # told as a problem
    for fault in found:
        if not _about_value(rule, fault):
            yield _at(rule, fault), _("a person must add: {message}").format(message=fault.message)


def _faults(app: "App", rule: Rule, kind: Kind, *, beginning: bool = False) -> Iterator[Fault]:
    """What stands in the way of the rule's alerts. What the register is asked for is seen when it is asked."""
    if rule.how is How.OFF or asks(kind, rule.values):
        return iter(())
    made = compose_template(app.voice, app.watch, rule)
    samples = (one for one in made.samples if not beginning or BEGINNINGS.intersection(one.on))
    faults = (fault for one in samples for fault in one.composed.composition.faults)
    return (fault for fault in faults if fault.rule not in ABOUT_NUMBERS)


def _about_value(rule: Rule, fault: Fault) -> bool:
    return fault.field in rule.values


def _at(rule: Rule, fault: Fault) -> Path:
    value = (fault.field,) if fault.field in rule.values and fault.field else ()
    return ("rules", rule.name, "set", *value)


def _lines(app: "App", found: Findings) -> list[str]:
    told = list(dict.fromkeys(found))
    return lines_in(app.path, told) if told else []
