"""The shop's own API, where one asks for orders that were not told: WooCommerce REST v3, reading only."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.sandbox.shop import Shop
from bot.sandbox.shop_orders import ShopOrder

MOST_A_PAGE = 100
USUAL_A_PAGE = 10


def add_rest(app: web.Application, shop: Shop) -> None:
    """Answer ``GET /wp-json/wc/v3/orders`` and ``…/orders/{id}`` on this site."""

    async def orders(request: web.Request) -> web.Response:
        found = _matching(shop, request)
        size = max(1, min(int(request.query.get("per_page", USUAL_A_PAGE)), MOST_A_PAGE))
        page = max(1, int(request.query.get("page", 1)))
        bodies = [shop.body(order) for order in found[(page - 1) * size : page * size]]
        pages = -(-len(found) // size)
        return web.json_response(bodies, headers={"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)})

    async def order(request: web.Request) -> web.Response:
        found = shop.orders.get(int(request.match_info["id"]))
        if found is None:
            return _refusal("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", status=404)
        return web.json_response(shop.body(found))

    app.router.add_get("/wp-json/wc/v3/orders", _with_key(shop, orders))
    app.router.add_get(r"/wp-json/wc/v3/orders/{id:\d+}", _with_key(shop, order))


def _with_key(
    shop: Shop, handler: Callable[[web.Request], Awaitable[web.Response]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def check(request: web.Request) -> web.Response:
        wanted = f"{shop.settings.api_key}:{shop.settings.api_secret}"
        basic = "Basic " + base64.b64encode(wanted.encode()).decode()
        asked = f"{request.query.get('consumer_key')}:{request.query.get('consumer_secret')}"
        if request.headers.get("Authorization") != basic and asked != wanted:
            return _refusal("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", status=401)
        return await handler(request)

    return check


def _matching(shop: Shop, request: web.Request) -> list[ShopOrder]:
    """The orders asked for; those in the bin only when they are asked for by name."""
    query = request.query
    wanted = query.get("status", "any")
    found = [o for o in shop.orders.values() if o.status == wanted or (wanted == "any" and o.status != "trash")]
    zone: tzinfo = UTC if query.get("dates_are_gmt") == "true" else ZoneInfo(shop.settings.timezone)
    if "modified_after" in query:
        after = _moment(query["modified_after"], zone)
        found = [order for order in found if order.modified > after]
    by_change = query.get("orderby") == "modified"
    found.sort(key=lambda order: (order.modified if by_change else order.created, order.id))
    return found if query.get("order") == "asc" else found[::-1]


def _moment(text: str, zone: tzinfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _refusal(code: str, message: str, *, status: int) -> web.Response:
    return web.json_response({"code": code, "message": message, "data": {"status": status}}, status=status)
