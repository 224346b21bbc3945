"""What was counted over all rounds, kept in `record.json` so that the page can be written without playing again."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chaos.stage import Tally

RECORD = Path(__file__).parent / "record.json"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault, over all its rounds. `alone`: rounds in which nobody had to help. `note`: why it was not played."""

    fault: str
    rounds: int = 0
    deliveries: int = 0
    lost: int = 0
    doubled: int = 0
    uncertain: int = 0
    wrong: int = 0
    alone: int = 0
    message: str = ""
    note: str = ""
    last: str = ""

    def with_round(self, tally: Tally) -> "Row":
        """One more round."""
        return replace(
            self,
            rounds=self.rounds + 1,
            deliveries=self.deliveries + tally.deliveries,
            lost=self.lost + tally.lost,
            doubled=self.doubled + tally.doubled,
            uncertain=self.uncertain + tally.uncertain,
            wrong=self.wrong + tally.wrong,
            alone=self.alone + tally.alone,
            message=tally.message or self.message,
            note="",
            last=f"{datetime.now(UTC):%Y-%m-%d}",
        )

    def plus(self, other: "Row") -> "Row":
        """The rounds of both; what is said is the other's, where it says anything."""
        names = ("rounds", "deliveries", "lost", "doubled", "uncertain", "wrong", "alone")
        summed = {name: getattr(self, name) + getattr(other, name) for name in names}
        words = {name: getattr(other, name) or getattr(self, name) for name in ("message", "last")}
        return replace(self, note=other.note, **summed, **words)


def read(path: Path = RECORD) -> dict[str, Row]:
    """The rows that are kept, by fault."""
    if not path.exists():
        return {}
    return {row["fault"]: Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))}


def keep(rows: Mapping[str, Row], path: Path = RECORD) -> None:
    """Add these to what is kept."""
    known = read(path)
    for name, row in rows.items():
        known[name] = known[name].plus(row) if name in known else row
    text = json.dumps([asdict(row) for row in known.values()], indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


HEAD = (
    "| fault | rounds | deliveries | lost | doubled | uncertain | of these wrongly | went on alone | what is said |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|---|"
)


def table(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown, with their sum."""
    listed = list(rows)
    total = Row(fault="all together")
    for row in listed:
        total = total.plus(replace(row, message="", note=""))
    return "\n".join([HEAD, *map(_line, [*listed, total])])


def _line(row: Row) -> str:
    if not row.rounds:
        return f"| {row.fault} | not played: {row.note} | | | | | | | |" if row.note else ""
    alone = f"{100 * row.alone / row.rounds:.0f} %"
    said = row.message.replace("|", "/").replace("\n", " ")
    numbers = (row.rounds, row.deliveries, row.lost, row.doubled, row.uncertain, row.wrong)
    return f"| {row.fault} | {' | '.join(map(str, numbers))} | {alone} | {said} |"
