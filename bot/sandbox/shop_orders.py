"""An order as the demo shop keeps it, and as WooCommerce tells it in a delivery.

Source: deliveries of WooCommerce 9.2.5: decimal strings, times without a zone beside their GMT twins,
a total that does not fall after refunds, refunds with negative totals, coupon codes in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox.refusals import Json

VERSION = "9.2.5"
VAT_PERCENT = 21
SHIPPING_MINOR = 695
FREE_SHIPPING_FROM_MINOR = 10_000
ATTRIBUTION = "_wc_order_attribution_"


@dataclass(frozen=True)
class Product:
    """Something that the shop sells; its name is a text of the catalogue, its price holds VAT."""

    id: int
    key: str
    price_minor: int


PRODUCTS = (
    Product(11, "table", 89_500),
    Product(12, "bench", 34_500),
    Product(13, "stool", 12_900),
    Product(14, "rack", 8_900),
    Product(15, "board", 4_900),
    Product(16, "wax", 1_850),
)


@dataclass(frozen=True)
class Line:
    """One product in an order; the discount is this line's share, VAT included."""

    product: Product
    name: str
    quantity: int
    discount_minor: int = 0

    @property
    def subtotal_minor(self) -> int:
        """Before the discount, VAT included."""
        return self.product.price_minor * self.quantity

    @property
    def total_minor(self) -> int:
        """What is paid for it, VAT included."""
        return self.subtotal_minor - self.discount_minor


@dataclass(frozen=True)
class Buyer:
    """Who orders; the shop knows guests only."""

    first_name: str
    email: str
    customer_id: int = 0


@dataclass
class ShopOrder:
    """An order with everything that happened to it."""

    id: int
    buyer: Buyer
    lines: list[Line]
    created: datetime
    modified: datetime
    coupon: str = ""  # accepted by the shop
    typed_code: str = ""  # typed by the buyer, and no coupon of the shop
    session_entry: str = ""  # the address on which the visit began
    status: str = "pending"
    paid: datetime | None = None
    completed: datetime | None = None
    refunds: list[Json] = field(default_factory=list)

    @property
    def goods_minor(self) -> int:
        """The goods after discount, VAT included."""
        return sum(line.total_minor for line in self.lines)

    @property
    def shipping_minor(self) -> int:
        """The shipping, VAT included."""
        return 0 if self.goods_minor >= FREE_SHIPPING_FROM_MINOR else SHIPPING_MINOR

    @property
    def total_minor(self) -> int:
        """What the buyer pays."""
        return self.goods_minor + self.shipping_minor

    @property
    def refunded_minor(self) -> int:
        """What the buyer got back."""
        return sum(refund["amount_minor"] for refund in self.refunds)


def woocommerce_body(order: ShopOrder, *, shop_url: str, zone: ZoneInfo) -> Json:
    """The order as WooCommerce would send it at this moment."""
    body: Json = {
        "id": order.id,
        "parent_id": 0,
        "status": order.status,
        "currency": "EUR",
        "version": VERSION,
        "prices_include_tax": True,
        "discount_total": money(sum(net(line.discount_minor) for line in order.lines)),
        "discount_tax": money(sum(vat(line.discount_minor) for line in order.lines)),
        "shipping_total": money(net(order.shipping_minor)),
        "shipping_tax": money(vat(order.shipping_minor)),
        "cart_tax": money(sum(vat(line.total_minor) for line in order.lines)),
        "total": money(order.total_minor),
        "total_tax": money(sum(vat(line.total_minor) for line in order.lines) + vat(order.shipping_minor)),
        "customer_id": order.buyer.customer_id,
        "order_key": f"wc_order_{order.id:013d}",
        "billing": _address(order.buyer) | {"email": order.buyer.email},
        "shipping": _address(order.buyer),
        "payment_method": "ideal",
        "payment_method_title": "iDEAL",
        "transaction_id": f"tx{order.id}" if order.paid else "",
        "created_via": "checkout",
        "customer_note": "",
        "number": str(order.id),
        "meta_data": _meta(order, zone=zone),
        "line_items": [_line(line, number) for number, line in enumerate(order.lines, start=order.id * 10)],
        "tax_lines": [],
        "shipping_lines": [_shipping(order)],
        "fee_lines": [],
        "coupon_lines": [_coupon(order)] if order.coupon else [],
        "refunds": [{name: refund[name] for name in ("id", "reason", "total")} for refund in order.refunds],
        "payment_url": f"{shop_url}/checkout/order-pay/{order.id}/",
        "is_editable": order.status == "pending",
        "needs_payment": order.status == "pending",
        "needs_processing": True,
        "currency_symbol": "€",
        "_links": {"self": [{"href": f"{shop_url}/wp-json/wc/v3/orders/{order.id}"}]},
    }
    times = {"created": order.created, "modified": order.modified, "completed": order.completed, "paid": order.paid}
    for name, moment in times.items():
        body[f"date_{name}"] = bare(moment, zone)
        body[f"date_{name}_gmt"] = bare(moment, UTC)
    return body


def money(amount_minor: int) -> str:
    """An amount as WooCommerce writes it: 895.00."""
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{abs(amount_minor) // 100}.{abs(amount_minor) % 100:02d}"


def net(gross_minor: int) -> int:
    """Without VAT, rounded half up."""
    return (gross_minor * 200 + 100 + VAT_PERCENT) // (200 + 2 * VAT_PERCENT)


def vat(gross_minor: int) -> int:
    """The VAT in it."""
    return gross_minor - net(gross_minor)


def bare(moment: datetime | None, zone: Any) -> str | None:
    """A time as WooCommerce writes it: whole seconds, no zone."""
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def _address(buyer: Buyer) -> Json:
    names = "last_name company address_1 address_2 city state postcode phone"
    return {"first_name": buyer.first_name, "country": "NL"} | dict.fromkeys(names.split(), "")


def _meta(order: ShopOrder, *, zone: ZoneInfo) -> list[Json]:
    pairs = {"_referral_code": order.typed_code} if order.typed_code else {}
    if order.session_entry:
        began = order.created.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        pairs |= {
            f"{ATTRIBUTION}source_type": "typein",
            f"{ATTRIBUTION}utm_source": "(direct)",
            f"{ATTRIBUTION}session_entry": order.session_entry,
            f"{ATTRIBUTION}session_start_time": began,
            f"{ATTRIBUTION}session_pages": "3",
            f"{ATTRIBUTION}session_count": "1",
            f"{ATTRIBUTION}device_type": "Mobile",
        }
    return [
        {"id": order.id * 100 + number, "key": key, "value": value} for number, (key, value) in enumerate(pairs.items())
    ]


def _line(line: Line, number: int) -> Json:
    return {
        "id": number,
        "name": line.name,
        "product_id": line.product.id,
        "variation_id": 0,
        "quantity": line.quantity,
        "tax_class": "",
        "subtotal": money(net(line.subtotal_minor)),
        "subtotal_tax": money(vat(line.subtotal_minor)),
        "total": money(net(line.total_minor)),
        "total_tax": money(vat(line.total_minor)),
        "taxes": [],
        "meta_data": [],
        "sku": f"AN-{line.product.key.upper()}",
    }


def _shipping(order: ShopOrder) -> Json:
    total, tax = money(net(order.shipping_minor)), money(vat(order.shipping_minor))
    return {
        "id": order.id * 10 + 9,
        "method_title": "PostNL",
        "method_id": "flat_rate",
        "total": total,
        "total_tax": tax,
    }


def _coupon(order: ShopOrder) -> Json:
    discount = sum(line.discount_minor for line in order.lines)
    return {
        "id": order.id * 10 + 8,
        "code": order.coupon.lower(),
        "discount": money(net(discount)),
        "discount_tax": money(vat(discount)),
        "discount_type": "fixed_cart",
        "meta_data": [],
    }
