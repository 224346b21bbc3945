"""Who calls the X API: an OAuth 1.0a signature, really checked, or a user's bearer token."""

import hmac
import time
from collections import OrderedDict

from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature

from alertbot.sandbox.accounts import XAccount
from alertbot.sandbox.http import Request

# A client signs for the address it believes to call; rehearsals move its traffic here afterwards.
SIGNED_FOR = ("https://api.x.com", "https://api.twitter.com")
CLOCK_TOLERANCE_SECONDS = 300
NONCES_KEPT = 20_000


class Doorkeeper:
    """Knows the keys of one account and the nonces already used."""

    def __init__(self, account: XAccount) -> None:
        self._account = account
        self._nonces: OrderedDict[str, None] = OrderedDict()

    def admits(self, request: Request) -> bool:
        """Whether the request comes from the account."""
        scheme, _space, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(rest.strip().encode(), self._account.bearer_token.encode())
        return scheme.lower() == "oauth" and self._signed(request)

    def _signed(self, request: Request) -> bool:
        parameters = signature.collect_parameters(
            uri_query=request.query_string,
            body=request.body if request.media_type == "application/x-www-form-urlencoded" else None,
            headers={"Authorization": request.headers["authorization"]},
            exclude_oauth_signature=False,
        )
        given = dict(parameters)
        if not self._plausible(given):
            return False
        signed = [pair for pair in parameters if pair[0] != "oauth_signature"]
        normal = signature.normalize_parameters(signed)
        hosts = (*SIGNED_FOR, f"http://{request.headers.get('host', '')}")
        return any(
            hmac.compare_digest(given["oauth_signature"], self._expected(request, host, normal))
            for host in hosts
        )

    def _plausible(self, given: dict[str, str]) -> bool:
        """The right keys, a clock that is about right, and a nonce never seen before."""
        nonce, stamp = given.get("oauth_nonce", ""), given.get("oauth_timestamp", "")
        named = given.get("oauth_consumer_key"), given.get("oauth_token")
        if named != (self._account.consumer_key, self._account.access_token):
            return False
        if given.get("oauth_signature_method") != "HMAC-SHA1" or "oauth_signature" not in given:
            return False
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > CLOCK_TOLERANCE_SECONDS:
            return False
        if not nonce or nonce in self._nonces:
            return False
        self._nonces[nonce] = None
        if len(self._nonces) > NONCES_KEPT:
            self._nonces.popitem(last=False)
        return True

    def _expected(self, request: Request, host: str, normal: str) -> str:
        uri = signature.base_string_uri(host + request.path)
        base = signature.signature_base_string(request.method, uri, normal)
        keys = Client(
            self._account.consumer_key,
            client_secret=self._account.consumer_secret,
            resource_owner_secret=self._account.access_token_secret,
        )
        return str(signature.sign_hmac_sha1_with_client(base, keys))
