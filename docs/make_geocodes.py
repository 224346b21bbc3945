"""Write `geocodes.csv` of the shipped country packs: `pip install pycountry us`, then
`python docs/make_geocodes.py FOLDER`, where FOLDER holds Eurostat's `regions_labels_2021_nuts<LEVEL>_eu_efta.json`
(of github.com/eurostat/NutsDorlingCartogram). A code is written only where a source has the same place under the same
name, or below; what no source says has no code."""

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping, Set
from importlib import import_module
from pathlib import Path

PACKS = Path(__file__).parents[1] / "messages" / "regions"
ISO_1, ISO_2, SAME, INSEE = "ISO3166-1", "ISO3166-2", "SAME", "INSEE-departement"
LEVELS = {"FR": (3,), "BE": (1, 2), "DE": (1,), "ES": (2, 3), "NL": (2,)}
# Names that Eurostat writes otherwise, and islands that are one territory of a pack.
NUTS = {
    "FR": {"971": "FRY10", "972": "FRY20", "973": "FRY30", "974": "FRY40", "976": "FRY50"},
    "BE": {"BRU": "BE1 BE10", "VLG": "BE2", "WAL": "BE3", "VLI": "BE22", "WLX": "BE34"},
    "NL": {"FR": "NL12", "LI": "NL42"},
    "ES": {
        "A": "ES521", "CS": "ES522", "V": "ES523", "VC": "ES52", "CT": "ES51", "VI": "ES211", "CE": "ES63 ES630",
        "ML": "ES64 ES640", "IB": "ES53", "PM": "ES531 ES532 ES533", "GC": "ES704 ES705 ES708",
        "TF": "ES703 ES706 ES707 ES709",
    },
}  # fmt: skip
# In France the codes of ISO are those of INSEE but for these. Rhône is the département with the Métropole de Lyon;
# 75 was the code of Paris until 2019, and maps still have it.
FRANCE = {
    "69": "FR-69 FR-69M", "75": "FR-75C FR-75", "975": "FR-PM", "977": "FR-BL", "978": "FR-MF", "986": "FR-WF",
    "987": "FR-PF", "988": "FR-NC",
}  # fmt: skip
UNITED_KINGDOM = "GB-ENG GB-NIR GB-SCT GB-WLS"
NUTS_NAME = re.compile(r"^(?:prov\.|provincia de) | \([a-z]{2}\)$")


def main(folder: Path) -> None:
    labels = {level: _labels(folder, level) for level in (1, 2, 3)}
    for pack in sorted(PACKS.glob("*/territories.csv")):
        code = pack.parent.name
        with pack.open(encoding="utf-8-sig", newline="") as lines:
            places = list(csv.DictReader(lines))
        own = {f"{code}-{place['code']}" for place in places}
        rows = [{"code": code, ISO_1: code, ISO_2: _whole(code, own)}]
        rows += [_row(code, place, labels) for place in places]
        columns = list(dict.fromkeys(name for row in rows for name, value in row.items() if value))
        with (pack.parent / "geocodes.csv").open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(
                lines, columns, lineterminator="\n", restval="", extrasaction="ignore"
            )
            writer.writeheader()
            writer.writerows(rows)
        print(f"{code}: {len(rows)} {', '.join(columns[1:])}")


def _labels(folder: Path, level: int) -> Mapping[str, str]:
    found = json.loads((folder / f"regions_labels_2021_nuts{level}_eu_efta.json").read_text("utf-8"))
    return {code: one["label"] for code, one in found.items()}


def _whole(code: str, own: Set[str]) -> str:
    """The parts of the whole country that lie beside each other: of France those on its own clock, of Ireland the
    counties, since maps draw the province of Ulster across the border."""
    if code == "GB":
        return UNITED_KINGDOM
    parts = import_module("pycountry").subdivisions.get(country_code=code)
    if code == "FR":
        kinds = ("Metropolitan region", "Metropolitan collectivity with special status")
        named = [
            one.code for one in parts if one.type in kinds and one.code not in ("FR-69M", "FR-75C")
        ]
    else:
        inner = code == "IE"
        named = [one.code for one in parts if bool(one.parent_code) is inner and one.code in own]
    return " ".join(sorted(named))


def _row(
    code: str, place: Mapping[str, str], labels: Mapping[int, Mapping[str, str]]
) -> dict[str, str]:
    own = place["code"]
    row = {"code": own, ISO_2: FRANCE.get(own, f"FR-{own}") if code == "FR" else f"{code}-{own}"}
    if code == "FR":
        row[INSEE] = own
    if code == "US" and (state := getattr(import_module("us").states, own, None)) and state.fips:
        row[SAME] = f"0{state.fips}000"
    for name, value in _nuts(code, place, labels):
        row[name] = f"{row[name]} {value}" if name in row else value
    return row


def _nuts(
    code: str, place: Mapping[str, str], labels: Mapping[int, Mapping[str, str]]
) -> Iterator[tuple[str, str]]:
    known = NUTS.get(code, {}).get(place["code"])
    if known:
        for one in known.split():
            assert one in labels[len(one) - 2], one
            yield f"NUTS{len(one) - 2}", one
        return
    names = {_plain(place[key]) for key in place if len(key) == 2 and place[key]}
    for level in LEVELS.get(code, ()):
        for one, label in labels[level].items():
            if one.startswith(code) and names & {_plain(part) for part in (label, *label.split("/"))}:
                yield f"NUTS{level}", one


def _plain(name: str) -> str:
    return NUTS_NAME.sub("", " ".join(name.replace("’", "'").replace("-", " ").casefold().split()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
