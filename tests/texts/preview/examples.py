"""Compositions made by hand: what `compose` gives, as far as a preview is concerned."""

from dataclasses import replace
from datetime import timedelta

from alertbot.channels.base import EMAIL, TELEGRAM, X
from alertbot.core.model import (
    Approvals,
    Channel,
    Composition,
    Fault,
    Measure,
    Message,
    Omission,
    Target,
)
from alertbot.delivery.rules_forecast import cost, forecast
from alertbot.texts.preview.phrases import Sheet

DIGEST = "9f2c4e7ab1d05c6688aa90b7c3de114f52d0417be8c1f7a95b3de2c0a4f6d8e1"
PAGE = "https://info.example.fr/urgences"
CHANNELS = (
    Channel("x_main", X, ("fr", "en"), targets=(Target("x_main"),)),
    Channel("telegram_public", TELEGRAM, ("fr", "en"), targets=(Target("@alerte_example"),)),
    Channel(
        "press",
        EMAIL,
        ("fr", "en"),
        targets=(Target("redaction@example.fr", "fr"), Target("newsroom@example.com", "en")),
    ),
)
APPROVALS = Approvals(approvers=1, author_may_approve=False, expires_after=timedelta(hours=1))
SHORT = {
    "fr": "Point de situation : les appels au 15, 17, 18 et 112 échouent par moments depuis 16:45 dans "
    "toute la France. Urgence vitale : insistez, puis appelez depuis un mobile. Prochain point à 19:00. "
    f"{PAGE} #PanneUrgences",
    "en": "Update: calls to 15, 17, 18 and 112 fail at times since 16:45 across France. In an emergency: "
    f"keep trying, then use a mobile. Next update at 19:00. {PAGE} #PanneUrgences",
}
LONG = {
    "fr": (
        "<b>Point de situation : appels d’urgence perturbés</b>\n\nLes appels au 15, au 17, au 18 et au 112 "
        "échouent par moments depuis <b>16:45</b>. Les lignes mobiles sont moins touchées.\n\n"
        "<b>Que faire</b>\n• Insistez : plusieurs essais peuvent être nécessaires.\n• Appelez depuis un "
        "mobile si la ligne fixe échoue.\n• N’appelez pas pour essayer.\n\n"
        f'Prochain point : <b>19:00</b> (heure de Paris).\n<a href="{PAGE}">Vérifier cette alerte</a>'
    ),
    "en": (
        "<b>Update: emergency calls disrupted</b>\n\nCalls to 15, 17, 18 and 112 fail at times since "
        "<b>16:45</b>. Mobile lines are less affected.\n\n<b>What to do</b>\n• Keep trying: several attempts "
        "may be needed.\n• Call from a mobile if the landline fails.\n• Do not call to test.\n\n"
        f'Next update: <b>19:00</b> (Paris time).\n<a href="{PAGE}">Check this alert</a>'
    ),
}
SUBJECT = {
    "fr": "Point de situation : appels d’urgence perturbés depuis 16:45",
    "en": "Update: emergency calls disrupted since 16:45",
}


def message(channel: str, type_: str, lang: str, text: str, **more: object) -> Message:
    values: dict[str, object] = {
        "part": 1,
        "parts": 1,
        "html": None,
        "subject": None,
        "length": len(text),
        "limit": None,
        "measure": Measure.CHARACTERS,
        "has_link": PAGE in text,
    }
    return Message(channel, type_, lang, text=text, **{**values, **more})  # type: ignore[arg-type]


def plain_of(html: str) -> str:
    for tag in ("<b>", "</b>", "</a>", f'<a href="{PAGE}">'):
        html = html.replace(tag, "")
    return html.replace("•", "-") + f" ({PAGE})"


def mail_of(html: str) -> str:
    first, *blocks = html.replace(" \n", "\n").split("\n\n")
    said = "".join(f"<p>{block}</p>".replace("\n", "<br>") for block in blocks)
    return f"<!doctype html><html><head><title>x</title><style>p{{}}</style></head><body><h1>{first}</h1>{said}</body></html>"


def messages(lang: str) -> tuple[Message, ...]:
    long, short = LONG[lang], SHORT[lang]
    return (
        message("x_main", "x", lang, short, length=217, limit=280, measure=Measure.WEIGHTED),
        message(
            "telegram_public",
            "telegram",
            lang,
            plain_of(long),
            html=long,
            limit=4096,
            measure=Measure.UTF16,
        ),
        message("press", "email", lang, plain_of(long), html=mail_of(long), subject=SUBJECT[lang]),
    )


def thread(channel: str = "x_main", lang: str = "fr", parts: int = 3) -> tuple[Message, ...]:
    one = message(channel, "x", lang, SHORT[lang], length=271, limit=280, measure=Measure.WEIGHTED)
    return tuple(
        replace(one, part=number, parts=parts, text=f"{number}/{parts} {one.text}")
        for number in range(1, parts + 1)
    )


STATUS = Composition(
    kind="status",
    digest=DIGEST,
    messages=tuple(
        sorted(
            messages("fr") + messages("en"), key=lambda m: [c.name for c in CHANNELS].index(m.channel)
        )
    ),
    targets={channel.name: channel.targets for channel in CHANNELS},
    warnings=(
        Fault(
            "untranslated",
            "“what_fails” is given once and stands in every language.",
            field="what_fails",
            lang="en",
        ),
    ),
    omitted=(Omission("elsewhere", "en", "this channel speaks French alone"),),
    completeness={
        "fact": True,
        "since": True,
        "where": True,
        "what_to_do": True,
        "number": None,
        "until": None,
        "next_update": True,
        "source_link": False,
    },
)
BLOCKED = replace(
    STATUS,
    faults=(
        Fault("missing", "The field “next_update” is missing.", field="next_update"),
        Fault(
            "too_long",
            "The text is 23 too long for X: shorten “what_to_do”.",
            field="what_to_do",
            channel="x_main",
            lang="fr",
        ),
        Fault("parity", "French says 19:00 where English says 19:30.", acceptable=True),
    ),
)


def sheet(composition: Composition = STATUS, **more: object) -> Sheet:
    values: dict[str, object] = {
        "title": "Status update",
        "speaker": "Opérateur Exemple",
        "senders": {"press": "Opérateur Exemple <alerte@example.fr>"},
        "approvals": APPROVALS,
        "channels": CHANNELS,
    }
    values |= more
    channels = values["channels"]
    return Sheet(
        composition=composition,
        cost=cost(composition, channels),  # type: ignore[arg-type]
        forecast=forecast(composition, channels),  # type: ignore[arg-type]
        **values,  # type: ignore[arg-type]
    )
