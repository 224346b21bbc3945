"""A zone with an apostrophe stands beside its number however the apostrophe was typed."""

import pytest

from tests.texts.cards.test_pictures import made, rows


@pytest.mark.parametrize("typed", ["Les Sables-d'Olonne", "Les Sables-d’Olonne"])
def test_the_zone_is_found_beside_its_number(typed: str) -> None:
    assert made(rows(2, zone={"": typed}), given={"card": "no"}).faults == ()
