"""The rules of the house hold in its source, and each of them notices what would break it."""

import textwrap
from pathlib import Path

import pytest

from benchmarks import structure

LONG = "def much() -> None:\n" + "    pass\n" * structure.LONGEST_FUNCTION


@pytest.mark.thorough
@pytest.mark.parametrize("rule", structure.RULES)
def test_the_house_keeps_its_rules(rule: str) -> None:
    found = structure.RULES[rule].broken(structure.modules())
    assert not found, f"{rule}: " + "; ".join(found) + ". " + structure.RULES[rule].mend


BREACHES = {
    "a clock in a rule": (
        "rules are pure",
        {"alerts/rules_a.py": "from alertbot.core.clock import utc_now"},
    ),
    "the time in a rule": ("rules are pure", {"alerts/rules_a.py": "import time"}),
    "now in a rule": (
        "rules are pure",
        {"alerts/rules_a.py": "from datetime import datetime\nSTART = datetime.now()"},
    ),
    "a file in a rule": ("rules are pure", {"alerts/rules_a.py": "TEXT = open('a').read()"}),
    "a path in a rule": ("rules are pure", {"alerts/rules_a.py": "from pathlib import Path"}),
    "a socket in a rule": ("rules are pure", {"alerts/rules_a.py": "def f():\n    import socket"}),
    "SQL in a rule": ("rules are pure", {"alerts/rules_a.py": "from sqlalchemy import select"}),
    "a store in a rule": (
        "rules are pure",
        {"alerts/rules_a.py": "from alertbot.people import store_people"},
    ),
    "SQL in a verb": ("SQL stands in stores", {"alerts/approving.py": "from sqlalchemy import select"}),
    "SQL in delivery": (
        "SQL stands in stores",
        {"delivery/drain.py": "def f():\n    import sqlalchemy.sql"},
    ),
    "a circle": (
        "imports go one way",
        {"core/a.py": "from alertbot.core import b", "core/b.py": "from alertbot.core.a import f"},
    ),
    "a hidden circle": (
        "imports go one way",
        {
            "core/a.py": "from alertbot.core import b",
            "core/b.py": "def f():\n    from alertbot.core import a",
        },
    ),
    "an alias": (
        "no name is dodged",
        {"core/a.py": "X = 1", "core/b.py": "from alertbot.core.a import X as Y"},
    ),
    "a word for three things": (
        "no class name in three rooms",
        {f"{room}/a.py": "class Entry: ..." for room in ("core", "people", "watch")},
    ),
    "a long function": ("functions are short", {"core/a.py": LONG}),
    "a long method": (
        "functions are short",
        {"core/a.py": "class A:\n" + textwrap.indent(LONG, "    ")},
    ),
    "a long file": ("files are short", {"core/a.py": "X = 1\n" * (structure.LONGEST_FILE + 1)}),
}
FINE = {
    "alerts/rules_a.py": "from datetime import datetime\nfrom alertbot.core.model import Person",
    "alerts/store_a.py": "from sqlalchemy import select",
    "db/sql.py": "from sqlalchemy import select",
    "core/model.py": "class Person: ...",
    "people/a.py": "from alertbot.core import model as model\nclass Person: ...",
    "db/migrations/versions/r1.py": LONG,
}


def _house(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "alertbot"
    clock = {"core/clock.py": "X = 1", "people/store_people.py": "X = 1"}
    for name, text in (clock | files).items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_noticed_and_what_to_do_is_said(breach: str, tmp_path: Path) -> None:
    rule, files = BREACHES[breach]
    found = [one for one in structure.broken(_house(tmp_path, files)) if one.startswith(f"{rule}: ")]
    assert found
    assert all("alertbot." in one and one.endswith(structure.RULES[rule].mend) for one in found)


def test_what_is_allowed_is_not_called_a_breach(tmp_path: Path) -> None:
    assert structure.broken(_house(tmp_path, FINE)) == []
