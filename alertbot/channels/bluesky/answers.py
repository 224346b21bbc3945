"""What Bluesky's answers mean, told apart by the names of its errors. Pure."""

import re
import time

from alertbot.channels import outcomes
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Scope
from alertbot.core.words import _

LAPSED = frozenset({"ExpiredToken", "InvalidToken"})  # of a session: log in again
_ACCOUNT = re.compile(r"Take(n)?down|Suspended|Deactivated|Deleted|AccountNotFound|RepoNotFound")


def error_name(answer: outcomes.JsonAnswer) -> str:
    """The name of the error, "" if it has none."""
    return answer.text("error")


def session_lapsed(answer: outcomes.JsonAnswer) -> bool:
    return answer.status in (400, 401) and error_name(answer) in LAPSED


def stands_otherwise(answer: outcomes.JsonAnswer) -> bool:
    """Whether another record already has this key: an earlier attempt's, with or without its picture."""
    return answer.status == 400 and error_name(answer) == "InvalidSwap"


def is_gone(answer: outcomes.JsonAnswer) -> bool:
    """Whether there is no such record."""
    told = error_name(answer) == "RecordNotFound" or "Could not locate record" in answer.text("message")
    return answer.status in (400, 404) and told


def is_about_picture(answer: outcomes.JsonAnswer) -> bool:
    """Whether the post is refused for its picture; it may still be taken without."""
    told = f"{error_name(answer)} {answer.text('message')}"
    return answer.status == 400 and re.search(r"blob|mimetype|image", told, re.IGNORECASE) is not None


def refusal(answer: outcomes.JsonAnswer, alert: str, *, side: bool = False) -> ChannelError:
    """Our error for a failed answer. `side`: to a deletion, a pin or a picture, not to a post."""
    name, code = error_name(answer), str(answer.status)
    why = answer.why("message", "error")
    if answer.status == 429:
        return _too_fast(answer, alert)
    if _ACCOUNT.search(name):
        told = _("Bluesky does not let this account post: {why}. Fix this with Bluesky.")
        return ChannelDown(told.format(why=why), code=name)
    if name == "AuthFactorTokenRequired":
        told = _("Bluesky wants a code by mail for this password. Make an app password and use that.")
        return ChannelDown(told, code=name)
    if answer.status == 401 or session_lapsed(answer):
        told = _(
            "Bluesky rejected the handle or the app password ({why}). Make a new app password in the settings of the account."
        )
        return ChannelDown(told.format(why=why), code=code)
    if answer.status in (301, 302, 303, 307, 308, 404, 405, 410, 501):
        told = _("The server at api_url is not the account's Bluesky server ({why}). Correct api_url.")
        return (Rejected if side else ChannelDown)(told.format(why=why), code=code)
    if side and outcomes.is_refusal(answer.status):
        told = _("Bluesky refused the call for {alert}: {why}.")
        return Rejected(told.format(alert=alert, why=why), code=code)
    if answer.status == 403:
        told = _("Bluesky forbids {alert} on this account: {why}.")
        return Rejected(told.format(alert=alert, why=why), scope=Scope.CHANNEL, code=code)
    return outcomes.unexpected("Bluesky", alert, answer.status, why)


def _too_fast(answer: outcomes.JsonAnswer, alert: str) -> ChannelError:
    resets = [answer.headers.get(name, "") for name in ("ratelimit-reset", "retry-after")]
    return outcomes.too_fast(
        "Bluesky", alert, outcomes.longest_wait(resets, time.time()) or outcomes.PAST_WAIT_SECONDS
    )
