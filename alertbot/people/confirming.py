"""The confirmation of a country pack: a named person has read the facts that the program goes by. It stands in the
audit with the pack's fingerprint, so a changed pack needs it anew. France's shipped pack needs none."""

from alertbot.core.errors import Misuse
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.people import rules
from alertbot.people.context import Context
from alertbot.regions import packs
from alertbot.regions.facts import in_force
from alertbot.regions.views import ConfirmationView

VERB = "region-confirm"


async def confirm(service: Context, actor: Person, code: str) -> ConfirmationView:
    """Note that this person has read the pack in force and found it right. Raises `Misuse` for another pack,
    `Refused` for somebody who may not."""
    region = in_force()
    if code.strip().upper() != region.code:
        sentence = _("This configuration goes by {region}; only that pack can be confirmed here.")
        raise Misuse(sentence.format(region=region.code))
    rules.require_role("regions", actor)

    async def work(conn: Connection) -> ConfirmationView:
        detail = {"region": region.code, "fingerprint": region.fingerprint}
        await audit.append(conn, actor=actor.name, verb=VERB, at=service.now, detail=detail)
        return ConfirmationView(region.code, region.fingerprint, actor.name, service.now.isoformat())

    return await service.database.transact(work)


async def confirmed(conn: Connection) -> ConfirmationView | None:
    """Who last confirmed the pack in force as it is now, and when."""
    region = in_force()
    for row in await audit.of_verb(conn, VERB):
        detail = row["detail"]
        if (detail.get("region"), detail.get("fingerprint")) == (region.code, region.fingerprint):
            return ConfirmationView(region.code, region.fingerprint, row["actor"], row["at"])
    return None


async def warning(conn: Connection) -> str | None:
    """What approvers must know while nobody has confirmed the pack in force."""
    if packs.trusted(in_force()) or await confirmed(conn):
        return None
    return unread()


def unread() -> str:
    """That nobody has confirmed the pack in force, and what to do."""
    sentence = _(
        "Nobody has confirmed the facts of the country pack {region} (emergency numbers, services, relay line) as"
        " they are now. Read them with `alertbot regions show {region}`, then confirm them with `alertbot regions confirm {region}`."
    )
    return sentence.format(region=in_force().code)
