"""The standard shop: Standard Webhooks around ``order.state``, ``delivery.state`` and ``customer.state``.

The same readers serve the API, whose bodies are the ``data`` of these events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from referrals.people.marks import address_key
from referrals.recruiting.shops import (
    CANCELLED,
    COMPLETED,
    DELETED,
    PAID,
    RANK,
    REFUNDED,
    Adapter,
    Buyer,
    CustomerState,
    DeliveryState,
    Event,
    Ignored,
    Nonsense,
    OrderState,
    reading,
)
from referrals.recruiting.shops.signing import verify_standard

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
WAS_PAID = frozenset({PAID, COMPLETED, CANCELLED, REFUNDED})
LOCALE_LENGTH = 35  # the longest tag of BCP 47


def read(shop: str, headers: Mapping[str, str], body: bytes) -> Event:
    """What the delivery says. Raises Nonsense with the order or customer it is about, where that can be read."""
    message = reading.read_object(body)
    kind = reading.text(message, "type")
    if kind is None:
        raise Nonsense("no type")
    reader = READERS.get(kind)
    if reader is None:
        return Ignored(kind)
    data = reading.part(message, "data")
    try:
        return reader(shop, data, sent_at=_sent_at(headers))
    except Nonsense as error:
        raise Nonsense(error.reason, subject=_subject(kind, data)) from error


def order_state(shop: str, data: dict[str, Any], *, sent_at: datetime | None = None) -> OrderState:
    """The order in the data; without ``updated_at`` the time of sending serves (rules 1). Raises Nonsense."""
    external_id, status = reading.identifier(data, "id"), reading.text(data, "status")
    if status not in RANK:
        raise Nonsense("no status that we know")
    if status == DELETED and "currency" not in data:
        return tombstone(shop, external_id)
    currency = _currency(data)
    total = _amount(data, "total", currency)
    base = total if data.get("base") is None else _amount(data, "base", currency)
    created_at, updated_at = reading.moment(data, "created_at"), reading.moment(data, "updated_at") or sent_at
    paid_at = reading.moment(data, "paid_at")
    if paid_at is None and status in {PAID, COMPLETED}:
        paid_at = created_at or updated_at  # the one that later states repeat
    return OrderState(
        shop=shop, id=external_id, status=status, currency=currency,
        total_minor=total, base_minor=base, refunded_minor=_amount(data, "refunded", currency, absent="0"),
        created_at=created_at, paid_at=paid_at if status in WAS_PAID else None, updated_at=updated_at,
        buyer=_buyer(reading.part(data, "customer"), address=_address(data), ip=reading.text(data, "ip")),
        codes=_codes(data),
        ref=reading.text(data, "ref"), click=reading.text(data, "click"), spoken_name=reading.text(data, "spoken_name"),
        test=reading.truth(data, "test") or False,
        discounts=_discounts(data, currency),
    )  # fmt: skip


def tombstone(shop: str, external_id: str) -> OrderState:
    """A deleted order of which only the id is known."""
    return OrderState(
        shop=shop, id=external_id, status=DELETED, currency="", total_minor=0, base_minor=0, refunded_minor=0,
        created_at=None, paid_at=None, updated_at=None, buyer=Buyer(), tombstone=True,
    )  # fmt: skip


def customer_state(shop: str, data: dict[str, Any], *, sent_at: datetime | None = None) -> CustomerState:  # noqa: ARG001 - a reader's shape
    """The shop account in the data. Raises Nonsense."""
    return CustomerState(
        shop=shop,
        id=reading.identifier(data, "id"),
        email=reading.text(data, "email"),
        first_name=reading.text(data, "first_name"),
        locale=reading.text(data, "locale", limit=LOCALE_LENGTH),
        marketing_consent=reading.truth(data, "marketing_consent"),
        ref=reading.text(data, "ref"),
        click=reading.text(data, "click"),
        codes=_codes(data),
        created_at=reading.moment(data, "created_at"),
        deleted=reading.truth(data, "deleted") or False,
        ambassador=False,
    )


def delivery_state(shop: str, data: dict[str, Any], *, sent_at: datetime | None = None) -> DeliveryState:
    """The parcel in the data. Raises Nonsense."""
    status, at = reading.text(data, "status"), reading.moment(data, "at") or sent_at
    if status is None or at is None:
        raise Nonsense("a delivery without status or time")
    return DeliveryState(shop=shop, order=reading.identifier(data, "order"), status=status, at=at)


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:  # noqa: ARG001 - an adapter's shape
    """Never: senders of Standard Webhooks sign their tests too."""
    return False


def _currency(data: dict[str, Any]) -> str:
    currency = (reading.text(data, "currency") or "").upper()
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha()):  # noqa: PLR2004 - ISO 4217
        raise Nonsense("no currency")
    return currency


def _amount(data: dict[str, Any], name: str, currency: str, *, absent: str | None = None) -> int:
    value = data.get(name)
    number = value if isinstance(value, str) and value else reading.amount(data, name)
    if number is None:
        number = absent
    if number is None:
        raise Nonsense(f"no {name}")
    return reading.minor(number, currency, name=name)


def _address(data: dict[str, Any]) -> str | None:
    """Where it goes, as a key; a house number may be sent as one."""
    address = reading.part(data, "address")
    if not address:
        return None
    number = address.get("number")
    return address_key(
        postcode=reading.text(address, "postcode"),
        line=str(number) if isinstance(number, int) else reading.text(address, "number"),
        country=reading.text(address, "country"),
    )


def _buyer(customer: dict[str, Any], *, address: str | None = None, ip: str | None = None) -> Buyer:
    return Buyer(
        id=None if customer.get("id") in (None, "", 0, "0") else reading.identifier(customer, "id"),
        email=reading.text(customer, "email"),
        phone=reading.text(customer, "phone"),
        first_name=reading.text(customer, "first_name"),
        orders=reading.count(customer, "orders"),
        marketing_consent=reading.truth(customer, "marketing_consent"),
        address=address,
        ip=ip,
    )


def _discounts(data: dict[str, Any], currency: str) -> tuple[tuple[str, int], ...]:
    said = reading.parts(data, "discounts")
    return reading.discounts(((each.get("code"), (each.get("amount"),)) for each in said), currency)


def _codes(data: dict[str, Any]) -> tuple[str, ...]:
    given = data.get("codes")
    if given is not None and not isinstance(given, list):
        raise Nonsense("codes is not a list")
    return reading.codes(given or ())


def _sent_at(headers: Mapping[str, str]) -> datetime | None:
    timestamp = headers.get("webhook-timestamp", "")
    return datetime.fromtimestamp(int(timestamp), UTC) if timestamp.isascii() and timestamp.isdigit() else None


def _subject(kind: str, data: dict[str, Any]) -> str | None:
    name = "order" if kind == "delivery.state" else "id"
    try:
        return f"{kind.partition('.')[0]}:{reading.identifier(data, name)}"
    except Nonsense:
        return None


READERS: dict[str, Callable[..., Event]] = {
    "order.state": order_state,
    "customer.state": customer_state,
    "delivery.state": delivery_state,
}
ADAPTER = Adapter(verify=verify_standard, read=read, kept_headers=HEADERS, is_ping=is_ping)
