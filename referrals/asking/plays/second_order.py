"""T3, after the second order that was kept: who is satisfied hears that they have something to give.

Goal: the first friends of somebody who came back by themselves. Trigger: the second kept order, once the wait after its
payment is over. Delay: a day. Expires: a week after the trigger. Cap: that of the referral asks.
Text: ``notice.tip_second_order``. Source: playbook T3.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, true
from sqlalchemy.orm import aliased
from sqlmodel import col

from referrals.asking.candidates import SINCE, has_chat, kept
from referrals.asking.play import REFERRAL_ASK, Play
from referrals.asking.plays.trail import Trail
from referrals.notices import TIP_SECOND_ORDER
from referrals.programme import Programme
from storage.orders import Order

NAME = "t3"
DELAY, FRESH = timedelta(days=1), timedelta(days=7)


def _wait(programme: Programme) -> timedelta:
    """An order is kept for good when the wait of its bonus is over: the right to return it has run out by then."""
    return timedelta(days=programme.config.hold.days)


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


TRAIL = Trail(NAME, "order", col(Order.id), col(Order.paid_at), _second_orders, DELAY, FRESH, wait=_wait)
PLAY = Play(
    NAME, REFERRAL_ASK, "nudge", TIP_SECOND_ORDER,
    TRAIL.candidates, TRAIL.next_at, held_out=True, resumes=True, still=TRAIL.still,
)  # fmt: skip
