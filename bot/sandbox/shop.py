"""The demo shop: what its buyers and its owner do, told to the programme by WooCommerce's webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import aiohttp

from bot.sandbox.refusals import Json
from bot.sandbox.shop_deliveries import ShopDeliveries, ShopDelivery
from bot.sandbox.shop_mail import ShopMail
from bot.sandbox.shop_orders import PRODUCTS, Buyer, Line, Product, ShopOrder, money, woocommerce_body

FIRST_ORDER = 1001
OPEN = {"pending"}
PAID = {"processing", "completed"}


class NotNow(RuntimeError):
    """The order is in a state in which the shop does not do this."""


@dataclass(frozen=True)
class ShopSettings:
    """Where the shop tells its orders, and how it rewards a friend's code."""

    hook_url: str
    secret: str  # letters and digits: WooCommerce decodes others before it signs
    programme_base_url: str = ""  # its /i/{code} says whether a code is known; empty: every code is
    name: str = "Atelier Noord"
    coupon_minor: int = 2_500
    coupon_from_minor: int = 15_000
    timezone: str = "Europe/Amsterdam"
    api_key: str = "ck_sandbox"  # of the shop's own API, for those who ask it
    api_secret: str = "cs_sandbox"  # noqa: S105 - opens nothing but the sandbox


class Shop:
    """Products, orders and their deliveries; times are the programme's."""

    def __init__(
        self, settings: ShopSettings, *, programme_now: Callable[[], datetime], product_name: Callable[[Product], str]
    ) -> None:
        self.settings = settings
        self.url = ""  # the page's address, once it listens
        self.orders: dict[int, ShopOrder] = {}
        self._now = programme_now
        self._product_name = product_name
        self._zone = ZoneInfo(settings.timezone)
        self._last_number = FIRST_ORDER - 1
        self.mail = ShopMail(programme_base_url=settings.programme_base_url, shop=settings.hook_url.rpartition("/")[2])
        self.deliveries = ShopDeliveries(
            hook_url=settings.hook_url, secret=settings.secret, shop_url=lambda: self.url, now=programme_now
        )

    async def checkout(
        self,
        buyer: Buyer,
        basket: Mapping[int, int],
        *,
        code: str = "",
        ref: str = "",
        click: str = "",
        known: bool | None = None,
    ) -> ShopOrder:
        """A pending order of these products (id → quantity); told as created and as updated.

        ``ref`` and ``click`` are those of the address on which the visit began. ``known`` skips asking
        the programme whether the code exists.

        Raises:
            NotNow: the basket is empty or holds something that the shop does not sell.
        """
        products = {product.id: product for product in PRODUCTS}
        if not basket or not set(basket) <= set(products) or min(basket.values()) < 1:
            raise NotNow("basket")
        accepted = bool(code) and (await self.knows(code) if known is None else known)
        lines = [Line(products[id], self._product_name(products[id]), number) for id, number in basket.items()]
        now = self._now().replace(microsecond=0)
        order = ShopOrder(
            id=self._next_number(),
            buyer=buyer,
            lines=self._discounted(lines) if accepted else lines,
            created=now,
            modified=now,
            coupon=code.strip() if accepted else "",
            typed_code="" if accepted else code.strip(),
            session_entry=self._entry(ref=ref, click=click),
        )
        self.orders[order.id] = order
        await self._tell("order.created", order)
        await self._tell("order.updated", order)
        return order

    async def pay(self, order_id: int) -> ShopOrder:
        """The money is in."""
        order = self._order(order_id, OPEN)
        order.paid = self._touch(order)
        order.status = "processing"
        return await self._updated(order)

    async def complete(self, order_id: int) -> ShopOrder:
        """The parcel is sent."""
        order = self._order(order_id, {"processing"})
        order.completed = self._touch(order)
        order.status = "completed"
        return await self._updated(order)

    async def refund(self, order_id: int, amount_minor: int | None = None, *, reason: str = "") -> ShopOrder:
        """Part of the money goes back, or (None) all that is left; the whole makes the order refunded."""
        order = self._order(order_id, PAID)
        left = order.total_minor - order.refunded_minor
        amount = left if amount_minor is None else amount_minor
        if not 0 < amount <= left:
            raise NotNow("amount")
        self._touch(order)
        number = order.id * 1000 + len(order.refunds) + 1
        order.refunds.insert(0, {"id": number, "reason": reason, "total": money(-amount), "amount_minor": amount})
        order.status = "refunded" if amount == left else order.status
        return await self._updated(order)

    async def cancel(self, order_id: int) -> ShopOrder:
        """The order is off."""
        order = self._order(order_id, OPEN | PAID)
        order.status = "cancelled"
        self._touch(order)
        return await self._updated(order)

    async def trash(self, order_id: int) -> ShopOrder:
        """The order goes to the bin."""
        order = self._order(order_id, OPEN | PAID | {"cancelled", "refunded"})
        order.status = "trash"
        self._touch(order)
        return await self._updated(order)

    async def delete(self, order_id: int) -> None:
        """The order is gone for good; all that is told is its number."""
        order = self._order(order_id, {"trash"})
        del self.orders[order.id]
        await self.deliveries.send("order.deleted", order.id, lambda: {"id": order.id})

    async def mail_link(self, order_id: int) -> str:
        """The one-time link that the mail about this order leads to.

        Raises:
            NotNow: There is no such mail: the order is not paid, or the programme gives no link.
        """
        link = await self.mail.connect_link(self._order(order_id, PAID)) if self.mail.key else None
        if link is None:
            raise NotNow("mail")
        return link

    async def knows(self, code: str) -> bool:
        """Whether the code is a coupon here: the friend's page of the programme exists."""
        base = self.settings.programme_base_url.rstrip("/")
        if not base:
            return True
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.get(f"{base}/i/{quote(code.strip(), safe='')}") as response,
            ):
                return response.ok
        except (aiohttp.ClientError, TimeoutError):
            return False

    def body(self, order: ShopOrder) -> Json:
        """The order as WooCommerce tells it now."""
        return woocommerce_body(order, shop_url=self.url, zone=self._zone)

    def last_delivery(self, order_id: int) -> ShopDelivery | None:
        """What the programme answered last about this order."""
        return next((it for it in reversed(self.deliveries.log) if it.order_id == order_id), None)

    def _order(self, order_id: int, states: set[str]) -> ShopOrder:
        order = self.orders.get(order_id)
        if order is None or order.status not in states:
            raise NotNow("state")
        return order

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def _discounted(self, lines: list[Line]) -> list[Line]:
        """The coupon's amount shared out over the lines, the rest on the last."""
        whole = sum(line.subtotal_minor for line in lines)
        if whole < self.settings.coupon_from_minor:
            return lines
        left = min(self.settings.coupon_minor, whole)
        shares = [left * line.subtotal_minor // whole for line in lines]
        shares[-1] += left - sum(shares)
        return [Line(line.product, line.name, line.quantity, share) for line, share in zip(lines, shares, strict=True)]

    def _entry(self, *, ref: str, click: str) -> str:
        query = urlencode({name: value for name, value in (("ref", ref), ("click", click)) if value})
        return f"{self.url}/shop" + (f"?{query}" if query else "")

    def _touch(self, order: ShopOrder) -> datetime:
        """Whole seconds, as in WooCommerce: two changes in one second carry the same time."""
        order.modified = self._now().replace(microsecond=0)
        return order.modified

    async def _updated(self, order: ShopOrder) -> ShopOrder:
        await self._tell("order.updated", order)
        return order

    async def _tell(self, topic: str, order: ShopOrder) -> None:
        await self.deliveries.send(topic, order.id, lambda: self.body(order))
