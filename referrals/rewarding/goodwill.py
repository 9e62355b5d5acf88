"""Booking what an owner gives: credit at once, from the programme's goodwill; an old debt is paid first (rules 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referrals.reasons import GOODWILL
from referrals.rewarding.lots import credit_step
from referrals.rewarding.postings import debts_of, write_steps
from referrals.rewarding.tellings import credit_happenings
from referrals.subscribers.events import tell_subscribers
from storage.bulk import insert_rows
from storage.ledger import GOODWILL as ACCOUNT
from storage.ledger import Bonus

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

Row = dict[str, Any]


def book_goodwill(session: Session, row: Row, *, now: datetime) -> None:
    """The lot is stored with its first posting; ``row`` counts that one. Runs under the books lock."""
    debt = debts_of(session, [row["customer_id"]]).get((row["customer_id"], row["currency"]), 0)
    step = credit_step(row["amount_minor"], debt_minor=debt, why=GOODWILL)._replace(payer=ACCOUNT)
    insert_rows(session, Bonus, [row])
    write_steps(session, [(step, row)], now=now)
    tell_subscribers(session, credit_happenings([(row, 0)]), now=now)
