"""``ambassade reconcile`` and the job of that name, as an operator sees them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from referrals.jobs.leases import acquire_lease
from referrals.jobs.registry import run_job
from referrals.jobs.turn import Turn
from storage.bulk import update_rows
from storage.database import Database
from storage.leases import Lease
from storage.orders import Order, ShopWatermark
from tests.builders import NOON, Shop
from tests.referrals.commands.conftest import Commands, write_config
from tests.referrals.outside.woo import WooShop, minutes, order

LONG_AGO = NOON - timedelta(days=100)


@pytest.fixture
async def woo() -> AsyncIterator[WooShop]:
    shop = WooShop(order(1, changed=minutes(-60)), order(2, changed=minutes(-10)))
    async with TestServer(shop.app()) as running:
        shop.url = str(running.make_url("")).rstrip("/")
        yield shop


API = {"key": "ck_sesame", "secret": "cs_sesame"}


def settings(woo: WooShop, name: str) -> dict[str, Any]:
    api = {**API, "url": woo.url}
    return {"kind": "woocommerce", "name": name, "secrets": ["s"], "landing_url": "https://shop.example", "api": api}


@pytest.fixture
def ambassade(database: Database, database_url: str, tmp_path: Path, woo: WooShop) -> Commands:
    section = "\n".join(
        f"{key} = {json.dumps(value)}" for key, value in settings(woo, "winkel").items() if key != "api"
    )
    api = f'[shops.api]\nurl = "{woo.url}"\nkey = "ck_sesame"\nsecret = "cs_sesame"'
    config = write_config(tmp_path / "config.toml", database_url, more=f"[[shops]]\n{section}\n{api}\n")
    commands = Commands(config, database)
    commands.shop()
    return commands


async def test_the_command_says_what_it_came_to(ambassade: Commands, woo: WooShop) -> None:
    said = await asyncio.to_thread(ambassade, "reconcile", "winkel")
    assert (said.exit_code, said.stdout) == (0, "winkel: 2 applied, 0 unchanged, 0 ignored, 0 quarantined\n")

    again = await asyncio.to_thread(ambassade.json, "reconcile", "winkel", "--all")

    assert again == {
        "shop": "winkel", "applied": 0, "unchanged": 2, "ignored": 0, "quarantined": 0, "whole": True,
        "history_known": False,
    }  # fmt: skip
    since = await asyncio.to_thread(ambassade.json, "reconcile", "winkel", "--since", "2026-11-24T11:45:00+01:00")
    assert (since["unchanged"], since["whole"]) == (1, False)


@pytest.mark.parametrize(
    "words,status,said",
    [
        (["elsewhere"], 2, "there is no shop 'elsewhere' in the configuration; there are winkel, webshop."),
        (["webshop"], 2, "webshop is a standard shop, which has no API that we could ask"),
        (["winkel", "--all", "--since", "2026-11-24"], 2, "choose one"),
        (["winkel", "--since", "yesterday"], 2, "--since is no moment"),
    ],
)
def test_wrong_use_is_said_in_words(ambassade: Commands, words: list[str], status: int, said: str) -> None:
    result = ambassade("reconcile", *words)

    assert result.exit_code == status
    assert said in result.stderr


async def test_a_shop_that_refuses_is_said_in_words_without_its_key(ambassade: Commands, woo: WooShop) -> None:
    woo.faults = [(401, "woocommerce_rest_cannot_view")]

    with capture_logs():
        result = await asyncio.to_thread(ambassade, "reconcile", "winkel")

    assert result.exit_code == 1
    assert result.stderr == "ambassade: winkel: it refuses our key (401, woocommerce_rest_cannot_view).\n"


def doctor(ambassade: Commands) -> dict[str, tuple[str, str]]:
    lines = json.loads(ambassade("doctor", "--json").stdout)
    return {line["name"]: (line["status"], line["detail"]) for line in lines}


async def test_the_doctor_asks_the_shop_and_knows_how_asking_went(ambassade: Commands, woo: WooShop) -> None:
    before = await asyncio.to_thread(doctor, ambassade)
    assert before["api winkel"] == ("ok", "answers, and knows our key")
    assert before["reconcile winkel"][0] == "warn"
    assert "api webshop" not in before

    await asyncio.to_thread(ambassade, "reconcile", "winkel")
    woo.faults = [(401, "woocommerce_rest_cannot_view")]
    after = await asyncio.to_thread(doctor, ambassade)

    assert after["api winkel"] == ("FAIL", "it refuses our key (401, woocommerce_rest_cannot_view)")
    assert after["reconcile winkel"][0] == "ok"


async def test_the_doctor_sees_a_clock_that_is_off(ambassade: Commands, woo: WooShop) -> None:
    woo.date = "Tue, 24 Nov 2020 10:00:00 GMT"

    status, detail = (await asyncio.to_thread(doctor, ambassade))["api winkel"]

    assert status == "warn"
    assert detail.endswith("s behind")


async def test_the_job_asks_every_shop_and_one_failure_stops_no_other(database: Database, woo: WooShop) -> None:
    shop = Shop(database, shops=[settings(woo, "first"), settings(woo, "second")])
    woo.faults = [(401, "woocommerce_rest_cannot_view")]

    with capture_logs() as logs:
        said = await run_job(database, "reconcile", programme=shop.programme, now=NOON)

    assert said == {"job": "reconcile", "now": NOON.isoformat(), "done": 2, "skipped": 0, "failed": 1}
    assert {row["shop"] for row in shop.rows(Order)} == {"second"}
    assert [(row["shop"], row["failures"]) for row in shop.rows(ShopWatermark)] == [("first", 1), ("second", 0)]
    assert "sesame" not in str(logs)
    at_once = await run_job(database, "reconcile", programme=shop.programme, now=NOON + timedelta(minutes=14))
    assert (at_once["done"], at_once["failed"]) == (0, 0)
    later = await run_job(database, "reconcile", programme=shop.programme, now=NOON + timedelta(minutes=31))
    assert (later["done"], later["failed"]) == (2, 0)


async def test_a_lease_is_kept_while_a_shop_takes_its_time(database: Database) -> None:
    shop = Shop(database)
    held = await database.write(acquire_lease, "reconcile", owner="us", seconds=30)
    assert held is not None
    turn = Turn(database, shop.programme, NOON, held)
    (before,) = shop.rows(Lease)

    async with turn.kept(every=0.01):
        await asyncio.sleep(0.1)

    (after,) = shop.rows(Lease)
    assert after["until"] > before["until"]
    await database.write(_lose)
    async with turn.kept(every=0.01):  # which it then leaves alone
        await asyncio.sleep(0.05)
    (lost,) = shop.rows(Lease)
    assert lost["owner"] == "another"


async def test_a_shop_that_takes_its_time_holds_up_no_stop(database: Database, woo: WooShop) -> None:
    """SIGTERM stops within ten seconds; what was asked is asked again by the next one."""
    asked = asyncio.Event()

    async def never(_request: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(60)
        return web.Response()

    app = web.Application()
    app.router.add_get("/{anything:.*}", never)
    async with TestServer(app) as slow:
        shop = Shop(
            database, shops=[settings(woo, "winkel") | {"api": {**API, "url": str(slow.make_url("")).rstrip("/")}}]
        )
        said = await run_job(database, "reconcile", programme=shop.programme, now=NOON, stopping=asked.is_set)

    assert (said["done"], said["failed"]) == (0, 0)
    assert [row["until"] for row in shop.rows(Lease)] == [None]
    assert [row["failures"] for row in shop.rows(ShopWatermark)] == [0]


def _lose(session: Any) -> None:
    update_rows(session, Lease, [{"name": "reconcile", "owner": "another", "fence": 99}], key=("name",))
