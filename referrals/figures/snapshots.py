"""The places of a night, kept for the moves of the next day; of a closed period the last night stays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlmodel import col, func, select

from referrals.figures.periods import keys_on, period_named
from referrals.figures.ranking import load_ranking
from storage.bulk import insert_rows
from storage.customers import ACTIVE, Customer
from storage.standings import Snapshot, Standing

if TYPE_CHECKING:
    from sqlmodel import Session

    from referrals.figures.ranking import Ranking
    from referrals.programme import Programme

CHUNK = 1000  # rows a transaction
LONGEST_GAP = timedelta(days=400)  # nights before that are not made up for


def nights_due(last: date | None, *, yesterday: date) -> list[date]:
    """The nights to freeze, oldest first: last night, and before it those on which a period ended."""
    if last is None:
        return [yesterday]
    first = max(last + timedelta(days=1), yesterday - LONGEST_GAP)
    nights = [first + timedelta(days=n) for n in range((yesterday - first).days + 1)]
    return [night for night in nights if night == yesterday or ending_on(night)]


def ending_on(night: date) -> list[str]:
    """The keys of the periods whose last day this is."""
    following = set(keys_on(night + timedelta(days=1)))
    return [key for key in keys_on(night) if key not in following]


def places_on(session: Session, key: str, *, programme: Programme) -> Ranking:
    """The places of a period as far as the watermark has come."""
    period = period_named(key, zone=programme.zone)
    return load_ranking(session, period, programme=programme, tail=False)


def keep_places(session: Session, ranking: Ranking, *, night: date, after: int, limit: int = CHUNK) -> int | None:
    """The places of the next customers are kept; returns the last one's id, None when all are."""
    query = (
        select(Standing.customer_id, Standing.friends)
        .join(Customer, col(Customer.id) == col(Standing.customer_id))
        .where(Standing.period == ranking.key, col(Standing.customer_id) > after)
        .where(col(Standing.friends) > 0, Customer.state == ACTIVE)
        .order_by(col(Standing.customer_id))
        .limit(limit)
    )
    found = session.exec(query).all()
    places = {friends: ranking.place(friends) for friends in {friends for _, friends in found}}
    rows = [
        {"period": ranking.key, "taken_on": night, "customer_id": one, "place": places[friends], "friends": friends}
        for one, friends in found
    ]
    insert_rows(session, Snapshot, rows, ignore_conflicts=True)
    return found[-1][0] if len(found) == limit else None


def oldest_night(session: Session, key: str, *, before: date) -> date | None:
    """The first night before this one of which places of the period are kept."""
    return session.exec(
        select(func.min(Snapshot.taken_on)).where(Snapshot.period == key, Snapshot.taken_on < before)
    ).one()


def drop_places(session: Session, key: str, *, night: date, limit: int = CHUNK) -> int:
    """Some of the period's places of this night are gone; returns how many, 0 when none is left."""
    where = (col(Snapshot.period) == key, col(Snapshot.taken_on) == night)
    ids = session.exec(
        select(Snapshot.customer_id).where(*where).order_by(col(Snapshot.customer_id)).limit(limit)
    ).all()
    if ids:
        session.execute(delete(Snapshot).where(*where, col(Snapshot.customer_id) <= ids[-1]))
    return len(ids)
