"""What is sent of an event: public numbers, amounts in minor units, reasons as codes; nobody's name, address or words.

The stored data holds our own ids; here they become what the outside knows. The same row makes the same body each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.programme import Programme
from storage.bulk import fetch_in
from storage.orders import Order

Row = dict[str, Any]
Place = dict[str, str]  # an order as its shop names it: shop, id
# What stands under these names are our ids; each becomes a public number of this kind.
NUMBERS = {
    "ambassador": "customer",
    "bonus": "bonus",
    "customer": "customer",
    "friend": "customer",
    "reference": "reference",
    "referral": "referral",
    "voucher": "voucher",
    "webhook": "webhook",
}
ORDER, REASONS, TYPED = "order", "reasons", "typed"  # what somebody typed is theirs
MESSAGE_DIGITS = 32


def message_id(programme: Programme, cause: str) -> str:
    """The id of an event's message, the same at every attempt and endpoint; no two installations make one."""
    return f"msg_{programme.derived('message', cause).hex()[:MESSAGE_DIGITS]}"


def orders_in(session: Session, events: Iterable[Row]) -> dict[int, Place]:
    """The orders that these events name by our id, as their shops name them."""
    wanted = {event["data"][ORDER] for event in events if isinstance((event["data"] or {}).get(ORDER), int)}
    rows = fetch_in(session, Order, "id", wanted, columns=("id", "shop", "external_id"))
    return {row["id"]: {"shop": row["shop"], "id": row["external_id"]} for row in rows}


def public_data(data: Row, *, orders: dict[int, Place], programme: Programme) -> Row:
    """The data as it is sent, but for the sentences of its reasons."""
    return {name: _shown(name, value, orders=orders, programme=programme) for name, value in data.items()}


def _shown(name: str, value: Any, *, orders: dict[int, Place], programme: Programme) -> Any:
    if value is None:
        return None
    if name in NUMBERS:
        return programme.number(NUMBERS[name], value)
    if name == ORDER and isinstance(value, int):
        return orders.get(value)
    if name.endswith("_at"):
        return datetime.fromisoformat(value).astimezone(programme.zone).isoformat()
    return _untyped(value) if name == REASONS else value


def _untyped(reasons: Sequence[Row]) -> list[Row]:
    return [{name: value for name, value in why.items() if name != TYPED} for why in reasons]
