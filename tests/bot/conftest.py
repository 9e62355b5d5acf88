from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.bot.chat import Play, staged


@pytest.fixture
async def play(database: Database) -> AsyncIterator[Play]:
    """The bot and a Telegram of its own."""
    async with staged(database) as play:
        yield play
