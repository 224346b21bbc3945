"""What every channel promises. A channel's test file subclasses one of these two and fills the gaps.

`publish` itself is driven, with the real library against real sockets.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertbot.channels.base import Adapter
from alertbot.core.errors import (
    ChannelDown,
    ChannelError,
    Rejected,
    Scope,
    Throttled,
    Unavailable,
    Uncertain,
)
from alertbot.core.model import Action, Audience, Channel, ExercisePost, Picture, Post, Receipt
from alertbot.delivery.readback import difference
from tests.channels import raw
from tests.effort import examples

POST = Post(
    alert="BKRT-1",
    delivery=7,
    attempt=1,
    target="",
    lang="fr",
    text="Panne des numéros d'urgence & <téléphones> dans le Rhône.\nProchain point à 17 h 15.",
    message_id="BKRT-1.7",
    born=datetime(2026, 6, 2, 19, 31, 7, 250_000, tzinfo=UTC),
)
ODD_TEXTS = (
    "15 & 18 < 112 > 17 &amp; &lt;",
    "<b>pas en gras</b> <a href='x'>ni lien</a>",
    "É en deux signes : E\u0301 ; \u00a0 et \u202f",
    "🚨 👩🏽‍🚒 🇫🇷 112",
    "* _pas_ `de` [marques](x) #15 @samu",
    "ligne 1\n\nligne 3\n",
    "% {alert} {} \\n $HOME",
)
CARD = Picture("c" * 64, "image/png", 800, 418, b"\x89PNG\r\n\x1a\n card")


def post_as(kind: type[Post], post: Post) -> Post:
    """The same post of another class."""
    return kind(**{name: getattr(post, name) for name in Post.__slots__})


def all_texts(error: BaseException) -> str:
    """Everything that could be printed of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


# a busy machine stands still for seconds: no test waits in vain for an answer that comes
PATIENT: dict[str, Any] = {
    "connect_within": timedelta(seconds=60),
    "answer_within": timedelta(seconds=60),
}


class ChannelContract:
    """For every channel."""

    adapter_type: ClassVar[type[Adapter[Any]]]
    target: ClassVar[str] = "target"
    html: ClassVar[str | None] = None
    hasty: ClassVar[dict[str, timedelta]] = {}  # settings that wait next to no time for an answer

    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Secrets, and proxies that nobody may use."""
        for name in (
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
        ):
            monkeypatch.delenv(name, raising=False)
        for variable, value in self.secrets().items():
            monkeypatch.setenv(variable, value)

    def secrets(self) -> dict[str, str]:
        """Environment variables with the credentials of this channel."""
        return {}

    def settings(self, port: int, **more: Any) -> Any:
        """Settings that lead to a port on loopback, with short times."""
        return self.adapter_type.settings_type(type=self.adapter_type.spec.type, **more)

    def adapter(self, port: int, audience: Audience = Audience.TEAM, **more: Any) -> Adapter[Any]:
        channel = Channel("under_test", self.adapter_type.spec, ("fr", "en"), audience)
        return self.adapter_type(channel, self.settings(port, **more))

    def post(self, **changes: Any) -> Post:
        """A post; another text is another delivery, as a platform that knows a post by its key needs it."""
        number = (
            POST.delivery if "text" not in changes else 1000 + crc32(changes["text"].encode()) % 9000
        )
        own = {"delivery": number, "message_id": f"{POST.alert}.{number}"}
        return replace(POST, **({"target": self.target, "html": self.html} | own | changes))

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        """A platform that takes posts; gives its port."""
        yield 0

    async def test_publish_gives_a_receipt_with_an_id(self) -> None:
        async with self.accepting() as port:
            adapter = self.adapter(port)
            receipt = await adapter.publish(self.post())
            await adapter.close()
        assert isinstance(receipt, Receipt)
        assert receipt.id

    async def test_an_exercise_is_refused_by_type_where_the_public_would_see_it(self) -> None:
        adapter = self.adapter(await raw.free_port(), Audience.LIVE)
        with pytest.raises(Rejected) as refused:
            await adapter.publish(post_as(ExercisePost, self.post()))
        assert refused.value.scope is Scope.CHANNEL
        assert refused.value.code == "exercise"

    @pytest.mark.parametrize("audience", [Audience.TEAM, Audience.EXERCISE])
    async def test_an_exercise_goes_to_the_team_and_to_exercise_channels(
        self, audience: Audience
    ) -> None:
        async with self.accepting() as port:
            adapter = self.adapter(port, audience)
            assert (await adapter.publish(post_as(ExercisePost, self.post()))).id
            await adapter.close()

    async def test_identify_says_who_we_are(self) -> None:
        async with self.accepting() as port:
            adapter = self.adapter(port)
            assert await adapter.identify()
            await adapter.close()

    async def test_warm_loads_and_sends_nothing(self) -> None:
        adapter = self.adapter(await raw.free_port())
        await adapter.warm()
        await adapter.close()

    async def test_close_may_be_called_twice_and_publishing_works_after_it(self) -> None:
        async with self.accepting() as port:
            adapter = self.adapter(port)
            await adapter.close()
            await adapter.publish(self.post())
            await adapter.close()
            await adapter.close()

    def test_making_an_adapter_reads_no_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in self.secrets():
            monkeypatch.delenv(variable)
        self.adapter(1)

    def test_one_target_at_least(self) -> None:
        assert self.adapter_type.targets(self.settings(1))

    def acting(self, action: Action, on: Receipt | None = None, **changes: Any) -> Post:
        """A post that does something to an earlier one."""
        return self.post(action=action, reply_to=on and on.id, **changes)

    async def refused(self, action: Action) -> None:
        """What the spec does not promise is refused in a sentence, and nothing reaches the platform."""
        adapter = self.adapter(await raw.free_port())
        with pytest.raises(Rejected) as caught:
            await adapter.publish(self.acting(action, Receipt("1"), picture=CARD))
        assert caught.value.scope is Scope.MESSAGE
        assert POST.alert in str(caught.value)

    async def test_an_edit_changes_the_post_and_may_be_repeated(self) -> None:
        if not self.adapter_type.spec.can_edit:
            await self.refused(Action.EDIT)
            return
        async with self.accepting() as port:
            adapter = self.adapter(port)
            first = await adapter.publish(self.post())
            edit = self.acting(Action.EDIT, first, text="Fin", html=self.html and "<b>Fin</b>")
            for _again in range(2):
                assert (await adapter.publish(edit)).id == first.id
            await adapter.close()

    async def test_a_deletion_may_be_repeated_and_says_what_was_gone(self) -> None:
        if not self.adapter_type.spec.can_delete:
            await self.refused(Action.DELETE)
            return
        async with self.accepting() as port:
            adapter = self.adapter(port)
            first = await adapter.publish(self.post())
            assert (await adapter.publish(self.acting(Action.DELETE, first))).id == first.id
            again = await adapter.publish(self.acting(Action.DELETE, first))
            await adapter.close()
        assert again.note or self.adapter_type.spec.type in ("console", "hand")

    async def test_a_pin_may_be_repeated(self) -> None:
        if not self.adapter_type.spec.can_pin:
            await self.refused(Action.PIN)
            return
        async with self.accepting() as port:
            adapter = self.adapter(port)
            first = await adapter.publish(self.post())
            for _again in range(2):
                assert (await adapter.publish(self.acting(Action.PIN, first))).id == first.id
            await adapter.close()

    @pytest.mark.parametrize("action", [Action.EDIT, Action.DELETE, Action.PIN])
    async def test_an_exercise_acts_on_nothing_that_the_public_sees(self, action: Action) -> None:
        adapter = self.adapter(await raw.free_port(), Audience.LIVE)
        with pytest.raises(Rejected) as refused:
            await adapter.publish(post_as(ExercisePost, self.acting(action, Receipt("1"))))
        assert refused.value.code == "exercise"

    async def test_the_same_post_again_is_still_one(self) -> None:
        if self.adapter_type.spec.repeat_safe is None:
            pytest.skip("a repeat would be a second post")
        async with self.accepting() as port:
            adapter = self.adapter(port)
            first = await adapter.publish(self.post())
            again = await adapter.publish(self.post(attempt=2, uncertain_before=True))
            other = await adapter.publish(self.post(text="Autre chose", html=None))
            await adapter.close()
        assert again.id == first.id != other.id

    async def test_a_reply_goes_out_even_where_what_it_answers_is_gone(self) -> None:
        async with self.accepting() as port:
            adapter = self.adapter(port)
            first = await adapter.publish(self.post())
            answer = await adapter.publish(self.post(text="La suite", html=None, reply_to=first.id))
            gone = self.post(text="La fin", html=None, reply_to="9" * 9, attempt=9)
            alone = await adapter.publish(gone)
            await adapter.close()
        assert answer.id
        assert alone.id
        if self.adapter_type.spec.can_reply and self.adapter_type.spec.type not in (
            "console",
            "hand",
            "memory",
        ):
            assert alone.note
            assert not answer.note

    async def test_a_picture_goes_beside_the_text(self) -> None:
        spec = self.adapter_type.spec
        async with self.accepting() as port:
            adapter = self.adapter(port)
            with_picture = self.post(picture=CARD, alt="Rhône : 04 65 71 00 01")
            first = await adapter.publish(with_picture)
            if spec.picture_apart:
                assert (
                    await adapter.publish(
                        replace(with_picture, action=Action.PICTURE, reply_to=first.id)
                    )
                ).id
            await adapter.close()
        assert first.id
        if not spec.can_picture:
            await self.refused(Action.PICTURE)

    async def test_what_stands_there_is_read_back_as_it_was_approved(self) -> None:
        if not self.adapter_type.spec.can_read_back:
            with pytest.raises(Rejected):
                await self.adapter(1).read_back(self.post(), Receipt("1"))
            return
        async with self.accepting() as port:
            adapter = self.adapter(port)
            post = self.post(picture=CARD, alt="Rhône")
            shown = await adapter.read_back(post, await adapter.publish(post))
            await adapter.close()
        assert shown is not None
        assert difference(post, shown, adapter.spec.markup) is None

    @pytest.mark.parametrize("text", ODD_TEXTS)
    async def test_no_letter_of_an_odd_text_is_lost(self, text: str) -> None:
        if not self.adapter_type.spec.can_read_back:
            pytest.skip("what stands there cannot be read back")
        async with self.accepting() as port:
            adapter = self.adapter(port)
            post = self.post(text=text, html=None)
            shown = await adapter.read_back(post, await adapter.publish(post))
            await adapter.close()
        assert shown is not None
        assert difference(post, shown, adapter.spec.markup) is None
        other = replace(post, text=f"{text} non")
        assert difference(other, shown, adapter.spec.markup)


class NetworkChannelContract(ChannelContract):
    """For channels that reach a platform over a connection."""

    logs_in: ClassVar[bool] = False  # another request comes before the post: see `before`

    def before(self, request: bytes) -> bytes | None:
        """The orderly answer to a request that comes before the post, such as a log-in; None: this is the post."""
        return None

    def after_login(self, handler: raw.Handler) -> raw.Handler:
        """A platform that answers what comes before the post, and the post as `handler` does."""
        if not self.logs_in:
            return handler

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await raw.read_request(reader)
            answer = self.before(request)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
                return
            again = asyncio.StreamReader()
            again.feed_data(request)
            await handler(again, writer)

        return handle

    def hanging_up(self) -> raw.Handler:
        """A platform that takes the whole post and hangs up without an answer."""

        async def handle(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await raw.read_request(reader)

        return handle

    def silent(self) -> raw.Handler:
        """A platform that takes the whole post and says nothing."""
        return raw.http_silence

    def rambling(self, answer: bytes) -> raw.Handler:
        """A platform that takes the post and answers these bytes."""
        return raw.http(answer)

    def refusing_credentials(self) -> raw.Handler:
        """A platform that does not know us."""
        return raw.http(
            raw.http_answer(401, b'{"ok":false,"error_code":401,"description":"Unauthorized"}')
        )

    async def error_of(self, handler: raw.Handler, **more: Any) -> ChannelError:
        """The error with which `publish` ends at such a platform; `more` goes into the settings."""
        async with raw.listening(self.after_login(handler)) as port:
            adapter = self.adapter(port, **more)
            try:
                with pytest.raises(ChannelError) as caught:
                    await adapter.publish(self.post())
            finally:
                await adapter.close()
        self.tells_no_secret(caught.value)
        return caught.value

    def tells_no_secret(self, error: BaseException) -> None:
        told = all_texts(error)
        for secret in self.secrets().values():
            assert secret not in told

    def is_one_of_the_five(self, error: ChannelError) -> None:
        assert type(error) in (Rejected, Throttled, Unavailable, Uncertain, ChannelDown)

    async def test_a_refused_connection_is_surely_not_sent(self) -> None:
        adapter = self.adapter(await raw.free_port())
        with pytest.raises(Unavailable) as caught:
            await adapter.publish(self.post())
        await adapter.close()
        self.tells_no_secret(caught.value)

    async def test_a_lost_answer_is_uncertain(self) -> None:
        assert isinstance(await self.error_of(self.hanging_up()), Uncertain)

    async def test_a_platform_that_says_nothing_is_uncertain(self) -> None:
        assert isinstance(await self.error_of(self.silent(), **self.hasty), Uncertain)

    async def test_wrong_credentials_stop_the_channel(self) -> None:
        assert isinstance(await self.error_of(self.refusing_credentials()), ChannelDown)

    async def test_a_missing_secret_stops_the_channel_and_names_the_variable(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for variable in self.secrets():
            monkeypatch.delenv(variable)
        with pytest.raises(ChannelDown) as caught:
            await self.adapter(await raw.free_port()).publish(self.post())
        assert any(variable in str(caught.value) for variable in self.secrets())

    @settings(
        max_examples=examples(20),
        deadline=None,
        # the fixture only sets the environment, and each subclass runs this by itself
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(answer=st.deferred(lambda: hostile_answers))
    def test_whatever_the_platform_answers_only_a_receipt_or_the_five_errors_come_out(
        self, answer: bytes
    ) -> None:
        async def attempt() -> None:
            async with raw.listening(self.after_login(self.rambling(answer))) as port:
                adapter = self.adapter(port, **self.hasty)
                try:
                    assert isinstance(await adapter.publish(self.post()), Receipt)
                except ChannelError as error:
                    self.is_one_of_the_five(error)
                    self.tells_no_secret(error)
                finally:
                    await adapter.close()

        asyncio.run(attempt())


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["ok", "result", "data", "id", "errors", "error", "detail", "message", "type", "title",
             "description", "parameters", "retry_after", "migrate_to_chat_id", "message_id", "chat"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@st.composite
def _http(draw: st.DrawFn) -> bytes:
    import json

    status = draw(
        st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 409, 418, 429, 500, 502, 599])
    )
    body = draw(
        st.binary(max_size=60)
        | _json.map(lambda value: json.dumps(value).encode())
        | st.just(b"<html><body>503 Sorry</body></html>")
        | st.just(b"[" * 5000)
    )
    reset = draw(st.sampled_from(["", "abc", "-1", "99999999999999999999", "1"]))
    headers = {"x_rate_limit_reset": reset, "Retry_After": reset} if reset else {}
    return raw.http_answer(status, body, **headers)


hostile_answers = st.binary(max_size=80) | _http()
