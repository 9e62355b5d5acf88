from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.listening import Listener
from bot.sandbox.shop import NotNow, Shop, ShopSettings
from bot.sandbox.shop_orders import Buyer
from tests.bot.sandbox.conftest import HandClock

SECRET = "geheim123"
BRAM = Buyer("Bram", "bram@example.nl")
TABLE, BOARD = {11: 1}, {15: 1}


class Programme:
    """Takes deliveries as they come; knows one code."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        app = web.Application()
        app.router.add_post("/hooks/webshop", self._hook)
        app.router.add_get("/i/{code}", self._page)
        self.listener = Listener(app)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.taken]

    @property
    def topics(self) -> list[str]:
        return [headers["X-WC-Webhook-Topic"] for headers, _ in self.taken]

    async def _hook(self, request: web.Request) -> web.Response:
        self.taken.append((dict(request.headers), await request.read()))
        return web.json_response({"status": "applied"}, status=self.status)

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if request.match_info["code"].upper() == "ANNA7K3Q" else 404)


@pytest.fixture
async def programme() -> AsyncIterator[Programme]:
    programme = Programme()
    await programme.listener.start(host="127.0.0.1", port=0)
    yield programme
    await programme.listener.stop()


@pytest.fixture
async def shop(programme: Programme, clock: HandClock) -> Shop:
    settings = ShopSettings(
        hook_url=f"{programme.listener.url}/hooks/webshop", secret=SECRET, programme_base_url=programme.listener.url
    )
    shop = Shop(settings, programme_now=clock, product_name=lambda product: product.key)
    shop.url = "http://127.0.0.1:8099"
    return shop


async def test_an_order_is_told_as_created_and_as_updated_with_a_signature_over_the_raw_body(
    shop: Shop, programme: Programme
) -> None:
    order = await shop.checkout(BRAM, TABLE)
    assert programme.topics == ["order.created", "order.updated"]
    for headers, body in programme.taken:
        expected = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        assert headers["X-WC-Webhook-Signature"] == expected
        assert headers["Content-Type"] == "application/json"
    created, updated = programme.bodies
    assert created == updated
    assert (created["id"], created["number"], created["status"]) == (order.id, str(order.id), "pending")
    assert (created["customer_id"], created["billing"]["email"]) == (0, "bram@example.nl")
    assert (created["total"], created["date_paid_gmt"], created["refunds"]) == ("895.00", None, [])


async def test_times_are_the_programmes_in_whole_seconds_without_a_zone(
    shop: Shop, programme: Programme, clock: HandClock
) -> None:
    clock.time = datetime(2027, 7, 1, 8, 30, 15, 250_000, tzinfo=UTC)
    order = await shop.checkout(BRAM, TABLE)
    clock.forward(minutes=1)
    await shop.pay(order.id)
    body = programme.bodies[-1]
    assert (body["date_created"], body["date_created_gmt"]) == ("2027-07-01T10:30:15", "2027-07-01T08:30:15")
    assert (body["status"], body["date_paid_gmt"]) == ("processing", "2027-07-01T08:31:15")
    assert body["date_modified_gmt"] == body["date_paid_gmt"]


async def test_a_known_code_is_a_coupon_in_lower_case_and_an_unknown_one_a_remark(
    shop: Shop, programme: Programme
) -> None:
    await shop.checkout(BRAM, TABLE, code="ANNA7K3Q")
    body = programme.bodies[-1]
    assert [coupon["code"] for coupon in body["coupon_lines"]] == ["anna7k3q"]
    line = body["line_items"][0]
    assert float(line["total"]) + float(line["total_tax"]) == pytest.approx(870)
    assert float(line["subtotal"]) + float(line["subtotal_tax"]) == pytest.approx(895)
    await shop.checkout(BRAM, TABLE, code="PIET")
    body = programme.bodies[-1]
    assert body["coupon_lines"] == []
    assert {"_referral_code": "PIET"}.items() <= {meta["key"]: meta["value"] for meta in body["meta_data"]}.items()


async def test_the_address_of_arrival_travels_in_the_attribution_meta(shop: Shop, programme: Programme) -> None:
    await shop.checkout(BRAM, TABLE, ref="ANNA7K3Q", click="t0ken")
    meta = {entry["key"]: entry["value"] for entry in programme.bodies[-1]["meta_data"]}
    assert meta["_wc_order_attribution_session_entry"] == "http://127.0.0.1:8099/shop?ref=ANNA7K3Q&click=t0ken"


async def test_refunds_come_inside_order_updated_and_the_total_does_not_fall(shop: Shop, programme: Programme) -> None:
    order = await shop.checkout(BRAM, BOARD)
    await shop.pay(order.id)
    await shop.refund(order.id, 1_000, reason="deel")
    body = programme.bodies[-1]
    assert (body["status"], body["total"]) == ("processing", "55.95")
    assert [(refund["total"], refund["reason"]) for refund in body["refunds"]] == [("-10.00", "deel")]
    await shop.refund(order.id)
    body = programme.bodies[-1]
    assert (body["status"], body["total"]) == ("refunded", "55.95")
    assert [refund["total"] for refund in body["refunds"]] == ["-45.95", "-10.00"]
    assert set(programme.topics[2:]) == {"order.updated"}


async def test_shipping_is_a_line_of_its_own_and_the_sums_agree(shop: Shop, programme: Programme) -> None:
    await shop.checkout(BRAM, {15: 1, 16: 2})
    body = programme.bodies[-1]
    goods = sum(round(100 * (float(line["total"]) + float(line["total_tax"]))) for line in body["line_items"])
    shipping = round(100 * (float(body["shipping_total"]) + float(body["shipping_tax"])))
    assert (goods, shipping, body["total"]) == (8_600, 695, "92.95")


async def test_trash_is_a_state_and_deletion_tells_the_number_only(shop: Shop, programme: Programme) -> None:
    order = await shop.checkout(BRAM, TABLE)
    await shop.cancel(order.id)
    await shop.trash(order.id)
    await shop.delete(order.id)
    assert [body.get("status") for body in programme.bodies[2:]] == ["cancelled", "trash", None]
    assert (programme.topics[-1], programme.bodies[-1]) == ("order.deleted", {"id": order.id})
    again = await shop.checkout(BRAM, TABLE)
    assert again.id == order.id + 1


async def test_what_a_state_does_not_allow_is_not_done(shop: Shop, programme: Programme) -> None:
    order = await shop.checkout(BRAM, BOARD)
    for step in (shop.complete, shop.refund, shop.delete):
        with pytest.raises(NotNow):
            await step(order.id)
    await shop.pay(order.id)
    with pytest.raises(NotNow):
        await shop.refund(order.id, 999_999)
    with pytest.raises(NotNow):
        await shop.checkout(BRAM, {99: 1})
    assert len(programme.taken) == 3


async def test_a_delivery_is_never_repeated_and_the_seventh_failure_switches_the_webhook_off(
    shop: Shop, programme: Programme
) -> None:
    programme.status = 503
    for _ in range(4):
        await shop.checkout(BRAM, BOARD)
    assert (len(programme.taken), shop.deliveries.disabled) == (7, True)
    shop.deliveries.enable()
    programme.status = 200
    await shop.pay(1001)
    assert (programme.bodies[-1]["status"], shop.deliveries.failures) == ("processing", 0)


async def test_the_ping_is_an_unsigned_form(shop: Shop, programme: Programme) -> None:
    assert await shop.deliveries.ping() == 200
    headers, body = programme.taken[0]
    assert body == b"webhook_id=1"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert not any(name.startswith("X-WC-Webhook") for name in headers)
