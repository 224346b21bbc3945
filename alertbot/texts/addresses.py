"""Where things stand on the public page. The addresses are permanent: they go out in posts and mails, and are printed."""


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


def address(public_url: str, path: str) -> str:
    """The whole address of a file, as people read it: without `index.html`."""
    return f"{public_url.rstrip('/')}/{path.removesuffix('index.html')}"
