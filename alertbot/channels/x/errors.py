"""Which of the five errors an answer of X is. Pure."""

import re

from alertbot.channels.x.answers import Answer
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Scope, Throttled, Uncertain
from alertbot.core.words import _

LONGEST_WAIT_SECONDS = 86_400.0
REDIRECTS = frozenset({301, 302, 307, 308})
ACCOUNT = "suspend|locked|permissions|client-forbidden|unsupported-auth"


def refusal(answer: Answer, alert: str, now: float) -> ChannelError:
    """The error for an answer that is no success. `now`: epoch seconds."""
    why = answer.why()
    code = str(answer.status)
    if answer.status == 429:
        return _too_fast(answer, alert, now, why)
    if sentence := _down(answer.status):
        return ChannelDown(sentence.format(why=why), code=code)
    stop = why if why.endswith((".", "!", "?", "…")) else f"{why}."
    if answer.status == 403:
        return _forbidden(answer, alert, stop)
    if 400 <= answer.status < 500 and answer.status != 408:
        sentence = _("X refused the text of {alert}: {why} Change the text and submit it anew.")
        return Rejected(sentence.format(alert=alert, why=stop), code=code)
    sentence = _(
        "X answered {alert} with {status}, so the post may stand. Look at the account, then "
        "settle the delivery."
    )
    return Uncertain(sentence.format(alert=alert, status=answer.status), code=code)


def _too_fast(answer: Answer, alert: str, now: float, why: str) -> ChannelError:
    """Where X names no time, a quota is used up."""
    for header, start in (("x-rate-limit-reset", now), ("retry-after", 0.0)):
        if re.fullmatch(r"\d{1,12}", value := answer.headers.get(header, "")):
            wait = min(max(float(value) - start, 1.0), LONGEST_WAIT_SECONDS)
            sentence = _("X: too many posts; {alert} goes out when X allows it again.")
            return Throttled(sentence.format(alert=alert), wait=wait, code="429")
    sentence = _("X: the quota of this account is used up ({why}). Raise it in the developer portal.")
    return ChannelDown(sentence.format(why=why), code="usage_capped")


def _forbidden(answer: Answer, alert: str, why: str) -> ChannelError:
    if answer.is_duplicate():
        sentence = _(
            "X refuses {alert} as a duplicate, though this program has not posted it: this text stands on the"
            " account already, from an earlier alert, by hand or by another program. Look at the account;"
            " to say it once more, change the text."
        )
        return Rejected(sentence.format(alert=alert), code="duplicate")
    if answer.says(ACCOUNT):
        sentence = _("X does not let this account post: {why} Mend it on the account's page.")
        return ChannelDown(sentence.format(why=why), code="403")
    scope = Scope.MESSAGE if answer.says("too long") else Scope.CHANNEL
    sentence = _("X forbids {alert} on this account: {why}")
    return Rejected(sentence.format(alert=alert, why=why), scope=scope, code="403")


def _down(status: int) -> str:
    """What a person has to mend before anything can be posted; empty for any other status."""
    match status:
        case 401:
            return _("X does not accept the credentials of this account ({why}). Renew them.")
        case 402:
            return _(
                "X: the credits of this account are used up ({why}). Buy credits in the developer portal."
            )
        case 404 | 405:
            return _("The server at api_url does not know X's addresses ({why}). Correct api_url.")
        case _ if status in REDIRECTS:
            return _("The server at api_url sends us to another address ({why}). Correct api_url.")
    return ""
