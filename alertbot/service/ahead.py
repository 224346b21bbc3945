"""interim"""

from dataclasses import dataclass

from alertbot.incident.rules import Rule
from alertbot.service.context import Context
from alertbot.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    in_force: bool
    why: str
    people: tuple[str, ...] = ()


async def standing(service: Context, conn: Connection, rule: Rule) -> Standing:
    return Standing(True, "", ("Ada", "Bo"))
