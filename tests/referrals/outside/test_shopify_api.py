"""A Shopify shop's GraphQL says what its webhooks say, and is asked within its bounds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from referrals.outside.client import ShopClient, open_http
from referrals.outside.errors import ShopNonsense, ShopRefused
from referrals.outside.graphql import GraphQL
from referrals.outside.reconciling import Reconciling
from referrals.outside.shopify_api import ShopifyOrders, as_rest
from referrals.recruiting.shops import Nonsense, Refund, shopify
from storage.database import Database
from storage.orders import Order, ShopWatermark
from tests.builders import NOON, SHOP, Shop
from tests.payloads import payload
from tests.referrals.outside.conftest import Asking, Halfway, Scripted, shop_of
from tests.referrals.outside.shopify import ShopifyShop, money, order, refund
from tests.referrals.outside.woo import minutes

OLD, YOUNG = NOON - timedelta(days=90), NOON - timedelta(days=9)
BRAM = {
    "legacyResourceId": "5871120047", "name": "#1001", "email": "bram@example.com", "discountCodes": ["ANNA7K3Q"],
    "createdAt": "2026-11-24T08:58:00Z", "processedAt": "2026-11-24T08:59:00Z", "updatedAt": "2026-11-24T09:00:00Z",
    "totalPriceSet": money("91.95"), "subtotalPriceSet": money("85.0"), "totalTaxSet": money("15.96"),
    "shippingLines": {"nodes": [{"taxLines": [{"priceSet": money("1.21")}]}]},
    "customAttributes": [{"key": "cadeau", "value": "nee"}],
    "customerJourneySummary": {"lastVisit": {"landingPage": "https://w.example/?ref=ANNA7K3Q&click=rT0k3n-of_Bram"}},
    "billingAddress": {
        "firstName": "Bram", "phone": "06-12345678", "zip": "9711 AA", "address1": "Kade 1", "countryCodeV2": "NL",
    },
    "clientIp": None, "shippingAddress": {"zip": None, "address1": None, "countryCodeV2": "NL"},
    "customer": {
        "legacyResourceId": "6940095564", "firstName": "Bram", "defaultPhoneNumber": None,
        "defaultEmailAddress": {"emailAddress": "bram@example.com", "marketingState": "SUBSCRIBED"},
    },
}  # fmt: skip


def read(**fields: Any) -> Any:
    node = order(1, **fields)
    refunds = [each | {"transactions": {"nodes": each["transactions"]}} for each in node["refunds"]]
    return shopify.read("winkel", {}, json.dumps(as_rest(node | {"refunds": refunds})).encode())


@pytest.fixture
async def shop() -> AsyncIterator[ShopifyShop]:
    shop = ShopifyShop()
    async with TestServer(shop.app()) as running:
        shop.url = str(running.make_url("")).rstrip("/")
        yield shop


@pytest.fixture
def orders(asking: Asking, shop: ShopifyShop) -> ShopifyOrders:
    return ShopifyOrders(asking("shopify", shop.url))


async def told(orders: ShopifyOrders, since: datetime | None = None) -> list[int]:
    return [json.loads(body)["id"] async for page in orders.changed(since=since) for body in page.bodies]


def test_a_node_says_exactly_what_the_webhook_says() -> None:
    """Rule 1: so that asking changes nothing where the hook came."""
    assert read(**BRAM) == shopify.read("winkel", {}, payload("shopify/order_paid"))


@pytest.mark.parametrize(
    "fields,status",
    [
        ({"displayFinancialStatus": "PENDING"}, "pending"),
        ({"displayFinancialStatus": "PARTIALLY_REFUNDED"}, "paid"),
        ({"displayFinancialStatus": "REFUNDED"}, "refunded"),
        ({"closedAt": "2026-11-24T09:00:00Z"}, "completed"),
        ({"cancelledAt": "2026-11-24T09:00:00Z"}, "cancelled"),
    ],
)
def test_each_status_is_that_of_the_hooks(fields: dict[str, Any], status: str) -> None:
    assert read(**fields).status == status


def test_only_money_that_was_sent_back_is_a_refund() -> None:
    """Rule 2: each under its number, so that hook and answer count once."""
    state = read(refunds=[refund(8, "10.00", "5.00"), refund(9, "20.00", status="PENDING")])

    assert (state.refunds, state.refunded_minor) == ((Refund("8", 1500, "EUR"),), 1500)


def test_vat_comes_in_where_prices_have_none() -> None:
    assert read(taxesIncluded=False).base_minor == 9000 + 1562


def test_a_guest_stays_a_guest() -> None:
    buyer = read().buyer
    assert (buyer.id, buyer.email, buyer.marketing_consent, buyer.orders) == (None, "c1@example.nl", None, None)


@pytest.mark.parametrize("node", [{}, {"legacyResourceId": "x"}, order(1, totalPriceSet=None)], ids=str)
def test_nonsense_stays_nonsense(node: dict[str, Any]) -> None:
    with pytest.raises(Nonsense):
        shopify.read("winkel", {}, json.dumps(as_rest(node)).encode())


@pytest.mark.parametrize(
    "info",
    [
        pytest.param({"hasNextPage": True, "endCursor": "one"}, id="the same for ever"),
        pytest.param({"hasNextPage": True, "endCursor": None}, id="more, but not where"),
        pytest.param({}, id="nothing"),
    ],
)
async def test_pages_that_lead_nowhere_are_no_pages(server: Scripted, asking: Asking, info: Any) -> None:
    """Else the shop would be asked for ever, or what it did not show would count as shown."""
    server.answers = [web.json_response({"data": {"orders": {"nodes": [], "pageInfo": info}}})]
    with pytest.raises(ShopNonsense):
        [page async for page in ShopifyOrders(asking("shopify")).changed(since=None)]
    assert len(server.asked) < 3


async def test_what_changed_comes_page_by_page_oldest_first(orders: ShopifyOrders, shop: ShopifyShop) -> None:
    shop.fill(*[order(n, changed=minutes(n)) for n in range(1, 61)])

    def somebody_pays(shop: ShopifyShop) -> None:
        if len(shop.asked) == 2:
            shop.fill(order(1, changed=minutes(999)))

    shop.on_page = somebody_pays
    assert await told(orders) == [*range(1, 61), 1]
    shop.asked.clear()
    assert await told(orders, minutes(59)) == [59, 60, 1]
    assert shop.asked[0][1]["filter"] == "updated_at:>='2026-11-24T11:59:00Z'"


async def test_an_order_with_many_refunds_is_told_whole(orders: ShopifyOrders, shop: ShopifyShop) -> None:
    shop.fill(
        order(1, refunds=[refund(n, "1.00") for n in range(7)]), order(2, refunds=[refund(9, *["1.00"] * 4)]), order(3)
    )

    bodies = [json.loads(body) async for page in orders.changed(since=None) for body in page.bodies]

    sent = [sum(len(each["transactions"]) for each in body["refunds"]) for body in bodies]
    assert sent == [7, 4, 0]
    assert [name for name, _ in shop.asked] == ["Changed", "One", "One"]


@pytest.mark.parametrize(
    "scope,created_at,answer",
    [("read_all_orders", OLD, b'{"id":7}'), ("read_orders", OLD, None), ("read_orders", YOUNG, b'{"id":7}')],
    ids=["all are shown", "too old to be shown", "young enough"],
)
async def test_an_order_that_is_not_shown_is_gone_only_where_it_would_be(
    orders: ShopifyOrders, shop: ShopifyShop, scope: str, created_at: datetime, answer: bytes | None
) -> None:
    """Rule 1: without the scope Shopify hides what is older than sixty days."""
    shop.scopes = [scope]

    assert await orders.one("7", created_at=created_at, asked_at=NOON) == answer


@pytest.mark.parametrize(
    "scopes,complaint",
    [(["read_orders", "read_all_orders"], None), (["write_orders"], "sixty days"), (["read_products"], "read_orders")],
    ids=["all", "recent", "none"],
)
async def test_the_scopes_are_checked(
    orders: ShopifyOrders, shop: ShopifyShop, scopes: list[str], complaint: str | None
) -> None:
    shop.scopes = scopes
    said = await orders.check()
    assert said is None if complaint is None else complaint in (said or "")


async def test_one_order_is_told(orders: ShopifyOrders, shop: ShopifyShop) -> None:
    shop.fill(order(7))
    body = await orders.one("7", created_at=NOON, asked_at=NOON)
    assert body is not None
    assert json.loads(body)["name"] == "#1007"
    assert await orders.one("NL-7", created_at=NOON, asked_at=NOON) is None


async def test_an_app_is_granted_its_token_once(shop: ShopifyShop) -> None:
    async with open_http() as http:
        settings = shop_of("shopify", shop.url, token=None, key="id", secret="sesame")
        graphql = GraphQL(ShopClient(settings, http, maker=Halfway()))
        for _ in range(2):
            assert "currentAppInstallation" in await graphql.ask("query Scopes { it }")

        assert shop.granted == 1
        wrong = shop_of("shopify", shop.url, token=None, key="id", secret="wrong")
        with pytest.raises(ShopRefused) as caught:
            await GraphQL(ShopClient(wrong, http, maker=Halfway())).ask("query Scopes { it }")
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("data", [{"orders": None}, {"orders": {"nodes": [1]}}], ids=["none", "a number"])
async def test_a_senseless_list_has_a_name(server: Scripted, asking: Asking, data: dict[str, Any]) -> None:
    server.answers = [web.json_response({"data": data})]

    with pytest.raises(ShopNonsense, match="no list of orders"):
        await told(ShopifyOrders(asking("shopify")))


async def test_another_order_is_no_answer(server: Scripted, asking: Asking) -> None:
    server.answers = [web.json_response({"data": {"order": {"legacyResourceId": "8"}}})]

    with pytest.raises(ShopNonsense, match="another order"):
        await ShopifyOrders(asking("shopify")).one("7", created_at=NOON, asked_at=NOON)


async def test_a_whole_run_needs_the_scope_to_know_the_history(database: Database, shop: ShopifyShop) -> None:
    """Rule 13: sixty days are no history."""
    settings = {
        "kind": "shopify", "name": SHOP, "secrets": ["s"], "landing_url": "https://w.example",
        "api": {"url": shop.url, "token": "shpat_sesame"},
    }  # fmt: skip
    olga = Shop(database, shops=[settings], programme__no_history=False)
    shop.fill(*[order(n) for n in range(1, 31)])
    for scope in ("read_orders", "read_all_orders"):
        shop.scopes = [scope]
        async with open_http() as http:
            client = ShopClient(olga.programme.config.shops[0], http, maker=Halfway())
            run = Reconciling(client, read=database.read, write=database.write, programme=olga.programme, now=olga.now)
            said = await run.run()
        assert (said.ended, said.whole) == (True, scope == "read_all_orders")

    assert said.history_known
    assert said.counts["unchanged"] == 30  # it began anew
    assert {row["number"] for row in olga.rows(Order)} == {str(n) for n in range(1001, 1031)}
    (row,) = olga.rows(ShopWatermark)
    assert row["changed_until"] == NOON
