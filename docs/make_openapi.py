"""Write `docs/reference/openapi.json`, the description of the desk's API, from its operations: `make docs`."""

import os
from pathlib import Path

os.environ["LANGUAGE"] = "en"  # before the words are loaded

from alertbot.web.api import entry

PAGE = Path(__file__).parent / "reference" / "openapi.json"


def page() -> str:
    return entry.text()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
