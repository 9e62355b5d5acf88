"""One shop's API is asked patiently, and never says more than it must."""

from __future__ import annotations

import asyncio
from base64 import b64encode

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestServer

from referrals.outside import client as client_module
from referrals.outside.client import ShopClient, open_http
from referrals.outside.errors import (
    ApiMissing,
    ShopBusy,
    ShopError,
    ShopNonsense,
    ShopRefused,
    ShopUnauthorised,
    ShopUnreachable,
)
from referrals.shop_settings import Shop
from tests.referrals.outside.conftest import Asking, Halfway, Scripted

OKAY = web.json_response([])
SLOW_DOWN = web.json_response({}, status=429, headers={"Retry-After": "7"})
NO_KEY = web.json_response({"code": "woocommerce_rest_cannot_view"}, status=401)
NOT_HERE = web.json_response({"code": "gone", "message": "anna@example.com"}, status=404)
AWAY = web.Response(status=302, headers={"Location": "https://mats.example/"})
BROKEN = web.Response(status=500, text="<h1>oops</h1>")


async def test_woocommerce_is_asked_with_its_key_and_secret(server: Scripted, asking: Asking) -> None:
    server.answers = [web.json_response([{"total": 12.10}], headers={"X-WP-Total": "1"})]

    reply = await asking().call("GET", "orders", params={"page": "2"})

    (request,) = server.asked
    assert (request.path, dict(request.query)) == ("/wp-json/wc/v3/orders", {"page": "2"})
    assert request.headers["Authorization"] == "Basic " + b64encode(b"ck_sesame:cs_sesame").decode()
    assert (reply.status, reply.headers["x-wp-total"], reply.json) == (200, "1", [{"total": "12.1"}])
    assert reply.date is not None


async def test_shopify_is_asked_with_its_token_at_a_version(server: Scripted, asking: Asking) -> None:
    server.answers = [web.json_response({"data": {}})]

    await asking("shopify").call("POST", "graphql.json", json={"query": "{ shop { id } }"})

    (request,) = server.asked
    assert request.path == "/admin/api/2026-07/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == "shpat_sesame"


async def test_a_reading_is_repeated_with_longer_and_longer_waits(
    server: Scripted, asking: Asking, waits: list[float]
) -> None:
    server.answers = [BROKEN, BROKEN, SLOW_DOWN, OKAY]

    assert (await asking().call("GET", "orders")).json == []
    assert waits == [1.0, 2.0, 7.0]


@pytest.mark.parametrize(
    "answer,kind,tries",
    [
        pytest.param(BROKEN, ShopUnreachable, 4, id="a fault"),
        pytest.param(SLOW_DOWN, ShopBusy, 4, id="too often"),
        pytest.param(web.Response(status=429, headers={"Retry-After": "3600"}), ShopBusy, 1, id="much too often"),
        pytest.param(NO_KEY, ShopUnauthorised, 1, id="key"),
        pytest.param(NOT_HERE, ShopRefused, 1, id="no"),
        pytest.param(web.Response(text="<html>"), ShopNonsense, 1, id="a page"),
        pytest.param(AWAY, ShopNonsense, 1, id="away"),
        pytest.param(web.Response(status=302, headers={"Location": "?again"}), ShopNonsense, 4, id="in circles"),
    ],
)
async def test_what_goes_wrong_has_a_name(
    server: Scripted, asking: Asking, answer: web.Response, kind: type[ShopError], tries: int
) -> None:
    server.answers = [answer]

    with pytest.raises(kind) as caught:
        await asking().call("GET", "orders", params={"search": "anna@example.com"})

    assert len(server.asked) == tries
    assert str(caught.value).startswith("winkel: ")
    assert "sesame" not in str(caught.value)
    assert "anna" not in str(caught.value)


async def test_a_reading_follows_the_shop_within_its_house(server: Scripted, asking: Asking) -> None:
    server.answers = [web.Response(status=301, headers={"Location": "/shop/orders"}), OKAY]

    await asking().call("GET", "orders")

    assert server.asked[1].path == "/shop/orders"


async def test_a_change_is_not_made_twice_where_nobody_knows(server: Scripted, asking: Asking) -> None:
    server.answers = [BROKEN]

    with pytest.raises(ShopUnreachable) as caught:
        await asking().call("POST", "coupons", json={"code": "ANNA"})

    assert (len(server.asked), caught.value.maybe_done) == (1, True)


async def test_a_change_that_was_not_let_in_is_tried_again(
    server: Scripted, asking: Asking, waits: list[float]
) -> None:
    server.answers = [SLOW_DOWN, web.Response(status=503, headers={"Retry-After": "2"}), OKAY]

    await asking().call("POST", "coupons", json={"code": "ANNA"})

    assert (waits, server.bodies) == ([7.0, 2.0], [{"code": "ANNA"}] * 3)


async def test_nobody_at_home_is_tried_again_too(asking: Asking, waits: list[float]) -> None:
    with pytest.raises(ShopUnreachable, match=r"no connection to 127\.0\.0\.1") as caught:
        await asking(url="http://127.0.0.1:9").call("POST", "coupons", json={})

    assert (len(waits), caught.value.maybe_done) == (3, False)


async def test_a_shop_that_never_answers_is_left(
    server: Scripted, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return OKAY

    app = web.Application()
    app.router.add_get("/{anything:.*}", never)
    monkeypatch.setattr(client_module, "TIMEOUT", ClientTimeout(total=0.05))
    monkeypatch.setattr(client_module, "MOST_TRIES", 1)
    async with TestServer(app) as running:
        with pytest.raises(ShopUnreachable, match="no answer in time"):
            await asking(url=str(running.make_url("")).rstrip("/")).call("GET", "orders")


async def test_an_answer_has_a_bound(server: Scripted, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_BYTES", 1000)
    server.answers = [web.json_response(["a" * 2000])]

    with pytest.raises(ShopNonsense, match="an answer of more than"):
        await asking().call("GET", "orders")


async def test_a_shop_without_api_says_where_to_read_on() -> None:
    shop = Shop.model_validate(
        {"name": "winkel", "kind": "standard", "secrets": ["s"], "landing_url": "https://shop.example"}
    )
    async with open_http() as http:
        with pytest.raises(ApiMissing, match=r"no \[shops.api\]"):
            ShopClient(shop, http, maker=Halfway())


@pytest.mark.parametrize("place", ["http://[half", "//[", "https://mats.example/"])
async def test_a_redirect_to_no_address_of_the_shop_is_nonsense(server: Scripted, asking: Asking, place: str) -> None:
    server.answers = [web.Response(status=302, headers={"Location": place})]
    with pytest.raises(ShopNonsense):
        await asking().call("GET", "orders")


@pytest.mark.parametrize(
    "date", ["Mon, 01 Jan 2026 00:00:00 +99999999999999", "Mon, 01 Jan 99999999999 00:00:00 GMT", "soon"]
)
async def test_a_clock_that_shows_no_time_is_none(server: Scripted, asking: Asking, date: str) -> None:
    server.answers = [web.json_response([], headers={"Date": date})]
    assert (await asking().call("GET", "orders")).date is None
