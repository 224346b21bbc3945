"""A preview as one self-contained HTML page, to be mailed to an approver or opened on a phone.

The page has no script and loads nothing, and its content security policy says so: only its own style
sheet, identified by its hash, is allowed, and pictures are embedded.
"""

import os
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from alertbot.core.errors import Misuse
from alertbot.core.model import Message, Picture
from alertbot.core.words import _, language, ngettext
from alertbot.texts.preview import phrases, plain
from alertbot.texts.preview.fragments import fragment
from alertbot.texts.preview.phrases import Sheet, ShownThread, address, threads

HERE = Path(__file__).parent
_HIGHLIGHTED = re.compile(r"https?://\S+|(?<![\w#&])#\w+")


def render_page(sheet: Sheet) -> str:
    """The whole page as text, to be written as UTF-8."""
    sheet_style = page_style()
    return page_template("page.html.j2", HERE).render(
        **parts(sheet),
        page_language=language(),
        policy=policy(sheet_style),
        style=Markup(sheet_style),  # noqa: S704  our own file
    )


def parts(sheet: Sheet) -> dict[str, Any]:
    """The variables of `texts.html.j2`: faults, warnings and every text, for this page and others."""
    return {
        "sheet": sheet,
        "shown": sheet.composition,
        "channels": _by_channel(sheet.composition.messages),
        "retraction": _by_channel(sheet.composition.retraction),
        "pictures": {one.digest: inline(one) for one in sheet.composition.pictures},
        "phrases": phrases,
        "plain": plain,
        "address": address,
        "left": {},  # all of it is shown
    }


def page_style() -> str:
    """The style sheet of previews."""
    return (HERE / "page.css").read_text(encoding="utf-8")


def policy(style: str, form_action: str = "'none'") -> str:
    """The content security policy: only this style sheet and embedded pictures."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        f"form-action {form_action}"
    )


def environment(*folders: Path) -> Environment:
    """A Jinja environment for pages with templates in these folders, in the reader's language;
    everything is escaped."""
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals.update(_=_, ngettext=ngettext, colon=phrases.colon)
    environment.filters.update(visible=phrases.visible, post=_post, bubble=_bubble, letter=_letter)
    environment.filters.update(initial=_initial, said=phrases.visible)
    return environment


@cache
def page_template(name: str, *folders: Path) -> Template:
    """The template of a page in these folders, read and compiled once in a process. Raises jinja2's
    `TemplateNotFound`."""
    return environment(*folders).get_template(name)


def _by_channel(messages: tuple[Message, ...]) -> dict[str, list[ShownThread]]:
    grouped: dict[str, list[ShownThread]] = {}
    for thread in threads(messages):
        grouped.setdefault(thread.channel, []).append(thread)
    return grouped


def inline(picture: Picture) -> str:
    """The picture as a data address, so that nothing is loaded."""
    return f"data:{picture.mime};base64,{b64encode(picture.content).decode()}"


def _post(message: Message) -> Markup:
    """A post on X: plain text with addresses and hashtags highlighted, as on X."""
    text, last, pieces = phrases.visible(message.text), 0, []
    for found in _HIGHLIGHTED.finditer(text):
        pieces += [Markup.escape(text[last : found.start()]), _accent(found.group())]
        last = found.end()
    return Markup("").join([*pieces, Markup.escape(text[last:])])


def _accent(words: str) -> Markup:
    return Markup('<span class="accent">{}</span>').format(words)


def _bubble(message: Message) -> Markup:
    """A message on Telegram, with its own bold, italic and links."""
    return _safe(message.html) if message.html else _post(message)


def _letter(message: Message) -> Markup:
    """A mail: the body of its HTML, or the plain alternative."""
    if not message.html:
        return _post(message)
    _head, _tag, body = message.html.rpartition("<body")
    return _safe(f"<body{body}" if _tag else message.html)


def _safe(html: str) -> Markup:
    return Markup(fragment(html))  # noqa: S704  written anew against an allow-list


def _initial(words: Any) -> str:
    """The letter in the round picture of an account."""
    return str(words or "?").strip()[:1].upper() or "?"


MARK = b'<meta name="generator" content="alertbot preview">'  # as in page.html.j2
LONGEST_HEAD_BYTES = 2000


def require_writable(path: Path, *, force: bool) -> None:
    """Raises `Misuse` if there is something at `path` that is no earlier preview, unless `force` is given."""
    if force or not path.exists() or (path.is_file() and _is_preview(path)):
        return
    raise Misuse(
        _(
            "{path} exists and is no preview of alertbot; nothing was written. Choose another place with"
            " --html, or replace it with --force."
        ).format(path=path)
    )


def _is_preview(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK in file.read(LONGEST_HEAD_BYTES)
    except OSError:
        return False


def write_preview(path: Path, sheet: Sheet) -> None:
    """Write the page to `path`, completely or not at all. Raises `Misuse` if that fails."""
    page = render_page(sheet)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(page, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Misuse(
            _(
                "The preview cannot be written to {path}: {why}. Choose another place with --html."
            ).format(path=path, why=error.strerror)
        ) from None
