"""Whom the readers of one channel may ask stands in that channel's texts alone."""

from dataclasses import replace

from tests.texts.cards.test_pictures import CHANNELS, made, rows


def test_a_press_list_names_its_contact_and_others_say_that_replies_are_not_read() -> None:
    press = replace(CHANNELS[2], name="press", contact={"fr": "Presse : presse@example.org"})
    shown = made(rows(2), (CHANNELS[1], press), given={"card": "no"})
    assert shown.faults == ()
    said = {(one.channel, one.lang): one.text for one in shown.messages}
    assert "presse@example.org" in said["press", "fr"]
    assert "Nous ne lisons pas" not in said["press", "fr"]
    assert "We do not read replies" in said["press", "en"]
    assert "Nous ne lisons pas les réponses" in said["tg", "fr"]
    assert "presse@example.org" not in said["tg", "fr"]
