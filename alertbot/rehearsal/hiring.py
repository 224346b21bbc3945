"""The staff of a rehearsal: two admins who approve, and an author; three people who are three hands."""

from collections.abc import Sequence

from alertbot.people import accounts
from alertbot.people.context import Context


async def hire(service: Context, approvers: Sequence[str], author: str) -> dict[str, str]:
    """Add them to an empty database, the approvers first; their tokens by name. The author renews the token that
    the first admin has seen, and the second vouches for it."""
    tokens: dict[str, str] = {}
    admin: str | None = None
    for name in approvers:
        tokens[name] = (await accounts.add(service, admin, name, ["approver"], None)).token
        admin = admin or tokens[name]
    tokens[author] = await join(service, tokens[approvers[0]], tokens[approvers[1]], author, ["author"])
    return tokens


async def join(service: Context, admin: str, other: str, name: str, roles: Sequence[str]) -> str:
    """Add one person to a team as a hand of their own: one admin adds, the other confirms, the person renews the
    token, and the other admin vouches for it. The person's token."""
    given = (await accounts.add(service, admin, name, list(roles), None)).token
    voucher = await accounts.acting(service, other)
    await accounts.confirm(service, voucher, name)
    person = await accounts.acting(service, given)
    own = (await accounts.rotate(service, person, name, None)).token
    await accounts.confirm(service, voucher, name, own_token=True)
    return own
