"""Orders of a WooCommerce shop, over its REST API: those that changed since a moment, and one by its number.

Pages are not counted: an order that changes meanwhile moves to the end and shifts the others, so that one would be
skipped. Each question begins at the last second that was seen; pages are counted within one second only, and behind a
page that is not in order: where orders are still posts, WordPress sorts by the shop's local time, in which an hour of
autumn comes twice.

``any`` leaves the trash out, so that is asked for before: what goes there meanwhile is younger than the watermark.

Source: WooCommerce REST API v3, "List all orders"; class-wc-rest-orders-controller.php and
class-wc-rest-crud-controller.php (``modified_after`` and ``orderby=modified`` since WooCommerce 5.8).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from referrals.outside.client import Reply, ShopClient
from referrals.outside.errors import ShopNonsense, ShopRefused
from referrals.outside.pages import Page, body_of, gone, sensible

PER_PAGE = 100  # the most that WooCommerce gives
SECOND = timedelta(seconds=1)
UNKNOWN_ORDER = "woocommerce_rest_shop_order_invalid_id"
NOT_FOUND = 404
# What the adapter reads: no card and no plugin's secret comes over the line that nobody needs.
FIELDS = (
    "id,number,status,currency,total,customer_id,billing,shipping,customer_ip_address,date_created_gmt,"
    "date_modified_gmt,date_paid_gmt,line_items,coupon_lines,refunds,meta_data"
)


class WooCommerceOrders:
    """Asks one WooCommerce shop for its orders."""

    def __init__(self, client: ShopClient) -> None:
        self._client = client

    async def check(self) -> str | None:
        """The shop answers and knows our key; what is amiss all the same. Raises: ShopError."""
        reply = await self._client.call("GET", "orders", params={"per_page": "1", "_fields": "id"})
        self._orders(reply, after=None)
        return None

    async def tells_all(self) -> bool:
        """Whether orders of any age are told: always."""
        return True

    async def changed(self, *, since: datetime | None) -> AsyncIterator[Page]:
        """Every order that changed after ``since`` (None: every order), a page at a time. Raises: ShopError."""
        async for page in self._listed("trash", since):
            yield Page(page.bodies)
        async for page in self._listed("any", since):
            yield page

    async def one(self, external_id: str, *, created_at: datetime, asked_at: datetime) -> bytes | None:  # noqa: ARG002 - any age is told
        """The order as it is now, or that it is gone; None where none can have this number. Raises: ShopError."""
        if not (external_id.isascii() and external_id.isdecimal()):
            return None
        try:
            reply = await self._client.call("GET", f"orders/{external_id}", params={"_fields": FIELDS})
        except ShopRefused as error:
            # Any other 404 is another page than the shop's API, and no reason to take anybody's bonus away.
            if error.status == NOT_FOUND and error.code == UNKNOWN_ORDER:
                return gone(external_id)
            raise
        if not isinstance(reply.json, dict) or str(reply.json.get("id")) != external_id:
            raise ShopNonsense(self._client.shop.name, "it answers with another order")
        return body_of(reply.json)

    async def _listed(self, status: str, since: datetime | None) -> AsyncIterator[Page]:
        after, number, seen = since, 1, frozenset[bytes]()
        while True:
            reply = await self._client.call("GET", "orders", params=_question(status, after, number))
            orders = self._orders(reply, after=after)
            bodies = [body_of(order) for order in orders]
            reached = _reached(orders)
            fresh = tuple(body for body in bodies if body not in seen)
            yield Page(fresh, reached, _total(reply))
            if len(orders) < PER_PAGE:
                return
            onward = reached - SECOND if reached is not None else None
            if onward is not None and (after is None or onward > after):
                after, number, seen = onward, 1, frozenset(bodies)
                continue
            if number > 1 and not fresh:
                raise ShopNonsense(self._client.shop.name, "it gives the same page of orders again and again")
            number, seen = number + 1, seen | frozenset(bodies)

    def _orders(self, reply: Reply, *, after: datetime | None) -> list[dict[str, Any]]:
        name = self._client.shop.name
        if not isinstance(reply.json, list) or not all(isinstance(order, dict) for order in reply.json):
            raise ShopNonsense(name, "an answer that is no list of orders")
        first = _modified(reply.json[0]) if reply.json else None
        if after is not None and first is not None and first < after:
            raise ShopNonsense(name, "it does not know modified_after: WooCommerce 5.8 or newer is needed")
        return reply.json


def _question(status: str, after: datetime | None, number: int) -> dict[str, str]:
    question = {
        "status": status, "orderby": "modified", "order": "asc", "per_page": str(PER_PAGE), "page": str(number),
        "_fields": FIELDS,
    }  # fmt: skip
    if after is not None:
        at = after.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        question |= {"modified_after": at.isoformat(), "dates_are_gmt": "true"}
    return question


def _reached(orders: list[dict[str, Any]]) -> datetime | None:
    """How far this page is; None where its orders are not in the order of their change, so that it does not say."""
    moments = [moment for moment in map(_modified, orders) if moment is not None]
    in_order = all(one <= next_one for one, next_one in pairwise(moments))
    return moments[-1] if moments and in_order else None


def _modified(order: dict[str, Any]) -> datetime | None:
    """When the order changed last; None where that cannot be read, which its adapter will say."""
    try:
        return sensible(datetime.fromisoformat(order["date_modified_gmt"]).replace(tzinfo=UTC))
    except (KeyError, TypeError, ValueError):
        return None


def _total(reply: Reply) -> int | None:
    said = reply.headers.get("X-WP-Total", "")
    return int(said) if said.isascii() and said.isdecimal() else None
