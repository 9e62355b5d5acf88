"""A Shopify shop at the door: its spellings of the signature, its refunds, and headers that nobody signed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse

from referrals.recruiting.shops.signing import sign_hmac
from storage.database import Database
from storage.mailbox import Inbox
from storage.orders import Order, OrderRefund
from storage.privacy import PrivacyRequest
from tests.payloads import payload
from tests.referrals.web.conftest import CONFIG, OLDER_SECRET, SECRET, Web, close_web, make_programme, open_web
from tests.rows import rows_of

PAID, REFUND = payload("shopify/order_paid"), payload("shopify/refund_created")
UPDATED = json.dumps(
    json.loads(PAID)
    | {"financial_status": "partially_refunded", "updated_at": "2026-11-26T12:00:05+01:00"}
    | {"refunds": [json.loads(REFUND)]}
).encode()


@pytest.fixture
async def web(database: Database) -> AsyncIterator[Web]:
    """The door of a shop at Shopify, which may be called winkel like any other."""
    shops = [CONFIG["shops"][0] | {"kind": "shopify"}]
    opened = await open_web(database, make_programme(database, CONFIG | {"shops": shops}))
    yield opened
    await close_web(opened)


async def deliver(
    web: Web, body: bytes, *, secret: str = SECRET, header: str = "X-Shopify-Hmac-Sha256", **more: str
) -> ClientResponse:
    signed = {header: sign_hmac(body, secret=secret), "Content-Type": "application/json"}
    return await web.post("/hooks/winkel", body, headers=signed | more)


async def status(answer: ClientResponse) -> Any:
    return (await answer.json())["status"]


def refunded(web: Web) -> list[int]:
    return [row["refunded_minor"] for row in rows_of(web.database, Order)]


async def test_refunds_and_states_in_any_order_count_once(web: Web) -> None:
    """Rule 2: before its order, again, and within a newer state."""
    told = []
    for body in (REFUND, PAID, REFUND, UPDATED, REFUND, PAID):
        answer = await deliver(web, body)
        assert (answer.status, (await answer.json())["order"]) == (200, "5871120047")
        told.append(await status(answer))

    assert told == ["applied", "applied", "unchanged", "applied", "unchanged", "unchanged"]
    assert refunded(web) == [2500]
    assert [row["amount_minor"] for row in rows_of(web.database, OrderRefund)] == [2500]


async def test_both_spellings_and_both_secrets_pass_and_nothing_else_does(web: Web) -> None:
    """Drill 8: wrong and missing are 401, rotated is 200."""
    for header in ("X-Shopify-Hmac-Sha256", "X-Shopify-Hmac-SHA256", "Shopify-Hmac-Sha256", "x-shopify-hmac-sha256"):
        assert (await deliver(web, PAID, header=header)).status == 200
    assert (await deliver(web, PAID, secret=OLDER_SECRET)).status == 200
    assert (await deliver(web, PAID, secret="another")).status == 401
    assert (await deliver(web, PAID, header="X-WC-Webhook-Signature")).status == 401
    assert (await web.post("/hooks/winkel", PAID)).status == 401
    assert (await web.post("/hooks/winkel", b"webhook_id=1")).status == 401


async def test_a_topic_and_a_shop_that_nobody_signed_change_nothing(web: Web) -> None:
    """The tenant comes from the path, the meaning from the body."""
    await deliver(web, PAID)
    for topic in ("refunds/create", "customers/redact", "orders/delete"):
        answer = await deliver(web, PAID, **{"X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "mats.example"})
        assert await status(answer) == "unchanged"
    assert [(row["shop"], row["status"]) for row in rows_of(web.database, Order)] == [("winkel", "paid")]


async def test_a_request_to_forget_somebody_waits_once_to_be_done(web: Web) -> None:
    """Rules 37 and 41: answered 200, and its kind and whom it is about stay with it until it is done."""
    said = [await status(await deliver(web, payload("shopify/customers_redact"))) for _ in range(2)]

    assert said == ["applied", "unchanged"]
    kept = [(row["reason"], row["subject"]) for row in rows_of(web.database, Inbox)]
    assert kept == [("redact", "customer:6940095564")] * 2
    waiting = [(row["kind"], row["account"], row["status"]) for row in rows_of(web.database, PrivacyRequest)]
    assert waiting == [("redact", "6940095564", "open")]


async def test_a_parcel_that_came_dates_the_delivery(web: Web) -> None:
    """Rule 32."""
    await deliver(web, PAID)
    parcel = {"order_id": 5871120047, "shipment_status": "delivered", "updated_at": "2026-11-26T14:00:00+01:00"}

    assert await status(await deliver(web, json.dumps(parcel).encode())) == "applied"
