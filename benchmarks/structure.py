"""The measures of the house, from its source alone: `python -m benchmarks.structure`.

Nothing is run or imported. What each row counts stands beside it; the goals are the team's own (docs/decisions.md).
With `--check` only the rules that always hold are looked at; what breaks one is named, and the exit code is 1.
"""

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PACKAGE = Path(__file__).resolve().parents[1] / "alertbot"
LONGEST_FUNCTION = 40  # lines, from `def` to the last one
LONGEST_FILE = 450
ANY_DICT = re.compile(r"\bdict\[str, Any\]")


@dataclass(frozen=True)
class Module:
    """One source file. `name` is dotted, from the package's own name on."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def room(self) -> str:
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""


def modules(package: Path = PACKAGE) -> dict[str, Module]:
    """Every file with a line in it; an empty `__init__.py` only marks a folder."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        text = path.read_text("utf-8")
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if text.strip():
            found[name] = Module(name, path, text, ast.parse(text))
    return found


def _is_typing(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )


def imports(module: Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    """Each import of a file, with whether it is hidden in a function, and whether only types need it."""

    def look(
        node: ast.AST, hidden: bool, typing: bool
    ) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                yield child, hidden, typing
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from look(child, hidden or inside, typing or _is_typing(child))

    yield from look(module.tree, False, False)


def targets(node: ast.Import | ast.ImportFrom, known: dict[str, Module]) -> Iterator[str]:
    """The modules of the house that an import names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
        return
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        if inner in known:
            yield inner
        elif node.module in known:
            yield node.module


def circles(known: dict[str, Module], *, typing: bool) -> list[list[str]]:
    """Files that import each other in a loop, imports hidden in functions counted too."""
    edges: dict[str, set[str]] = {name: set() for name in known}
    for name, module in known.items():
        for node, _hidden, only_types in imports(module):
            if typing or not only_types:
                edges[name] |= set(targets(node, known)) - {name}
    return _components(edges)


def _components(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of more than one member in which each reaches each other."""
    reached = {name: _reach(name, edges) for name in edges}
    found: list[list[str]] = []
    seen: set[str] = set()
    for name in edges:
        group = {other for other in reached[name] if name in reached[other]} | {name}
        if len(group) > 1 and not group & seen:
            found.append(sorted(group))
            seen |= group
    return found


def _reach(name: str, edges: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [name]
    while ahead:
        new = edges[ahead.pop()] - found
        found |= new
        ahead += new
    return found


def shared_names(known: dict[str, Module]) -> dict[str, set[str]]:
    """Class names that stand in two modules or more, with the modules."""
    where: dict[str, set[str]] = defaultdict(set)
    for name, module in known.items():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                where[node.name].add(name)
    return {name: places for name, places in where.items() if len(places) > 1}


def aliases(known: dict[str, Module]) -> list[str]:
    """`from alertbot… import name as other`: a name dodged."""
    return [
        f"{name}:{node.lineno} {alias.name} as {alias.asname}"
        for name, module in known.items()
        for node, _hidden, _typing in imports(module)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("alertbot")
        for alias in node.names
        if alias.asname and alias.asname != alias.name
    ]


def long_functions(known: dict[str, Module], longest: int = LONGEST_FUNCTION) -> list[str]:
    """Functions of more lines than allowed. A migration that landed is frozen, as long as it is."""
    return [
        f"{name}:{node.lineno} {node.name} ({node.end_lineno - node.lineno + 1})"
        for name, module in known.items()
        if ".migrations." not in name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > longest
    ]


OUTSIDE = {
    *("asyncio", "httpx", "os", "pathlib", "random", "secrets", "shutil", "socket", "subprocess"),
    *("tempfile", "threading", "time", "sqlalchemy", "alembic", "psycopg"),
    *("alertbot.core.clock", "alertbot.core.connecting", "alertbot.core.loops", "alertbot.db"),
}
LOOKS = {"now", "utcnow", "today", "open", "print", "input"}
SQL = {"sqlalchemy", "alembic", "psycopg"}
WITH_STORES = {"alerts", "numbers", "people", "watch", "ops", "delivery"}


def impure_rules(known: dict[str, Module]) -> list[str]:
    """What a `rules_*.py` takes from outside its arguments: a clock, a file, a socket, chance, the database."""
    return [
        f"{name}:{line} {what}"
        for name, module in known.items()
        if module.path.name.startswith("rules_")
        for line, what in _taken_from_outside(module)
    ]


def _taken_from_outside(module: Module) -> Iterator[tuple[int, str]]:
    for node, _hidden, only_types in imports(module):
        found = [one for one in _sources(node) if _is_outside(one)]
        if found and not only_types:
            yield node.lineno, found[0]
    for call in ast.walk(module.tree):
        if isinstance(call, ast.Call):
            called = call.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in LOOKS:
                yield call.lineno, f"{name}()"


def _is_outside(source: str) -> bool:
    return "store_" in source or any(source == one or source.startswith(f"{one}.") for one in OUTSIDE)


def _sources(node: ast.Import | ast.ImportFrom) -> list[str]:
    """What an import may load, dotted."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]


def sql_outside_stores(known: dict[str, Module]) -> list[str]:
    """Files of the rooms with stores that use the database's library and are no `store_*.py`."""
    return [
        f"{name}:{node.lineno} {source}"
        for name, module in known.items()
        if module.room in WITH_STORES and not module.path.name.startswith("store_")
        for node, _hidden, _typing in imports(module)
        for source in _sources(node)[:1]
        if source.partition(".")[0] in SQL
    ]


def in_three_rooms(known: dict[str, Module]) -> list[str]:
    """Class names that stand in three rooms or more."""
    return [
        f"{name}: {' '.join(sorted(places))}"
        for name, places in shared_names(known).items()
        if len({known[place].room for place in places}) > 2
    ]


def large_files(known: dict[str, Module]) -> list[str]:
    return [f"{name} ({one.lines})" for name, one in known.items() if one.lines > LONGEST_FILE]


@dataclass(frozen=True)
class Rule:
    """What always holds in the house: `broken` names the places where it does not, `mend` says what to do."""

    broken: Callable[[dict[str, Module]], list[str]]
    mend: str


RULES: Mapping[str, Rule] = {
    "rules are pure": Rule(
        impure_rules,
        "Hand the moment, the text or the rows in as arguments; what looks or writes is a verb or a store.",
    ),
    "SQL stands in stores": Rule(
        sql_outside_stores, "Move the statement to the room's store_*.py; the verb calls it by name."
    ),
    "imports go one way": Rule(
        lambda known: [" ".join(one) for one in circles(known, typing=True)],
        "Move what both need to a file that imports neither; an import in a function only hides the loop.",
    ),
    "no name is dodged": Rule(
        aliases, "Rename what is imported or what it collides with, or import its module instead."
    ),
    "no class name in three rooms": Rule(
        in_three_rooms, "Say which one it is: name each class by its room's own noun."
    ),
    "functions are short": Rule(
        long_functions,
        f"Over {LONGEST_FUNCTION} lines: move a part that has a meaning to its own function.",
    ),
    "files are short": Rule(
        large_files, f"Over {LONGEST_FILE} lines: it holds two nouns; give one of them its own file."
    ),
}


def broken(package: Path = PACKAGE) -> list[str]:
    """Every breach of a rule of the house, with what to do about it."""
    known = modules(package)
    return [
        f"{what}: {place}. {rule.mend}" for what, rule in RULES.items() for place in rule.broken(known)
    ]


def largest_room(known: dict[str, Module]) -> tuple[str, int]:
    """The folder with the most files directly in it."""
    counts: dict[str, int] = defaultdict(int)
    for module in known.values():
        counts[str(module.path.parent.relative_to(PACKAGE.parent))] += 1
    return max(counts.items(), key=lambda one: one[1])


def figures(package: Path = PACKAGE) -> list[tuple[str, str, str]]:
    """Each measure as a row: what, how it stands, the goal."""
    known = modules(package)
    sizes = [module.lines for module in known.values()]
    room, count = largest_room(known)
    twice = shared_names(known)
    hidden = [1 for module in known.values() for _node, inside, _typing in imports(module) if inside]
    top = [
        one.name
        for one in package.iterdir()
        if one.name not in {"__init__.py", "__pycache__", "py.typed"}
    ]
    any_dicts = sum(len(ANY_DICT.findall(module.text)) for module in known.values())
    x = sum(module.lines for name, module in known.items() if name.startswith("alertbot.channels.x."))
    return [
        ("files with a line in them", str(len(sizes)), "at most 250"),
        ("lines", str(sum(sizes)), ""),
        ("lines of a file, median", f"{median(sizes):.0f}", "150 to 200"),
        ("lines of a file, most", str(max(sizes)), "at most 450"),
        ("entries at the top (of 17 planned rooms and files)", str(len(top)), "at most 17"),
        (f"files in the largest room ({room})", str(count), "at most 30"),
        ("circles of imports, hidden ones counted", str(len(circles(known, typing=False))), "0"),
        ("circles, imports for types counted too", str(len(circles(known, typing=True))), "0"),
        ("imports hidden in functions", str(len(hidden)), "at most 60"),
        ("class names that stand in two modules", str(len(twice)), "at most 10"),
        (
            "class names that stand in three rooms",
            str(len(in_three_rooms(known))),
            "0",
        ),
        ("`dict[str, Any]`", str(any_dicts), "at most 60"),
        ("imports under another name", str(len(aliases(known))), "0"),
        (
            f"functions of over {LONGEST_FUNCTION} lines, migrations aside",
            str(len(long_functions(known))),
            "0",
        ),
        ("lines of the X adapter's folder", str(x), "at most 500"),
    ]


def main() -> None:
    """Print the measures, then what is over its goal by name; or check the rules."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.structure")
    parser.add_argument(
        "--check", action="store_true", help="the rules alone; exit code 1 if one is broken"
    )
    if parser.parse_args().check:
        sys.exit("\n".join(broken()) or None)
    for what, value, goal in figures():
        print(f"{what:52} {value:>8}   {goal}")
    known = modules()
    details = {
        "circle": [" ".join(one) for one in circles(known, typing=True)],
        "twice": [
            f"{name}: {' '.join(sorted(places))}"
            for name, places in sorted(shared_names(known).items())
        ],
        "alias": aliases(known),
        "long": long_functions(known),
        "large": large_files(known),
    }
    for kind, rows in details.items():
        for row in rows:
            print(f"{kind}: {row}")


if __name__ == "__main__":
    main()
