"""WooCommerce: orders as REST v3 shows them, built when they are delivered, not when they happened.

So the state in the body is read and never the topic, with one exception: a bare ``{"id": 18}`` says
that *something* was deleted, and only the topic tells an order from a customer. A topic that was
tampered with can make us ignore such a body, no more.

Source: WooCommerce 9.2.5 observed, and its class-wc-webhook.php and class-wc-rest-orders-v2-controller.php.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from referrals.people.marks import address_key
from referrals.recruiting.shops import (
    CANCELLED,
    COMPLETED,
    DELETED,
    PAID,
    PENDING,
    REFUNDED,
    Adapter,
    Buyer,
    CustomerState,
    Event,
    Ignored,
    Nonsense,
    OrderState,
    reading,
)
from referrals.recruiting.shops.signing import verify_hmac
from referrals.recruiting.shops.standard import tombstone

SIGNATURE, TOPIC = "x-wc-webhook-signature", "x-wc-webhook-topic"
HEADERS = (SIGNATURE, TOPIC, "content-type")
FORM = "application/x-www-form-urlencoded"
PING = re.compile(rb"webhook_id=\d{1,20}")

# Nothing is earned on these, whatever date_paid says: the money is not in, or not in any more.
UNPAID = frozenset({"pending", "on-hold", "failed", "checkout-draft", "auto-draft", "draft"})
ENDED = {"cancelled": CANCELLED, "refunded": REFUNDED, "trash": DELETED}

REF_KEYS = ("ambassade_ref", "_ambassade_ref", "_referral_code")
CLICK_KEYS = ("ambassade_click", "_ambassade_click")
LANDING_KEY = "_wc_order_attribution_session_entry"
TEST_KEYS = ("ambassade_test", "_ambassade_test", "_wcpay_mode")  # the last one: WooPayments' own test mode
TEST_VALUES = frozenset({"1", "yes", "true", "test"})
ORDER_KEYS, ACCOUNT_KEYS, GOODS_KEYS = {"status", "currency", "total"}, {"email", "role"}, {"sku", "amount"}


def verify(headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], now: Sequence[datetime]) -> bool:  # noqa: ARG001 - it signs no time
    """Whether one of the secrets signed this body; WooCommerce signs neither headers nor time."""
    return verify_hmac(headers.get(SIGNATURE, ""), body, secrets=secrets)


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """The unsigned form that WooCommerce posts when a webhook is made; it must get exactly 200 (rules 38)."""
    form = headers.get("content-type", FORM).partition(";")[0].strip().lower() == FORM
    return form and SIGNATURE not in headers and PING.fullmatch(body) is not None


def read(shop: str, headers: Mapping[str, str], body: bytes) -> Event:
    """What the delivery says. Raises Nonsense with the order or customer it is about, where that can be read."""
    data = reading.read_object(body)
    topic = headers.get(TOPIC, "")
    if data.keys() == {"id"}:
        of_order = topic.partition(".")[0] in {"", "order", "action"}
        return tombstone(shop, reading.identifier(data, "id")) if of_order else Ignored("deleted")
    kind, reader = _kind_of(data)
    if reader is None:
        return Ignored(kind)
    external_id = reading.identifier(data, "id")
    try:
        return reader(shop, external_id, data)
    except Nonsense as error:
        raise Nonsense(error.reason, subject=f"{kind}:{external_id}") from error


def _kind_of(data: dict[str, Any]) -> tuple[str, Callable[..., Event] | None]:
    if "line_items" in data or data.keys() >= ORDER_KEYS:
        return "order", _order
    if data.keys() >= ACCOUNT_KEYS:
        return "customer", _account
    if data.keys() & GOODS_KEYS:
        return "product or coupon", None
    raise Nonsense("neither an order nor a customer")


def _order(shop: str, external_id: str, data: dict[str, Any]) -> OrderState:
    currency = reading.text(data, "currency") or ""
    total = reading.amount(data, "total")
    if not currency or total is None:
        raise Nonsense("no currency or total")
    paid_at = reading.moment(data, "date_paid_gmt", gmt=True)
    status = _status(reading.text(data, "status"), paid=paid_at is not None)
    meta = _meta(data)
    landing = reading.parameters(meta.get(LANDING_KEY))
    coupons = reading.parts(data, "coupon_lines")
    return OrderState(
        shop=shop, id=external_id, status=status, currency=currency,
        total_minor=reading.minor(total, currency, name="total"),
        base_minor=_base(data, currency), refunded_minor=_refunded(data, currency),
        created_at=reading.moment(data, "date_created_gmt", gmt=True),
        paid_at=None if status == PENDING else paid_at,
        updated_at=reading.moment(data, "date_modified_gmt", gmt=True),
        buyer=_buyer(data), codes=reading.codes(line.get("code") for line in coupons),
        discounts=reading.discounts(
            ((line.get("code"), (line.get("discount"), line.get("discount_tax"))) for line in coupons), currency
        ),
        ref=_first(meta, REF_KEYS) or _clean(landing.get("ref")),
        click=_first(meta, CLICK_KEYS) or _clean(landing.get("click")),
        test=any(str(meta.get(key, "")).lower() in TEST_VALUES for key in TEST_KEYS),
        number=reading.order_number(data, "number", external_id=external_id),
    )  # fmt: skip


def _status(status: str | None, *, paid: bool) -> str:
    if status is None:
        raise Nonsense("no status")
    if status in ENDED:
        return ENDED[status]
    if not paid or status in UNPAID:
        return PENDING
    return COMPLETED if status == "completed" else PAID  # custom ones ("packing") come after processing


def _base(data: dict[str, Any], currency: str) -> int:
    """Goods after discounts, VAT in, shipping out, before refunds (rules 2)."""
    lines = reading.parts(data, "line_items")
    goods = sum((_line_amount(line, "total") + _line_amount(line, "total_tax") for line in lines), Decimal())
    return reading.minor(reading.rounded(goods, currency), currency, name="the goods")


def _line_amount(line: dict[str, Any], name: str) -> Decimal:
    return reading.amount(line, name) or Decimal()


def _refunded(data: dict[str, Any], currency: str) -> int:
    """What came back in all; each refund is written as a negative amount."""
    back = sum((_line_amount(refund, "total") for refund in reading.parts(data, "refunds")), Decimal())
    return reading.minor(abs(back), currency, name="the refunds")


def _buyer(data: dict[str, Any]) -> Buyer:
    billing = reading.part(data, "billing")
    account = data.get("customer_id")
    return Buyer(
        id=None if account in (None, "", 0, "0") else reading.identifier(data, "customer_id"),
        email=reading.text(billing, "email"),
        phone=reading.text(billing, "phone"),
        first_name=reading.text(billing, "first_name"),
        address=_address(reading.part(data, "shipping")) or _address(billing),
        ip=reading.text(data, "customer_ip_address"),
    )


def _address(data: dict[str, Any]) -> str | None:
    postcode, line, country = (reading.text(data, name) for name in ("postcode", "address_1", "country"))
    return address_key(postcode=postcode, line=line, country=country)


def _account(shop: str, external_id: str, data: dict[str, Any]) -> CustomerState:
    meta = _meta(data)
    landing = reading.parameters(meta.get(LANDING_KEY))
    return CustomerState(
        shop=shop,
        id=external_id,
        email=reading.text(data, "email"),
        first_name=reading.text(data, "first_name"),
        ref=_first(meta, REF_KEYS) or _clean(landing.get("ref")),
        click=_first(meta, CLICK_KEYS) or _clean(landing.get("click")),
        created_at=reading.moment(data, "date_created_gmt", gmt=True),
    )


def _meta(data: dict[str, Any]) -> dict[str, Any]:
    """Meta by key; a key that stands twice keeps its last value, as WordPress does."""
    return {entry["key"]: entry.get("value") for entry in reading.parts(data, "meta_data") if _has_key(entry)}


def _has_key(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("key"), str)


def _first(meta: dict[str, Any], keys: Sequence[str]) -> str | None:
    return next((cleaned for key in keys if (cleaned := _clean(meta.get(key)))), None)


def _clean(value: Any) -> str | None:
    return reading.text({"value": value}, "value") if isinstance(value, str) else None


ADAPTER = Adapter(verify=verify, read=read, kept_headers=HEADERS, is_ping=is_ping)
