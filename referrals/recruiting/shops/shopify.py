"""Shopify: the bare REST object that a webhook carries; what it is about, its fields say.

Shopify signs the body and nothing else, so neither the topic nor the shop's domain in a header is believed. One
exception: a bare ``{"id": 18}`` says that *something* was deleted, and only the topic tells an order from a product. A
topic that was tampered with can make us ignore such a body, or take a deleted product for an order of its number.

Retries repeat the payload of the first try, in any order: what is older than what is known changes nothing. A refund
comes on its own (``refunds/create``) and again within its order, under one number.

Source: shopify.dev, webhooks and REST Admin API 2026-07: order, refund, customer, fulfillment, mandatory topics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from referrals.people.marks import address_key
from referrals.recruiting.shops import (
    CANCELLED,
    COMPLETED,
    DATA_REQUEST,
    PAID,
    PENDING,
    REDACT,
    REFUNDED,
    SHOP_REDACT,
    Adapter,
    Buyer,
    CustomerState,
    DeliveryState,
    Event,
    Ignored,
    Nonsense,
    OrderState,
    PrivacyWish,
    Refund,
    RefundState,
    reading,
)
from referrals.recruiting.shops.signing import verify_hmac
from referrals.recruiting.shops.standard import tombstone

SIGNATURES = ("x-shopify-hmac-sha256", "shopify-hmac-sha256")  # the second one: the newer events
TOPICS = ("x-shopify-topic", "shopify-topic")
HEADERS = (*SIGNATURES, *TOPICS, "x-shopify-webhook-id", "shopify-webhook-id", "x-shopify-triggered-at")

STATUSES = {
    "pending": PENDING,
    "authorized": PENDING,
    "partially_paid": PENDING,
    "unpaid": PENDING,
    "expired": PENDING,
    "paid": PAID,
    "partially_refunded": PAID,
    "refunded": REFUNDED,
    "voided": CANCELLED,
}
WAS_PAID = frozenset({"paid", "partially_refunded", "refunded"})
REF_NAMES, CLICK_NAMES = ("ambassade_ref", "ref"), ("ambassade_click", "click")
BARE, IDENTITY = {"id", "admin_graphql_api_id"}, "gid://shopify/Order/"
COMPLIANCE = {"shop_id", "shop_domain"}
# Something else of a shop's: drafts, checkouts, carts, products, transactions, whatever has a number of Shopify's.
OTHERS = {"admin_graphql_api_id", "line_items", "token", "variants", "gateway", "order_id", "customer_id", "domain"}


def verify(headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], now: Sequence[datetime]) -> bool:  # noqa: ARG001 - it signs no time
    """Whether one of the secrets signed this body, under either spelling of the header."""
    return verify_hmac(_first_of(headers, SIGNATURES), body, secrets=secrets)


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:  # noqa: ARG001 - an adapter's shape
    """Never: Shopify signs its test notifications too."""
    return False


def read(shop: str, headers: Mapping[str, str], body: bytes) -> Event:
    """What the delivery says. Raises Nonsense with the order or customer it is about, where that can be read."""
    data = reading.read_object(body)
    if "id" in data and data.keys() <= BARE:
        return _deleted(shop, data, topic=_first_of(headers, TOPICS))
    if data.keys() >= COMPLIANCE:
        return _compliance(shop, data)
    kind, name, reader = _kind_of(data)
    if reader is None:
        return Ignored(kind)
    subject = f"{kind}:{reading.identifier(data, name)}"
    try:
        return reader(shop, data)
    except Nonsense as error:
        raise Nonsense(error.reason, subject=subject) from error


def _kind_of(data: dict[str, Any]) -> tuple[str, str, Callable[[str, dict[str, Any]], Event] | None]:
    """What it is about, where its number stands, and who reads it."""
    if data.keys() & {"financial_status", "order_number"} or _identity(data).startswith(IDENTITY):
        return "order", "id", _order
    if data.keys() >= {"order_id", "refund_line_items"}:
        return "order", "order_id", _refund
    if data.keys() >= {"order_id", "shipment_status"}:
        return "order", "order_id", _parcel
    if data.keys() >= {"customer_id", "email_marketing_consent"}:
        return "customer", "customer_id", _consent
    if "email" in data and data.keys() & {"verified_email", "addresses"} and "line_items" not in data:
        return "customer", "id", _customer
    if data.keys() & OTHERS:
        return "something else", "id", None
    raise Nonsense("neither an order nor a refund nor a customer")


def _deleted(shop: str, data: dict[str, Any], *, topic: str) -> Event:
    known = _identity(data)
    of_order = known.startswith(IDENTITY) if known else topic in {"", "orders/delete"}
    return tombstone(shop, reading.identifier(data, "id")) if of_order else Ignored("deleted")


def _compliance(shop: str, data: dict[str, Any]) -> Event:
    """The three messages about personal data; of a guest, who has no number, nothing is kept by a number."""
    customer = reading.part(data, "customer")
    if not customer:
        return PrivacyWish(shop, SHOP_REDACT)
    kind = DATA_REQUEST if data.keys() & {"orders_requested", "data_request"} else REDACT
    if not customer.get("id"):
        return Ignored(f"{kind} of a guest")
    return PrivacyWish(shop, kind, reading.identifier(customer, "id"))


def _order(shop: str, data: dict[str, Any]) -> OrderState:
    currency, total = reading.text(data, "currency") or "", reading.amount(data, "total_price")
    if not currency or total is None:
        raise Nonsense("no currency or total_price")
    financial = reading.text(data, "financial_status") or "pending"
    created_at = reading.moment(data, "created_at")
    refunds = _refunds(data, currency, total)
    ref, click = _visit(data)
    external_id = reading.identifier(data, "id")
    coupons = reading.parts(data, "discount_codes")
    return OrderState(
        shop=shop, id=external_id, status=_status(data, financial), currency=currency,
        total_minor=reading.minor(total, currency, name="total_price"), base_minor=_base(data, currency),
        refunded_minor=sum(refund.amount_minor for refund in refunds),
        created_at=created_at,
        # When the money came is not said; when the order was placed, every state repeats.
        paid_at=(reading.moment(data, "processed_at") or created_at) if financial in WAS_PAID else None,
        updated_at=reading.moment(data, "updated_at"),
        buyer=_buyer(data), codes=reading.codes(each.get("code") for each in coupons),
        discounts=reading.discounts(((each.get("code"), (each.get("amount"),)) for each in coupons), currency),
        ref=ref, click=click, test=reading.truth(data, "test") or False, refunds=refunds,
        number=reading.order_number(data, "name" if data.get("name") else "order_number", external_id=external_id),
    )  # fmt: skip


def _status(data: dict[str, Any], financial: str) -> str:
    status = STATUSES.get(financial)
    if status is None:
        raise Nonsense("no financial_status that we know")
    if data.get("cancelled_at"):
        return CANCELLED
    return COMPLETED if status == PAID and data.get("closed_at") else status


def _base(data: dict[str, Any], currency: str) -> int:
    """Goods as ordered, after discounts, VAT in, shipping and its VAT out; never what is left of them (rules 2)."""
    goods = reading.amount(data, "subtotal_price")
    if goods is None:
        raise Nonsense("no subtotal_price")
    if reading.truth(data, "taxes_included") is False:
        shipping = reading.parts(data, "shipping_lines")
        taxes = [tax for line in shipping for tax in reading.parts(line, "tax_lines")]
        goods += max(Decimal(), _sum([data], "total_tax") - _sum(taxes, "price"))
    return reading.minor(reading.rounded(goods, currency), currency, name="the goods")


def _refunds(data: dict[str, Any], currency: str, total: Decimal) -> tuple[Refund, ...]:
    """The refunds within an order, in the order's currency; those that brought nothing back are left out."""
    taxed = reading.truth(data, "taxes_included") is False
    found = []
    for refund in reading.parts(data, "refunds"):
        money = _returned(refund, taxed=taxed)
        back = sum((_in_shop_money(data, total, each, of) for of, each in money.items()), Decimal())
        amount = reading.minor(reading.rounded(back, currency), currency, name="a refund")
        if amount:
            found.append(Refund(reading.identifier(refund, "id"), amount, currency))
    return tuple(found)


def _in_shop_money(data: dict[str, Any], total: Decimal, amount: Decimal, currency: str | None) -> Decimal:
    """An amount in the currency in which the buyer paid is the same share of the order in the shop's own."""
    if currency in {None, data["currency"]}:
        return amount
    paid = reading.part(reading.part(data, "total_price_set"), "presentment_money")
    whole = reading.amount(paid, "amount")
    if paid.get("currency_code") != currency or not whole:
        raise Nonsense("a refund in a currency that its order does not have")
    return amount * total / whole


def _refund(shop: str, data: dict[str, Any]) -> Event:
    """One refund on its own. Where the buyer paid in another currency than the shop's, the order's state decides."""
    money = {currency: amount for currency, amount in _returned(data, taxed=False).items() if amount}
    if not money:
        return Ignored("a refund without money", f"order:{reading.identifier(data, 'order_id')}")
    (currency, amount), *others = money.items()
    if others or currency is None:
        raise Nonsense("a refund in no currency, or in several")
    minor = reading.minor(reading.rounded(amount, currency), currency, name="the refund")
    refund = Refund(reading.identifier(data, "id"), minor, currency)
    return RefundState(shop, reading.identifier(data, "order_id"), refund)


def _returned(refund: dict[str, Any], *, taxed: bool) -> dict[str | None, Decimal]:
    """What came back, by currency: money that was sent, not goods that were put on the shelf again.

    Only a refund that does not speak of transactions at all is judged by its lines.
    """
    money: dict[str | None, Decimal] = {}
    if refund.get("transactions") is None:
        for line in reading.parts(refund, "refund_line_items"):
            known = reading.part(reading.part(line, "subtotal_set"), "shop_money")
            amount = _sum([line], "subtotal") + (_sum([line], "total_tax") if taxed else 0)
            currency = reading.text(known, "currency_code")
            money[currency] = money.get(currency, Decimal()) + amount
    for sent in reading.parts(refund, "transactions"):
        if sent.get("kind") == "refund" and sent.get("status") == "success":
            currency = reading.text(sent, "currency")
            money[currency] = money.get(currency, Decimal()) + _sum([sent], "amount")
    return money


def _sum(parts: Sequence[dict[str, Any]], name: str) -> Decimal:
    return sum((reading.amount(each, name) or Decimal() for each in parts), Decimal())


def _visit(data: dict[str, Any]) -> tuple[str | None, str | None]:
    """Code and click of one visit: what the cart was given, else the address at which the buyer came in."""
    given = {each.get("name"): each.get("value") for each in reading.parts(data, "note_attributes") if _has_name(each)}
    kept = _first(given, REF_NAMES), _first(given, CLICK_NAMES)
    if any(kept):
        return kept
    landing = reading.parameters(data.get("landing_site"))
    return _first(landing, REF_NAMES), _first(landing, CLICK_NAMES)


def _has_name(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("name"), str)


def _first(given: Mapping[Any, Any], names: Sequence[str]) -> str | None:
    texts = [{"it": given[name]} for name in names if isinstance(given.get(name), str)]
    return next((cleaned for each in texts if (cleaned := reading.text(each, "it"))), None)


def _buyer(data: dict[str, Any]) -> Buyer:
    """Who ordered; the phone of the delivery is left out, for it may be somebody else's."""
    customer, billing = reading.part(data, "customer"), reading.part(data, "billing_address")
    said = _accepts(customer)
    return Buyer(
        id=reading.identifier(customer, "id") if customer.get("id") else None,
        email=reading.text(data, "email") or reading.text(data, "contact_email") or reading.text(customer, "email"),
        phone=reading.text(data, "phone") or reading.text(customer, "phone") or reading.text(billing, "phone"),
        first_name=reading.text(customer, "first_name") or reading.text(billing, "first_name"),
        orders=reading.count(customer, "orders_count"),
        address=_address(reading.part(data, "shipping_address")) or _address(billing),
        ip=reading.text(data, "browser_ip") or reading.text(reading.part(data, "client_details"), "browser_ip"),
        marketing_consent=reading.truth(data, "buyer_accepts_marketing") if said is None else said,
    )


def _address(data: dict[str, Any]) -> str | None:
    postcode, line, country = (reading.text(data, name) for name in ("zip", "address1", "country_code"))
    return address_key(postcode=postcode, line=line, country=country)


def _accepts(customer: dict[str, Any]) -> bool | None:
    """Whether they asked for mail; whoever did not, did not."""
    state = reading.text(reading.part(customer, "email_marketing_consent"), "state")
    return reading.truth(customer, "accepts_marketing") if state is None else state == "subscribed"


def _customer(shop: str, data: dict[str, Any]) -> CustomerState:
    return CustomerState(
        shop=shop,
        id=reading.identifier(data, "id"),
        email=reading.text(data, "email"),
        first_name=reading.text(data, "first_name"),
        marketing_consent=_accepts(data),
        created_at=reading.moment(data, "created_at"),
    )


def _consent(shop: str, data: dict[str, Any]) -> CustomerState:
    return CustomerState(shop=shop, id=reading.identifier(data, "customer_id"), marketing_consent=_accepts(data))


def _parcel(shop: str, data: dict[str, Any]) -> Event:
    """Only that it came is of use."""
    order, at = reading.identifier(data, "order_id"), reading.moment(data, "updated_at")
    if data["shipment_status"] != "delivered":
        return Ignored("a parcel on its way", f"order:{order}")
    if at is None:
        raise Nonsense("a delivery without time")
    return DeliveryState(shop=shop, order=order, status="delivered", at=at)


def _identity(data: dict[str, Any]) -> str:
    known = data.get("admin_graphql_api_id")
    return known if isinstance(known, str) else ""


def _first_of(headers: Mapping[str, str], names: Sequence[str]) -> str:
    return next((headers[name] for name in names if name in headers), "")


ADAPTER = Adapter(verify=verify, read=read, kept_headers=HEADERS, is_ping=is_ping)
