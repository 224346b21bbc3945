from collections.abc import AsyncIterator

import pytest

from alertbot.rehearsal.sandbox.server import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running
