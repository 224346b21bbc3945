"""Draws docs/pictures/page.png: the public page of the evening of 2 June 2021 at 19:00 on two phones, light and dark.

Run it after a change to the page: python -m tests.pages.picture. Without Chromium the picture stays as it is."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.pages.evening import written
from tests.pages.test_public_page import edition

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "page.png"
SHOTS = (("en/index.html", False), ("en/85.html", True))  # and whether dark
WIDTH, HEIGHT, SCALE, GAP = 500, 1180, 1, 24  # Chromium draws no narrower window
COLOURS = 96


def main() -> None:
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("there is no chromium: docs/pictures/page.png stays as it is")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        list(written({path: without_script(page) for path, page in edition().items()}, folder))
        shots = [shot(browser, folder / path, dark=dark) for path, dark in SHOTS]
    whole = Image.new("RGB", (len(shots) * WIDTH + (len(shots) - 1) * GAP, HEIGHT), "white")
    for at, one in enumerate(shots):
        whole.paste(one, (at * (WIDTH + GAP), 0))
    whole.quantize(COLOURS).save(PICTURE, optimize=True)


def without_script(page: bytes) -> bytes:
    """The page as it was that evening: today its script would mark it as out of date."""
    start, end = page.find(b"<script>"), page.find(b"</script>")
    return page if start < 0 else page[:start] + page[end + len(b"</script>") :]


def shot(browser: str, page: Path, *, dark: bool) -> Image.Image:
    picture = page.with_suffix(".png")
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={picture}",
        f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
    ]  # fmt: skip
    subprocess.run([browser, *flags, page.as_uri()], check=True, capture_output=True)
    with Image.open(picture) as found:
        return found.convert("RGB")


if __name__ == "__main__":
    main()
