"""The templates of the public page and what stands around every page: head, languages, exercise marks, the policy that
lets a browser load nothing else."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from alertbot.core.frozen import dataclass
from alertbot.pages.views import PageSite
from alertbot.pages.words import Wording, own_name
from alertbot.texts.addresses import address, history_path, home_path
from alertbot.texts.wording.environment import load, of_pages

FOLDER = Path(__file__).with_name("templates")


@cache
def _template(name: str) -> Template:
    text = (FOLDER / f"{name}.html.j2").read_text("utf-8")
    return load(text, f"{name}.html.j2", of_pages())


def filled(name: str, values: Mapping[str, object]) -> Markup:
    """A template filled with these values."""
    return Markup(_template(name).render(values).rstrip("\n"))  # noqa: S704 - the template escapes


@cache
def _asset(name: str) -> tuple[Markup, str]:
    """A file that stands within each page, and its hash for the policy."""
    text = (FOLDER / name).read_text("utf-8").replace("\n", "")
    digest = hashlib.sha256(text.encode()).digest()
    return Markup(text), f"'sha256-{base64.b64encode(digest).decode()}'"  # noqa: S704 - our own file


@cache
def _policy() -> Markup:
    style, script = _asset("page.css")[1], _asset("stale.js")[1]
    return Markup(  # noqa: S704 - hashes alone
        f"default-src 'none'; style-src {style}; script-src {script}; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


@dataclass(frozen=True, slots=True)
class PageFrame:
    """What surrounds the pages of one language."""

    site: PageSite
    w: Wording

    def page(self, path: str, title: str, body: Markup, until: datetime | None = None) -> bytes:
        """A whole page at this path. `until`: after it the page is marked as out of date, where scripts run."""
        root = "../" * path.count("/")
        return filled("layout", {
            "w": self.w,
            "policy": _policy(),
            "exercise": self.site.exercise,
            "title": title if title == self.name else f"{title} – {self.name}",
            "site": self.name,
            "organisation": self.site.organisation,
            "address": address(self.site.public_url, path),
            "others": [self._other(lang, path, root) for lang in self.site.languages],
            "feed": f"{root}feeds/alerts.{self.w.lang}.atom",
            "home": root + home_path(self.w.lang),
            "history": root + history_path(self.w.lang),
            "style": _asset("page.css")[0],
            "script": _asset("stale.js")[0],
            "stale": until and self.w.say("stale", when=self.w.when(until)),
            "until": until and until.astimezone(UTC).isoformat(timespec="seconds"),
            "body": body,
        }).encode() + b"\n"  # fmt: skip

    @property
    def name(self) -> str:
        """`Opérateur : numéros d’urgence`."""
        return f"{self.w.before(self.site.organisation)} {self.w.say('site')}"

    def languages(self) -> list[tuple[str, str]]:
        """Every language of the page, with its own name."""
        return [(lang, own_name(lang)) for lang in self.site.languages]

    def _other(self, lang: str, path: str, root: str) -> Mapping[str, str]:
        """The same page in another language."""
        there = f"{lang}/{path.partition('/')[2]}" if "/" in path else home_path(lang)
        return {
            "lang": lang,
            "name": own_name(lang),
            "link": root + there,
            "address": address(self.site.public_url, there),
        }
