"""What is wrong with a rule beside the rest of the configuration: channels and services that are not there."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from alertbot.settings.rules import RuleSettings
from alertbot.settings.whole import Config
from alertbot.settings.yaml_text import Path
from alertbot.words import _

MOST_NAMED = 20


def faults(config: Config) -> Iterator[tuple[Path, str]]:
    """(keys, sentence) of each."""
    services = _services(config)
    for name, rule in config.rules.items():
        for at, channel in enumerate(rule.channels or ()):
            if channel not in config.channels:
                sentence = _("there is no channel {name}; {instead}")
                said = sentence.format(name=channel, instead=_instead(channel, config.channels))
                yield ("rules", name, "channels", at), said
        for at, service in enumerate(rule.services):
            if service not in services:
                sentence = _("{name} is not watched: name it under `watch:`; {instead}")
                said = sentence.format(name=service, instead=_instead(service, services))
                yield ("rules", name, "services", at), said
        if sentence := _undecided(rule):
            yield ("rules", name, "auto_after"), sentence


def _services(config: Config) -> frozenset[str]:
    """Every service and group that the configuration names anywhere."""
    found = {*config.watch.services, *config.watch.groups}
    for group in config.watch.groups.values():
        found |= {*group.members} | ({group.parent} if group.parent else set())
    for source in config.sources.values():
        found |= {*source.names.values()}
        found |= {one.service for one in (source.feed, source.probe) if one is not None}
    return frozenset(found)


def _instead(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    if near:
        return _("did you mean {near}?").format(near=near[0])
    return _("there are {known}").format(known=", ".join(sorted(known)[:MOST_NAMED]) or "–")


def _undecided(rule: RuleSettings) -> str:
    if rule.auto_after is None or "policy" not in rule.model_fields_set or rule.policy == "auto":
        return ""
    return _("goes with `policy: auto`, or alone")
