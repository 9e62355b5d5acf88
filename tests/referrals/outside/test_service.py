"""The jobs role sends: what is written by one process arrives through another."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.wiring import ROLES, Service
from referrals.clock import Clock
from referrals.subscribers.endpoints import make_endpoint, ping
from storage.database import Database
from tests.builders import Shop
from tests.referrals.outside.conftest import Receiver
from tests.referrals.subscribers.subscriber import deliveries


async def test_the_jobs_role_sends_what_waits_and_stops_with_the_rest(
    database: Database, database_url: str, receiver: Receiver
) -> None:
    shop = Shop(database, storage__url=database_url, webhooks__private_hosts=["127.0.0.1"])
    shop.now = Clock().machine() - timedelta(hours=1)
    programme, now = shop.programme, shop.now
    made, _ = database.run(make_endpoint, url=receiver.url, events=(), actor="key:kassa", programme=programme, now=now)
    database.run(ping, made.id, programme=programme, now=now)
    service = Service(shop.programme.config, ROLES["jobs"])
    await service.start()
    try:
        async with asyncio.timeout(10):
            while deliveries(shop)[0]["status"] != "delivered":  # noqa: ASYNC110 - it waits for another process' work
                await asyncio.sleep(0.02)
    finally:
        await service.stop()
    assert len(receiver.came) == 1
