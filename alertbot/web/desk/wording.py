"""Words of the desk for states, and for what was just done."""

from collections.abc import Mapping

from alertbot.core.words import _
from alertbot.regions.facts import in_force


def delivery_words(state: str) -> str:
    """What became of deliveries, after their number."""
    words = {
        "pending": _("waiting"),
        "claimed": _("claimed"),
        "sending": _("sending"),
        "sent": _("sent"),
        "failed": _("failed"),
        "uncertain": _("uncertain"),
        "cancelled": _("cancelled"),
        "expired": _("expired"),
        "skipped": _("not sent"),
    }
    return words.get(str(state), str(state))


def role_words(role: str) -> str:
    """A role, as people call it."""
    words = {"author": _("author"), "approver": _("approver"), "admin": _("admin")}
    return words.get(str(role), str(role))


def way_words(way: str) -> str:
    """How somebody signed in."""
    words = {
        "link": _("by invitation"),
        "token": _("by token"),
        "passkey": _("by passkey"),
        "recovery": _("by recovery code"),
        "oidc": _("by the organisation"),
    }
    return words.get(way, way)


def witness_words(verdict: str) -> str:
    """What a stranger saw of a channel."""
    words = {
        "looking": _("being looked for in public"),
        "other": _("! the public is shown something else"),
        "unseen": _("! nobody can see it in public"),
        "blind": _("it could not be looked at in public"),
    }
    return words.get(verdict, "")


def transition_words() -> Mapping[str, str]:
    """What has to happen for a rule to act."""
    return {
        "open": _("an incident begins"),
        "reopen": _("an incident begins again"),
        "worse": _("it gets worse"),
        "better": _("it gets better"),
        "wider": _("more services fail"),
        "relapse": _("it comes back under watch"),
        "update": _("somebody says how it stands"),
        "stabilise": _("it seems to work again"),
        "resolve": _("it is over"),
        "remind": _("nothing has changed for a while"),
        "lapsed": _("a promised word did not come"),
        "history": _("it happened a while ago"),
    }


def asked_for() -> str:
    """How numbers of the register are asked for, by the country in force."""
    pack = in_force()
    place, other = (*pack.example.places, *pack.example.places)[:2]
    service = next(iter(pack.services))
    return f"{place}, {other}/{service}, N12"


def call_words() -> Mapping[str, str]:
    """How a test call went."""
    return {
        "answered": _("the right service answered"),
        "no-answer": _("nobody answered"),
        "busy": _("it was busy"),
        "wrong-service": _("another service answered"),
        "not-called": _("it was not called"),
    }


def done_words() -> Mapping[str, str]:
    """What a form did, on the page that it led to."""
    return {
        "approve": _("Your approval is recorded."),
        "return": _("It went back to its author, with your reason."),
        "reject": _("It is rejected and will never go out."),
        "break": _("You published it alone. The team is being told."),
        "countersign": _("You countersigned it."),
        "submit": _("It was submitted for approval."),
        "saved": _("Saved as a draft; nothing goes out yet."),
    }


def foreign() -> str:
    """A form that came from elsewhere."""
    return _(
        "This form was not sent from the desk, or your browser does not say where it comes from. Nothing was done."
        " Open the desk and try again there; if it happens again, use a current browser."
    )


def unreadable(status: int) -> str:
    """A form that did not arrive whole."""
    if status == 413:
        return _("The form is too large. Go back, shorten the texts, and send it again.")
    if status == 408:
        return _("The form did not arrive in time. Go back and send it again; nothing was done.")
    return _(
        "This form is not valid. Go back, load the page again, and send it again; nothing was done."
    )


def signed_out(*, kept: bool) -> str:
    """A form of somebody who is signed out."""
    if kept:
        return _("Nothing was done. Sign in, then do it again; what you were typing is kept.")
    return _(
        "Nothing was done. Sign in on another page, then go back here: your browser may still have what you typed."
    )


def down() -> str:
    """The database does not answer."""
    return _("The database cannot be reached; nothing was done. Try again in a minute.")


def failed() -> str:
    """A fault of the program."""
    return _("Look at the alert before you try again: it says whether anything was done.")
