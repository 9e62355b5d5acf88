"""Friends whose bonus is on hold, now or at the end of a closed period (rules 33)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, distinct
from sqlalchemy.orm import aliased
from sqlmodel import col, exists, func, or_, select

from storage.customers import ACTIVE, Customer
from storage.ledger import AVAILABLE, HELD, Bonus, Entry, Posting

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

AMBASSADOR = "ambassador"
FRIENDS = func.count(distinct(col(Bonus.friend_id)))


def waiting_friends(
    session: Session, customer_ids: Collection[int], *, programme: Programme, end: datetime | None
) -> dict[int, int]:
    """How many friends of each of these people are on hold, or were at ``end``; who counts already waits no more."""
    if not customer_ids:
        return {}
    query = (
        select(Bonus.customer_id, FRIENDS)
        .where(col(Bonus.customer_id).in_(customer_ids), *_on_hold(programme, end), _not_counted(end))
        .group_by(col(Bonus.customer_id))
    )
    return dict(session.exec(query).all())


def people_waiting(session: Session, *, programme: Programme, end: datetime | None, most: int) -> list[int]:
    """The people with the most friends on hold, for a board that has lines left."""
    query = (
        select(Bonus.customer_id)
        .join(Customer, col(Customer.id) == col(Bonus.customer_id))
        .where(col(Customer.state) == ACTIVE, *_on_hold(programme, end), _not_counted(end))
        .group_by(col(Bonus.customer_id))
        .order_by(FRIENDS.desc(), col(Bonus.customer_id))
        .limit(most)
    )
    return list(session.exec(query).all())


def under_review(session: Session, *, programme: Programme, end: datetime | None) -> int:
    """How many friends are left out because their bonus is held for review."""
    query = select(FRIENDS).where(*_held(programme, end), col(Bonus.under_review))
    return session.exec(query).one()


def _on_hold(programme: Programme, end: datetime | None) -> list[ColumnElement[bool]]:
    return [*_held(programme, end), ~col(Bonus.under_review)]


def _held(programme: Programme, end: datetime | None) -> list[ColumnElement[bool]]:
    """The bonus lay in *held*, in the programme's currency."""
    ours = [col(Bonus.side) == AMBASSADOR, col(Bonus.currency) == programme.currency]
    if end is None:
        return [*ours, col(Bonus.status) == HELD, col(Bonus.amount_minor) > 0]
    booked = (
        select(func.coalesce(func.sum(Entry.amount_minor), 0))
        .join(Posting, col(Posting.id) == col(Entry.posting_id))
        .where(col(Entry.bonus_id) == col(Bonus.id), col(Entry.account) == HELD, col(Posting.at) < end)
        .correlate(Bonus)
        .scalar_subquery()
    )
    # What has not changed since cannot have left hold since: the ledger is asked about the rest only.
    maybe = or_(col(Bonus.status) == HELD, col(Bonus.updated_at) >= end)
    return [*ours, col(Bonus.created_at) < end, maybe, booked > 0]


def _not_counted(end: datetime | None) -> ColumnElement[bool]:
    """No other bonus of the same pair is available already."""
    other: Any = aliased(Bonus)
    same = [other.customer_id == col(Bonus.customer_id), other.friend_id == col(Bonus.friend_id)]
    if end is None:
        available = exists().where(*same, other.status == AVAILABLE, other.amount_minor > 0)
        return ~available.correlate(Bonus)
    counted = (
        select(func.coalesce(func.sum(Posting.friends), 0))
        .join(other, other.id == col(Posting.bonus_id))
        .where(*same, col(Posting.at) < end)
        .correlate(Bonus)
        .scalar_subquery()
    )
    return counted <= 0
