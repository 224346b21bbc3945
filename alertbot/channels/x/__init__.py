"""X: an account that posts by X's API v2."""

from alertbot.channels.x.adapter import XAdapter
from alertbot.channels.x.settings import XSettings

__all__ = ["XAdapter", "XSettings"]
