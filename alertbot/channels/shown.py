"""What of a text counts where it is compared with what a platform shows of it."""

import re
import unicodedata

LINK = re.compile(r"https?://", re.IGNORECASE)


def compared_words(text: str) -> list[str]:
    """Its words in NFC, addresses without scheme and last slash: platforms change those, and spaces."""
    found = LINK.sub("", unicodedata.normalize("NFC", text)).split()
    return [word.rstrip("/") or word for word in found]
