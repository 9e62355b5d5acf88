from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox


class HandClock:
    """A machine clock that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def telegram(clock: HandClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(now=clock) as sandbox:
        sandbox.webhooks.pace = 0.02
        yield sandbox


@pytest.fixture
async def bot(telegram: Sandbox) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
    async with Bot(telegram.token, session=session) as bot:
        yield bot


@pytest.fixture
async def anna(telegram: Sandbox) -> Person:
    return telegram.person("Anna")


@pytest.fixture
async def bram(telegram: Sandbox) -> Person:
    return telegram.person("Bram")
