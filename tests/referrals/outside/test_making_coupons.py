"""The job that makes vouchers in the shop, against a shop that answers what it is told."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from referrals.jobs.registry import run_job
from storage.database import Database
from storage.mailbox import Outbox
from storage.vouchers import ShopCoupon
from tests.builders import Shop
from tests.referrals.outside.conftest import Scripted
from tests.referrals.rewarding.purse import Purse


def said(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(data).encode(), content_type="application/json")


def rich(database: Database, url: str) -> Purse:
    api = {"url": url, "key": "ck_sesame", "secret": "cs_sesame"}
    shop = {"name": "webshop", "kind": "woocommerce", "secrets": ["s"], "landing_url": "https://shop.example/"}
    return Purse(Shop(database, shops=[shop | {"api": api}], vouchers__source="shop"), bonuses=2)


async def run(purse: Purse) -> tuple[int, int]:
    done = await run_job(purse.shop.database, "make-coupons", programme=purse.shop.programme, now=purse.shop.now)
    return done["done"], done["failed"]


async def test_a_voucher_is_made_once_put_back_and_taken_away(database: Database, server: Scripted) -> None:
    purse = rich(database, server.url)
    voucher = purse.issue(1500)
    server.answers = [said({"id": 12}, 201)]
    assert (await run(purse), await run(purse)) == ((1, 0), (0, 0))
    assert [(one.method, one.path) for one in server.asked] == [("POST", "/wp-json/wc/v3/coupons")]
    assert server.bodies[0]["code"] == voucher.code
    assert "voucher_ready" in [row["kind"] for row in purse.shop.rows(Outbox)]
    purse.void(voucher.id)
    coupon = {"id": 12, "code": voucher.code.lower(), "description": server.bodies[0]["description"], "usage_count": 0}
    server.answers = [said([coupon]), said(coupon)]
    assert await run(purse) == (1, 0)
    assert purse.accounts() == (0, 3000, 0, 0, 0)


async def test_one_that_the_shop_refuses_holds_up_no_other(database: Database, server: Scripted) -> None:
    purse = rich(database, server.url)
    purse.issue(1000)
    purse.issue(500)
    server.answers = [said({"code": "woocommerce_rest_invalid_coupon"}, 400), said({"id": 13}, 201)]
    assert await run(purse) == (1, 1)
    assert [row["status"] for row in purse.shop.rows(ShopCoupon)] == ["failed", "made"]
    assert purse.accounts() == (0, 2500, 500, 0, 0)


async def test_an_answer_that_is_none_is_asked_for_again(database: Database, server: Scripted) -> None:
    purse = rich(database, server.url)
    purse.issue(1000)
    server.answers = [web.Response(body=b"<html>Back in a minute</html>")]
    assert await run(purse) == (0, 1)
    assert purse.shop.rows(ShopCoupon)[0]["status"] == "wanted"
