"""A WooCommerce shop is asked for everything it changed, and for nothing that nobody needs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from referrals.outside.errors import ShopNonsense, ShopRefused
from referrals.outside.woocommerce_api import FIELDS, WooCommerceOrders
from referrals.recruiting.shops import woocommerce
from tests.builders import NOON
from tests.payloads import payload
from tests.referrals.outside.conftest import Asking, Scripted
from tests.referrals.outside.woo import WooShop, minutes, order

MONDAY = minutes(-24 * 60)


@pytest.fixture
async def woo() -> AsyncIterator[WooShop]:
    shop = WooShop()
    async with TestServer(shop.app()) as running:
        shop.url = str(running.make_url("")).rstrip("/")
        yield shop


def fill(shop: WooShop, *orders: dict[str, Any]) -> None:
    shop.orders |= {each["id"]: each for each in orders}


async def told(asking: Asking, shop: WooShop, since: datetime | None = None) -> list[int]:
    """The numbers that the shop hands over, in order."""
    pages = WooCommerceOrders(asking(url=shop.url)).changed(since=since)
    return [json.loads(body)["id"] async for page in pages for body in page.bodies]


async def test_what_changed_comes_oldest_first_the_trash_before(woo: WooShop, asking: Asking) -> None:
    fill(woo, order(1, changed=minutes(3)), order(2, changed=minutes(1)), order(3, status="trash"), order(4))

    assert await told(asking, woo) == [3, 4, 2, 1]
    assert await told(asking, woo, minutes(1)) == [1]
    assert [each["status"] for each in woo.asked] == ["trash", "any"] * 2
    assert "modified_after" not in woo.asked[0]
    assert woo.asked[3]["modified_after"] == "2026-11-24T11:01:00"


async def test_many_orders_come_page_by_page_each_once(woo: WooShop, asking: Asking) -> None:
    fill(woo, *[order(n, changed=minutes(n)) for n in range(1, 251)])

    assert await told(asking, woo) == list(range(1, 251))


async def test_more_orders_in_one_second_than_in_a_page_are_all_told(woo: WooShop, asking: Asking) -> None:
    fill(woo, *[order(n) for n in range(1, 251)], order(251, changed=minutes(1)))

    assert sorted(set(await told(asking, woo))) == list(range(1, 252))


async def test_an_order_that_changes_meanwhile_hides_no_other_one(woo: WooShop, asking: Asking) -> None:
    fill(woo, *[order(n, changed=minutes(n)) for n in range(1, 151)])

    def somebody_pays(shop: WooShop) -> None:
        """Between two pages the first order moves to the end, and all others move up by one."""
        if len(shop.asked) == 3:
            fill(shop, order(1, changed=minutes(999)))

    woo.on_page = somebody_pays
    assert set(await told(asking, woo)) == set(range(1, 151))


async def test_a_shop_that_gives_one_page_for_ever_is_not_asked_for_ever(server: Scripted, asking: Asking) -> None:
    """A cache in front of the shop may know no ``page``."""
    server.answers = [web.json_response([order(n) for n in range(100)])]
    with pytest.raises(ShopNonsense, match="again and again"):
        [page async for page in WooCommerceOrders(asking()).changed(since=None)]
    assert len(server.asked) < 6


async def test_a_page_that_is_not_in_order_hides_no_order_behind_it(server: Scripted, asking: Asking) -> None:
    """By the local time of an autumn night 02:59 comes before 02:00, which is later."""
    night = [order(n, changed=minutes(0 if n % 2 else 60)) for n in range(100)]
    rest = [order(100, changed=minutes(1))]
    server.answers = [web.json_response([]), web.json_response(night), web.json_response(rest)]

    pages = [page async for page in WooCommerceOrders(asking()).changed(since=minutes(-9))]

    assert [page.changed_until for page in pages[1:]] == [None, minutes(1)]
    assert [request.query["page"] for request in server.asked[1:]] == ["1", "2"]


async def test_dates_beyond_reckoning_are_no_dates(server: Scripted, asking: Asking) -> None:
    empty = [order(n) | {"date_modified_gmt": "0001-01-01T00:00:00"} for n in range(100)]
    server.answers = [web.json_response([]), web.json_response(empty), web.json_response([])]
    pages = [page async for page in WooCommerceOrders(asking()).changed(since=None)]
    assert [page.changed_until for page in pages] == [None, None, None]


async def test_only_what_is_read_is_asked_for(woo: WooShop, asking: Asking) -> None:
    fill(woo, order(1))
    pages = [page async for page in WooCommerceOrders(asking(url=woo.url)).changed(since=None)]

    (body,) = pages[-1].bodies
    assert b"nobody asked" not in body
    assert (pages[-1].changed_until, pages[-1].total) == (NOON, 1)


def test_what_is_asked_for_says_all_that_a_hook_says() -> None:
    """Else an order whose hook was lost would be looked at less closely than the others."""
    told = json.loads(payload("woocommerce/order_processing"))
    told |= {
        "shipping": {"postcode": "1012AB", "address_1": "Kade 1", "country": "NL"},
        "customer_ip_address": "192.0.2.7",
    }
    asked = {name: told[name] for name in FIELDS.split(",") if name in told}
    by_hook, by_asking = (woocommerce.read("winkel", {}, json.dumps(each).encode()) for each in (told, asked))
    assert by_hook == by_asking


async def test_one_order_is_told_gone_or_refused(woo: WooShop, asking: Asking) -> None:
    fill(woo, order(7))
    orders = WooCommerceOrders(asking(url=woo.url))

    found = await orders.one("7", created_at=MONDAY, asked_at=NOON)

    assert found is not None
    assert json.loads(found)["id"] == 7
    assert await orders.one("8", created_at=MONDAY, asked_at=NOON) == b'{"id":8}'
    assert await orders.one("NL-8", created_at=MONDAY, asked_at=NOON) is None


async def test_another_404_deletes_nothing(server: Scripted, asking: Asking) -> None:
    """A shop that moved answers 404 to everything."""
    server.answers = [web.json_response({"code": "rest_no_route"}, status=404)]

    with pytest.raises(ShopRefused, match="rest_no_route"):
        await WooCommerceOrders(asking()).one("7", created_at=MONDAY, asked_at=NOON)


@pytest.mark.parametrize(
    "answer,why",
    [
        pytest.param({"orders": []}, "no list of orders", id="an object"),
        pytest.param([1], "no list of orders", id="numbers"),
        pytest.param([order(1, changed=MONDAY)], "does not know modified_after", id="an old WooCommerce"),
    ],
)
async def test_a_senseless_answer_has_a_name(server: Scripted, asking: Asking, answer: Any, why: str) -> None:
    server.answers = [web.json_response(answer)]

    with pytest.raises(ShopNonsense, match=why):
        async for _ in WooCommerceOrders(asking()).changed(since=NOON):
            pass
