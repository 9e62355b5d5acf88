"""The shop's side of the page: what it sells, its orders, and what one can do with them."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bot.sandbox.people import Person
from bot.sandbox.refusals import Json
from bot.sandbox.shop import OPEN, PAID, Shop
from bot.sandbox.shop_orders import FREE_SHIPPING_FROM_MINOR, PRODUCTS, SHIPPING_MINOR, Buyer, ShopOrder
from bot.sandbox.words import Say, words

MOST_OF_ONE = 20


class ShopPage:
    """Routes under ``/api/shop``."""

    def __init__(
        self, shop: Shop, *, say: Say, people: Callable[[], list[tuple[Person, str]]], changed: Callable[[Json], None]
    ) -> None:
        self._shop = shop
        self._say = say
        self._people = people
        self._changed = changed

    def add_routes(self, app: web.Application) -> None:
        """Answer for the shop on this site."""
        app.router.add_get("/api/shop", self._state)
        app.router.add_post("/api/shop/orders", self._checkout)
        app.router.add_post("/api/shop/orders/{id}/{action}", self._act)
        app.router.add_post("/api/shop/enable", self._enable)

    async def _state(self, request: web.Request) -> web.Response:
        locale = "en" if request.query.get("locale") == "en" else "nl"
        products = [
            {
                "id": product.id,
                "key": product.key,
                "name": self._say(f"sandbox.product.{product.key}", locale),
                "price_minor": product.price_minor,
            }
            for product in PRODUCTS
        ]
        orders = [self._view(order) for order in reversed(list(self._shop.orders.values()))]
        return web.json_response({
            "words": words(self._say, locale),
            "products": products,
            "people": [_buyer(person.user.first_name, role) for person, role in self._people()]
            + [_buyer("Chris", "customer")],
            "orders": orders,
            "disabled": self._shop.deliveries.disabled,
            "shipping_minor": SHIPPING_MINOR,
            "free_from_minor": FREE_SHIPPING_FROM_MINOR,
            "coupon_minor": self._shop.settings.coupon_minor,
            "coupon_from_minor": self._shop.settings.coupon_from_minor,
        })  # fmt: skip

    async def _checkout(self, request: web.Request) -> web.Response:
        body = await request.json()
        basket = {int(id): min(int(number), MOST_OF_ONE) for id, number in body["basket"].items()}
        order = await self._shop.checkout(
            Buyer(str(body["first_name"])[:60], str(body["email"])[:200]),
            basket,
            code=str(body.get("code") or "")[:60],
            ref=str(body.get("ref") or "")[:100],
            click=str(body.get("click") or "")[:200],
        )
        if body.get("pay"):
            await self._shop.pay(order.id)
        return self._told(order)

    async def _act(self, request: web.Request) -> web.Response:
        number, action = int(request.match_info["id"]), request.match_info["action"]
        if action == "delete":
            await self._shop.delete(number)
            return self._told(None)
        if action == "mail":
            return web.json_response({"url": await self._shop.mail_link(number)})
        if action == "refund_part":
            order = self._shop.orders[number]
            half = (order.total_minor - order.refunded_minor) // 2
            return self._told(await self._shop.refund(number, half))
        plain = {
            "pay": self._shop.pay,
            "complete": self._shop.complete,
            "refund": self._shop.refund,
            "cancel": self._shop.cancel,
            "trash": self._shop.trash,
        }
        return self._told(await plain[action](number))

    async def _enable(self, _: web.Request) -> web.Response:
        self._shop.deliveries.enable()
        return self._told(None)

    def _told(self, order: ShopOrder | None) -> web.Response:
        self._changed({"kind": "shop"})
        return web.json_response({} if order is None else self._view(order))

    def _view(self, order: ShopOrder) -> Json:
        delivery = self._shop.last_delivery(order.id)
        return {
            "id": order.id,
            "name": order.buyer.first_name,
            "email": order.buyer.email,
            "status": order.status,
            "total_minor": order.total_minor,
            "refunded_minor": order.refunded_minor,
            "created": order.created.isoformat(),
            "lines": [{"key": line.product.key, "name": line.name, "quantity": line.quantity} for line in order.lines],
            "coupon": order.coupon,
            "typed_code": order.typed_code,
            "actions": _actions(order),
            "mailed": order.status in PAID and bool(self._shop.mail.key),
            "answer": {**delivery.reply, "http": delivery.status} if delivery else None,
        }


def _buyer(name: str, role: str) -> Json:
    return {"name": name, "role": role, "email": f"{name.lower()}@example.nl"}


def _actions(order: ShopOrder) -> list[str]:
    if order.status == "trash":
        return ["delete"]
    actions = ["pay"] if order.status in OPEN else []
    actions += ["complete"] if order.status == "processing" else []
    actions += ["refund_part", "refund"] if order.status in PAID else []
    actions += ["cancel"] if order.status in OPEN | PAID else []
    return [*actions, "trash"]
