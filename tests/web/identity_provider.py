"""A small OpenID Connect provider on loopback, which can be made to lie, to change its keys, and to be down."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from alertbot.web.serving import address_of, listen, serve_app

CLIENT, SECRET = "desk", "a secret of the test & its signs"


def key(name: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig", "alg": "ES256"})


@dataclass
class SmallProvider:
    """`says`: claims that replace the true ones; `about`: the same of its metadata. `leads_back`: where it sends browsers
    that signed out, as registered for the client; `knows`: whether it still knows a browser."""

    issuer: str
    clock: Any
    account: dict[str, Any] = field(
        default_factory=lambda: {"sub": "u-1", "email": "ada@example.org", "email_verified": True}
    )
    says: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    keys: list[ECKey] = field(default_factory=lambda: [key("first")])
    signs_with: ECKey | None = None
    delay: float = 0.0
    bulk: int = 0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    bodies: list[dict[str, str]] = field(default_factory=list)
    leads_back: str = "https://desk.example.org/desk/sign-in"
    knows: bool = False

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._about),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
                Route("/logout", self._logout),
            ]
        )

    def authorize(self, asked: dict[str, str]) -> str:
        """Somebody signs in at the page of the provider: the address that their browser is sent to."""
        self.knows = True
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    async def _logout(self, request: Request) -> Response:
        """RP-Initiated Logout 1.0: only an address that is registered for the client is gone to."""
        asked = dict(request.query_params)
        if asked.get("client_id") != CLIENT or asked.get("post_logout_redirect_uri") != self.leads_back:
            return Response("unknown client or address", 400)
        self.knows = False
        back = asked["post_logout_redirect_uri"]
        return RedirectResponse(f"{back}?state={asked['state']}" if "state" in asked else back, 302)

    async def _about(self, _request: Request) -> Response:
        await asyncio.sleep(self.delay)
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
        }
        return JSONResponse(found | self.about | {"padding": "x" * self.bulk})

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [one.as_dict(private=False) for one in self.keys]})

    async def _token(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode()))
        self.bodies.append(given | {"authorization": request.headers.get("authorization", "")})
        asked = self.codes.pop(given.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(given["code_verifier"].encode()).digest()).rstrip(b"=")
        if (
            asked is None
            or challenge.decode() != asked["code_challenge"]
            or given["redirect_uri"] != asked["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        signer = self.signs_with or self.keys[0]
        claims = {
            name: value
            for name, value in (claims | self.account | self.says).items()
            if value is not None
        }
        token = jwt.encode({"alg": "ES256", "kid": signer.kid}, claims, signer)
        return JSONResponse({"access_token": "at", "token_type": "Bearer", "id_token": token})


@asynccontextmanager
async def running(clock: Any) -> AsyncIterator[SmallProvider]:
    stop = asyncio.Event()
    with listen("127.0.0.1", 0) as place:
        made = SmallProvider(address_of(place), clock)
        serving = asyncio.create_task(serve_app(made.app(), place, stop))  # type: ignore[arg-type]
        try:
            yield made
        finally:
            stop.set()
            await serving
