"""What a customer has: sums of the ledger, and the bonuses behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func
from sqlmodel import col, select

from referrals.people.persons import get_customer
from referrals.rewarding.lots import milestone_of
from storage.bulk import fetch_in
from storage.ledger import AVAILABLE, DEBT, HELD, REDEEMED, RESERVED, Bonus, Entry
from storage.orders import Order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme
    from referrals.reasons import Reason


SHOWN = (HELD, AVAILABLE, RESERVED, REDEEMED, DEBT)  # what has expired is in no balance


@dataclass(frozen=True, slots=True)
class Balance:
    """A customer's accounts in one currency, in minor units; a debt is what they owe."""

    held_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    redeemed_minor: int = 0
    debt_minor: int = 0


@dataclass(frozen=True, slots=True)
class BonusView:
    """One bonus as its owner may see it; nothing of the friend."""

    id: int
    amount_minor: int
    currency: str
    status: str
    earned_at: datetime
    available_at: datetime
    under_review: bool
    reasons: tuple[Reason, ...]


def balances(session: Session, customer_id: int) -> dict[str, Balance]:
    """The accounts of a customer by currency; a balance is a sum."""
    rows = session.exec(
        select(Entry.currency, Entry.account, func.sum(Entry.amount_minor))
        .where(Entry.customer_id == customer_id)
        .group_by(col(Entry.currency), col(Entry.account)),
    ).all()
    sums: dict[str, dict[str, int]] = {}
    for currency, account, amount in rows:
        if account in SHOWN:
            sums.setdefault(currency, {})[f"{account}_minor"] = -int(amount) if account == DEBT else int(amount)
    return {currency: Balance(**accounts) for currency, accounts in sorted(sums.items())}


def bonuses_of(session: Session, customer_id: int, *, limit: int, before_id: int | None = None) -> list[BonusView]:
    """A customer's bonuses, the newest first."""
    return [
        BonusView(
            id=row.id,
            amount_minor=row.amount_minor,
            currency=row.currency,
            status=row.status,
            earned_at=row.earned_at,
            available_at=row.available_at,
            under_review=row.under_review,
            reasons=tuple(row.reasons),
        )
        for row in _newest(session, customer_id=customer_id, limit=limit, before_id=before_id)
    ]


def bonus_views(
    session: Session,
    *,
    programme: Programme,
    limit: int,
    customer_id: int | None = None,
    before_id: int | None = None,
) -> list[dict[str, Any]]:
    """Bonuses as plain data for ``GET /bonuses``, the newest first: everybody's, or one customer's after all merges.

    Raises:
        UnknownCustomer: Nobody has this id.
    """
    owner = None if customer_id is None else get_customer(session, customer_id).id
    rows = _newest(session, customer_id=owner, limit=limit, before_id=before_id)
    wanted = {row.order_id for row in rows if row.order_id is not None}
    orders = fetch_in(session, Order, "id", wanted, columns=("id", "shop", "external_id"))
    names = {order["id"]: {"shop": order["shop"], "id": order["external_id"]} for order in orders}
    return [_view(row, names.get(row.order_id), programme=programme) for row in rows]


def _newest(session: Session, *, customer_id: int | None, limit: int, before_id: int | None) -> Sequence[Bonus]:
    """A page of bonuses: everybody's, or one customer's."""
    query = select(Bonus)
    if customer_id is not None:
        query = query.where(Bonus.customer_id == customer_id)
    if before_id is not None:
        query = query.where(Bonus.id < before_id)
    return session.exec(query.order_by(col(Bonus.id).desc()).limit(limit)).all()


def _view(row: Bonus, order: dict[str, str] | None, *, programme: Programme) -> dict[str, Any]:
    return {
        "bonus": programme.number("bonus", row.id),
        "customer": programme.number("customer", row.customer_id),
        "side": row.side,
        "status": row.status,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "order": order,
        "milestone": milestone_of(row.origin),
        "referral": programme.number("referral", row.referral_id) if row.referral_id is not None else None,
        "earned_at": row.earned_at.isoformat(),
        "available_at": row.available_at.isoformat(),
        "under_review": row.under_review,
        "review": row.review,
        "score": row.score,
        "signals": list(row.signals),
        "reasons": list(row.reasons),
    }
