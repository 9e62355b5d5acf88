"""A Shopify shop that knows just enough of its GraphQL Admin API: sorted pages, nested limits, scopes and a bucket."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.builders import NOON

TOKEN = "shpat_sesame"
FILTER = re.compile(r"updated_at:>='([^']+)'")


def money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}


def refund(number: int, *sent: str, status: str = "SUCCESS") -> dict[str, Any]:
    nodes = [{"kind": "REFUND", "status": status, "amountSet": money(amount)} for amount in sent]
    return {"legacyResourceId": str(number), "transactions": nodes}


def order(number: int, *, changed: datetime = NOON, **fields: Any) -> dict[str, Any]:
    """A paid order of € 90."""
    at = changed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "legacyResourceId": str(number), "name": f"#{number + 1000}", "test": False, "currencyCode": "EUR",
        "taxesIncluded": True, "displayFinancialStatus": "PAID", "discountCodes": [],
        "email": f"c{number}@example.nl", "phone": None, "createdAt": at, "processedAt": at, "updatedAt": at,
        "cancelledAt": None, "closedAt": None, "totalPriceSet": money("96.95"), "subtotalPriceSet": money("90.0"),
        "totalTaxSet": money("15.62"), "shippingLines": {"nodes": []}, "customAttributes": [],
        "customerJourneySummary": None, "billingAddress": None, "customer": None, "refunds": [],
    } | fields  # fmt: skip


class ShopifyShop:
    """Its orders by number, what it was asked, and what is wrong with it."""

    def __init__(self) -> None:
        self.url = ""
        self.orders: dict[int, dict[str, Any]] = {}
        self.scopes = ["read_orders", "read_all_orders"]
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.granted = 0
        self.on_page: Callable[[ShopifyShop], None] | None = None

    def fill(self, *orders: dict[str, Any]) -> None:
        self.orders |= {int(each["legacyResourceId"]): each for each in orders}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/admin/api/2026-07/graphql.json", self.answer)
        app.router.add_post("/admin/oauth/access_token", self.grant)
        return app

    async def grant(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked != {"grant_type": "client_credentials", "client_id": "id", "client_secret": "sesame"}:
            return web.json_response({"error": "invalid_client"}, status=400)
        self.granted += 1
        return web.json_response({"access_token": TOKEN, "scope": "read_orders", "expires_in": 86399})

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Shopify-Access-Token") != TOKEN:
            return web.json_response({"errors": "[API] Invalid API key or access token"}, status=401)
        asked = await request.json()
        name = asked["query"].split()[1].partition("(")[0]
        self.asked.append((name, asked["variables"]))
        data = {"Scopes": self._scopes, "One": self._one, "Changed": self._changed}[name](asked["variables"])
        bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": 1900.0, "restoreRate": 100.0}
        cost = {"requestedQueryCost": 600, "actualQueryCost": 40, "throttleStatus": bucket}
        return web.json_response({"data": data, "extensions": {"cost": cost}})

    def _scopes(self, _asked: dict[str, Any]) -> dict[str, Any]:
        return {"currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in self.scopes]}}

    def _one(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self.orders.get(int(asked["id"].removeprefix("gid://shopify/Order/")))
        return {"order": found and self._shown(found, asked)}

    def _changed(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.on_page is not None:
            self.on_page(self)
        since = FILTER.fullmatch(asked["filter"] or "")
        found = sorted(self.orders.values(), key=self._place)
        found = [each for each in found if since is None or each["updatedAt"] >= since[1]]
        found = [each for each in found if self._place(each) > (asked["after"] or "")]
        page = found[: asked["first"]]
        more = {"hasNextPage": len(found) > len(page), "endCursor": self._place(page[-1]) if page else None}
        return {"orders": {"pageInfo": more, "nodes": [self._shown(each, asked) for each in page]}}

    @staticmethod
    def _place(found: dict[str, Any]) -> str:
        return f"{found['updatedAt']}|{found['legacyResourceId']:>9}"

    @staticmethod
    def _shown(found: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        refunds = [
            each | {"transactions": {
                "nodes": each["transactions"][: asked["sent"]],
                "pageInfo": {"hasNextPage": len(each["transactions"]) > asked["sent"]},
            }}
            for each in found["refunds"][: asked["refunds"]]
        ]  # fmt: skip
        return found | {"refunds": refunds}
