"""Passkeys: adding one, and signing in with it; loaded with its large library when the first one is asked for. The person has to show the device that it is them; a passkey that
counted its uses and then says none is refused, as a copy would."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from alertbot.core.errors import Refused, one_line
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import signing_in, store_sign_in
from alertbot.people.context import Context
from alertbot.people.signing_in import SignInRefused
from alertbot.people.store_sign_in import DeskSession, Passkey

MOST = 10  # of one person
LONGEST_NAME = 60
SURE = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True, slots=True)
class Site:
    """The desk as passkeys know it: a passkey works at this origin and at no other."""

    origin: str
    name: str

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    async def to_add(self, service: Context, here: DeskSession) -> str:
        """What the browser needs to make a passkey for this session's person, as JSON."""
        known = await service.database.read(
            lambda conn: store_sign_in.passkeys_of(conn, here.person, now=service.now)
        )
        if len(known) >= MOST:
            raise Refused(_("You have {n} passkeys; remove one first.").format(n=MOST))
        options = generate_registration_options(
            rp_id=self.host,
            rp_name=self.name,
            user_id=f"alertbot-{here.person.id}".encode(),
            user_name=here.person.name,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=SURE
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(base64url_to_bytes(one.credential)) for one in known
            ],
        )
        await _ask(service, options.challenge, here.id)
        return options_to_json(options)

    async def add(self, service: Context, here: DeskSession, answer: str, name: str) -> None:
        """Keep the passkey that the browser made. Raises `Refused` for an answer that is not one to `to_add`."""
        given = _read(answer)
        challenge = _challenge(given)

        async def work(conn: Connection) -> None:
            now = service.now
            if not await store_sign_in.answered(conn, challenge, now=now, session=here.id):
                raise Refused(_too_late())
            try:
                made = verify_registration_response(
                    credential=given,
                    expected_challenge=challenge,
                    expected_rp_id=self.host,
                    expected_origin=self.origin,
                    require_user_verification=True,
                )
            except (WebAuthnException, ValueError):
                raise Refused(
                    _("The passkey could not be checked, and was not added. Try again.")
                ) from None
            await store_sign_in.add_passkey(
                conn,
                here.person,
                credential=_text(made.credential_id),
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
                name=one_line(name)[:LONGEST_NAME] or here.device[:LONGEST_NAME] or "–",
                now=now,
            )
            await signing_in.note(service, conn, here.person.name, "passkey-add", here.person)

        await service.database.transact(work)

    async def to_sign_in(self, service: Context) -> str:
        """What the browser needs to sign in with any passkey of this desk, as JSON."""
        options = generate_authentication_options(rp_id=self.host, user_verification=SURE)
        await _ask(service, options.challenge, None)
        return options_to_json(options)

    async def sign_in(self, service: Context, answer: str, device: str) -> str:
        """Sign in with a passkey; returns the secret of the new session. Raises `SignInRefused`."""
        try:
            given = _read(answer)
            challenge = _challenge(given)
        except Refused as refusal:
            raise SignInRefused(str(refusal)) from None

        async def work(conn: Connection) -> str:
            now = service.now
            if not await store_sign_in.answered(conn, challenge, now=now, session=None):
                raise SignInRefused(_too_late())
            known = await store_sign_in.passkey_of(conn, str(given.get("id", "")), now=now)
            if known is None or not known.person.counts:
                raise SignInRefused(_("This passkey is not known here, or no longer works."))
            count = _count(self, given, challenge, known)
            await store_sign_in.passkey_used(conn, known, count, now=now)
            return await signing_in.begin(service, conn, known.person, "passkey", device)

        return await service.database.transact(work)


def _count(site: Site, given: dict[str, Any], challenge: bytes, known: Passkey) -> int:
    """How often the passkey says that it was used. Raises `SignInRefused` unless the answer is its own."""
    try:
        found = verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        raise SignInRefused(
            _("This passkey could not be checked. Try again, or sign in otherwise.")
        ) from None
    return found.new_sign_count


async def _ask(service: Context, challenge: bytes, session: int | None) -> None:
    await service.database.transact(
        lambda conn: store_sign_in.ask(conn, challenge, now=service.now, session=session)
    )


def _read(answer: str) -> dict[str, Any]:
    try:
        given = json.loads(answer)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise Refused(_("The answer of the passkey cannot be read. Try again."))
    return given


def _challenge(given: dict[str, Any]) -> bytes:
    """What the passkey says that it was asked."""
    try:
        said = json.loads(base64url_to_bytes(given["response"]["clientDataJSON"]))
        return base64url_to_bytes(said["challenge"])
    except (KeyError, TypeError, ValueError):
        raise Refused(_("The answer of the passkey cannot be read. Try again.")) from None


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _too_late() -> str:
    return _("That took too long, or was sent twice. Try again.")
