"""Bring the list of top-level domains of IANA that the package carries up to date; see `make domains`."""

from pathlib import Path
from urllib.request import urlopen

SOURCE = "https://data.iana.org/TLD/tlds-alpha-by-domain.txt"
KEPT = Path(__file__).parents[1] / "alertbot" / "regions" / "domains.txt"
LEAST = 1000  # fewer are no list


def main() -> None:
    with urlopen(SOURCE, timeout=30) as answer:
        first, *names = answer.read().decode("ascii").split("\n")
    known = sorted({name.strip().lower() for name in names if name.strip()})
    if len(known) < LEAST or "fr" not in known:
        raise SystemExit(f"{SOURCE} holds no list of top-level domains; {KEPT.name} stays as it is.")
    head = [f"# Top-level domains of IANA ({SOURCE}), in ASCII, one a line.", first.strip()]
    KEPT.write_text("\n".join([*head, *known, ""]), encoding="ascii")


if __name__ == "__main__":
    main()
