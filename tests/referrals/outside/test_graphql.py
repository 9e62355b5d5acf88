"""Shopify's bucket of points is respected, and its errors have names."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from referrals.outside.errors import ShopBusy, ShopError, ShopNonsense, ShopRefused, ShopUnauthorised, ShopUnreachable
from referrals.outside.graphql import GraphQL
from tests.referrals.outside.conftest import Asking, Scripted

SHOP = {"shop": {"id": "gid://shopify/Shop/1"}}


def cost(available: float, *, asked: int = 70) -> dict[str, Any]:
    bucket = {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": 50.0}
    return {"cost": {"requestedQueryCost": asked, "actualQueryCost": 12, "throttleStatus": bucket}}


def error(code: str) -> web.Response:
    return web.json_response({"errors": [{"message": "No", "extensions": {"code": code}}]})


async def test_a_query_gets_its_data(server: Scripted, asking: Asking, waits: list[float]) -> None:
    server.answers = [web.json_response({"data": SHOP, "extensions": cost(1000)})]

    assert await GraphQL(asking("shopify")).ask("{ shop { id } }", {"first": 1}) == SHOP
    assert server.bodies == [{"query": "{ shop { id } }", "variables": {"first": 1}}]
    assert waits == []


async def test_a_low_bucket_makes_the_next_query_wait(server: Scripted, asking: Asking, waits: list[float]) -> None:
    server.answers = [web.json_response({"data": SHOP, "extensions": cost(200, asked=300)})]
    graphql = GraphQL(asking("shopify"))

    await graphql.ask("{ shop { id } }")
    await graphql.ask("{ shop { id } }")

    assert waits == [2.0]  # a hundred points at fifty a second


async def test_a_throttled_query_is_asked_again(server: Scripted, asking: Asking, waits: list[float]) -> None:
    throttled = {"errors": [{"message": "Throttled"}], "extensions": cost(20, asked=220)}
    server.answers = [web.json_response(throttled), web.json_response({"data": SHOP, "extensions": cost(900)})]

    assert await GraphQL(asking("shopify")).ask("mutation { shop { id } }") == SHOP
    assert waits == [4.0]


@pytest.mark.parametrize(
    "answer,kind,tries",
    [
        pytest.param(error("THROTTLED"), ShopBusy, 4, id="throttled for good"),
        pytest.param(error("ACCESS_DENIED"), ShopUnauthorised, 1, id="scope"),
        pytest.param(error("anna@example.com"), ShopRefused, 1, id="another word"),
        pytest.param(web.json_response({"errors": "Not Found"}), ShopRefused, 1, id="a text"),
        pytest.param(web.json_response({"errors": []}), ShopNonsense, 1, id="no data"),
        pytest.param(web.json_response([]), ShopNonsense, 1, id="no object"),
        pytest.param(web.Response(status=502), ShopUnreachable, 4, id="a fault"),
    ],
)
async def test_what_goes_wrong_has_a_name(
    server: Scripted, asking: Asking, answer: web.Response, kind: type[ShopError], tries: int
) -> None:
    server.answers = [answer]

    with pytest.raises(kind) as caught:
        await GraphQL(asking("shopify")).ask("query { shop { id } }")

    assert len(server.asked) == tries
    assert "anna" not in str(caught.value)


async def test_a_mutation_is_not_repeated_where_nobody_knows(server: Scripted, asking: Asking) -> None:
    server.answers = [web.Response(status=502)]

    with pytest.raises(ShopUnreachable) as caught:
        await GraphQL(asking("shopify")).ask("mutation { discountCodeBasicCreate { id } }")

    assert (len(server.asked), caught.value.maybe_done) == (1, True)
