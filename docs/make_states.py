"""Write `docs/reference/states.md` from the table of moves: `make docs`."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ["LANGUAGE"] = "en"  # before the words are loaded

from alertbot.alerts.rules_moves import MACHINE, MOVES, Verb
from alertbot.core.model import AlertState, DeliveryState

PAGE = Path(__file__).parent / "reference" / "states.md"
HEAD = """# States

Written from the program itself by `make docs`; the suite fails where it is out of date.

## An alert

```
            edit            submit             approve (the last one needed)
 draft ◄──────────── draft ───────► pending ─────────────────────────► approved ──► publishing ──► published
   ▲                                  │ │ │                                │                       partly_published
   │ edit                             │ │ └► rejected                      └► expired              failed
   └───────── returned ◄──────────────┘ └──► expired
```

| state | what it means |
|---|---|
"""
ALERT = {
    AlertState.DRAFT: "Being written. Nothing goes out.",
    AlertState.PENDING: "Waits for approvers, until a time that `show` gives.",
    AlertState.APPROVED: "Approved; its deliveries exist, and none has started.",
    AlertState.RETURNED: "Sent back to its author, with a reason.",
    AlertState.REJECTED: "Refused for good, with a reason.",
    AlertState.EXPIRED: "Not approved in time, or its time to live ran out before the first call.",
    AlertState.PUBLISHING: "Going out.",
    AlertState.PUBLISHED: "Everything that was to go out has gone out.",
    AlertState.PARTLY_PUBLISHED: "Some of it failed, is uncertain, or was not sent; `status` says why.",
    AlertState.FAILED: "Nothing reached anybody.",
    AlertState.DISCARDED: "Thrown away before it was approved.",
}
DELIVERY = {
    DeliveryState.PENDING: "Waits: for its turn, for the pace, or for a retry time.",
    DeliveryState.CLAIMED: "A worker holds it. No call has been made. If the worker dies, it is pending again.",
    DeliveryState.SENDING: "The intent is written and the call may be under way. If the worker dies, it is uncertain.",
    DeliveryState.SENT: "The channel gave a receipt, or a person settled it as sent.",
    DeliveryState.FAILED: "The channel refused for good. The reason is on the row.",
    DeliveryState.UNCERTAIN: "Perhaps sent: the answer was lost. It is never sent again blindly. See below.",
    DeliveryState.CANCELLED: "Stopped before any call, for example because the alert was edited.",
    DeliveryState.EXPIRED: "Its time to live ran out.",
    DeliveryState.SKIPPED: "Never to be sent, for a named reason, for example a language left out.",
}
UNCERTAIN = """
## What to do with `uncertain`

1. `alertbot deliveries ALERT --state uncertain` gives the delivery's number and the reason.
2. Look on the platform: does the post stand?
3. Say what you found:

| you found | command |
|---|---|
| it stands | `alertbot settle NUMBER --sent --url https://…` |
| it does not, and it should go out | `alertbot settle NUMBER --resend` |
| it does not, and it should not go out any more | `alertbot settle NUMBER --drop` |

X can be asked: an uncertain post there is looked up first, and comes back to you only when that gave no
answer. Telegram and mail cannot be asked.
"""


def page() -> str:
    """The whole page."""
    lines = [
        HEAD.rstrip(),
        *_rows(ALERT),
        "",
        "Every move there is; what is not here does not exist:",
        "",
    ]
    lines += ["| from | what is done | to | by |", "|---|---|---|---|", *_moves()]
    lines += [
        "",
        "## A delivery",
        "",
        "One delivery is one call: one post, or one mail to one person.",
        "",
    ]
    lines += ["| state | what it means |", "|---|---|", *_rows(DELIVERY), UNCERTAIN.rstrip(), ""]
    return "\n".join(lines)


def _rows(meanings: dict[AlertState, str] | dict[DeliveryState, str]) -> Iterator[str]:
    for state, meaning in meanings.items():
        yield f"| `{state}` | {meaning} |"


def _moves() -> Iterator[str]:
    for (state, verb), after in MOVES.items():
        yield f"| `{state}` | {_verb(verb)} | `{after}` | {'the program' if verb in MACHINE else 'a person'} |"


def _verb(verb: Verb) -> str:
    return str(verb).replace("_", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
