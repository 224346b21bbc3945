"""The weight of a text by twitter-text-parser, against which ours is tested; run as a module, it takes the
library's patterns over into the package."""

import importlib.resources
import json
import re
import sys
import types
from functools import cache
from typing import Any

from alertbot.texts.posts.measure import PATTERNS


def library_weight(text: str) -> int:
    """Slow to load, and slow on long words with dots."""
    return int(_library().parse_tweet(text).weightedLength)


def patterns() -> dict[str, str]:
    """Those of the library, by the names that `measure` gives them; emoji as signs instead of escapes."""
    _library()
    from twitter_text.regexp.emoji import emoji
    from twitter_text.regexp.extract_url import extract_url
    from twitter_text.regexp.valid_ascii_domain import valid_ascii_domain
    from twitter_text.regexp.valid_tco_url import valid_tco_url

    signs = re.sub(r"\\U([0-9a-fA-F]{8})", _sign, emoji.pattern)
    return {
        "address": extract_url.pattern,
        "ascii_domain": valid_ascii_domain.pattern,
        "short": valid_tco_url.pattern,
        "emoji": signs,
    }


def _sign(found: re.Match[str]) -> str:
    return re.escape(chr(int(found[1], 16)))


def _resource(module: str, name: str) -> bytes:
    return (importlib.resources.files(module.rpartition(".")[0]) / name).read_bytes()


@cache
def _library() -> Any:
    """It reads one data file through `pkg_resources`, which new Pythons no longer bring: a stand-in for that
    one function is enough."""
    stand_in: Any = types.ModuleType("pkg_resources")
    stand_in.resource_string = _resource
    before = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        import twitter_text
    finally:
        if before is None:
            del sys.modules["pkg_resources"]
        else:
            sys.modules["pkg_resources"] = before
    return twitter_text


def written() -> str:
    """What stands in the file of patterns."""
    return json.dumps(patterns(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATTERNS.write_text(written(), encoding="utf-8")
