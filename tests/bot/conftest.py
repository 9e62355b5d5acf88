from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from functools import cache
from unittest.mock import patch

import pytest

from storage.database import Database
from tests.bot.chat import Play, staged


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """The machine's certificates are read once and not for each bot: 40 ms of CPU, seven hundred times."""
    with patch.object(ssl, "create_default_context", cache(ssl.create_default_context)):
        yield


@pytest.fixture
async def play(database: Database) -> AsyncIterator[Play]:
    """The bot and a Telegram of its own."""
    async with staged(database) as play:
        yield play
