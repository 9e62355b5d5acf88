"""T3, after the second order that was kept: who is satisfied hears that they have something to give.

Goal: the first friends of somebody who came back by themselves. Trigger: the second kept order, once the wait after its
payment is over. Delay: a day. Expires: a week after the trigger. Cap: that of the referral asks.
Text: ``notice.tip_second_order``. Source: playbook T3.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from referrals.asking.candidates import JUST, MOST, SINCE, UNTIL, has_chat, kept, named, unheard
from referrals.asking.play import REFERRAL_ASK, Candidate, Play
from referrals.notices import TIP_SECOND_ORDER
from referrals.programme import Programme
from storage.orders import Order

NAME = "t3"
DELAY, FRESH = timedelta(days=1), timedelta(days=7)


def candidates(
    session: Session, *, programme: Programme, now: datetime, limit: int, after: datetime | None = None
) -> list[Candidate]:
    """Second orders whose wait was over a day to a week ago, the oldest first."""
    wait = _wait(programme)
    since = now - wait - FRESH if after is None else max(now - wait - FRESH, after - wait - JUST)
    rows = session.execute(_fresh(), {"since": since, "until": now - wait - DELAY, "most": limit})
    return [_candidate(*row, wait=wait) for row in rows]


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the next second order has waited long enough."""
    wait = _wait(programme) + DELAY
    row = session.execute(_later(), {"since": now - wait}).first()
    return None if row is None else row.paid_at + wait


def _wait(programme: Programme) -> timedelta:
    """An order is kept for good when the wait of its bonus is over: the right to return it has run out by then."""
    return timedelta(days=programme.config.hold.days)


@cache
def _fresh() -> Select[int, int | None, datetime | None]:
    return _second_orders(col(Order.paid_at) <= UNTIL, unheard(NAME, named("order", Order.id))).limit(MOST)


@cache
def _later() -> Select[int, int | None, datetime | None]:
    return _second_orders().limit(1)


def _second_orders(*first: ColumnElement[bool]) -> Select[int, int | None, datetime | None]:
    """Second kept orders of somebody with a chat, along the index of their payment; ``first`` is looked at first."""
    earlier: Any = aliased(Order)
    paid_at = col(Order.paid_at)
    before = or_(earlier.paid_at < paid_at, and_(earlier.paid_at == paid_at, earlier.id < Order.id))
    count = select(func.count()).where(earlier.customer_id == col(Order.customer_id), before, *kept(earlier))
    # PostgreSQL takes an equality with a count to be rare, and would look at every order of the week for the first few.
    is_second = case((count.scalar_subquery() == 1, true()), else_=false())
    return (
        select(col(Order.id), col(Order.customer_id), paid_at)
        .where(paid_at > SINCE, *first, *kept(), has_chat(Order.customer_id), is_second)
        .order_by(paid_at, col(Order.id))
    )


def _candidate(order_id: int, customer_id: int, paid_at: datetime, *, wait: timedelta) -> Candidate:
    cause = paid_at + wait
    return Candidate(customer_id, f"order:{order_id}", cause, cause + DELAY, cause + FRESH)


PLAY = Play(NAME, REFERRAL_ASK, "nudge", TIP_SECOND_ORDER, candidates, next_at, held_out=True, resumes=True)
