"""How far it is from `approve` to the stored approval: `python -m benchmarks.walk`.

An approval of a draft with the example's values is followed on SQLite, from the verb's first line until the function
that stores the signature has returned. What counts are files and functions of alertbot; database libraries do not, nor
do the comprehensions inside a function. Counted are calls that end, not the steps of a coroutine.
"""

import asyncio
import dis
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

import alertbot
from alertbot.alerts import approving, showing, store_alerts
from alertbot.db.database import Database

PACKAGE = str(Path(alertbot.__file__).parent) + "/"
LAST = store_alerts.sign.__code__
RETURN = dis.opmap["RETURN_VALUE"]


async def walk(folder: str) -> Counter[str]:
    """How often each function on the way has returned, as `file:function`."""
    from tests.team import gather

    passed: Counter[str] = Counter()
    walking = False

    def note(frame: FrameType, event: str, _value: object) -> None:
        nonlocal walking
        code = frame.f_code
        ended = walking and event == "return" and code.co_code[frame.f_lasti] == RETURN
        if ended and code.co_filename.startswith(PACKAGE) and "comp>" not in code.co_name:
            passed[f"{code.co_filename.removeprefix(PACKAGE)}:{code.co_qualname}"] += 1
        if ended and code is LAST:
            walking = False

    threading.setprofile(note)  # transactions on SQLite run in threads, which begin with this
    database = await Database.open(f"sqlite:///{folder}/walk.db")
    try:
        team = await gather(database)
        view = await team.pending()
        await showing.show(team.service, view.id, team.tokens["bo"])
        walking = True
        sys.setprofile(note)
        await approving.approve(team.service, team.people["bo"], view.id, None)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        await database.close()
    return Counter({name: count for name, count in passed.items() if "<genexpr>" not in name})


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        passed = asyncio.run(walk(folder))
    files = dict.fromkeys(name.partition(":")[0] for name in passed)
    print(f"{len(files)} files, {len(passed)} functions, {sum(passed.values())} returns")
    for name, count in passed.items():
        print(f"{count:5} {name}")


if __name__ == "__main__":
    main()
