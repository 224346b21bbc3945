"""The HTML document of a mail: one column, no address from outside, readable in light and dark."""

from collections.abc import Sequence

from alertbot.compose.markup import Block
from alertbot.compose.writing import email, escaped

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;padding:1rem;background:#fff;color:#1a1a1a;"
    "font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif}"
    "main{max-width:38rem;margin:0 auto;overflow-wrap:anywhere}"
    "h2{font-size:1.2rem;line-height:1.3;margin:1.5rem 0 .5rem}"
    "p,ul,ol{margin:0 0 1rem}li{margin:0 0 .25rem}a{color:#0b57d0}"
    "@media (prefers-color-scheme:dark){body{background:#121212;color:#eaeaea}a{color:#8ab4f8}}"
)


def document(blocks: Sequence[Block], *, subject: str, lang: str) -> str:
    """A whole HTML document. It holds no recipient: it is the same for everybody of one language."""
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="{escaped(lang)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(subject)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{email(blocks)}\n</main>\n</body>\n</html>\n"
    )
