"""What `alertbot check` says about trust: addresses that channels of several audiences share, people who count
as one hand, kinds that too few can approve, and places in which nobody is asked to post by hand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import combinations
from typing import TYPE_CHECKING

from alertbot.alerts.compose import load_kind
from alertbot.alerts.rules_policy import most_hands
from alertbot.core.errors import AlertbotError, ConfigInvalid
from alertbot.core.frozen import dataclass
from alertbot.core.hands import DUTY
from alertbot.core.model import Audience, Channel, Person, Role
from alertbot.core.words import _, way_out
from alertbot.db.sql import Connection
from alertbot.people import store_contacts, store_people
from alertbot.texts.kinds import catalogue
from alertbot.texts.publisher import effective
from alertbot.watch.context import WatchContext

if TYPE_CHECKING:
    from alertbot.app import App

WRITES = frozenset({Role.AUTHOR, Role.APPROVER})


def shared_addresses(app: "App") -> list[str]:
    """Addresses and accounts that channels of different audiences lead to: what is for the team or an exercise
    would reach the public."""
    found: dict[str, list[Channel]] = {}
    for channel in app.publisher.channels.values():
        for place in _places(app, channel):
            found.setdefault(place, []).append(channel)
    pairs = {
        (one.name, other.name)
        for channels in found.values()
        for one, other in combinations(channels, 2)
        if one.audience is not other.audience
    }
    audiences = {name: one.audience for name, one in app.publisher.channels.items()}
    return [
        _(
            "channels.{one} (audience {first}) and channels.{other} (audience {second}) lead to the same"
            " address: what is meant for one would reach the other. Give each an address of its own."
        ).format(one=one, first=_word(audiences[one]), other=other, second=_word(audiences[other]))
        for one, other in sorted(pairs)
    ]


def _word(audience: Audience) -> str:
    return f"`{audience}`"


def _places(app: "App", channel: Channel) -> set[str]:
    """What identifies the places that a channel leads to: its addresses; where it has none of its own, the
    account that its secrets open."""
    own = {one.address for one in channel.targets} - {channel.name, channel.type}
    if own:
        return {f"{channel.type} {one.strip().casefold()}" for one in own}
    settings = app.config.channels.get(channel.name)
    if settings is None or not settings.secrets:
        return set()
    known = []
    for secret in settings.secrets:
        if settings.has_secret(secret.name):
            try:
                known.append(f"{secret.name}={settings.secret(secret.name)}")
            except ConfigInvalid:
                return set()  # told with the secrets
    host = getattr(settings, "api_url", None) or ""
    return {f"{channel.type} {sha256(f'{host} {known}'.encode()).hexdigest()}"} if known else set()


async def people_warnings(app: "App") -> list[str]:
    """Which people count as one hand, and what nobody can publish therefore; if there is a database that can
    tell."""
    if not app.config.database_exists():
        return []
    try:
        service = await app.open()
        return await service.database.read(lambda conn: _people(service, conn))
    except AlertbotError as error:
        return [_("people: they could not be checked: {why}").format(why=error)]


async def _people(service: WatchContext, conn: Connection) -> list[str]:
    everybody = await store_people.persons(conn, now=service.now)
    people = [one for one in everybody if one.counts]
    reaches = await store_contacts.reaches(conn)
    mails = {one.id: reaches[one.id].mail for one in people}
    return [
        *_same_hands(people, {one.id: one.name for one in everybody}),
        *_same_mail(people, mails),
        *too_few(service, people),
        *_nobody_posts(service, people),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class SameHands:
    """Two people of whom neither can approve what the other wrote: `seen` have seen a token of theirs, or a link.
    `whose`: who has to renew theirs, so that they are two again."""

    one: str
    other: str
    seen: tuple[str, ...]
    whose: str


def same_hands(people: Sequence[Person], names: Mapping[int, str]) -> Iterator[SameHands]:
    """The pairs of whom one cannot approve what the other wrote."""
    for one, other in combinations(people, 2):
        both = one.hands & other.hands
        if not both or Role.APPROVER not in one.roles | other.roles:
            continue
        whose = [each.name for each in (one, other) if each.seen_by & both]
        yield SameHands(
            one=one.name,
            other=other.name,
            seen=tuple(names.get(each, "?") for each in sorted(both)),
            whose=whose[0] if whose else other.name,
        )


def _same_hands(people: Sequence[Person], names: Mapping[int, str]) -> Iterator[str]:
    command = _(
        "{one} and {other} count as one hand: {seen} has seen a token of theirs, so that neither approves"
        " what the other wrote. To make them two: {whose} runs `alertbot people rotate {whose}`, then an"
        " admin who is neither runs `alertbot people confirm {whose} --own-token`."
    )
    desk = _(
        "{one} and {other} count as one hand: {seen} has seen a token or a link of theirs, so that neither approves what the other wrote. To make them two: {whose} renews the token under their own name, then an admin who is neither says on the page of {whose} that this was done."
    )
    for pair in same_hands(people, names):
        seen = ", ".join(pair.seen)
        yield way_out(command, desk).format(one=pair.one, other=pair.other, seen=seen, whose=pair.whose)


def _same_mail(people: Sequence[Person], mails: dict[int, str | None]) -> Iterator[str]:
    """Approvers whose links arrive at one address: whoever reads it approves as either."""
    approvers = [one for one in people if Role.APPROVER in one.roles]
    for one, other in combinations(approvers, 2):
        address = mails[one.id]
        if address and address.casefold() == (mails[other.id] or "").casefold():
            yield _(
                "{one} and {other} have the same mail address for links to approve: one person could answer"
                " for both and publish alone. Change one: alertbot people mail"
            ).format(one=one.name, other=other.name)


def too_few(service: WatchContext, people: Sequence[Person]) -> Iterator[str]:
    """Kinds that need more approvers than there are hands besides somebody who may write them."""
    approvers = [one for one in people if Role.APPROVER in one.roles]
    writers = [one for one in people if WRITES & one.roles]
    for needed, kinds in sorted(_kinds_by_need(service).items()):
        lacking = {
            writer.name: count
            for writer in writers
            if (count := most_hands(writer.hands, approvers)) < needed
        }
        if not writers or len(lacking) == len(writers):
            command = _(
                "Nobody can publish: {kinds}. It takes {needed} approvers besides the author, each a hand of"
                " their own. Add approvers: alertbot people add NAME --role approver"
            )
            desk = _(
                "Nobody can publish: {kinds}. It takes {needed} approvers besides the author, each a hand of"
                " their own. Invite approvers below."
            )
            yield way_out(command, desk).format(kinds=_listed(kinds), needed=needed)
            continue
        for name, count in lacking.items():
            command = _(
                "What {name} writes of {kinds} cannot be published: it takes {needed} approvers besides the"
                " author, each a hand of their own, and there are {count}. Let somebody else write it, or add"
                " approvers: alertbot people add NAME --role approver"
            )
            desk = _(
                "What {name} writes of {kinds} cannot be published: it takes {needed} approvers besides the"
                " author, each a hand of their own, and there are {count}. Let somebody else write it, or invite"
                " approvers below."
            )
            said = {"name": name, "kinds": _listed(kinds), "needed": needed, "count": count}
            yield way_out(command, desk).format(**said)


def _nobody_posts(service: WatchContext, people: Sequence[Person]) -> Iterator[str]:
    """Channels whose `who` names nobody who may say that a post by hand is done."""
    able = {one.name.casefold() for one in people if WRITES & one.roles}
    for channel in service.publisher.channels.values():
        who = channel.hand.who if channel.hand else None
        if who == DUTY and service.reach.duty is None:
            yield _(
                "channels.{channel}.who: nobody is on duty without a `duty:` section, so nobody is asked in person to post"
                " there. Write a name, or set up `duty:`."
            ).format(channel=channel.name)
        elif who not in (None, DUTY) and who.casefold() not in able:
            yield _(
                "channels.{channel}.who: {name} may not post there, and is never asked. Correct the name, or have an admin"
                " add or confirm this person as author or approver."
            ).format(channel=channel.name, name=who)


def _kinds_by_need(service: WatchContext) -> dict[int, list[str]]:
    publisher = service.publisher
    found: dict[int, list[str]] = {}
    try:
        names = [one.name for one in catalogue.load(*publisher.folders)]
    except ConfigInvalid:
        return {}  # told as a problem
    for name in names:
        asked = effective(load_kind(publisher, name).approvals, publisher.overrides.get(name))
        found.setdefault(asked.approvers, []).append(name)
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
