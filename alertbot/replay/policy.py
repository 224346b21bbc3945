"""What a case is played with: the rules and the policy of a file, and what a person writes by hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from alertbot.config import Config, Settings
from alertbot.errors import ConfigInvalid
from alertbot.incident.rules import placed
from alertbot.settings.faults import findings
from alertbot.settings.rules import PromiseSettings, RuleSettings
from alertbot.settings.shapes import Name
from alertbot.settings.watching import WatchSettings
from alertbot.settings.yaml_text import FileFault, Mark, Node, parse, plain, text_of
from alertbot.words import _, ngettext

SHIPPED = Path(__file__).with_name("policy.yaml")

ByHand = Literal["provisional_number", "withdrawal", "correction", "denial", "denial_of_a_number"]


class PolicyFile(Settings):
    """What a replay takes from a file; the rest of a configuration may stand in it and is left alone."""

    watch: WatchSettings = Field(default=WatchSettings(), description="How sceptical to be.")
    rules: dict[Name, RuleSettings] = Field(
        default_factory=dict, description="What is written when a state changes."
    )
    promises: PromiseSettings = Field(default=PromiseSettings(), description="The next update.")
    by_hand: dict[ByHand, dict[Name, Any]] = Field(
        default_factory=dict, description="What a person writes, by kind."
    )


@dataclass(frozen=True, slots=True)
class Playbook:
    """The file's sections as plain values. `automatic`: the rules that may go out by themselves once two
    people have approved them ahead."""

    sections: Mapping[str, Any]
    automatic: tuple[str, ...]
    by_hand: Mapping[str, Mapping[str, Any]]


def read_playbook(path: Path | None) -> Playbook:
    """The rules of a file, else those that are shipped. Raises `ConfigInvalid` with every fault."""
    shipped = _checked(SHIPPED)
    given = shipped if path is None else _checked(path)
    sections = {key: value for key, value in given.items() if key != "by_hand"}
    rules = {name: one for name, one in sections.get("rules", {}).items() if not one.get("exercise")}
    return Playbook(
        sections,
        tuple(
            name for name, rule in rules.items() if rule.get("policy") == "auto" or "auto_after" in rule
        ),
        {**shipped["by_hand"], **given.get("by_hand", {})},
    )


def configuration(
    playbook: Playbook, *, service: str, title: Mapping[str, str], zone: str, where: str
) -> str:
    """A whole configuration for one case: nobody to reach, one service, the rules of the playbook on the
    one channel that keeps its posts."""
    watch = dict(playbook.sections.get("watch", {}))
    services = {service: {"title": dict(title)}} | watch.get("services", {})
    rules = {name: _public(rule) for name, rule in playbook.sections.get("rules", {}).items()}
    return json.dumps(
        {
            "organisation": {
                "name": _ORGANISATION,
                "languages": ["fr", "en"],
                "timezone": zone,
                "verification_page": "https://www.example.org/alert",
                "sandbox": True,
            },
            "database": "sqlite:///replay.db",
            "channels": {CHANNEL: {"type": "memory", "read_back": False}},
            "watch": watch | {"services": services},
            "rules": placed(rules, {"where": where}),
            "promises": playbook.sections.get("promises", {}),
        }
    )


def _public(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule for the one channel of a replay. What is an exercise tells the public nothing."""
    if rule.get("exercise"):
        return {
            "when": rule["when"],
            "kind": rule["kind"],
            "services": rule.get("services", []),
            "policy": "off",
        }
    return {key: value for key, value in rule.items() if key not in ("channels", "exercise")}


CHANNEL = "memory"
_ORGANISATION = "Replay"


def _checked(path: Path) -> dict[str, Any]:
    document = parse(text_of(path))
    found = document.faults
    root = document.root or Node(Mark(), {})
    if not isinstance(root.value, dict):
        sentence = _("the file must hold keys such as `watch:` and `rules:`")
        raise _invalid(path, [FileFault(root.mark, (), sentence)])
    whole = plain(root)
    mine = {key: value for key, value in whole.items() if _is_mine(key)}
    try:
        PolicyFile.model_validate_json(json.dumps(mine))
    except ValidationError as error:
        found += findings(error.errors(include_url=False, include_input=False), root, PolicyFile)
    if found:
        raise _invalid(path, found)
    return mine


def _is_mine(key: str) -> bool:
    return key in PolicyFile.model_fields or key not in Config.model_fields


def _invalid(path: Path, found: list[FileFault]) -> ConfigInvalid:
    found = sorted(dict.fromkeys(found), key=lambda one: one.mark)
    head = ngettext("{path} has {n} fault:", "{path} has {n} faults:", len(found))
    return ConfigInvalid(
        head.format(path=path, n=len(found)), [one.line(str(path)) for one in found[:50]]
    )
