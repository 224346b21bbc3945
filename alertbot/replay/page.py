"""A replay as one self-contained page: the figures, a picture, and every moment in words."""

from pathlib import Path

from markupsafe import Markup

from alertbot.preview.page import environment, policy
from alertbot.preview.page import style as shared_style
from alertbot.replay.picture import stretches, svg
from alertbot.replay.report import headline
from alertbot.replay.results import Replay
from alertbot.replay.telling import Mark, notes_of, rows_of, summary_of
from alertbot.replay.timeline import Entry, said
from alertbot.words import language

HERE = Path(__file__).parent
CLASSES = {Mark.DECIDED: "decided", Mark.POSTED: "posted", Mark.HELD: "held"}


def render(replay: Replay) -> str:
    """The page, to be written as UTF-8. It holds no script and loads nothing."""
    style = shared_style() + (HERE / "page.css").read_text(encoding="utf-8")
    return (
        environment(HERE)
        .get_template("page.html.j2")
        .render(
            page_language=language(),
            policy=policy(style),
            style=Markup(style),  # noqa: S704  our own files
            title=said(replay.timeline.title, language()),
            notes=notes_of(replay),
            figures=summary_of(replay),
            pictures=[svg(replay, one, i) for i, one in enumerate(stretches(replay), start=1)],
            rows=rows_of(replay),
            posts=replay.posts,
            zone=replay.timeline.zone.key,
            tz=replay.timeline.zone,
            head=headline,
            told=_told,
            classes=CLASSES,
        )
    )


def _told(entry: Entry) -> str:
    return said(entry.summary, language())
