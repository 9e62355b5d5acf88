"""Starting and stopping one process, and where its clock stands (rules 35)."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest

from bot.wiring import ROLES, ClockRefused, Service, load_beside
from referrals.chance import Maker
from referrals.clock_row import read_offset, set_offset
from referrals.config import Config, parse_config
from referrals.programme import make_keys
from storage.database import Database
from tests.builders import NOON
from tests.referrals.configs import with_keys

TOKEN = "1:not-a-token"


def config_for(url: str, *, api_server: str = "http://127.0.0.1:9") -> Config:
    keys = {"storage__url": url, "web__port": 0, "telegram__token": TOKEN, "telegram__api_server": api_server}
    return parse_config(with_keys(**keys), {})


@pytest.fixture
def config(database_url: str) -> Config:
    """A configured, migrated installation."""
    database = Database.open(database_url)
    database.run(make_keys, Maker())
    database.close()
    return config_for(database_url)


async def test_the_web_role_answers_and_is_gone_after_stop(config: Config) -> None:
    """Design 2: not ready, listeners closed, drained."""
    service = Service(config, ROLES["web"])
    await service.start()
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{service.address}/readyz") as answer:
            assert answer.status == 200
        await service.stop()
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get(f"{service.address}/healthz")


async def test_at_starts_the_programmes_clock_for_every_process(config: Config) -> None:
    """Rule 35: the offset is a database row; a process without --at leaves it and follows it."""
    first = Service(config, ROLES["web"], at=NOON)
    await first.start()
    second = Service(config, ROLES["web"])
    await second.start()
    try:
        for service in (first, second):
            assert abs(service.clock.programme() - NOON) < timedelta(minutes=1)
        await first.move_clock(NOON + timedelta(days=3))
        assert await second.database.read(read_offset) == first.clock.offset
    finally:
        await second.stop()
        await first.stop()


@pytest.mark.parametrize("how", ["at", "offset"])
async def test_the_clock_is_never_moved_on_telegrams_own_server(config: Config, how: str) -> None:
    """Rule 35: refused with --at, and with an offset that stands in the database."""
    real = config_for(config.storage.url, api_server="https://api.telegram.org")
    service = Service(real, ROLES["web"], at=NOON if how == "at" else None)
    if how == "offset":
        database = Database.open(config.storage.url)
        database.run(set_offset, timedelta(days=1))
        database.close()

    with pytest.raises(ClockRefused):
        await service.start()


async def test_stopping_before_the_start_leaves_nothing_open(config: Config) -> None:
    """A demo that is stopped while it starts does not fall over."""
    service = Service(config, ROLES["web"])

    await service.stop()

    assert service.bot is None


async def test_a_module_is_loaded_beside_and_its_fault_is_told() -> None:
    """Design 2: stopping does not wait for a library that is still being loaded."""
    await load_beside("json.tool")

    with pytest.raises(ModuleNotFoundError):
        await load_beside("no_such_module_anywhere")
