"""`alertbot mcp`: what a writing assistant may do for a person. It looks, it previews, it drafts; it has no way to submit,
approve, settle, record, or to touch people and numbers: such verbs are not in `AssistantDesk`."""

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, Protocol
from uuid import uuid4

import typer

from alertbot.alerts import compose, writing
from alertbot.alerts.compose import DraftRequest, load_kind, look
from alertbot.alerts.lists import register
from alertbot.app import App
from alertbot.cli.frame import TokenFile, session
from alertbot.cli.parsing import load
from alertbot.cli.remote.server import Server, part
from alertbot.cli.running import with_app
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.json import Json, as_json
from alertbot.core.loops import in_thread
from alertbot.core.words import _
from alertbot.ops import overview
from alertbot.people.accounts import acting
from alertbot.texts.kinds.kind_spec import FieldType
from alertbot.texts.views import kind_details_view, kind_view, preview_view
from alertbot.watch.context import WatchContext

Value = str | dict[str, str] | list[str | dict[str, str]]


@dataclass(frozen=True, slots=True)
class AssistantWording:
    """What an assistant wants to say, as `draft` takes it. `incident`: the one it belongs to; `new_incident`: none of
    those that are open."""

    kind: str
    values: Mapping[str, Value]
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    exercise: bool = False
    incident: str | None = None
    new_incident: bool = False


class AssistantDesk(Protocol):
    """All that an assistant may ask for. Answers are the documents of `--json`."""

    async def kinds(self, kind: str | None) -> Json:
        """Every kind, or one with its fields and its example."""

    async def preview(self, wording: AssistantWording) -> Json:
        """What every channel would show; stores nothing."""

    async def draft(self, wording: AssistantWording, assistant: str) -> Json:
        """A draft that says which assistant worded it."""

    async def status(self, alert: str | None) -> Json:
        """What went out, and what needs somebody."""

    async def deliveries(self, alert: str | None, state: str | None, limit: int) -> Json:
        """Every delivery with its state."""


@dataclass(frozen=True, slots=True)
class LocalDesk:
    """The database of a configuration, for the person with this token."""

    service: WatchContext
    token: str

    async def kinds(self, kind: str | None) -> Json:
        publisher = self.service.publisher
        if kind is None:
            return as_json([kind_view(one) for one in compose.kinds(publisher)])
        found = as_json(kind_details_view(load_kind(publisher, kind)))
        assert isinstance(found, dict)
        return found | {"example": as_json(compose.example(publisher, kind))}

    async def preview(self, wording: AssistantWording) -> Json:
        asked = await register.look_up(self.service, self._wishes(wording))
        return as_json(preview_view(await in_thread(partial(look, self.service.publisher, asked))))

    async def draft(self, wording: AssistantWording, assistant: str) -> Json:
        person = await acting(self.service, self.token)
        view = await writing.draft(
            *(self.service, person, self._wishes(wording)),
            incident=wording.incident,
            new_incident=wording.new_incident,
            assistant=assistant,
        )
        return as_json(view)

    async def status(self, alert: str | None) -> Json:
        return as_json(await overview.status(self.service, alert))

    async def deliveries(self, alert: str | None, state: str | None, limit: int) -> Json:
        return as_json(await overview.deliveries(self.service, alert, state, limit))

    def _wishes(self, wording: AssistantWording) -> DraftRequest:
        """Raises `Misuse` for a path where rows of numbers belong: an assistant reads no file of this machine."""
        for spec in load_kind(self.service.publisher, wording.kind).fields:
            given = wording.values.get(spec.name)
            if spec.type is FieldType.NUMBERS and given is not None and not isinstance(given, list):
                sentence = _("“{name}” must be a list of rows; a file cannot be read from here.")
                raise Misuse(sentence.format(name=spec.name))
        return DraftRequest(
            kind=wording.kind,
            given=wording.values,
            languages=wording.languages,
            channels=wording.channels,
            exercise=wording.exercise,
        )


@dataclass(frozen=True, slots=True)
class DeskAtServer:
    """The desk of a service, over its API, for the person with this token."""

    server: Server

    async def kinds(self, kind: str | None) -> Json:
        if kind is None:
            return await self._ask("GET", "/kinds")
        found = await self._ask("GET", f"/kinds/{part(kind)}")
        assert isinstance(found, dict)
        return found | {"example": await self._ask("GET", f"/kinds/{part(kind)}/example")}

    async def preview(self, wording: AssistantWording) -> Json:
        return await self._ask("POST", "/preview", body=_body(wording))

    async def draft(self, wording: AssistantWording, assistant: str) -> Json:
        place = {"incident": wording.incident, "new_incident": wording.new_incident}
        said = _body(wording) | {name: value for name, value in place.items() if value}
        body = said | {"assistant": assistant[: writing.LONGEST_ASSISTANT]}
        return await self._ask("POST", "/alerts", body=body, key=uuid4().hex)

    async def status(self, alert: str | None) -> Json:
        return await self._ask("GET", "/status", query={"alert": alert} if alert else {})

    async def deliveries(self, alert: str | None, state: str | None, limit: int) -> Json:
        given = {"alert": alert, "state": state, "limit": str(limit)}
        query = {name: value for name, value in given.items() if value is not None}
        return await self._ask("GET", "/deliveries", query=query)

    async def _ask(self, method: str, path: str, **more: Any) -> Json:
        return (await in_thread(partial(self.server.ask, method, path, **more))).document


def _body(wording: AssistantWording) -> dict[str, object]:
    names = ("languages", "channels")
    given = {name: list(getattr(wording, name)) for name in names if getattr(wording, name)}
    return {
        "kind": wording.kind,
        "values": dict(wording.values),
        "exercise": wording.exercise,
        **given,
    }


def mcp(context: typer.Context, token_file: TokenFile = None) -> None:
    if find_spec("mcp") is None:
        raise Misuse(_("`alertbot mcp` needs one more library: pip install 'alertbot[mcp]'"))
    serve = load("assisting.tools:serve")
    here = session(context)
    token = here.token(token_file)
    if here.server is not None:
        server = Server(here.server, token)
        server.ask("GET", "/me")  # who is nobody learns it before anything is asked
        asyncio.run(serve(DeskAtServer(server), here.server))
        return

    async def work(app: App) -> None:
        service = await app.open()
        await acting(service, token)  # who is nobody learns it before anything is asked
        assert token is not None
        await serve(LocalDesk(service, token), service.publisher.organisation.name)

    with_app(context, work)
