"""Orders of a Shopify shop, over its GraphQL Admin API: those that changed since a moment, and one by its number.

A node is written as the REST object that a webhook carries, so that one adapter reads both. How many orders a customer
has had is left out: it is today's number, and an order is judged by that of its own day (rules 3).

Without the scope ``read_all_orders`` Shopify shows sixty days only: an older order that it does not show is not gone.

Source: shopify.dev, GraphQL Admin API 2026-07: orders, order, Order, Refund, currentAppInstallation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from referrals.outside.client import ShopClient
from referrals.outside.errors import ShopNonsense
from referrals.outside.graphql import GraphQL
from referrals.outside.pages import Page, body_of, gone, sensible

GID = "gid://shopify/Order/"
ALL_ORDERS = "read_all_orders"
ORDER_SCOPES = {"read_orders", "write_orders"}
SHOWN = timedelta(days=59)  # of the sixty, a day to spare
# Points: a query may cost a thousand at most, and what is nested counts times what it is nested in.
PAGE = {"first": 25, "refunds": 5, "sent": 3}
DEEP = {"refunds": 100, "sent": 5}  # for the few orders with more refunds than a page shows

MONEY = "{ shopMoney { amount currencyCode } }"
ORDER = f"""
fragment Told on Order {{
  legacyResourceId name test currencyCode taxesIncluded displayFinancialStatus discountCodes email phone
  createdAt processedAt updatedAt cancelledAt closedAt
  totalPriceSet {MONEY} subtotalPriceSet {MONEY} totalTaxSet {MONEY}
  shippingLines(first: 3) {{ nodes {{ taxLines {{ priceSet {MONEY} }} }} }}
  customAttributes {{ key value }}
  customerJourneySummary {{ lastVisit {{ landingPage }} }}
  clientIp
  shippingAddress {{ zip address1 countryCodeV2 }}
  billingAddress {{ firstName phone zip address1 countryCodeV2 }}
  customer {{
    legacyResourceId firstName
    defaultEmailAddress {{ emailAddress marketingState }}
    defaultPhoneNumber {{ phoneNumber }}
  }}
  refunds(first: $refunds) {{
    legacyResourceId
    transactions(first: $sent) {{ pageInfo {{ hasNextPage }} nodes {{ kind status amountSet {MONEY} }} }}
  }}
}}
"""
CHANGED = f"""
query Changed($filter: String, $after: String, $first: Int!, $refunds: Int!, $sent: Int!) {{
  orders(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ ...Told }}
  }}
}}
{ORDER}"""
ONE = f"""
query One($id: ID!, $refunds: Int!, $sent: Int!) {{ order(id: $id) {{ ...Told }} }}
{ORDER}"""
SCOPES = "query Scopes { currentAppInstallation { accessScopes { handle } } }"


class ShopifyOrders:
    """Asks one Shopify shop for its orders."""

    def __init__(self, client: ShopClient) -> None:
        self._name, self._graphql = client.shop.name, GraphQL(client)
        self._tells_all: bool | None = None

    async def check(self) -> str | None:
        """The shop answers and knows our token; what is amiss all the same. Raises: ShopError."""
        scopes = await self._scopes()
        if not scopes & ORDER_SCOPES:
            return "our token lacks the scope read_orders"
        return None if ALL_ORDERS in scopes else f"our token lacks the scope {ALL_ORDERS}: sixty days are shown only"

    async def tells_all(self) -> bool:
        """Whether orders of any age are told. Raises: ShopError."""
        if self._tells_all is None:
            self._tells_all = ALL_ORDERS in await self._scopes()
        return self._tells_all

    async def _scopes(self) -> set[Any]:
        installed = _part(await self._graphql.ask(SCOPES), "currentAppInstallation")
        return {scope.get("handle") for scope in _parts(installed, "accessScopes")}

    async def changed(self, *, since: datetime | None) -> AsyncIterator[Page]:
        """Every order that changed at or after ``since`` (None: every order), a page at a time. Raises: ShopError."""
        wanted = f"updated_at:>='{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'" if since is not None else None
        after: str | None = None
        been: set[str] = set()
        while True:
            data = await self._graphql.ask(CHANGED, {"filter": wanted, "after": after, **PAGE})
            nodes, onward = self._page(data)
            bodies = [body_of(as_rest(await self._whole(node))) for node in nodes]
            yield Page(tuple(bodies), max(filter(None, map(_updated, nodes)), default=None))
            if onward is None:
                return
            if onward in been:
                raise ShopNonsense(self._name, "it gives the same page of orders again and again")
            been.add(onward)
            after = onward

    async def one(self, external_id: str, *, created_at: datetime, asked_at: datetime) -> bytes | None:
        """The order as it is now, or that it is gone; None where nobody can say. Raises: ShopError."""
        if not (external_id.isascii() and external_id.isdecimal()):
            return None
        node = await self._ask_one(external_id)
        if node is not None:
            return body_of(as_rest(node))
        shown = await self.tells_all() or asked_at - created_at < SHOWN
        return gone(external_id) if shown else None

    async def _ask_one(self, external_id: str) -> dict[str, Any] | None:
        node = (await self._graphql.ask(ONE, {"id": GID + external_id, **DEEP})).get("order")
        if node is not None and (not isinstance(node, dict) or str(node.get("legacyResourceId")) != external_id):
            raise ShopNonsense(self._name, "it answers with another order")
        return node

    async def _whole(self, node: dict[str, Any]) -> dict[str, Any]:
        """The order with all its refunds, also those that a page leaves out."""
        refunds = node.get("refunds") or []
        more = any(_part(_part(refund, "transactions"), "pageInfo").get("hasNextPage") for refund in refunds)
        if len(refunds) < PAGE["refunds"] and not more:
            return node
        return await self._ask_one(str(node.get("legacyResourceId"))) or node

    def _page(self, data: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
        found = data.get("orders")
        nodes = found.get("nodes") if isinstance(found, dict) else None
        if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
            raise ShopNonsense(self._name, "an answer that is no list of orders")
        info = _part(found or {}, "pageInfo")
        onward = info.get("endCursor") if info.get("hasNextPage") else None
        if info.get("hasNextPage") not in (True, False) or isinstance(onward, str) != info["hasNextPage"]:
            raise ShopNonsense(self._name, "a page of orders that does not say whether another follows")
        return nodes, onward


def as_rest(node: dict[str, Any]) -> dict[str, Any]:
    """A node as the REST object that webhooks carry, as far as their adapter reads it. Pure; nonsense stays."""
    customer, billing = _part(node, "customer"), _part(node, "billingAddress")
    email = _part(customer, "defaultEmailAddress")
    buyer = {
        "id": _number(customer.get("legacyResourceId")),
        "first_name": customer.get("firstName"),
        "email": email.get("emailAddress"),
        "phone": _part(customer, "defaultPhoneNumber").get("phoneNumber"),
        "email_marketing_consent": {"state": _lower(email.get("marketingState"))} if email else None,
    }
    return {
        "id": _number(node.get("legacyResourceId")),
        "name": node.get("name"),
        "test": node.get("test"),
        "currency": node.get("currencyCode"),
        "taxes_included": node.get("taxesIncluded"),
        "financial_status": _lower(node.get("displayFinancialStatus")),
        "created_at": node.get("createdAt"),
        "processed_at": node.get("processedAt"),
        "updated_at": node.get("updatedAt"),
        "cancelled_at": node.get("cancelledAt"),
        "closed_at": node.get("closedAt"),
        "total_price": _amount(node, "totalPriceSet"),
        "subtotal_price": _amount(node, "subtotalPriceSet"),
        "total_tax": _amount(node, "totalTaxSet"),
        "shipping_lines": [
            {"tax_lines": [{"price": _amount(tax, "priceSet")} for tax in _parts(line, "taxLines")]}
            for line in _parts(_part(node, "shippingLines"), "nodes")
        ],
        "discount_codes": [{"code": code} for code in node.get("discountCodes") or []],
        "note_attributes": [
            {"name": each.get("key"), "value": each.get("value")} for each in _parts(node, "customAttributes")
        ],
        "landing_site": _part(_part(node, "customerJourneySummary"), "lastVisit").get("landingPage"),
        "email": node.get("email"),
        "phone": node.get("phone"),
        "customer": {name: value for name, value in buyer.items() if value is not None},
        "browser_ip": node.get("clientIp"),
        "shipping_address": _address(_part(node, "shippingAddress")),
        "billing_address": {"first_name": billing.get("firstName"), "phone": billing.get("phone"), **_address(billing)},
        "refunds": [_refund(refund) for refund in _parts(node, "refunds")],
    }


def _address(node: dict[str, Any]) -> dict[str, Any]:
    """As much as a household is recognised by."""
    return {"zip": node.get("zip"), "address1": node.get("address1"), "country_code": node.get("countryCodeV2")}


def _refund(refund: dict[str, Any]) -> dict[str, Any]:
    sent = _parts(_part(refund, "transactions"), "nodes")
    return {
        "id": _number(refund.get("legacyResourceId")),
        "transactions": [
            {
                "kind": _lower(each.get("kind")),
                "status": _lower(each.get("status")),
                "amount": _amount(each, "amountSet"),
                "currency": _part(_part(each, "amountSet"), "shopMoney").get("currencyCode"),
            }
            for each in sent
        ],
    }


def _part(node: dict[str, Any], name: str) -> dict[str, Any]:
    value = node.get(name)
    return value if isinstance(value, dict) else {}


def _parts(node: dict[str, Any], name: str) -> Iterable[dict[str, Any]]:
    value = node.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _amount(node: dict[str, Any], name: str) -> Any:
    return _part(_part(node, name), "shopMoney").get("amount")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _number(value: Any) -> Any:
    """Numbers beyond 53 bits come as texts."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


def _updated(node: dict[str, Any]) -> datetime | None:
    try:
        read = datetime.fromisoformat(node["updatedAt"])
        return sensible(read if read.tzinfo is not None else read.replace(tzinfo=UTC))
    except (KeyError, TypeError, ValueError):
        return None
