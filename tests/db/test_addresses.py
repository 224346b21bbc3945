"""Addresses of databases as people write them, and as the drivers take them."""

import pytest

from alertbot.db.engines import server_arguments
from alertbot.db.failures import parse_url, place

ONE = "postgresql://me:p%40ss@db.example.org:5433/alertbot?sslmode=require"
TWO = "postgresql://me:p%40ss@a.example.org:5433,b.example.org/alertbot?sslmode=require"


def test_of_several_servers_the_one_that_can_be_written_to_is_used() -> None:
    found = server_arguments(parse_url(TWO).render_as_string(hide_password=False))
    assert (found["host"], found["port"]) == ("a.example.org,b.example.org", "5433,")
    assert (found["user"], found["password"], found["dbname"]) == ("me", "p@ss", "alertbot")
    assert (found["target_session_attrs"], found["sslmode"]) == ("read-write", "require")
    assert place(parse_url(TWO)) == "a.example.org:5433,b.example.org/alertbot"


def test_whoever_asks_for_another_gets_it() -> None:
    found = server_arguments(str(parse_url(f"{TWO}&target_session_attrs=any")))
    assert found["target_session_attrs"] == "any"


@pytest.mark.parametrize("url", [ONE, "postgres://me@/alertbot?host=/run/pg", "sqlite:///a,b@c.db"])
def test_one_server_stays_as_it_is(url: str) -> None:
    assert "target_session_attrs" not in parse_url(url).query


def test_one_server_is_connected_to() -> None:
    found = server_arguments(ONE)
    assert (found["host"], found["port"], found["sslmode"]) == ("db.example.org", 5433, "require")
