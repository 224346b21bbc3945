"""The organisation's OpenID Connect provider: where to send a browser, and who came back from there. Its answers are
bounded in size and time, and nothing of them is believed before its signature, issuer, audience, nonce and times fit."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from alertbot.core.connecting import is_loopback
from alertbot.core.errors import ConfigInvalid
from alertbot.core.words import _
from alertbot.people.organisation import Claimed, ProviderFailed
from alertbot.people.signing_in import SignInRefused
from alertbot.people.store_identity import Departure, UnderWay
from alertbot.watch.polling import fetch
from alertbot.watch.polling.network import NotFetched

PATIENCE = timedelta(seconds=5)
LARGEST = 200_000  # bytes of an answer
FRESH_SECONDS = 600.0  # of what the provider says about itself
SOONEST_SECONDS = 10.0  # between two looks for new keys
SKEW_SECONDS = 120  # that clocks may differ
ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
LONGEST_SUBJECT = 255


class Provider:
    """One provider. `called`: its name for people; `secret`: reads the client's secret, empty without one."""

    def __init__(self, issuer: str, client: str, called: str, secret: Callable[[], str]) -> None:
        self.issuer, self.client, self.called = issuer, client, called
        self._secret = secret
        self._about: tuple[float, Mapping[str, Any]] = (0.0, {})
        self._keys: tuple[float, KeySet] | None = None
        self._turn = asyncio.Lock()

    async def departure(self, begun: Departure, back: str) -> str:
        """The address to send the browser to. `back`: where the provider sends it afterwards. Raises
        `ProviderFailed`."""
        about = await self._metadata()
        address: str = prepare_grant_uri(
            self._endpoint(about, "authorization_endpoint"),
            self.client,
            "code",
            back,
            "openid email",
            begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return address

    async def arrival(self, way: UnderWay, code: str, back: str, now: datetime) -> Claimed:
        """Who came back with this code. Raises `ProviderFailed`, `SignInRefused`."""
        about = await self._metadata()
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": way.verifier,
        }
        answer = await self._exchange(about, given)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise self._odd(_("it gave no proof of who signed in"))
        claims = await self._believed(token, way, str(answer.get("access_token", "")), now)
        subject, mail = str(claims["sub"]), claims.get("email")
        if not subject or len(subject) > LONGEST_SUBJECT:
            raise self._odd(_("it names an account that cannot be kept"))
        verified = isinstance(mail, str) and claims.get("email_verified") is True
        return Claimed(self.issuer, subject, str(mail) if verified else None)

    async def leaving(self, back: str) -> str | None:
        """Where a browser signs out of the provider too; None if it has no such page or is down."""
        try:
            about = await self._metadata()
            place = self._endpoint(about, "end_session_endpoint")
        except ProviderFailed:
            return None
        joint = "&" if urlsplit(place).query else "?"
        asked = {"client_id": self.client, "post_logout_redirect_uri": back}
        return f"{place}{joint}{urlencode(asked)}"

    async def _metadata(self) -> Mapping[str, Any]:
        at, known = self._about
        if known and time.monotonic() - at < FRESH_SECONDS:
            return known
        async with self._turn:
            place = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            about = await self._document(place)
            if about.get("issuer") != self.issuer:
                raise self._odd(
                    _("it calls itself {issuer}, not {expected}").format(
                        issuer=str(about.get("issuer"))[:200], expected=self.issuer
                    )
                )
            self._about = (time.monotonic(), about)
        return about

    def _endpoint(self, about: Mapping[str, Any], name: str) -> str:
        """An address that the provider names. Raises `ProviderFailed` unless it is https, or on this machine as the
        provider itself is."""
        place = about.get(name)
        secure = isinstance(place, str) and place.startswith("https://")
        here = isinstance(place, str) and is_loopback(place) and is_loopback(self.issuer)
        if not isinstance(place, str) or not (secure or here):
            raise self._odd(_("its {name} is missing or not secure").format(name=name))
        return place

    async def _document(self, place: str) -> Mapping[str, Any]:
        try:
            body = await fetch.fetch(place, timeout=PATIENCE, largest=LARGEST)
        except NotFetched as error:
            raise self._down(str(error)) from None
        return self._read(body)

    def _read(self, body: bytes) -> Mapping[str, Any]:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._odd(_("its answer cannot be read"))
        return found

    async def _exchange(self, about: Mapping[str, Any], given: Mapping[str, str]) -> Mapping[str, Any]:
        place = self._endpoint(about, "token_endpoint")
        try:
            secret = self._secret()
        except ConfigInvalid as error:
            raise self._down(str(error)) from None
        known = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        how = "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"
        auth = ClientAuth(self.client, secret, how if secret else "none")
        _place, headers, body = auth.prepare("POST", place, {}, urlencode(given))
        sent = [(str(name).encode(), str(value).encode()) for name, value in headers.items()]
        kept = [one for one in sent if one[0].lower() == b"authorization"]
        try:
            status, answer = await fetch.send_form(
                place, body.encode(), kept, timeout=PATIENCE, largest=LARGEST
            )
        except NotFetched as error:
            raise self._down(str(error)) from None
        if status in (400, 401) and self._read(answer).get("error") == "invalid_grant":
            raise SignInRefused(_("This sign-in was used already or took too long. Begin again."))
        if status != 200:
            raise self._odd(_("it answered {status}").format(status=status))
        return self._read(answer)

    async def _believed(
        self, token: str, way: UnderWay, access: str, now: datetime
    ) -> Mapping[str, Any]:
        """What the token says, if it is signed by the provider, for this desk, this sign-in and now."""
        try:
            head = jws.extract_compact(token.encode()).headers()
            decoded = await self._decoded(token, str(head.get("kid") or ""))
            claims: Any = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self.client},
                    "sub": {"essential": True},
                },
                {"nonce": way.nonce, "client_id": self.client, "access_token": access},
            )
            claims.validate(now=int(now.timestamp()), leeway=SKEW_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInRefused(
                _(
                    "What {name} says of you does not hold ({why}): nobody was signed in. Tell whoever runs the machine,"
                    " and sign in otherwise."
                ).format(name=self.called, why=type(error).__name__)
            ) from None
        return dict(claims)

    async def _decoded(self, token: str, kid: str) -> jwt.Token:
        """Raises `JoseError`. A key that is not known yet is looked for: providers change theirs."""
        keys = await self._key_set()
        if kid and not _named(keys, kid):
            keys = await self._key_set(anew=True)
        fitting = _named(keys, kid) if kid else keys.keys
        failed: Exception = ValueError("no such key")
        for key in fitting:
            try:
                return jwt.decode(token, key, algorithms=ALGORITHMS)
            except (JoseError, ValueError, TypeError) as error:
                failed = error
        raise failed

    async def _key_set(self, *, anew: bool = False) -> KeySet:
        if self._keys is not None:
            at, keys = self._keys
            age = time.monotonic() - at
            if age < (SOONEST_SECONDS if anew else FRESH_SECONDS):
                return keys
        about = await self._metadata()
        document = await self._document(self._endpoint(about, "jwks_uri"))
        try:
            keys = KeySet.import_key_set(document)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError):
            raise self._odd(_("its keys cannot be read")) from None
        self._keys = (time.monotonic(), keys)
        return keys

    def _down(self, why: str) -> ProviderFailed:
        sentence = _(
            "{name} does not answer ({why}), so that nobody signs in by it just now. Sign in with your passkey, a recovery"
            " code or your token."
        )
        return ProviderFailed(sentence.format(name=self.called, why=why.rstrip(".")))

    def _odd(self, why: str) -> ProviderFailed:
        sentence = _(
            "{name} does not answer as it should: {why}. Nobody was signed in. Sign in with your passkey, a recovery code or"
            " your token, and tell whoever runs the machine."
        )
        return ProviderFailed(sentence.format(name=self.called, why=why))


def _named(keys: KeySet, kid: str) -> list[Any]:
    return [one for one in keys.keys if one.kid == kid]
