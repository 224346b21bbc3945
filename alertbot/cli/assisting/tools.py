"""The tools that a writing assistant is shown (Model Context Protocol, on stdin and stdout). The library is an extra:
only `alertbot mcp` loads this file."""

import json
from collections.abc import Awaitable
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from alertbot import __version__
from alertbot.cli.assisting.assistant import AssistantDesk, AssistantWording, Value
from alertbot.core.errors import AlertbotError, Faulty
from alertbot.core.json import Json

MOST_DELIVERIES = 200
INSTRUCTIONS = (
    "alertbot tells the public that emergency numbers are out of order, on every channel and in every language, after a"
    " second person has approved the exact texts. You may read the kinds of alerts, preview texts, write drafts, and see"
    " what went out. You cannot submit, approve or send anything, and you cannot enter or change telephone numbers:"
    " people do that. Every draft of yours is marked as worded by an assistant. A life may hang on a digit or a time:"
    " never invent a number, a time, a place or a cause; leave a field out if you were not told its value. Before you"
    " draft, ask `kinds` for the fields of the kind, and use `preview` until it has no faults."
)
LOOKS = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
DRAFTS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)

Kind = Annotated[str, Field(description="The name of a kind, such as holding or status.")]
Values = Annotated[
    dict[str, Value],
    Field(
        description="The fields of the kind by name, as people type them: texts, also for numbers and times"
        " (18:00, +30m); one text for each language as {fr: …, en: …}."
    ),
]
Languages = Annotated[
    list[str], Field(description="Only these languages; empty: those of the channels.")
]
Channels = Annotated[list[str], Field(description="Only these channels; empty: all.")]
Exercise = Annotated[bool, Field(description="An exercise; goes to exercise channels only.")]
AlertName = Annotated[str | None, Field(description="One alert, such as BKRT-1; without it, all.")]


async def serve(desk: AssistantDesk, organisation: str) -> None:
    """Answer an assistant on stdin and stdout until it leaves."""
    await server(desk, organisation).run_stdio_async()


def server(desk: AssistantDesk, organisation: str) -> MCPServer[Any]:
    """The tools over this desk."""
    made: MCPServer[Any] = MCPServer(
        "alertbot",
        title=f"alertbot, {organisation}",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="ERROR",
    )
    _add_looking(made, desk)
    _add_writing(made, desk)
    return made


def _add_looking(made: MCPServer[Any], desk: AssistantDesk) -> None:
    @made.tool(annotations=LOOKS, structured_output=False)
    async def kinds(kind: Kind | None = None) -> str:
        """The kinds of alerts; or, with a kind, its fields, hints and a filled-in example."""
        return await _told(desk.kinds(kind))

    @made.tool(annotations=LOOKS, structured_output=False)
    async def status(alert: AlertName = None) -> str:
        """What went out, what waits, what needs a person, and why anything was not sent."""
        return await _told(desk.status(alert))

    @made.tool(annotations=LOOKS, structured_output=False)
    async def deliveries(
        alert: AlertName = None,
        state: Annotated[
            str | None, Field(description="Only this state, such as uncertain or sent.")
        ] = None,
        limit: Annotated[int, Field(ge=1, le=MOST_DELIVERIES)] = MOST_DELIVERIES,
    ) -> str:
        """Each delivery: channel, target, state, attempts, address, reason."""
        return await _told(desk.deliveries(alert, state, limit))


def _add_writing(made: MCPServer[Any], desk: AssistantDesk) -> None:
    @made.tool(annotations=LOOKS, structured_output=False)
    async def preview(
        kind: Kind,
        values: Values,
        languages: Languages = [],  # noqa: B006 - read, never changed
        channels: Channels = [],  # noqa: B006
        exercise: Exercise = False,
    ) -> str:
        """Exactly what each channel would show in each language, and the faults that would stop it. Stores nothing."""
        wording = AssistantWording(kind, values, tuple(languages), tuple(channels), exercise)
        return await _told(desk.preview(wording))

    @made.tool(annotations=DRAFTS, structured_output=False)
    async def draft(
        context: Context[Any, Any],
        kind: Kind,
        values: Values,
        languages: Languages = [],  # noqa: B006
        channels: Channels = [],  # noqa: B006
        exercise: Exercise = False,
        incident: Annotated[
            str | None, Field(description="The open incident that it belongs to, such as BKRT.")
        ] = None,
        new_incident: Annotated[
            bool, Field(description="It is about none of the open incidents.")
        ] = False,
    ) -> str:
        """Write a draft. Nothing goes out: a person has to submit it, and another one to approve it."""
        wording = AssistantWording(
            kind, values, tuple(languages), tuple(channels), exercise, incident, new_incident
        )
        return await _told(desk.draft(wording, _name(context)))


def _name(context: Context[Any, Any]) -> str:
    """What the program calls itself. It is not proved: that an assistant wrote is known by the way it came."""
    said = context.session.client_params
    known = said.client_info if said else None
    return f"{known.name} {known.version}".strip() if known else "?"


async def _told(work: Awaitable[Json]) -> str:
    """The answer, as the document of `--json`; a refusal as a sentence, with each fault."""
    try:
        return json.dumps(await work, ensure_ascii=False)
    except AlertbotError as error:
        faults = error.faults if isinstance(error, Faulty) else ()
        lines = [str(error), *(f"- {one.rule} ({one.field or '–'}): {one.message}" for one in faults)]
        raise ToolError("\n".join(lines)) from error
