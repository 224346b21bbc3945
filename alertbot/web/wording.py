"""The words of the pages: what a person weighs beside the texts, what became of a decision, what failed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.preview.phrases import language_name, stated
from alertbot.service import asking
from alertbot.service.context import Context
from alertbot.service.links import Opened
from alertbot.words import _, ngettext


def facts(service: Context, opened: Opened) -> list[tuple[str, str]]:
    """What a person weighs beside the texts, each in one line."""
    shown, sheet = opened.shown, opened.shown["_sheet"]
    given = [one["person"] for one in shown["approvals"]["given"]]
    said = [
        (_("Kind"), sheet.title),
        (_("Reaches"), asking.audience(service, shown)),
        (_("Channels"), ", ".join(shown["channels"])),
        (_("Languages"), ", ".join(map(language_name, _languages(shown)))),
        (_("Written by"), _hands(shown)),
        (_("Approvals"), _signed(shown["approvals"]["needed"], given)),
        (_("Decide until"), _moment(opened.until)),
        (_("Digest"), shown["digest"][:12]),
    ]
    return [*said, *[(_("Follows"), shown["original"])] * bool(shown["original"])]


def _languages(shown: Mapping[str, Any]) -> list[str]:
    """Those that the texts are in, in their order."""
    return list(dict.fromkeys(one["lang"] for one in shown["messages"]))


def _moment(until: datetime) -> str:
    return until.strftime(_("%H:%M on %d/%m")) + f" ({until:%Z})"


def _hands(shown: Mapping[str, Any]) -> str:
    said = [shown["author"] or "alertbot"]
    if shown["last_editor"] not in (None, *said):
        said.append(_("last edited by {name}").format(name=shown["last_editor"]))
    if shown["submitter"] not in (None, shown["author"], shown["last_editor"]):
        said.append(_("submitted by {name}").format(name=shown["submitter"]))
    return ", ".join(said)


def _signed(needed: int, given: list[str]) -> str:
    said = ngettext("{number} needed", "{number} needed", needed).format(number=needed)
    return f"{said}; {stated(_('given'), ', '.join(given))}" if given else said


def approved(alert: Mapping[str, Any]) -> str:
    """What happens next, in one sentence."""
    if "start" not in alert:
        left = alert["approvals"]["needed"] - len(alert["approvals"]["given"])
        return _("Approved by you. {id} waits for {left} more.").format(id=alert["id"], left=left)
    if alert["start"]["worker_alive"]:
        return _(
            "{id} is approved; a worker is alive, the first call starts in {seconds:.0f} s."
        ).format(id=alert["id"], seconds=alert["start"]["seconds"])
    return _(
        "{id} is approved, but NO WORKER is alive: nothing goes out until somebody runs `alertbot serve` or"
        " `alertbot run`."
    ).format(id=alert["id"])


def bad_form(status: int) -> str:
    """What is wrong with a request that none of our pages makes."""
    if status == 413:
        return _("That was too much text. Go back, shorten the reason, and send it again.")
    if status == 408:
        return _("The form did not arrive in time. Go back and send it again; nothing was decided.")
    return _("This is no form of ours. Open the link from the mail again; nothing was decided.")


def out_of_order() -> str:
    return _(
        "The database cannot be reached, so nothing was decided. Try again in a minute, or decide at the"
        " command line."
    )


def failed() -> str:
    return _(
        "Look at the alert before you try again: alertbot show. Nothing was decided unless it says so"
        " there."
    )
