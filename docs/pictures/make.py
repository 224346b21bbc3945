"""Draws docs/pictures/preview.svg: the preview of the kind `status` in English, as the terminal shows it.

Run it after a change to the preview or to that kind: python docs/pictures/make.py
"""

import io
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from alertbot.alerts.compose import DraftRequest, look
from alertbot.channels.base import EMAIL, TELEGRAM, X
from alertbot.core.model import Channel, Organisation, Target
from alertbot.texts.kinds import layers
from alertbot.texts.preview.panels import show
from alertbot.texts.preview.phrases import Sheet
from alertbot.texts.publisher import Publisher

COLUMNS = 78
COMMAND = "alertbot preview status --lang en"
THAT_EVENING = datetime(2021, 6, 2, 18, 30, tzinfo=ZoneInfo("Europe/Paris"))
SPEAKER = Organisation(
    "Opérateur Exemple",
    verification_page="https://info.example.fr/alertes",
    hashtag="PanneUrgences",
    sandbox=True,
)
CHANNELS = (
    Channel("x_main", X, ("en",), targets=(Target("x_main"),)),
    Channel("telegram_public", TELEGRAM, ("en",), targets=(Target("@operateur_exemple"),)),
    Channel("press", EMAIL, ("en",), targets=(Target("newsroom@example.com", "en"),)),
)


def preview() -> Sheet:
    publisher = Publisher(
        SPEAKER,
        {channel.name: channel for channel in CHANNELS},
        (layers.shipped(),),
        clock=lambda: THAT_EVENING,
    )
    return look(publisher, DraftRequest("status", languages=("en",)))


def draw(sheet: Sheet) -> str:
    """The picture as SVG, without the web fonts that Rich would load from outside."""
    console = Console(
        record=True, force_terminal=True, width=COLUMNS, color_system="truecolor", file=io.StringIO()
    )
    show(console, sheet)
    picture = console.export_svg(title=COMMAND, unique_id="preview")
    return re.sub(r"\s*@font-face\s*\{[^}]*\}", "", picture)


if __name__ == "__main__":
    Path(__file__).with_name("preview.svg").write_text(draw(preview()), encoding="utf-8")
