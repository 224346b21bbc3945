"""With a public page, posts and mails lead to it: to the reader's territory, language and message."""

import re
from dataclasses import replace
from typing import Any

import pytest

from alertbot.channels import base
from alertbot.core.model import Channel, Composition, Message, Target
from alertbot.texts.compose import compose
from alertbot.texts.kinds import catalogue
from tests.texts.test_document import request
from tests.texts.test_whole_posts import CHANNELS, PAGE, SITUATIONS

URL = "https://alerte.example.org"
PUBLIC = Channel("page", base.PAGE, ("fr", "en"), targets=(Target(URL),))
LINK = re.compile(r"https://[^\s\"<]*[^\s\"<.]")


def made(kind: str, situation: str, *, page: Channel | None = PUBLIC, **more: Any) -> Composition:
    asked = request(kind, {**SITUATIONS[situation], **more}, prepared=catalogue.load_prepared())
    channels = (*CHANNELS, page) if page else CHANNELS
    return compose(replace(asked, channels=channels, accepted={"parity": "typed in one language"}))


def of(composition: Composition, channel: str, lang: str = "fr") -> list[Message]:
    return [one for one in composition.messages if (one.channel, one.lang) == (channel, lang)]


def links(*said: Message) -> set[str]:
    return {link.rstrip("/") for one in said for link in LINK.findall(one.text)}


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_post_about_one_place_leads_to_its_page_and_a_mail_to_the_message_too(lang: str) -> None:
    found = made("provisional_number", "1 territories")
    assert links(*of(found, "x", lang)) == {f"{URL}/{lang}/69.html"}
    mail = links(*of(found, "email", lang))
    assert mail == {f"{URL}/{lang}/69.html", f"{URL}/{lang}/alerts/BKRT-12.html"}


def test_each_place_of_a_thread_leads_to_its_own_page_and_the_lead_to_the_home() -> None:
    posts = of(made("provisional_number", "4 territories"), "x")
    assert links(posts[0]) == {f"{URL}/fr"}
    places = [links(one) for one in posts[1:5]]
    assert places == [{f"{URL}/fr/{code}.html"} for code in ("01", "02", "03", "04")]


def test_of_many_places_x_gets_the_lead_alone_where_a_page_has_the_list() -> None:
    posts = of(made("provisional_number", "june 2021, with numbers"), "x")
    assert len(posts) == 1
    assert links(*posts) == {f"{URL}/fr"}
    without = of(made("provisional_number", "june 2021, with numbers", page=None), "x")
    assert len(without) > 1


def test_the_lead_that_stands_alone_has_the_card_of_all_numbers() -> None:
    (post,) = of(made("provisional_number", "june 2021, with numbers", card="yes"), "x")
    assert post.picture
    assert post.alt
    assert "04 65 71 10 00" in post.alt.replace("\u00a0", " ")
    assert "04 65 71 10 14" in post.alt.replace("\u00a0", " ")


def test_a_card_of_too_many_numbers_is_told_and_the_lead_goes_out() -> None:
    found = made("provisional_number", "19 territories", card="yes")
    (post,) = of(found, "x")
    assert post.picture is None
    assert {"too_many_for_card", "alt_too_long"} & {one.rule for one in found.warnings}


@pytest.mark.parametrize("kind", ["holding", "status", "correction", "withdrawal", "end"])
def test_the_languages_of_a_post_do_not_disagree_for_their_links(kind: str) -> None:
    found = made(kind, "example")
    asked = replace(request(kind, {}), channels=(*CHANNELS, PUBLIC))
    assert "parity" not in {one.rule for one in compose(asked).faults}
    assert all(link.startswith(URL) for link in links(*found.messages, *found.retraction))


def test_a_language_that_the_page_lacks_is_led_to_the_first_it_has() -> None:
    page = replace(PUBLIC, languages=("fr",))
    assert links(*of(made("provisional_number", "1 territories", page=page), "x", "en")) == {
        f"{URL}/fr/69.html"
    }


def test_without_a_page_the_organisation_s_own_stays() -> None:
    found = made("provisional_number", "4 territories", page=None)
    assert links(*found.messages) == {PAGE}
    assert not [one for one in found.messages if one.document]


def test_the_page_gets_each_alert_as_data_with_its_links() -> None:
    (french,) = of(made("provisional_number", "1 territories"), "page")
    assert french.document
    assert f"{URL}/fr/69.html" in french.document
