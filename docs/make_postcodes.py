"""Write `postcodes.csv` of the French pack from the package @etalab/decoupage-administratif:
`npm pack @etalab/decoupage-administratif`, unpack it, then `python docs/make_postcodes.py package/data/communes.json`."""

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

PACK = Path(__file__).parents[1] / "messages" / "regions" / "FR"


def main(communes: Path) -> None:
    """Each territory of the pack with its postcodes; a postcode in two territories stands with both."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in json.loads(communes.read_text("utf-8")):
        place = one.get("departement") or one.get("collectiviteOutremer", {}).get("code")
        found[place] |= set(one.get("codesPostaux", ()))
    with (PACK / "territories.csv").open(encoding="utf-8") as file:
        codes = [row["code"] for row in csv.DictReader(file)]
    with (PACK / "postcodes.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("territory", "postcodes"))
        rows.writerows((code, " ".join(sorted(found[code]))) for code in codes if found[code])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
