"""The migrations are followed here, whatever the other tests do."""

import pytest


@pytest.fixture(autouse=True)
def schema_made_once() -> None:
    """Every database is made by the migrations."""
