"""Write `territories.csv` of shipped country packs from ISO 3166-2, as pycountry has it: `pip install pycountry`,
then `python docs/make_regions.py GB BE …`. What it has wrong or not at all is put right here, so that it stays right
when the list is renewed; grammar, first digits and areas are added by hand in the pack, and kept."""

import csv
import gettext
import re
import sys
from importlib import import_module
from pathlib import Path

PACKS = Path(__file__).parents[1] / "messages" / "regions"
# The pack's languages, the main one first, and the kinds of subdivision that people would name.
LANGUAGES = {
    "GB": "en cy", "BE": "nl fr de en", "AU": "en", "NL": "nl en", "CA": "en fr", "US": "en", "IE": "en ga",
    "DE": "de en", "ES": "es en",
}  # fmt: skip
LEFT_OUT = {
    "NL": ("Country", "Special municipality")
}  # in the Caribbean, with numbering plans of their own
# Zones by the tz database (zone.tab); of a state with several, that of most of its people.
ZONES = {
    "AU": {
        "Australia/Sydney": "NSW ACT", "Australia/Melbourne": "VIC", "Australia/Brisbane": "QLD",
        "Australia/Adelaide": "SA", "Australia/Perth": "WA", "Australia/Hobart": "TAS", "Australia/Darwin": "NT",
    },
    "CA": {
        "America/St_Johns": "NL", "America/Halifax": "NS PE", "America/Moncton": "NB", "America/Toronto": "ON QC",
        "America/Winnipeg": "MB", "America/Regina": "SK", "America/Edmonton": "AB NT",
        "America/Vancouver": "BC", "America/Whitehorse": "YT", "America/Iqaluit": "NU",
    },
    "US": {
        "America/New_York": "CT DC DE FL GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
        "America/Detroit": "MI", "America/Indiana/Indianapolis": "IN", "America/Kentucky/Louisville": "KY",
        "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
        "America/Denver": "CO MT NM UT WY", "America/Boise": "ID", "America/Phoenix": "AZ",
        "America/Los_Angeles": "CA NV OR WA", "America/Anchorage": "AK", "Pacific/Honolulu": "HI",
        "America/Puerto_Rico": "PR VI", "Pacific/Guam": "GU MP", "Pacific/Pago_Pago": "AS",
        "Pacific/Midway": "UM",
    },
    "ES": {"Atlantic/Canary": "CN GC TF", "Africa/Ceuta": "CE ML"},
}  # fmt: skip
TELEPHONE = {"US": {"PR": "PR", "VI": "VI", "GU": "GU", "MP": "MP", "AS": "AS"}}
NAMES = {
    ("BE", "BRU"): {"nl": "Brussel", "fr": "Bruxelles", "de": "Brüssel", "en": "Brussels"},
    ("BE", "VLG"): {"nl": "Vlaanderen", "fr": "Flandre", "de": "Flandern", "en": "Flanders"},
    ("BE", "WAL"): {"nl": "Wallonië", "fr": "Wallonie", "de": "Wallonien", "en": "Wallonia"},
    ("BE", "VAN"): {"nl": "Antwerpen", "fr": "Anvers", "de": "Antwerpen", "en": "Antwerp"},
    ("BE", "VBR"): {"nl": "Vlaams-Brabant", "fr": "Brabant flamand", "de": "Flämisch-Brabant", "en": "Flemish Brabant"},
    ("BE", "VLI"): {"nl": "Limburg", "fr": "Limbourg", "de": "Limburg", "en": "Limburg"},
    ("BE", "VOV"): {"nl": "Oost-Vlaanderen", "fr": "Flandre-Orientale", "de": "Ostflandern", "en": "East Flanders"},
    ("BE", "VWV"): {"nl": "West-Vlaanderen", "fr": "Flandre-Occidentale", "de": "Westflandern", "en": "West Flanders"},
    ("BE", "WBR"): {"nl": "Waals-Brabant", "fr": "Brabant wallon", "de": "Wallonisch-Brabant", "en": "Walloon Brabant"},
    ("BE", "WHT"): {"nl": "Henegouwen", "fr": "Hainaut", "de": "Hennegau", "en": "Hainaut"},
    ("BE", "WLG"): {"nl": "Luik", "fr": "Liège", "de": "Lüttich", "en": "Liège"},
    ("BE", "WLX"): {"nl": "Luxemburg", "fr": "Luxembourg", "de": "Luxemburg", "en": "Luxembourg"},
    ("BE", "WNA"): {"nl": "Namen", "fr": "Namur", "de": "Namur", "en": "Namur"},
    ("CA", "NB"): {"en": "New Brunswick", "fr": "Nouveau-Brunswick"},
    ("CA", "PE"): {"en": "Prince Edward Island", "fr": "Île-du-Prince-Édouard"},
    ("CA", "NT"): {"en": "Northwest Territories", "fr": "Territoires du Nord-Ouest"},
    ("GB", "ABC"): {"en": "Armagh City, Banbridge and Craigavon"},
    ("GB", "RCT"): {"en": "Rhondda Cynon Taff", "cy": "Rhondda Cynon Taf"},
    ("GB", "ENG"): {"en": "England", "cy": "Lloegr"},
    ("GB", "SCT"): {"en": "Scotland", "cy": "Yr Alban"},
    ("GB", "WLS"): {"en": "Wales", "cy": "Cymru"},
    ("GB", "NIR"): {"en": "Northern Ireland", "cy": "Gogledd Iwerddon"},
}  # fmt: skip
_OTHER_NAME = re.compile(r"\s*\[([^\]]*?)(?:\s+[A-Z]{2}-[A-Z]{3})?\]")
_TURNED = re.compile(r"(.+), (.+)")


def main(codes: list[str]) -> None:
    for code in codes or sorted(LANGUAGES):
        languages = LANGUAGES[code].split()
        rows = sorted(rows_of(code, languages), key=lambda row: row["code"])
        path = PACKS / code / "territories.csv"
        with path.open("w", encoding="utf-8", newline="") as lines:
            areas = [
                name
                for name in (f"area_{lang}" for lang in languages)
                if any(row.get(name) for row in rows)
            ]
            columns = ["code", *languages, "zone", "region", *areas]
            writer = csv.DictWriter(lines, columns, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{path}: {len(rows)}")


def rows_of(code: str, languages: list[str]) -> list[dict[str, str]]:
    known = import_module("pycountry").subdivisions.get(country_code=code)
    zones = {one: zone for zone, those in ZONES.get(code, {}).items() for one in those.split()}
    rows = []
    for one in known:
        if one.type in LEFT_OUT.get(code, ()):
            continue
        short = one.code.partition("-")[2]
        names = NAMES.get((code, short)) or names_of(code, one.name, languages)
        main_name = names[languages[0]]
        spoken = {lang: names.get(lang, "") for lang in languages[1:]}
        others = {lang: name for lang, name in spoken.items() if name != main_name}
        place = {"zone": zones.get(short, ""), "region": TELEPHONE.get(code, {}).get(short, "")}
        parent = (one.parent_code or "").partition("-")[2]
        rows.append({"code": short, languages[0]: main_name, **others, **place, "parent": parent})
    by_code = {row["code"]: row for row in rows}
    for row in rows:
        above = by_code.get(row.pop("parent"), {})
        row |= {f"area_{lang}": above[lang] for lang in languages if above.get(lang)}
    return rows


def names_of(code: str, written: str, languages: list[str]) -> dict[str, str]:
    """The names of a subdivision by language: as ISO has it, its other name in brackets, and translations."""
    plain, other = _OTHER_NAME.sub("", written), _OTHER_NAME.search(written)
    found = {languages[0]: turned(plain)}
    if other and code == "GB":
        found["cy"] = turned(other[1])
    for lang in languages[1:]:
        said = translation(lang).gettext(written)
        if said != written:
            found.setdefault(lang, turned(_OTHER_NAME.sub("", said)))
    return found


def turned(name: str) -> str:
    """`Borders, The Scottish` in the order of speech."""
    found = _TURNED.fullmatch(name)
    return f"{found[2]} {found[1]}" if found else name


def translation(lang: str) -> gettext.NullTranslations:
    folder = Path(str(import_module("pycountry").__file__)).parent / "locales"
    return gettext.translation("iso3166-2", str(folder), [lang], fallback=True)


if __name__ == "__main__":
    main(sys.argv[1:])
