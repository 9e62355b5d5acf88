"""Shops: one pure adapter a file, bytes and headers in, a state out.

An adapter verifies that a delivery is the shop's own and reads what it says. It never looks at
the topic or the shop named in a header: those are not signed; the path says whose secret counts,
the body says what happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

PENDING, PAID, COMPLETED, CANCELLED, REFUNDED, DELETED = (
    "pending",
    "paid",
    "completed",
    "cancelled",
    "refunded",
    "deleted",
)
REDACT, DATA_REQUEST, SHOP_REDACT = "redact", "data_request", "shop_redact"
RANK = {PENDING: 0, PAID: 1, COMPLETED: 2, CANCELLED: 3, REFUNDED: 4, DELETED: 5}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who ordered, as the shop knows them; a guest has no id."""

    id: str | None = None  # external id as text; None for a guest
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    orders: int | None = None  # the shop's count, this order included
    address: str | None = field(default=None, repr=False)  # country, postcode, house number: a key, never stored
    ip: str | None = field(default=None, repr=False)  # likewise never stored
    marketing_consent: bool | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """What one refund brought back in all; its number is the shop's."""

    id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as it is now, in the shop's own times. Money in minor units of ``currency``."""

    shop: str
    id: str
    status: str
    currency: str
    total_minor: int
    base_minor: int  # goods after discounts, before refunds, VAT in, shipping out
    refunded_minor: int
    created_at: datetime | None
    paid_at: datetime | None
    updated_at: datetime | None
    buyer: Buyer
    codes: tuple[str, ...] = ()
    ref: str | None = None
    click: str | None = None
    spoken_name: str | None = None
    test: bool = False
    tombstone: bool = False  # a bare "deleted": only the id is known
    discounts: tuple[tuple[str, int], ...] = field(default=(), compare=False)  # what a voucher's code took off, if said
    refunds: tuple[Refund, ...] | None = None  # by number, of shops that also report each refund on its own
    number: str | None = None  # what its buyer reads as its number, where that is not the id


@dataclass(frozen=True, slots=True)
class CustomerState:
    """A shop account as it is now; with ``ref``, ``click`` or ``codes`` it is a sign-up."""

    shop: str
    id: str
    email: str | None = None
    first_name: str | None = None
    locale: str | None = None
    marketing_consent: bool | None = None
    ref: str | None = None
    click: str | None = None
    codes: tuple[str, ...] = ()
    created_at: datetime | None = None
    deleted: bool = False
    ambassador: bool = False  # the API's wish: make a code


@dataclass(frozen=True, slots=True)
class RefundState:
    """One refund of an order, reported on its own: it may come before the order's state, or before the order."""

    shop: str
    order: str
    refund: Refund


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """A parcel's state."""

    shop: str
    order: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PrivacyWish:
    """What somebody asked of the shop about their data, for every programme that has some of it."""

    shop: str
    kind: str  # redact, data_request, shop_redact
    account: str | None = None  # the shop's id of the customer; None where the shop itself leaves


@dataclass(frozen=True, slots=True)
class Ignored:
    """Authentic, of a kind that is not used; the kind is kept with the delivery, and whom it is about."""

    kind: str
    subject: str | None = None  # customer:77, order:1001


Event = OrderState | CustomerState | RefundState | DeliveryState | PrivacyWish | Ignored


class Nonsense(Exception):
    """Authentic, but it makes no sense: quarantined with this reason."""

    def __init__(self, reason: str, *, subject: str | None = None) -> None:
        """``reason`` in a few English words for the owner; no personal data."""
        super().__init__(reason)
        self.reason = reason
        self.subject = subject


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a kind of shop brings: its way of signing and its way of saying."""

    verify: Callable[..., bool]  # (headers: Mapping, body: bytes, *, secrets: Sequence[str], now: Sequence[datetime])
    read: Callable[..., Event]  # (shop: str, headers: Mapping, body: bytes); raises Nonsense
    kept_headers: tuple[str, ...]  # lower-case names of the headers that are stored
    is_ping: Callable[[Mapping[str, str], bytes], bool]
