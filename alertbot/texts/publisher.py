"""The publisher: the organisation, its channels and kinds, as composing needs them; and the approvals a
kind needs under the configuration. Loads nothing of the database, so that a preview starts at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from alertbot.channels import base
from alertbot.core.clock import utc_now
from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import Approvals, Audience, Channel, Markup, Organisation, Target
from alertbot.core.words import _
from alertbot.regions.facts import in_force
from alertbot.texts.kinds.catalogue import load_kind
from alertbot.texts.kinds.layers import shipped


@dataclass(frozen=True)
class Publisher:
    """The organisation, its channels and its kinds: all that composing needs."""

    organisation: Organisation
    channels: Mapping[str, Channel]
    folders: tuple[Path, ...]  # of kinds, later ones overlay earlier ones
    overrides: "Mapping[str, Override]" = field(default_factory=dict)  # approvals per kind
    clock: Callable[[], datetime] = utc_now
    identities: "Mapping[str, Callable[[], Mapping[str, str]]]" = field(default_factory=dict)
    unusable: frozenset[str] = frozenset()  # sections with a fault, left out: `channels.mail`, `rules`

    def identity(self, name: str) -> dict[str, str]:
        """Which account the channel with this name is, as an approval signs it (see `Adapter.identity`);
        reads secrets. Raises `Misuse` if it is not configured."""
        one = self.channel(name)
        more = self.identities[name]() if name in self.identities else {}
        return {"type": one.type, "audience": str(one.audience), **more}

    def senders(self, channels: Iterable[Channel]) -> dict[str, str]:
        """The From lines of those channels that send mails."""
        mail = [one.name for one in channels if one.spec.markup is Markup.EMAIL]
        return {name: sender for name in mail if (sender := self.identity(name).get("sender"))}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.organisation.timezone)

    def local(self, moments: Iterable[datetime]) -> tuple[datetime, ...]:
        """The same times in the organisation's time zone."""
        return tuple(moment.astimezone(self.zone) for moment in moments)

    def choose(
        self, names: tuple[str, ...], *, exercise: bool, audiences: tuple[Audience, ...] = ()
    ) -> tuple[Channel, ...]:
        """The named channels, else every channel of the audience: `exercise` for an exercise, the first of the
        kind's `audiences` that has any, `live` for an alert to the public. Raises `Misuse` for a name that is not
        configured."""
        if not names:
            wanted = (Audience.EXERCISE,) if exercise else audiences or (Audience.LIVE,)
            each = (tuple(c for c in self.channels.values() if c.audience is one) for one in wanted)
            return next(filter(None, each), ())
        return tuple(self.channel(name) for name in dict.fromkeys(names))

    def is_for_the_public(self, kind: str) -> bool:
        """Whether alerts of this kind are for the public; one that is not known any more counts as such."""
        try:
            return not load_kind(kind, *self.folders).audiences
        except AlertbotError:
            return True

    @property
    def spoken(self) -> frozenset[str]:
        """Every language that the organisation or one of its channels publishes in."""
        return frozenset(self.organisation.languages).union(
            *(one.languages for one in self.channels.values())
        )

    def channel(self, name: str) -> Channel:
        """The channel with this name. Raises `Misuse` if it is not configured."""
        try:
            return self.channels[name]
        except KeyError:
            raise Misuse(
                _("There is no channel '{name}'; the channels are: {known}.").format(
                    name=name, known=", ".join(self.channels) or "–"
                )
            ) from None


@dataclass(frozen=True, slots=True)
class Override:
    """What the configuration says about one kind's approvals; None leaves the kind's own."""

    approvers: int | None = None
    expires_after: timedelta | None = None


def effective(kind: Approvals, override: Override | None) -> Approvals:
    """The approvals a kind needs under this configuration.

    An override may ask for more or fewer approvers, but never for none: nothing is published unapproved.
    It cannot change who may approve; the kind decides that. Raises `Misuse` for an override that asks
    for none.
    """
    if override is None:
        return kind
    approvers = kind.approvers if override.approvers is None else override.approvers
    expires_after = override.expires_after or kind.expires_after
    if approvers < 1:
        raise Misuse(_("An alert needs at least one approver. Set approvers to 1 or more."))
    if override.expires_after is not None and override.expires_after <= timedelta():
        raise Misuse(_("expires_after must be longer than zero, for example 30m."))
    return Approvals(approvers, kind.author_may_approve, expires_after)


UNCONFIGURED = Organisation(
    name="Organisation",
    languages=("fr", "en"),
    timezone="Europe/Paris",
    verification_page="https://www.example.org/alert",
    sandbox=True,
)


def unconfigured_publisher() -> Publisher:
    """The publisher without a configuration: one X, one Telegram and one mail channel, fr and en; and mail to those
    who answer the public, and to the team."""
    languages = UNCONFIGURED.languages
    readers = tuple(Target(f"reader-{lang}@example.org", lang) for lang in languages)
    targets = {"x": (Target("x"),), "telegram": (Target("@example"),), "email": readers}
    channels = {
        name: Channel(name, base.SHIPPED[name], languages, targets=places, pace=base.SHIPPED[name].pace)
        for name, places in targets.items()
    }
    for audience in (Audience.RELAY, Audience.TEAM):
        channels[audience] = Channel(audience, base.SHIPPED["email"], languages, audience, readers)
    organisation = replace(UNCONFIGURED, timezone=in_force().zone)
    return Publisher(organisation, channels, (shipped(),))
