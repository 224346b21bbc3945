"""Mastodon: the contract, every row of the error map, keys, edits, limits."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from alertbot.channels.mastodon.adapter import MastodonAdapter
from alertbot.channels.mastodon.answers import plain_text, post_with
from alertbot.channels.mastodon.settings import MastodonSettings
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Throttled, Uncertain
from alertbot.core.model import Action, Audience, Channel, Receipt
from alertbot.rehearsal.sandbox.accounts import MastodonAccount
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.channels import raw
from tests.channels.contract import CARD, PATIENT, NetworkChannelContract

TOKEN = {"MASTODON_TOKEN": MastodonAccount().access_token}


class TestContract(NetworkChannelContract):
    adapter_type = MastodonAdapter
    hasty: ClassVar[dict[str, timedelta]] = {"answer_within": timedelta(seconds=0.3)}

    def secrets(self) -> dict[str, str]:
        return TOKEN

    def settings(self, port: int, **more: Any) -> Any:
        url = f"http://127.0.0.1:{port}"
        return MastodonSettings(api_url=url, access_token_env="MASTODON_TOKEN", **(PATIENT | more))

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        async with Sandbox() as sandbox:
            yield int(sandbox.mastodon_url.rsplit(":", 1)[1])


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTODON_TOKEN", TOKEN["MASTODON_TOKEN"])


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=lambda: datetime.now(UTC)) as running:
        yield running


def adapter_for(sandbox: Sandbox, **more: Any) -> MastodonAdapter:
    settings = TestContract().settings(int(sandbox.mastodon_url.rsplit(":", 1)[1]), **more)
    spec = settings.narrowed(MastodonAdapter.spec)
    return MastodonAdapter(Channel("toots", spec, ("fr",), Audience.TEAM), settings)


@pytest.fixture
async def mastodon(sandbox: Sandbox) -> AsyncIterator[MastodonAdapter]:
    adapter = adapter_for(sandbox)
    yield adapter
    await adapter.close()


def a_post(**changes: Any) -> Any:
    return TestContract().post(**changes)


async def refused(mastodon: MastodonAdapter, **changes: Any) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await mastodon.publish(a_post(**changes))
    return caught.value


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("rate_limited:reset=90", Throttled, "429"),
        ("invalid", Rejected, "422"),
        ("unauthorized:on=post", ChannelDown, "401"),
        ("suspended:on=post", ChannelDown, "403"),
        ("gone:on=post", ChannelDown, "410"),
        ("reply_gone", ChannelDown, "404"),  # it answers nothing: then the address is wrong
        ("server_error", Uncertain, "503"),
        ("server_error:commit=yes", Uncertain, "503"),
        ("html", Uncertain, "502"),
        ("html_200", Uncertain, "200"),
    ],
)
async def test_every_refusal(
    mastodon: MastodonAdapter, sandbox: Sandbox, fault: str, error: type[ChannelError], code: str
) -> None:
    sandbox.faults.add(f"mastodon:{fault}")
    found = await refused(mastodon)
    assert (type(found), found.code) == (error, code)
    if isinstance(found, Throttled):
        assert 85 < found.wait <= 91


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, ChannelDown),
        (400, Rejected),
        (405, ChannelDown),
        (408, Uncertain),
        (413, Rejected),
        (500, Uncertain),
    ],
)
async def test_what_the_sandbox_does_not_answer(status: int, error: type[ChannelError]) -> None:
    answer = raw.http_answer(status, b'{"error":"no"}')
    assert type(await TestContract().error_of(raw.http(answer))) is error


@pytest.mark.parametrize("fault", ["suspended", "gone", "invalid", "reply_gone"])
@pytest.mark.parametrize("action", [Action.EDIT, Action.PIN])
async def test_a_refused_edit_or_pin_never_stops_the_channel(
    mastodon: MastodonAdapter, sandbox: Sandbox, fault: str, action: Action
) -> None:
    receipt = await mastodon.publish(a_post())
    sandbox.faults.add(f"mastodon:{fault}:on={action}")
    assert type(await refused(mastodon, action=action, reply_to=receipt.id)) is Rejected


async def test_fifty_lost_answers_leave_fifty_posts(
    mastodon: MastodonAdapter, sandbox: Sandbox
) -> None:
    for number in range(50):
        sandbox.faults.add("mastodon:drop_after_commit")
        assert isinstance(await refused(mastodon, delivery=number), Uncertain)
        again = a_post(delivery=number, attempt=2, uncertain_before=True)
        assert (await mastodon.publish(again)).id
    assert len(sandbox.posts.network("mastodon")) == 50


async def test_what_was_posted_is_found_and_nothing_older(
    mastodon: MastodonAdapter, sandbox: Sandbox
) -> None:
    text = "Numéros & zones <Rhône> : https://example.org/?dep=69&region=84\n\nÀ suivre #AlerteRhône"
    post = replace(a_post(text=text), born=datetime.now(UTC))
    assert await mastodon.find(post) is None
    receipt = await mastodon.publish(post)
    found = await mastodon.find(post)
    assert found is not None
    assert found.id == receipt.id
    assert await mastodon.find(replace(post, born=datetime.now(UTC) + timedelta(hours=1))) is None


async def test_an_edit_keeps_its_history_and_drops_the_picture(
    mastodon: MastodonAdapter, sandbox: Sandbox
) -> None:
    receipt = await mastodon.publish(a_post(picture=CARD, alt="Rhône : 15"))
    assert sandbox.posts.network("mastodon")[0].pictures[0].description == "Rhône : 15"
    edit = a_post(action=Action.EDIT, text="Corrigé", reply_to=receipt.id)
    assert (await mastodon.publish(edit)).url == receipt.url
    [post] = sandbox.posts.network("mastodon")
    assert (post.text, post.pictures, len(post.earlier)) == ("Corrigé", (), 1)
    assert await mastodon.read_back(edit, receipt) == "Corrigé"


async def test_a_refused_picture_does_not_hold_up_the_text(
    mastodon: MastodonAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("mastodon:media_refused")
    receipt = await mastodon.publish(a_post(picture=CARD, alt="Rhône"))
    assert receipt.without
    assert sandbox.posts.network("mastodon")[0].pictures == ()


async def test_where_all_places_are_taken_the_newest_pin_gives_way(
    mastodon: MastodonAdapter, sandbox: Sandbox
) -> None:
    for number in range(5):
        receipt = await mastodon.publish(a_post(text=f"Point {number}"))
        await mastodon.publish(a_post(action=Action.PIN, reply_to=receipt.id))
    again = await mastodon.publish(a_post(action=Action.PIN, reply_to=receipt.id))
    assert not again.note
    sixth = await mastodon.publish(a_post(text="Point 5"))
    pinned = await mastodon.publish(a_post(action=Action.PIN, reply_to=sixth.id))
    assert receipt.id in pinned.note
    found = [post.text for post in sandbox.posts.network("mastodon") if post.pinned]
    assert found == ["Point 0", "Point 1", "Point 2", "Point 3", "Point 5"]


async def test_the_language_and_who_sees_it_go_out(sandbox: Sandbox) -> None:
    adapter = adapter_for(sandbox, visibility="private")
    await adapter.publish(a_post(lang="en"))
    await adapter.close()
    [post] = sandbox.posts.network("mastodon")
    assert (post.lang, post.visibility) == ("en", "private")


@pytest.mark.parametrize(("most", "fits"), [(500, True), (400, True), (501, False)])
async def test_a_limit_above_the_server_s_is_told_before_anything_is_posted(
    sandbox: Sandbox, most: int, fits: bool
) -> None:
    adapter = adapter_for(sandbox, most_characters=most)
    if fits:
        assert await adapter.identify() == "@alertes"
    else:
        with pytest.raises(ChannelDown, match="most_characters: 500"):
            await adapter.identify()
    await adapter.close()


async def test_what_is_gone_is_read_back_as_gone(mastodon: MastodonAdapter) -> None:
    receipt = await mastodon.publish(a_post())
    await mastodon.publish(a_post(action=Action.DELETE, reply_to=receipt.id))
    assert await mastodon.read_back(a_post(), receipt) is None
    assert await mastodon.read_back(a_post(), Receipt("7")) is None


@pytest.mark.parametrize("remote_id", [None, "", "x", "1/../2", "3lbwqr7kgbs2k"])
async def test_an_id_that_is_none_reaches_nothing(remote_id: str | None) -> None:
    adapter = TestContract().adapter(await raw.free_port())
    with pytest.raises(Rejected, match="not the number"):
        await adapter.publish(a_post(action=Action.DELETE, reply_to=remote_id))


def test_a_post_is_read_as_readers_see_it() -> None:
    content = (
        '<p>Voir <a href="https://example.org/a"><span class="invisible">https://</span>'
        '<span class="ellipsis">example.org/</span><span class="invisible">a</span></a><br />'
        'A &amp; B &lt;c&gt;</p><p><a class="hashtag">#<span>Alerte</span></a></p>'
    )
    assert plain_text(content) == "Voir https://example.org/a\nA & B <c>\n#Alerte"


@pytest.mark.parametrize("timeline", [None, {}, [1, {}, {"id": 3}, {"id": "4", "created_at": "x"}]])
def test_a_timeline_of_another_shape_holds_no_post(timeline: object) -> None:
    assert post_with(a_post(), timeline) is None


async def test_a_token_alone_does_not_say_whose_it_is(sandbox: Sandbox) -> None:
    bare, named = adapter_for(sandbox), adapter_for(sandbox, account="@alertes")
    assert [key for key, _sentence in bare.settings.warnings()] == ["account"]
    assert not list(named.settings.warnings())
    assert bare.identity(bare.settings)["account"] == ""
    assert named.identity(named.settings)["account"] == "alertes"
    assert MastodonAdapter.addresses(bare.settings).unknown
    [pattern] = MastodonAdapter.addresses(named.settings).patterns
    root = named.settings.api_url
    assert re.fullmatch(pattern, f"{root}/@alertes/1032549621552")
    assert not re.fullmatch(pattern, f"{root}/@alertes2/1032549621552")
    assert not re.fullmatch(pattern, "https://social.example.com/@alertes/1032549621552")
