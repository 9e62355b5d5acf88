"""A WooCommerce shop that knows just enough of its REST API, and is as strict about it as the real one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.builders import NOON

ORDERS = "/wp-json/wc/v3/orders"
KNOWN = {"status", "orderby", "order", "per_page", "page", "_fields", "modified_after", "dates_are_gmt"}


def order(number: int, *, changed: datetime = NOON, **fields: Any) -> dict[str, Any]:
    """A paid order of € 90."""
    at = changed.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    return {
        "id": number, "number": str(number), "status": "processing", "currency": "EUR", "total": "90.00",
        "customer_id": number + 1000, "billing": {"email": f"c{number}@example.nl", "phone": "", "first_name": "Bram"},
        "shipping": {}, "customer_ip_address": "",
        "date_created_gmt": at, "date_modified_gmt": at, "date_paid_gmt": at,
        "line_items": [{"id": 1, "total": "74.38", "total_tax": "15.62", "price": 37.19}],
        "coupon_lines": [], "refunds": [], "meta_data": [], "customer_note": "nobody asked for this",
    } | fields  # fmt: skip


class WooShop:
    """Its orders by number, what it was asked, and what is wrong with it."""

    def __init__(self, *orders: dict[str, Any]) -> None:
        self.orders = {each["id"]: each for each in orders}
        self.url = ""
        self.date: str | None = None  # what its clock shows
        self.asked: list[dict[str, str]] = []
        self.faults: list[tuple[int, str] | None] = []  # status and code to come instead of an answer; None: the answer
        self.on_page: Callable[[WooShop], None] | None = None  # called with the shop before a page is made

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get(ORDERS, self.listed)
        app.router.add_get(ORDERS + "/{number}", self.one)
        return app

    async def one(self, request: web.Request) -> web.Response:
        self.asked.append({"one": request.match_info["number"]})
        found = self.orders.get(int(request.match_info["number"]))
        if found is None:
            return web.json_response({"code": "woocommerce_rest_shop_order_invalid_id", "message": "…"}, status=404)
        return web.json_response(self._shown(found, request.query["_fields"]))

    async def listed(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append(query)
        if self.faults and (fault := self.faults.pop(0)) is not None:
            return web.json_response({"code": fault[1]}, status=fault[0])
        query = {"orderby": "modified", "order": "asc", "status": "any", "page": "1"} | query
        if set(query) - KNOWN or (query["orderby"], query["order"]) != ("modified", "asc"):
            return web.json_response({"code": "rest_invalid_param"}, status=400)
        if self.on_page is not None:
            self.on_page(self)
        found = sorted(self._found(query), key=lambda each: (each["date_modified_gmt"], each["id"]))
        size, page = int(query["per_page"]), int(query["page"])
        shown = [self._shown(each, query["_fields"]) for each in found[(page - 1) * size : page * size]]
        return web.json_response(
            shown, headers={"X-WP-Total": str(len(found))} | ({"Date": self.date} if self.date else {})
        )

    def _found(self, query: dict[str, str]) -> list[dict[str, Any]]:
        trash = query["status"] == "trash"
        found = [each for each in self.orders.values() if (each["status"] == "trash") == trash]
        after = query.get("modified_after")
        if after is not None:
            assert query["dates_are_gmt"] == "true"
            found = [each for each in found if each["date_modified_gmt"] > after]
        return found

    @staticmethod
    def _shown(found: dict[str, Any], fields: str) -> dict[str, Any]:
        return {name: found[name] for name in fields.split(",")}


def minutes(count: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=count)
