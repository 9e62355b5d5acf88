"""Refunds that come on their own: kept by number, and folded into their orders (rules 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from referrals.recruiting.orders import APPLIED, UNCHANGED, settle_refunds
from referrals.recruiting.refunds import Refunds
from storage.bulk import fetch_in
from storage.database import books
from storage.orders import Order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme
    from referrals.reasons import Reason
    from referrals.recruiting.shops import RefundState

MONEY = ("id", "shop", "external_id", "customer_id", "currency", "total_minor", "refunded_minor", "over_refunded")


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """What one refund did, and why its order counts or does not, where that order is known."""

    status: str  # applied, unchanged
    reasons: tuple[Reason, ...] = ()
    customer_id: int | None = None


@books
def apply_refunds(
    session: Session, states: Sequence[RefundState], *, programme: Programme, now: datetime
) -> list[RefundOutcome]:
    """Every refund is in the map, and in the books of its order where that is known; else it waits for the order."""
    keys = [(state.shop, state.order) for state in states]
    refunds = Refunds(session, keys)
    taken = [
        refunds.take(key, state.refund, by_order=False, received_at=now)
        for key, state in zip(keys, states, strict=True)
    ]
    refunds.save(session)
    rows = fetch_in(session, Order, ("shop", "external_id"), keys, columns=MONEY)
    settle_refunds(session, [row for row in rows if refunds.fold(row)], programme=programme, now=now)
    decided = fetch_in(session, Order, "id", [row["id"] for row in rows], columns=(*MONEY[:4], "reasons"))
    known = {(row["shop"], row["external_id"]): row for row in decided}
    return [_outcome(known.get(key), changed=changed) for key, changed in zip(keys, taken, strict=True)]


def _outcome(row: dict[str, Any] | None, *, changed: bool) -> RefundOutcome:
    status = APPLIED if changed else UNCHANGED
    return RefundOutcome(status) if row is None else RefundOutcome(status, tuple(row["reasons"]), row["customer_id"])
