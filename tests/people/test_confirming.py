"""The facts of a country are confirmed by name, as they are."""

from dataclasses import replace

import pytest

from alertbot.core.errors import Misuse, Refused
from alertbot.db.database import Database
from alertbot.people import confirming
from alertbot.regions import packs
from alertbot.regions.facts import using
from tests.team import gather


async def test_a_confirmation_is_for_one_pack_as_it_is(database: Database) -> None:
    team = await gather(database)
    people, service = team.people, team.service
    assert await database.read(confirming.warning) is None  # France needs none
    british = packs.load("GB")
    with using(british):
        assert "regions confirm GB" in (await database.read(confirming.warning) or "")
        with pytest.raises(Misuse):
            await confirming.confirm(service, people["bo"], "FR")
        with pytest.raises(Refused):
            await confirming.confirm(service, people["ada"], "GB")
        done = await confirming.confirm(service, people["bo"], "GB")
        assert (done.by, done.fingerprint) == ("bo", british.fingerprint)
        assert await database.read(confirming.confirmed) is not None
        assert await database.read(confirming.warning) is None
    with using(replace(british, fingerprint="changed")):
        assert await database.read(confirming.warning) is not None
    assert (await team.verbs()).count(confirming.VERB) == 1
