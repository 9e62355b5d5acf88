"""Goodwill: an owner gives an ambassador a bonus that the rules refuse, within a year's cap.

It is a lot of its own, on the programme's account goodwill, and no rule owes it: a refund of the order does not take
it back, no cap counts it, it makes nobody an approved friend. The order's own bonus stays refused for good, so that
nothing pays twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.calendar import local_month
from referrals.errors import CustomerExcluded, GoodwillGiven, GoodwillSpent, NothingToGive
from referrals.notices import GOODWILL_GIVEN, Notice, write_notices
from referrals.people.persons import get_customer, takes_part
from referrals.programme import Programme
from referrals.reasons import GOODWILL, reason
from referrals.rewarding.balances import balances
from referrals.rewarding.goodwill import book_goodwill
from referrals.rewarding.rules import kept_minor, owed_for
from referrals.rewarding.terms import Terms, terms_book
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in, insert_rows, next_id, update_rows
from storage.database import books
from storage.ledger import (
    AVAILABLE,
    GOODWILL_SIDE,
    MADE_GOOD,
    Bonus,
    Budget,
)
from storage.orders import Order

Row = dict[str, Any]
AMBASSADOR = "ambassador"


@books
def give_goodwill(
    session: Session,
    customer_id: int,
    *,
    order_id: int,
    why: str,
    actor: str,
    programme: Programme,
    now: datetime,
    amount_minor: int | None = None,
) -> int:
    """The ambassador has this credit at once; the bonus' id. Without an amount it is what the rules would have given.

    Raises:
        UnknownCustomer: There is no such ambassador.
        CustomerExcluded: They take no part.
        GoodwillGiven: This order has brought them a bonus, or goodwill, already.
        GoodwillSpent: The year's cap does not hold so much any more.
        NothingToGive: The order is in another currency or not known, and no amount says how much.
    """
    customer = get_customer(session, customer_id)
    if not takes_part(customer.state):
        raise CustomerExcluded
    order = next(iter(fetch_in(session, Order, "id", [order_id])), None)
    own = _own_bonus(session, customer.id, order_id)
    terms = _terms(session, order, programme=programme, now=now)
    amount = amount_minor or _owed(own, order, terms)
    if order is None or amount <= 0:
        raise NothingToGive
    _spend(session, amount, programme=programme, now=now)
    _close(session, own, customer.id, order, terms=terms, programme=programme, now=now)
    row = _row(session, customer.id, order_id, amount, terms=terms, programme=programme, now=now)
    book_goodwill(session, row, now=now)
    _tell(session, row, now=now)
    after = {"order": order_id, "amount_minor": amount, "currency": row["currency"], "why": why}
    subject = f"customer:{customer.id}"
    session.add(AuditEvent(at=now, actor=actor, action="bonus:goodwill", subject=subject, before=None, after=after))
    session.flush()
    identifier: int = row["id"]
    return identifier


def left_this_year(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """What may still be given this local year, in minor units; None: there is no cap."""
    cap = programme.config.fraud.goodwill_per_year_minor
    return None if cap is None else max(0, cap - _spent(session, programme=programme, now=now))


def would_be(session: Session, own: Row | None, order: Row, *, programme: Programme, now: datetime) -> int:
    """What the rules would have given for this order, in minor units; 0 where they say nothing."""
    return _owed(own, order, _terms(session, order, programme=programme, now=now, store=False))


def _terms(session: Session, order: Row | None, *, programme: Programme, now: datetime, store: bool = True) -> Terms:
    book = terms_book(session, programme=programme, now=now, store=store)
    return book.in_force(order["created_at"] if order else now)


def _own_bonus(session: Session, customer_id: int, order_id: int) -> Row | None:
    """The bonus that the rules made, or refused, for this order. Raises: GoodwillGiven."""
    rows = fetch_in(session, Bonus, "origin", [f"order:{order_id}", _origin(order_id)])
    mine = [row for row in rows if row["customer_id"] == customer_id]
    if any(row["amount_minor"] > 0 or row["side"] == GOODWILL_SIDE for row in mine):
        raise GoodwillGiven
    return mine[0] if mine else None


def _owed(own: Row | None, order: Row | None, terms: Terms) -> int:
    if own is not None and own["wanted_minor"]:
        return int(own["wanted_minor"])
    if order is None or order["currency"] != terms.currency:
        return 0
    kept = kept_minor(base=order["base_minor"], total=order["total_minor"], refunded=order["refunded_minor"])
    return owed_for(kept, terms)


def _spend(session: Session, amount: int, *, programme: Programme, now: datetime) -> None:
    spent, cap = _spent(session, programme=programme, now=now), programme.config.fraud.goodwill_per_year_minor
    if cap is not None and spent + amount > cap:
        raise GoodwillSpent(left_minor=max(0, cap - spent))
    row = {"month": _year(programme, now), "currency": programme.currency, "spent_minor": 0}
    insert_rows(session, Budget, [row], ignore_conflicts=True)
    update_rows(session, Budget, [row | {"spent_minor": spent + amount}], key=("month", "currency"))


def _spent(session: Session, *, programme: Programme, now: datetime) -> int:
    rows = fetch_in(session, Budget, ("month", "currency"), [(_year(programme, now), programme.currency)])
    return int(rows[0]["spent_minor"]) if rows else 0


def _year(programme: Programme, now: datetime) -> str:
    """The row of the budgets that counts it; no month is called so."""
    return f"goodwill {local_month(now, programme.zone)[:4]}"


def _close(
    session: Session,
    own: Row | None,
    customer_id: int,
    order: Row,
    *,
    terms: Terms,
    programme: Programme,
    now: datetime,
) -> None:
    """The order's own bonus is refused for good, whatever the shop, a cap or an owner says later."""
    closed = {"review": MADE_GOOD, "wanted_minor": 0, "reasons": [reason(GOODWILL)], "updated_at": now}
    if own is not None:
        update_rows(session, Bonus, [{"id": own["id"], **closed}], key=("id",))
    elif order["customer_id"] is not None and order["customer_id"] != customer_id:
        row = _row(session, customer_id, order["id"], 0, terms=terms, programme=programme, now=now)
        friend = {"friend_id": order["customer_id"], "order_id": order["id"], "origin": f"order:{order['id']}"}
        refused = {"side": AMBASSADOR, "status": "refused", "released_at": None, "postings": 0}
        insert_rows(session, Bonus, [row | friend | refused | closed])


def _row(
    session: Session,
    customer_id: int,
    order_id: int,
    amount: int,
    *,
    terms: Terms,
    programme: Programme,
    now: datetime,
) -> Row:
    return {
        "id": next_id(session, "bonus"),
        "customer_id": customer_id,
        "side": GOODWILL_SIDE,
        "currency": programme.currency,
        "origin": _origin(order_id),
        "friend_id": None,
        "order_id": None,
        "referral_id": None,
        "amount_minor": amount,
        "status": AVAILABLE,
        "earned_at": now,
        "available_at": now,
        "released_at": now,
        "month": local_month(now, programme.zone),
        "sort_key": f"{now.isoformat()}|goodwill|{order_id}",
        "terms_id": terms.id,
        "postings": 1,
        "reasons": [reason(GOODWILL)],
        "created_at": now,
        "updated_at": now,
    }


def _origin(order_id: int) -> str:
    return f"goodwill:{order_id}"


def _tell(session: Session, row: Row, *, now: datetime) -> None:
    balance = balances(session, row["customer_id"])[row["currency"]]
    data = {
        "bonus": row["id"],
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
        "balance_minor": balance.available_minor,
    }
    key = f"{GOODWILL_GIVEN}:{row['id']}"
    write_notices(session, [Notice(GOODWILL_GIVEN, row["customer_id"], key, data)], now=now)


__all__ = ["give_goodwill", "left_this_year", "would_be"]
