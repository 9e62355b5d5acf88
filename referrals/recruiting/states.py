"""Newest state wins: a shop's delivery against the order as it is known (rules 1, 2, 5). Pure."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from referrals.reasons import ORDER_CANCELLED, ORDER_DELETED, ORDER_UNPAID, Reason, reason
from referrals.recruiting.shops import CANCELLED, COMPLETED, DELETED, PAID, RANK, REFUNDED, OrderState
from storage.columns import to_text

if TYPE_CHECKING:
    from datetime import datetime

Row = dict[str, Any]
CLOCK_TOLERANCE = timedelta(minutes=5)  # how far a shop's clock may run ahead
DIGEST_LENGTH = 32


def fresh_row(state: OrderState, *, received_at: datetime, currency: str) -> Row:
    """The order as this state alone says it is, without id, buyer and decision.

    A bare tombstone knows nothing but the id; its money is nothing in the programme's ``currency``.
    """
    updated_at = state.updated_at or received_at
    created_at = state.created_at or state.paid_at or updated_at
    return {
        "shop": state.shop,
        "external_id": state.id,
        "number": state.number,
        "customer_id": None,
        "status": state.status,
        "currency": state.currency or currency,
        "total_minor": state.total_minor,
        "base_minor": state.base_minor,
        "refunded_minor": min(state.refunded_minor, state.total_minor),
        "over_refunded": state.refunded_minor > state.total_minor,
        "created_at": created_at,
        "paid_at": _paid_at(state, updated_at=updated_at, received_at=received_at),
        "updated_at": updated_at,
        "digest": _digest(state),
        "needs_fetch": state.tombstone,
        "test": state.test,
        "delivered_at": None,
        "orders_count": None,
        "phone": None,
        "address": None,
        "ip": None,
        "email_owner_id": None,
        "evidence": [],
        "misses": [],
        "pinned_at": None,
        "terms_id": None,
        "ambassador_id": None,
        "referral_id": None,
        "by_hand": False,
        "reasons": [],
        "received_at": received_at,
    }


def is_newer(new: Row, known: Row) -> bool:
    """Does the new state stand above the known one (rules 1)?"""
    if new["digest"] == known["digest"] and new["updated_at"] == known["updated_at"]:
        return False  # the same again: of a tombstone the order has kept the money that it does not know
    return _version(new) > _version(known)


def succeed(known: Row, new: Row, *, tombstone: bool) -> Row:
    """The known order in its new state; what was pinned stays."""
    guessed = tombstone or new["updated_at"] == known["updated_at"]
    if tombstone:
        return {
            **known,
            "status": DELETED,
            "updated_at": new["updated_at"],
            "digest": new["digest"],
            "needs_fetch": True,
            "received_at": new["received_at"],
        }
    moved = {name: new[name] for name in _MOVING}
    # A refund or cancellation may forget when it was paid; what was paid once stays so.
    moved["paid_at"] = new["paid_at"] or known["paid_at"]
    if known["pinned_at"] is not None and known["paid_at"] is not None:
        moved["paid_at"], moved["created_at"] = known["paid_at"], known["created_at"]
    return {**known, **moved, "needs_fetch": guessed}


def answered(known: Row, new: Row, *, tombstone: bool) -> Row | None:
    """The known order as the shop says it is, asked after that state had come; None where nothing is left to guess.

    What was guessed stands below any answer, also an older one: of a deletion only the time of its receipt was known.
    """
    if not known["needs_fetch"] or known["received_at"] > new["received_at"]:
        return None
    return {**succeed(known, new, tombstone=tombstone), "needs_fetch": False}


_MOVING = (
    "number",
    "status",
    "currency",
    "total_minor",
    "base_minor",
    "refunded_minor",
    "over_refunded",
    "created_at",
    "updated_at",
    "digest",
    "test",
    "received_at",
)


def _version(row: Row) -> tuple[datetime, int, int, int, str]:
    return (row["updated_at"], RANK[row["status"]], row["refunded_minor"], -row["base_minor"], row["digest"])


def why_unpaid(status: str) -> Reason:
    """Why an order that was never paid earns nothing."""
    return reason({CANCELLED: ORDER_CANCELLED, DELETED: ORDER_DELETED}.get(status, ORDER_UNPAID))


def _paid_at(state: OrderState, *, updated_at: datetime, received_at: datetime) -> datetime | None:
    """When it was paid; a clock that runs ahead is held back, a missing time is taken from the state."""
    paid_at = state.paid_at
    if paid_at is None and state.status in (PAID, COMPLETED):
        paid_at = updated_at
    if paid_at is None and state.status == REFUNDED:
        paid_at = state.created_at or updated_at
    if paid_at is None:
        return None
    return min(paid_at, received_at + CLOCK_TOLERANCE)


def _digest(state: OrderState) -> str:
    """Of the canonical state: what the order is, not how often its buyer has ordered since."""
    buyer = state.buyer
    content = (
        state.shop,
        state.id,
        state.status,
        state.currency,
        (state.total_minor, state.base_minor, state.refunded_minor),
        [moment and to_text(moment) for moment in (state.created_at, state.paid_at, state.updated_at)],
        (buyer.id, buyer.email, buyer.phone),
        (state.codes, state.ref, state.click, state.test, state.tombstone),
    )
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_LENGTH]
