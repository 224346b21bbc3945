"""The public page: one message per language; what stands there is made of everything this channel has published."""

import asyncio
import re
from collections.abc import Awaitable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Protocol, TypeVar

from pydantic import AfterValidator, Field

from alertbot.channels import base
from alertbot.channels.base import Adapter
from alertbot.channels.page.places import FolderPlace, PagePlace, PlaceFailed, PlaceTaken
from alertbot.channels.page.witness import PageWitness
from alertbot.config.approvers import PageRoot
from alertbot.config.channel import ChannelSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, ServerRoot, SomeDuration, Variable
from alertbot.core.errors import ChannelDown, Rejected, Unavailable, Uncertain
from alertbot.core.loops import in_thread
from alertbot.core.model import Audience, Channel, Post, PostAddresses, Receipt, Target
from alertbot.core.words import _

STORES = ("s3://", "gs://", "az://")
TOGETHER_SECONDS = 0.05  # the languages of an alert come one after the other and stand in one edition
AT_ONCE = 16
T = TypeVar("T")


def _place(value: str) -> str:
    if "://" in value and not value.startswith(STORES):
        raise ValueError(
            _("must be a folder of this machine, or begin with {known}").format(known=", ".join(STORES))
        )
    return value.rstrip("/") or "/"


class PageSettings(ChannelSettings):
    """The page on which the public finds what holds now, place by place, and the feeds beside it."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret(
            "access_key_id",
            about=_("The key of the object store (S3), if its own tools do not find one."),
        ),
        Secret("secret_access_key", about=_("The secret that belongs to it.")),
    )
    secret_sets: ClassVar[tuple[tuple[str, ...], ...]] = ((), ("access_key_id", "secret_access_key"))
    alone: ClassVar[tuple[str, ...]] = ("folder", "public_url")

    type: Literal["page"] = Field(default="page", description="The public page, as files.")
    folder: Annotated[str, AfterValidator(_place)] = Field(
        min_length=1,
        description="Where the files go: a folder of this machine, whose `current` a web server shows; or a bucket,"
        " s3://NAME/PATH, gs://NAME/PATH or az://ACCOUNT/CONTAINER/PATH.",
        examples=["/var/lib/alertbot/page", "s3://alert-example-org"],
    )
    public_url: PageRoot = Field(
        description="The address at which the public finds it.", examples=["https://alert.example.org"]
    )
    endpoint: ServerRoot | None = Field(
        default=None,
        description="The server of a store that speaks as S3 does, if it is not Amazon's.",
        examples=["https://s3.example.org"],
    )
    region: str | None = Field(
        default=None, description="The region of an S3 bucket.", examples=["eu-west-3"]
    )
    access_key_id_env: Variable | None = None
    access_key_id_file: FilePath | None = None
    secret_access_key_env: Variable | None = None
    secret_access_key_file: FilePath | None = None
    answer_within: SomeDuration = timedelta(seconds=30)

    @property
    def in_bucket(self) -> bool:
        return self.folder.startswith(STORES)

    def addresses(self) -> tuple[str, ...] | None:
        if not self.in_bucket:
            return ()
        return (self.endpoint,) if self.endpoint else None

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.audience is Audience.TEAM:
            yield "audience", _("a page is for the public, for those who answer it, or for exercises")
        if not self.in_bucket:
            for key in ("endpoint", "region"):
                if getattr(self, key) is not None:
                    yield key, _("belongs to a bucket, and `folder` is a folder of this machine")


class Editions(Protocol):
    """What makes the page of the record: see `pages.editions`, which the application puts here."""

    async def publish(self, posts: Sequence[Post]) -> None:
        """Make an edition that holds these posts beside all that was published before, and have it stand. Raises
        `PlaceFailed`, and `Unavailable` if one of them may not be shown any more."""

    async def find(self, post: Post) -> bool:
        """Whether what stands now holds this post. Raises `PlaceFailed`."""


class PageAdapter(Adapter[PageSettings]):
    """Shows each post in a new edition of the page; the posts that come at once, in one."""

    spec = base.PAGE
    settings_type = PageSettings

    def __init__(self, channel: Channel, settings: PageSettings) -> None:
        super().__init__(channel, settings)
        self.editions: Editions | None = None
        self._place: PagePlace | None = None
        self._waiting: list[tuple[Post, asyncio.Future[None]]] = []
        self._line = asyncio.Lock()

    @property
    def at_once(self) -> int:
        return AT_ONCE

    @classmethod
    def targets(cls, settings: PageSettings) -> tuple[Target, ...]:
        return (Target(settings.public_url),)

    @classmethod
    def identity(cls, settings: PageSettings) -> dict[str, str]:
        return {"address": settings.public_url, "folder": settings.folder}

    @classmethod
    def addresses(cls, settings: PageSettings) -> PostAddresses | None:
        root = settings.public_url
        pattern = rf"{re.escape(root)}/(?P<id>[a-z]{{2,3}}/alerts/[A-Z]+-[0-9]+\.html)"
        return PostAddresses((pattern,), f"{root}/fr/alerts/BKRT-1.html")

    @classmethod
    def witness(cls, settings: PageSettings) -> PageWitness:
        look = settings.looked_at
        return PageWitness((look.address if look else None) or settings.public_url)

    def place(self) -> PagePlace:
        """Where the files go. Raises `ChannelDown` for a missing key."""
        if self._place is None:
            settings = self.settings
            if settings.in_bucket:
                from alertbot.channels.page.bucket import BucketPlace

                seconds = settings.answer_within.total_seconds()
                self._place = BucketPlace(settings.folder, self._options(), seconds=seconds)
            else:
                self._place = FolderPlace(settings.home / Path(settings.folder).expanduser())
        return self._place

    def _options(self) -> dict[str, str]:
        given = {"endpoint": self.settings.endpoint, "region": self.settings.region}
        names = [one.name for one in self.settings.secrets if self.settings.has_secret(one.name)]
        return {key: value for key, value in given.items() if value} | {
            name: self.secret(name) for name in names
        }

    async def warm(self) -> None:
        await in_thread(self.place)

    async def identify(self) -> str:
        place = await in_thread(self.place)
        stands = await self._asked(in_thread(place.stands))
        if stands is None:
            return _("{url}, in {place}: no page stands there yet").format(
                url=self.settings.public_url, place=place.name
            )
        return _("{url}, in {place}: edition {n} stands").format(
            url=self.settings.public_url, place=place.name, n=stands.sequence
        )

    async def _send(self, post: Post) -> Receipt:
        if post.document is None:
            sentence = _(
                "{alert} has no text for the page {channel}: it was composed before there was one."
            )
            raise Rejected(
                sentence.format(alert=post.alert, channel=self.channel.name), code="document"
            )
        shown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((post, shown))
        async with self._line:
            if not shown.done():
                await asyncio.sleep(TOGETHER_SECONDS)
                await self._show()
        await shown
        return self._receipt(post)

    async def _show(self) -> None:
        """Show everything that waits, and tell each who waits for it how it went."""
        batch, self._waiting = self._waiting, []
        told: Exception = Uncertain(_("The page was being renewed when the worker stopped."))
        try:
            await self._asked(self._made_by().publish([post for post, _shown in batch]))
        except Exception as error:  # noqa: BLE001 - raised again for each who waits
            told = error
        else:
            for _post, shown in batch:
                shown.set_result(None)
        finally:
            for _post, shown in batch:
                if not shown.done():
                    shown.set_exception(told)

    async def _asked(self, work: Awaitable[T]) -> T:
        """What the work gives, or the place's trouble as the engine knows it."""
        try:
            return await work
        except PlaceTaken as error:
            raise ChannelDown(str(error), code="place") from None
        except PlaceFailed as error:
            raise Unavailable(str(error)) from None

    async def find(self, post: Post) -> Receipt | None:
        return self._receipt(post) if await self._asked(self._made_by().find(post)) else None

    def _made_by(self) -> Editions:
        if self.editions is None:
            raise Unavailable(
                _("The page is made by a worker: run `alertbot run` or `alertbot serve`.")
            )
        return self.editions

    def _receipt(self, post: Post) -> Receipt:
        path = f"{post.lang}/alerts/{post.alert}.html"
        return Receipt(path, f"{self.settings.public_url}/{path}")
