"""The owner's day in figures: what ambassadors brought today and this week, what waits, what needs a hand.

Counts of people and orders leave out test orders, staff, excluded and erased people and what is held for review;
how many were left out is a figure itself. Operations (quarantine, outbox, chats) are as they are now.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, case, distinct
from sqlmodel import col, func, select

from referrals.figures.clicks import count_clicks
from referrals.figures.periods import WEEK, local_day, midnight, period_of, previous
from referrals.figures.scores import Scores, Waiting, scores_of_late, waiting
from storage.customers import ACTIVE, Customer
from storage.ledger import AVAILABLE, HELD, Bonus
from storage.mailbox import DUE, QUARANTINED, Chat, Inbox, Outbox
from storage.orders import Order
from storage.referrals import Referral

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

AMBASSADOR = "ambassador"
BOUGHT = ("paid", "completed")
Window = tuple["datetime", "datetime"]


@dataclass(frozen=True, slots=True)
class Brought:
    """What came through ambassadors in one window; money in minor units of the programme's currency."""

    orders: int
    revenue_minor: int  # kept: after refunds
    friends: int  # different buyers
    sign_ups: int
    clicks: int
    excluded: int  # orders left out: of or for people who are out, or test orders


@dataclass(frozen=True, slots=True)
class Sum:
    """So many, worth so much."""

    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Today:
    """One page of figures; today and this week are as far as they have come."""

    as_of: str  # local
    currency: str
    today: Brought
    yesterday: Brought
    week: Brought
    week_before: Brought
    held: Sum  # bonuses on hold, without those under review
    under_review: Sum
    available: Sum  # bonuses that became credit
    quarantined: int
    needs_fetch: int
    waiting: int  # messages that are due
    unreachable: int  # chats that blocked the bot
    excluded: int  # staff, excluded and erased people
    scores: Scores
    cases: Waiting

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a screen and ``GET /figures``."""
        return asdict(self)


def today(session: Session, *, programme: Programme, now: datetime) -> Today:
    """The figures as of the last commit."""
    zone = programme.zone
    day = local_day(now, zone=zone)
    yesterday, begin, end = (midnight(day + timedelta(days=n), zone=zone) for n in (-1, 0, 1))
    this_week = period_of(WEEK, now, zone=zone)
    last_week = previous(this_week, zone=zone)
    if this_week.from_ is None or this_week.until is None or last_week is None or last_week.from_ is None:
        raise AssertionError("weeks have bounds")
    return Today(
        as_of=now.astimezone(zone).isoformat(),
        currency=programme.currency,
        today=_brought(session, (begin, end), programme=programme),
        yesterday=_brought(session, (yesterday, begin), programme=programme),
        week=_brought(session, (this_week.from_, this_week.until), programme=programme),
        week_before=_brought(session, (last_week.from_, this_week.from_), programme=programme),
        held=_sum(session, programme, col(Bonus.status) == HELD, ~col(Bonus.under_review)),
        under_review=_sum(session, programme, col(Bonus.status) == HELD, col(Bonus.under_review).is_(True)),
        available=_sum(session, programme, col(Bonus.status) == AVAILABLE),
        quarantined=_count(session, Inbox, col(Inbox.status) == QUARANTINED),
        needs_fetch=_count(session, Order, col(Order.needs_fetch).is_(True)),
        waiting=_count(session, Outbox, col(Outbox.status) == DUE, col(Outbox.due_at) <= now),
        unreachable=_count(session, Chat, ~col(Chat.reachable)),
        excluded=_count(session, Customer, col(Customer.state) != ACTIVE),
        scores=scores_of_late(session, now=now),
        cases=waiting(session, now=now),
    )


def _brought(session: Session, window: Window, *, programme: Programme) -> Brought:
    orders, revenue, friends, excluded = _orders(session, window, programme=programme)
    first, end = window
    sign_ups = _count(
        session,
        Referral,
        col(Referral.standing).is_(True),
        col(Referral.signed_up_at) >= first,
        col(Referral.signed_up_at) < end,
    )
    return Brought(orders, revenue, friends, sign_ups, count_clicks(session, first, until=end), excluded)


def _orders(session: Session, window: Window, *, programme: Programme) -> tuple[int, int, int, int]:
    """(orders, kept revenue, different buyers, orders left out) through ambassadors, paid in the window."""
    kept = func.least if session.connection().dialect.name == "postgresql" else func.min
    left = col(Order.total_minor) - col(Order.refunded_minor)
    worth = kept(col(Order.base_minor), case((left > 0, left), else_=0))
    out = col(Order.test) | col(Order.ambassador_id).in_(_people_out()) | col(Order.customer_id).in_(_people_out())
    counts = ~out & col(Order.status).in_(BOUGHT) & (col(Order.currency) == programme.currency)
    query = select(
        func.count(case((counts, 1))),
        func.coalesce(func.sum(case((counts, worth), else_=0)), 0),
        func.count(distinct(case((counts, col(Order.customer_id))))),
        func.count(case((out, 1))),
    ).where(col(Order.ambassador_id).is_not(None), col(Order.paid_at) >= window[0], col(Order.paid_at) < window[1])
    orders, revenue, friends, excluded = session.exec(query).one()
    return orders, int(revenue), friends, excluded


def _people_out() -> Any:
    return select(Customer.id).where(Customer.state != ACTIVE)


def _sum(session: Session, programme: Programme, *conditions: ColumnElement[bool]) -> Sum:
    ours = (col(Bonus.side) == AMBASSADOR, col(Bonus.currency) == programme.currency, col(Bonus.amount_minor) > 0)
    query = select(func.count(), func.coalesce(func.sum(Bonus.amount_minor), 0)).where(*ours, *conditions)
    count, amount = session.exec(query).one()
    return Sum(count, int(amount))


def _count(session: Session, table: Any, *conditions: ColumnElement[bool]) -> int:
    return session.exec(select(func.count()).select_from(table).where(*conditions)).one()
