"""What looking at deliveries answers."""

from datetime import datetime
from enum import StrEnum

from alertbot.core.frozen import dataclass
from alertbot.core.model import Action, DeliveryState, Purpose
from alertbot.core.target_list import ERASED, is_erased
from alertbot.core.words import _

SHOWN_DIGITS = 8  # of a pseudonym


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One delivery: a text on its way to one target. Moments are in UTC.

    `alert`: None for a notice about no alert. `remote_id`, `url`: what the platform gave back; `remote_ref`:
    the earlier post that it answers, edits, deletes or pins. `read_back`: `same`, `unknown`, or how what the
    platform shows differs from what was approved; None where nobody looked. `retry_at` is None where it does
    not wait for a moment (for the part before it, or no more). `witness`: what a stranger saw of it, `looking`, `seen`,
    `other` (another text), `unseen`, `blind` (nobody could look) or `changed`; None where nobody looks.
    `visible_since`: when it was seen first. `target` is `erased:` with a pseudonym where the address was erased.
    """

    id: int
    alert: str | None
    channel: str
    purpose: Purpose
    target: str
    lang: str | None
    part: int
    parts: int | None
    state: DeliveryState
    attempts: int
    reason: str | None
    remote_id: str | None
    url: str | None
    note: str | None
    retry_at: datetime | None
    attempted_at: datetime | None
    settled_at: datetime | None
    action: Action
    remote_ref: str | None
    read_back: str | None
    witness: str | None = None
    visible_since: datetime | None = None

    @property
    def place(self) -> str:
        """The target as people read it."""
        if not is_erased(self.target):
            return self.target
        return _("erased ({key})").format(key=self.target.removeprefix(ERASED)[:SHOWN_DIGITS])


class Suppressed(StrEnum):
    """Why an address is not written to."""

    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    ERASED = "erased"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class SuppressedAddress:
    """An address that is not written to, or whose mail has failed for now: then `reason` is None, and `bounces` says
    how often. `address` None: it was erased."""

    key: str
    address: str | None
    reason: Suppressed | None
    channel: str | None
    note: str | None
    at: datetime
    bounces: int = 0
