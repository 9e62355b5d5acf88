"""The drill's worlds: the whole programme on each engine, its books added up again at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.world import World, opened

Start = Callable[..., Awaitable[World]]


@pytest.fixture
async def start(engine: str, database_url: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Opens the world under other keys of the configuration; whatever the test does, its books are right."""
    async with AsyncExitStack() as stack:

        async def start_world(**keys: Any) -> World:
            world = await stack.enter_async_context(opened(engine, database_url, tmp_path, **keys))
            stack.push_async_callback(world.audit)
            return world

        yield start_world


@pytest.fixture
async def world(start: Start) -> World:
    """Olga's programme as it is configured by default, with € 15 for a friend's first order."""
    return await start()
