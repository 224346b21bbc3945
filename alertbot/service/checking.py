"""Is everything in order before it is needed? Kinds, templates, secrets, and on request each channel."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alertbot.channels.specs import SHIPPED
from alertbot.compose import catalogue
from alertbot.compose.catalogue import Kind
from alertbot.errors import AlertbotError, ConfigInvalid, Misuse
from alertbot.model import Audience, Channel, Target
from alertbot.service.context import Voice
from alertbot.service.previewing import look
from alertbot.service.wishes import Wishes
from alertbot.words import _

if TYPE_CHECKING:
    from alertbot.app import App

ABOUT_VALUES = frozenset({"unverified_number", "fictional_number", "no_channel"})


async def check_all(app: "App", *, online: bool) -> dict[str, Any]:
    """Everything that can be checked without sending. `sound` is False where something must be mended."""
    problems = [*_kind_problems(app.voice), *_approval_problems(app)]
    missing = _missing_secrets(app)
    answers = await _identities(app) if online else {}
    silent = [f"{name}: {answer['error']}" for name, answer in answers.items() if answer["error"]]
    sound = not (problems or missing or silent)
    report = {
        "sound": sound,
        "config": str(app.path),
        "channels": sorted(app.voice.channels),
        "problems": problems,
        "missing_secrets": missing,
        "online": answers,
    }
    return report | {"lines": list(_lines(report, online))}


def _kind_problems(voice: Voice) -> list[str]:
    """Every kind loads, and its example composes on every channel, configured today or not."""
    try:
        kinds = catalogue.load(*voice.folders)
    except ConfigInvalid as error:
        return str(error).splitlines()
    found = [problem for kind in kinds for problem in _example_problems(voice, kind.name)]
    found += [problem for kind in kinds for problem in _template_problems(voice, kind)]
    return list(dict.fromkeys(found))


def _example_problems(voice: Voice, kind: str) -> Iterator[str]:
    names = tuple(name for name, one in voice.channels.items() if one.audience is not Audience.EXERCISE)
    seen = look(voice, Wishes(kind, channels=names)) if names else None
    for fault in seen.composition.faults if seen else ():
        if fault.rule not in ABOUT_VALUES:
            yield _("kind {kind}: {message}").format(kind=kind, message=fault.message)


def _template_problems(voice: Voice, kind: Kind) -> Iterator[str]:
    """Errors in templates of channel types and languages that nobody uses yet."""
    channels = {
        name: Channel(name, spec, kind.languages, targets=(Target(name),))
        for name, spec in SHIPPED.items()
    }
    for fault in look(replace(voice, channels=channels), Wishes(kind.name)).composition.faults:
        if fault.rule == "template":
            yield _("kind {kind}: {message}").format(kind=kind.name, message=fault.message)


def _approval_problems(app: "App") -> list[str]:
    """Kinds named under `approvals:` exist."""
    problems = []
    for kind in app.voice.overrides:
        try:
            catalogue.load_kind(kind, *app.voice.folders)
        except (Misuse, ConfigInvalid) as error:
            problems.append(f"approvals.{kind}: {error}")
    return problems


def _missing_secrets(app: "App") -> list[str]:
    return [
        missing for settings in app.config.channels.values() for missing in settings.missing_secrets()
    ]


async def _identities(app: "App") -> dict[str, dict[str, str]]:
    """Who each channel says that it is, or why it does not answer."""
    found = {}
    for name, adapter in app.adapters().items():
        try:
            found[name] = {"identity": await adapter.identify(), "error": ""}
        except AlertbotError as error:
            found[name] = {"identity": "", "error": str(error)}
    return found


def _lines(report: dict[str, Any], online: bool) -> Iterator[str]:
    for problem in report["problems"]:
        yield f"✗ {problem}"
    for missing in report["missing_secrets"]:
        yield f"✗ {missing}"
    for name, answer in report["online"].items():
        said = _("{name}: {value}").format(name=name, value=answer["error"] or answer["identity"])
        yield f"✗ {said}" if answer["error"] else f"✓ {said}"
    if report["sound"]:
        yield _("✓ {config} is sound: {channels}.").format(
            config=report["config"], channels=", ".join(report["channels"])
        )
        if not online:
            yield _("To ask every channel who it is: alertbot check --online")
