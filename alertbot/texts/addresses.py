"""Where things stand on the public page. The addresses are permanent: they go out in posts and mails, and are printed."""

from alertbot.core.frozen import dataclass


def home_path(lang: str) -> str:
    """The home of a language: `fr/index.html`."""
    return f"{lang}/index.html"


def place_path(lang: str, code: str) -> str:
    """The page of a territory: `fr/69.html`."""
    return f"{lang}/{code.lower()}.html"


def alert_path(lang: str, alert: str) -> str:
    """The page that says whether a message is really ours: `fr/alerts/BKRT-2.html`."""
    return f"{lang}/alerts/{alert}.html"


def incident_path(lang: str, incident: str) -> str:
    """The page of everything that was said of an incident."""
    return f"{lang}/incidents/{incident}.html"


def history_path(lang: str) -> str:
    """The list of every message."""
    return f"{lang}/alerts/index.html"


def postcodes_path(lang: str, start: str = "index") -> str:
    """The postcodes that begin alike, with their territories; or the list of these beginnings."""
    return f"{lang}/postcodes/{start}.html"


def address(public_url: str, path: str) -> str:
    """The whole address of a file, as people read it: without `index.html`."""
    return f"{public_url.rstrip('/')}/{path.removesuffix('index.html')}"


@dataclass(frozen=True, slots=True)
class PublicPage:
    """The page on which an alert stands too. A language that it does not have is led to its first."""

    url: str
    languages: tuple[str, ...]

    def home(self, lang: str) -> str:
        """The address of the home."""
        return address(self.url, home_path(self._spoken(lang)))

    def place(self, lang: str, code: str) -> str:
        """The address of a territory's page."""
        return address(self.url, place_path(self._spoken(lang), code))

    def alert(self, lang: str, alert: str) -> str:
        """The address of the page that says whether a message is really ours."""
        return address(self.url, alert_path(self._spoken(lang), alert))

    def without_language(self, text: str, lang: str) -> str:
        """A text whose links to the page are those of every language, to be compared with another."""
        return text.replace(f"{self.url}/{self._spoken(lang)}/", f"{self.url}/")

    def _spoken(self, lang: str) -> str:
        return lang if lang in self.languages else self.languages[0]
