"""Rules for a team in a test, and people who approve them ahead."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from alertbot.watch.context import Watch, WatchContext
from alertbot.watch.preapproval import sample, signing, validity
from alertbot.watch.rules_rule import Rule, RuleMode, Transition
from tests.team import Team

TITLES = {
    "sip": {"fr": "les appels au 15", "en": "calls to 15"},
    "sms": {"fr": "le 114", "en": "114"},
}
VALUES: dict[str, Any] = {
    "what_fails": {"fr": "{service}, {count} sur {total}", "en": "{service}, {count} of {total}"},
    "what_works": {"fr": "les fixes", "en": "landlines"},
    "since": "{since}",
    "where": [69, 42],
    "what_to_do": {"fr": "appelez d'un fixe.", "en": "call from a landline."},
    "next_update": "+30m",
}
FIRST = Rule(
    name="first_word",
    on=frozenset({Transition.OPEN, Transition.REOPEN}),
    kind="holding",
    how=RuleMode.AUTO,
    services=frozenset({"sip"}),
    after=timedelta(seconds=90),
    values=VALUES,
)


def with_rules(team: Team, *rules: Rule, titles: Any = TITLES) -> Team:
    """The same team under these rules."""
    team.service = replace(team.service, watch=Watch(rules=rules, titles=titles))
    return team


async def digest_of(service: WatchContext, rule: Rule = FIRST) -> str:
    return (await sample.template(service, rule)).digest


async def signed(team: Team, *names: str, rule: Rule = FIRST, **options: Any) -> dict[str, Any]:
    """These people propose and sign, one after the other, each having been shown it."""
    found: dict[str, Any] = {}
    for name in names:
        await signing.show(team.service, rule.name, team.tokens[name])
        found = await signing.preapprove(team.service, team.people[name], rule.name, **options)
    return found


async def standing(team: Team, rule: Rule = FIRST, **options: Any) -> validity.Validity:
    made = await sample.template(team.service, rule)
    return await team.service.database.read(
        lambda conn: validity.standing(team.service, conn, made, **options)
    )
