"""What a mail server's answers mean: phase, reply code and text in, one of the five errors out. Pure.

4yz is temporary, 5yz permanent (RFC 5321). The enhanced code (RFC 3463) says what it is about: x.7.z
(policy, authentication) and 5.3.4 (too big) concern us or the mail, never the address.
"""

import re
from enum import IntEnum

from alertbot.core.errors import (
    ChannelDown,
    ChannelError,
    Rejected,
    Scope,
    Throttled,
    Unavailable,
    Uncertain,
    safe,
)
from alertbot.core.frozen import dataclass
from alertbot.core.words import _

TOO_FAST_WAIT_SECONDS = 60.0
GREYLIST_WAIT_SECONDS = 300.0
ENHANCED = re.compile(r"\s*[245]\.(\d{1,3})\.(\d{1,3})\b")
CREDENTIALS = frozenset({530, 534, 535, 538})


class Phase(IntEnum):
    """How far a transaction had come. Only after the final dot may the server have accepted the mail."""

    CONNECT = 1
    AUTH = 2
    MAIL = 3
    RCPT = 4
    DATA = 5
    DOT = 6


class Broken(Exception):
    """A transaction that ended early. `code` None: no answer, or an unreadable one."""

    def __init__(
        self,
        phase: Phase,
        code: int | None,
        text: str = "",
        *,
        hopeless: bool = False,
        why: str = "",
    ) -> None:
        super().__init__(phase.name)
        self.phase, self.code, self.text = phase, code, text
        self.why = why  # there was no connection: the end of a sentence
        self.hopeless = hopeless  # a person must mend it: a bad certificate, no STARTTLS, no AUTH


@dataclass(frozen=True, slots=True)
class About:
    """The context of the message; `secrets`, including the recipient's address, are kept out of it."""

    alert: str
    host: str
    secrets: tuple[str, ...] = ()


def meaning(broken: Broken, about: About) -> ChannelError:
    """Our error for a transaction that ended early."""
    text = broken.text.encode("utf-8", "replace").decode()
    why = safe(text, *about.secrets) or _("no reason given")
    code = broken.code
    if broken.hopeless or code in CREDENTIALS:
        return _down(broken, about, why)
    if code is None or not 400 <= code <= 599:
        return _no_answer(broken, about)
    if code < 500:
        return _for_now(broken, about, why)
    return _for_good(broken, about, why)


def _for_now(broken: Broken, about: About, why: str) -> ChannelError:
    if _subject(broken) == 7:
        of_recipient = broken.phase is Phase.RCPT  # greylisting: the others may go on
        return Throttled(
            _("{host} asks to wait with {alert}: {why}").format(
                host=about.host, alert=about.alert, why=why
            ),
            wait=GREYLIST_WAIT_SECONDS if of_recipient else TOO_FAST_WAIT_SECONDS,
            whole_account=not of_recipient,
            code=str(broken.code),
        )
    return Unavailable(
        _("{host} does not accept {alert} for now: {why}").format(
            host=about.host, alert=about.alert, why=why
        ),
        code=str(broken.code),
    )


def _for_good(broken: Broken, about: About, why: str) -> ChannelError:
    if _too_big(broken):
        return Rejected(
            _("{host} says the mail of {alert} is too big: {why}").format(
                host=about.host, alert=about.alert, why=why
            ),
            code=str(broken.code),
        )
    if _subject(broken) == 7 or broken.phase < Phase.RCPT:
        return _down(broken, about, why)
    if broken.phase is Phase.RCPT:
        return Rejected(
            _("{host} rejected this address: {why}").format(host=about.host, why=why),
            scope=Scope.RECIPIENT,
            code=str(broken.code),
            gone=_gone(broken),
        )
    return Rejected(
        _("{host} rejected the text of {alert}: {why}").format(
            host=about.host, alert=about.alert, why=why
        ),
        code=str(broken.code),
    )


def _down(broken: Broken, about: About, why: str) -> ChannelError:
    return ChannelDown(
        _(
            "{host} does not accept mail from us: {why} Fix the account or the server's settings."
        ).format(host=about.host, why=why if why.endswith(".") else f"{why}."),
        code=str(broken.code or broken.phase.name.lower()),
    )


def _no_answer(broken: Broken, about: About) -> ChannelError:
    if broken.phase is Phase.DOT:
        return Uncertain(
            _(
                "The connection to {host} broke after it had received all of {alert}; the mail may"
                " have gone out. Look for its Message-ID in the server's log, then settle the"
                " delivery."
            ).format(host=about.host, alert=about.alert),
            code=str(broken.code or "lost"),
        )
    code = broken.phase.name.lower()
    if broken.phase is Phase.CONNECT:
        why = broken.why or _("the connection broke")
        sentence = _("{host} could not be reached for {alert}: {why}.")
        return Unavailable(sentence.format(host=about.host, alert=about.alert, why=why), code=code)
    sentence = _(
        "The connection to {host} broke before it had received all of the mail of {alert}; nothing was sent."
    )
    return Unavailable(sentence.format(host=about.host, alert=about.alert), code=code)


NO_SUCH = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10)})  # mailbox or domain (RFC 3463, 7505)


def _gone(broken: Broken) -> str:
    """The enhanced code that says that there is no such address; "" for every other answer."""
    found = ENHANCED.match(broken.text)
    if found and (int(found[1]), int(found[2])) in NO_SUCH:
        return found[0].strip()
    return ""


def _subject(broken: Broken) -> int | None:
    found = ENHANCED.match(broken.text)
    return int(found[1]) if found else None


def _too_big(broken: Broken) -> bool:
    found = ENHANCED.match(broken.text)
    detail = (int(found[1]), int(found[2])) if found else None
    return detail in {(3, 4), (2, 3)} or (
        detail is None and broken.code == 552 and broken.phase != Phase.RCPT
    )
