"""Any other service through Apprise: one address per account, one call per delivery."""

import asyncio
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from alertbot.channels import base
from alertbot.channels.base import Adapter
from alertbot.config.channel import NetworkSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, Variable
from alertbot.core.connecting import is_loopback
from alertbot.core.errors import ChannelDown, ConfigInvalid, Rejected, Uncertain
from alertbot.core.loops import in_thread
from alertbot.core.model import ChannelSpec, Post, Receipt
from alertbot.core.words import _

if TYPE_CHECKING:
    from apprise import NotifyBase


# Services that publish by one encrypted call to one place. Left out on purpose: mail, X and Telegram (they
# have channels of their own), whatever acts on this machine (dbus, syslog, gnome …), and SMS by the piece.
ENCRYPTED = frozenset(
    {
        "bluesky", "discord", "forms", "gchat", "gotifys", "hassios", "jsons", "line", "mastodons",
        "matrixs", "mmosts", "nctalks", "ntfys", "opsgenie", "pagerduty", "pover", "rockets",
        "ryver", "signals", "slack", "synologys", "threema", "toots", "twist", "webex", "workflows",
        "wxteams", "xmls", "zulip",
    }
)  # fmt: skip
PLAIN = frozenset({"form", "gotify", "json", "mastodon", "matrix", "mmost", "rocket", "signal", "xml"})

# Characters that each service takes in one message, as Apprise's plugins say: known here without loading Apprise,
# so that a preview judges them.
LIMITS = {
    "bluesky": 280, "discord": 2000, "form": 32768, "gchat": 4000, "gotify": 32768, "hassio": 32768, "json": 32768,
    "line": 5000, "mastodon": 500, "toot": 500, "matrix": 65000, "mmost": 4000, "nctalk": 32000, "ntfy": 7800,
    "opsgenie": 15000, "pagerduty": 1024, "pover": 1024, "rocket": 1000, "ryver": 1000, "signal": 32768,
    "slack": 35000, "synology": 32768, "threema": 3500, "twist": 1000, "webex": 1000, "wxteam": 1000,
    "workflow": 1000, "xml": 32768, "zulip": 10000,
}  # fmt: skip
# Services for which Apprise makes up a title, or cuts one from the text, if it is given none; with the characters they
# take, less the five of the word before a test.
TITLES = {"nctalk": 250, "opsgenie": 125, "pover": 245, "zulip": 55}
ABOVE_THE_TEXT = frozenset({"nctalk"})  # the title is part of the text there
SHORT_BELOW = 600  # then the short texts
READ_MARKUP = frozenset(
    {"discord", "gchat", "matrix", "mmost", "nctalk", "rocket", "ryver", "slack", "synology", "threema", "twist",
     "webex", "wxteam", "workflow", "zulip"}
)  # fmt: skip
MARKUP = (
    r"<[@#!:a-zA-Z/]|@\*\*|@(?:everyone|here|channel|all)\b|\*[^\s*](?:[^*\n]*[^\s*])?\*|(?<!\w)_[^\s_][^_\n]*_(?!\w)"
    r"|~[^\s~][^~\n]*~|`[^`]+`|\|\|[^|\n]+\|\||\[[^\]\n]+\]\(|(?m:^\s*(?:>|#{1,6}\s))|\$\$"
)


class AppriseSettings(NetworkSettings):
    """One address of a service that Apprise knows; the address is a secret as it holds the token."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("url", about=_("The address in Apprise's notation."), address=True),
    )

    type: Literal["apprise"] = Field(default="apprise", description="Another service, by Apprise.")
    url_env: Variable | None = None
    url_file: FilePath | None = None
    shown_as: str = Field(
        default="alertbot",
        pattern=r"^\S(.{0,48}\S)?$",
        description=(
            "The name above the posts, where the service lets the sender choose it (Mattermost, Rocket.Chat, hooks of"
            " Matrix)."
        ),
        examples=["Préfecture de l'Exemple"],
    )

    def narrowed(self, spec: ChannelSpec) -> ChannelSpec:
        """With the limits of the service that the address names, as far as it can be read now."""
        try:
            schema = self.secret("url").partition("://")[0].lower()
        except ConfigInvalid:
            return spec
        service = schema if schema in LIMITS else schema.removesuffix("s")
        limit = LIMITS.get(service)
        form = "short" if limit is not None and limit < SHORT_BELOW else spec.form
        title = TITLES.get(service, 0)
        if limit is not None and service in ABOVE_THE_TEXT:
            limit -= title + 2
        misread = MARKUP if service in READ_MARKUP else ""
        return replace(spec, limit=limit, form=form, misread=misread, longest_title=title)


class AppriseAdapter(Adapter[AppriseSettings]):
    """Uses a new Apprise object for each call, so that Apprise's own waiting between calls does not
    apply."""

    spec = base.APPRISE
    settings_type = AppriseSettings

    @classmethod
    def identity(cls, settings: AppriseSettings) -> dict[str, str]:
        url = settings.told("url")
        named = {} if settings.shown_as == "alertbot" else {"shown_as": settings.shown_as}
        return {"address": sha256(url.encode()).hexdigest()[:32] if url else "", **named}

    @property
    def at_once(self) -> int:
        return 2  # each takes a thread

    async def warm(self) -> None:
        await in_thread(self._service)

    async def _send(self, post: Post) -> Receipt:
        service = await in_thread(self._service)
        self._check_length(post, service)
        from alertbot.channels.apprise import client

        most = self.settings.most_seconds
        call = in_thread(partial(client.notify, service, post.subject or "", post.text, most))
        try:
            outcome = await asyncio.wait_for(call, most + 5)
        except TimeoutError:
            raise Uncertain(
                _("{channel} did not answer about {alert} in time; it may have been posted.").format(
                    channel=self.channel.name, alert=post.alert
                ),
                code="timeout",
            ) from None
        if outcome.sent:
            return Receipt(id=f"apprise-{post.message_id or f'{post.alert}-{post.delivery}'}")
        raise client.meaning(outcome, post.alert, self.channel.name)

    async def identify(self) -> str:
        """The name of the service only: Apprise cannot ask for the account without posting."""
        service = await in_thread(self._service)
        return str(service.service_name)

    def _check_length(self, post: Post, service: "NotifyBase") -> None:
        """Raises `Rejected` for a text that Apprise would cut, split, or strip of lines; approved texts
        are sent completely or not at all."""
        subject, room = post.subject or "", service.body_maxlen
        joined = subject and (service.title_maxlen <= 0 or service.overflow_amalgamate_title)
        amount = len(post.text) + (len(subject) + 2 if joined else 0)
        lines = service.body_max_line_count
        too_long = amount > room or (service.title_maxlen > 0 and len(subject) > service.title_maxlen)
        if too_long or (lines and post.text.count("\n") >= lines):
            raise Rejected(
                _(
                    "{alert} is too long for {service}: {amount} of at most {room} characters. Shorten it."
                ).format(alert=post.alert, service=service.service_name, amount=amount, room=room),
                code="too_long",
            )

    def _service(self) -> "NotifyBase":
        from alertbot.channels.apprise import client

        service = client.service(self._address(), *self.settings.within, self.settings.shown_as)
        if service is None:
            raise self._unfit(_("Apprise does not understand it"))
        if len(service) > 1:
            raise self._unfit(_("it names several targets; make a channel for each"))
        return service

    def _address(self) -> str:
        url = self.secret("url")
        schema = url.partition("://")[0].lower()
        if schema in PLAIN and not is_loopback(url):
            raise self._unfit(_("{schema}:// is not encrypted; use {schema}s://").format(schema=schema))
        if schema not in ENCRYPTED | PLAIN:
            raise self._unfit(
                _("its service is not among those allowed: {known}").format(
                    known=", ".join(sorted(ENCRYPTED))
                )
            )
        return url

    def _unfit(self, why: str) -> ChannelDown:
        return ChannelDown(
            _("The Apprise address of {channel} cannot be used: {why}.").format(
                channel=self.channel.name, why=why
            ),
            code="config",
        )
