"""A monitoring system that reports: sources with secrets, and an address to post from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from alertbot.config.sources import SourceSettings
from alertbot.db.database import Database
from alertbot.watch import store_signals
from alertbot.watch.reports import inlets
from alertbot.watch.store_signals import QuarantinedBody, StoredSignal
from alertbot.web.app import build
from alertbot.web.signals import intake_of, signature_of
from tests.team import Team, gather

SECRET = "a-secret-of-the-sources-for-the-tests"
OTHER = "another-secret-of-the-same-length-or-so"
EVERY = 1_000_000
TYPES = ("alertmanager", "grafana", "uptime_kuma", "statuspage", "gatus", "generic")


def source(type_: str, **changes: Any) -> SourceSettings:
    return SourceSettings.model_validate({"type": type_, "secret_env": "SOURCE_SECRET"} | changes)


@dataclass
class Sender:
    """Posts to the intake of a team; `secret` is what it knows."""

    team: Team
    client: httpx.AsyncClient
    secret: str = SECRET
    headers: dict[str, str] = field(default_factory=dict)

    async def post(
        self, name: str, body: bytes, headers: Mapping[str, str] | None = None, path: str = ""
    ) -> httpx.Response:
        """With the secret as a bearer token, where no headers are given."""
        given = {"authorization": f"Bearer {self.secret}"} if headers is None else dict(headers)
        return await self.client.post(f"/signals/{name}{path}", content=body, headers=given)

    async def sign(self, name: str, body: bytes, age: float = 0.0, **more: str) -> httpx.Response:
        """Signed `age` seconds ago."""
        return await self.post(name, body, self.signature(body, age) | more)

    def signature(self, body: bytes, age: float = 0.0) -> dict[str, str]:
        moment = str(int(self.team.clock.now.timestamp() - age))
        signed = signature_of(self.secret.encode(), moment, body)
        return {"x-alertbot-timestamp": moment, "x-alertbot-signature": f"sha256={signed}"}

    async def stored(self) -> tuple[StoredSignal, ...]:
        return await self.team.service.database.read(
            lambda conn: store_signals.listing(conn, limit=EVERY)
        )

    async def aside(self) -> tuple[QuarantinedBody, ...]:
        return await self.team.service.database.read(
            lambda conn: store_signals.aside(conn, limit=EVERY)
        )

    async def rows(self) -> int:
        """How much is kept of everything that came, repeats too."""
        stored = await self.stored()
        return len(stored) + sum(one.repeats for one in stored) + len(await self.aside())


async def sender(
    database: Database, *, address: str = "203.0.113.9", **sources: SourceSettings
) -> Sender:
    """Every type as a source of its name, and `signed`, which signs; the secret is in SOURCE_SECRET."""
    team = await gather(database)
    every = {name: source(name) for name in TYPES}
    every |= {"signed": source("alertmanager", signed=True)} | sources
    web = build(team.service, intake=intake_of(team.service, inlets(every)), metrics=True)
    transport = httpx.ASGITransport(web, client=(address, 4711))
    return Sender(team, httpx.AsyncClient(transport=transport, base_url="http://alertbot.example.org"))
