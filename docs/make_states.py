"""Write `docs/reference/states.md` from the table of moves: `make docs`."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ["LANGUAGE"] = "en"  # before the words are loaded

from alertbot.alerts.rules_moves import MACHINE, MOVES
from alertbot.core.model import AlertState, DeliveryState
from alertbot.people.rules import Verb

PAGE = Path(__file__).parent / "reference" / "states.md"
HEAD = """# States

Generated from the program by `make docs`; the test suite fails if it is out of date.

## An alert

```
            edit            submit             approve (the last one needed)
 draft ◄──────────── draft ───────► pending ─────────────────────────► approved ──► publishing ──► published
   ▲                                  │ │ │                                │                       partly_published
   │ edit                             │ │ └► rejected                      └► expired              failed
   └───────── returned ◄──────────────┘ └──► expired
```

| state | meaning |
|---|---|
"""
ALERT = {
    AlertState.DRAFT: "Being written. Nothing is sent.",
    AlertState.PENDING: "Waiting for approval, until the deadline that `show` gives.",
    AlertState.APPROVED: "Approved. Its deliveries exist, and none has started.",
    AlertState.RETURNED: "Sent back to its author, with a reason.",
    AlertState.REJECTED: "Finally refused, with a reason.",
    AlertState.EXPIRED: "Not approved in time, or its time to live ended before the first call.",
    AlertState.PUBLISHING: "Being sent.",
    AlertState.PUBLISHED: "Everything has been sent.",
    AlertState.PARTLY_PUBLISHED: "Part of it failed, is uncertain or was not sent; `status` says why.",
    AlertState.FAILED: "Nothing was delivered.",
    AlertState.DISCARDED: "Discarded before it was approved.",
}
DELIVERY = {
    DeliveryState.PENDING: "Waiting for its turn, for the rate limit or for a retry time.",
    DeliveryState.CLAIMED: "A worker has it. No call has been made. If the worker dies, it becomes pending again.",
    DeliveryState.SENDING: "The intent is stored and the call may be in progress. If the worker dies, it becomes uncertain. Or a person has the words and has not said yet that they are posted; its reason says whom it waits for, and nothing but their answer ends it.",
    DeliveryState.SENT: "The channel returned a receipt, or a person settled it as sent.",
    DeliveryState.FAILED: "The channel refused it for good. The row gives the reason.",
    DeliveryState.UNCERTAIN: "Perhaps sent: the answer was lost. It is never blindly sent again. See below.",
    DeliveryState.CANCELLED: "Stopped before any call, for example because the alert was edited.",
    DeliveryState.EXPIRED: "Its time to live ended.",
    DeliveryState.SKIPPED: "Not to be sent, for a recorded reason, for example a language left out.",
}
UNCERTAIN = """
## What to do with `uncertain`

1. `alertbot deliveries ALERT --state uncertain` gives the delivery's number and the reason.
2. Look on the platform: is the post there?
3. Record what you found:

| you found | command |
|---|---|
| it is there | `alertbot settle NUMBER --sent --url https://…` |
| it is not there, and should be sent | `alertbot settle NUMBER --resend` |
| it is not there, and should no longer be sent | `alertbot settle NUMBER --drop` |

On X, Bluesky and Mastodon alertbot first looks up an uncertain post itself. On Bluesky, and for an hour on Mastodon, it
then makes the same call again, which is still one post there. It asks you only if neither gives an answer in time.
Telegram and mail cannot be looked up. A post whose repeat was still to be made when the alert expired or was cancelled
is uncertain too.
"""


def page() -> str:
    """The whole page."""
    lines = [
        HEAD.rstrip(),
        *_rows(ALERT),
        "",
        "These are all the possible changes of state:",
        "",
    ]
    lines += ["| from | action | to | by |", "|---|---|---|---|", *_moves()]
    lines += [
        "",
        "## A delivery",
        "",
        "One delivery is one call: one post, or one mail to one recipient.",
        "",
    ]
    lines += ["| state | meaning |", "|---|---|", *_rows(DELIVERY), UNCERTAIN.rstrip(), ""]
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
