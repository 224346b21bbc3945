"""A desk per module: its tests share people and a database, and never count on each other's alerts."""

import pytest

from tests.cli.desk import Desk, opened


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return opened(tmp_path_factory.mktemp("desk"))
