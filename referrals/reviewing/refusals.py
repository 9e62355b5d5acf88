"""What an ambassador's friends bought and what earned nothing, for an owner who may want to give goodwill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from referrals.people.persons import survivor
from referrals.programme import Programme
from referrals.reasons import Reason
from referrals.reviewing.goodwill import left_this_year, would_be
from storage.bulk import fetch_in
from storage.ledger import GOODWILL_SIDE, Bonus
from storage.orders import Order
from storage.referrals import Referral

Row = dict[str, Any]
FRIENDS = 50  # the newest that are looked through


@dataclass(frozen=True, slots=True)
class Refusal:
    """One order of a friend that earned nothing; ``amount_minor`` is what the rules would have given, else 0."""

    order_id: int
    external_id: str
    at: datetime
    amount_minor: int
    currency: str
    reasons: tuple[Reason, ...]
    left_minor: int | None  # of this year's goodwill; None: there is no cap


def refusals_of(
    session: Session, customer_id: int, *, programme: Programme, now: datetime, limit: int
) -> list[Refusal]:
    """The newest paid orders of this ambassador's friends that brought neither a bonus nor goodwill."""
    own_id = survivor(session, customer_id)
    query = select(Referral.friend_id).where(Referral.ambassador_id == own_id, Referral.friend_id != own_id)
    friends = session.exec(query.order_by(col(Referral.id).desc()).limit(FRIENDS)).all()
    orders = [row for row in fetch_in(session, Order, "customer_id", friends) if row["paid_at"] and not row["test"]]
    orders.sort(key=lambda row: (row["paid_at"], row["id"]), reverse=True)
    bonuses = _bonuses(session, orders, own_id)
    open_orders = [row for row in orders if not _is_rewarded(bonuses.get(row["id"], ()))][:limit]
    left = left_this_year(session, programme=programme, now=now) if open_orders else None
    return [
        _refusal(session, row, bonuses.get(row["id"], ()), left=left, programme=programme, now=now)
        for row in open_orders
    ]


def _bonuses(session: Session, orders: Sequence[Row], customer_id: int) -> dict[int, list[Row]]:
    """What each order brought this ambassador, by the rules or by hand."""
    names = {f"{kind}:{row['id']}": row["id"] for row in orders for kind in ("order", "goodwill")}
    found: dict[int, list[Row]] = {}
    for row in fetch_in(session, Bonus, "origin", list(names)):
        if row["customer_id"] == customer_id:
            found.setdefault(names[row["origin"]], []).append(row)
    return found


def _is_rewarded(bonuses: Sequence[Row]) -> bool:
    return any(row["amount_minor"] > 0 or row["side"] == GOODWILL_SIDE for row in bonuses)


def _refusal(
    session: Session, row: Row, bonuses: Sequence[Row], *, left: int | None, programme: Programme, now: datetime
) -> Refusal:
    own = bonuses[0] if bonuses else None
    return Refusal(
        order_id=row["id"],
        external_id=row["external_id"],
        at=row["paid_at"],
        amount_minor=would_be(session, own, row, programme=programme, now=now),
        currency=programme.currency,
        reasons=tuple((own or row)["reasons"] or row["reasons"]),
        left_minor=left,
    )
