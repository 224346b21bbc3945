"""Composing for a transaction, but outside it and not on the event loop: with many readers or a picture it takes
long, and everybody else who writes would wait."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from alertbot.alerts.chains import Chain
from alertbot.alerts.compose import Composed, DraftRequest, compose_wishes
from alertbot.core.loops import in_thread
from alertbot.core.model import Identity
from alertbot.db.database import prepared
from alertbot.people.context import Context

T = TypeVar("T")

_ONE_AT_A_TIME = threading.Lock()  # the fonts that pictures are drawn with are shared


def composed(
    service: Context,
    wishes: DraftRequest,
    identity: Identity,
    now: datetime,
    chain: Chain | None = None,
) -> Composed:
    """The texts of an alert, prepared outside the current write transaction, and composed again if its
    values (including register rows), its number or what it follows have changed by the time they are
    written. Raises as `compose_wishes` and `prepared` do."""

    def work() -> Composed:
        return compose_wishes(service.publisher, wishes, identity, now, base=Path.cwd(), chain=chain)

    return worked_out(f"texts of {identity.alert}", (wishes, identity, chain), work)


def worked_out(what: str, grounds: object, work: Callable[[], T]) -> T:
    """The result of `work` for these `grounds`, computed in a thread outside the current write
    transaction. `what` names it within that transaction. Raises as `prepared` does."""

    return prepared(what, grounds, lambda: beside(work))


async def beside(work: Callable[[], T]) -> T:
    """The result of `work`, computed in a thread; one at a time."""

    def one_at_a_time() -> T:
        with _ONE_AT_A_TIME:
            return work()

    return await in_thread(one_at_a_time)
