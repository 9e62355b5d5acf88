"""How places changed: since last night while a period runs, since the period before once it is closed (rules 33)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlmodel import col, func, select

from referrals.figures.periods import local_day, previous
from referrals.figures.ranking import load_ranking, totals_now
from storage.bulk import fetch_in
from storage.leases import JobRun
from storage.standings import Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlmodel import Session

    from referrals.figures.periods import Period
    from referrals.programme import Programme

FREEZE = "freeze-standings"


def moves_of(
    session: Session, period: Period, places: dict[int, int], *, programme: Programme, now: datetime
) -> dict[int, int]:
    """Places gained (positive) or lost by those of these people who had one before; the others are new."""
    closed = period.closed(now)
    before = _places_before(session, period, places, programme=programme) if closed else None
    if before is None:
        before = _places_last_night(session, period, places, programme=programme, now=now)
    return {one: before[one] - place for one, place in places.items() if one in before}


def last_night(session: Session, *, programme: Programme, now: datetime) -> date | None:
    """The last local day whose places were frozen whole, before today."""
    yesterday = local_day(now, zone=programme.zone) - timedelta(days=1)
    query = select(func.max(JobRun.period)).where(
        JobRun.job == FREEZE, col(JobRun.finished_at).is_not(None), JobRun.period <= yesterday.isoformat()
    )
    found = session.exec(query).one()
    return date.fromisoformat(found) if found else None


def _places_last_night(
    session: Session, period: Period, customer_ids: Collection[int], *, programme: Programme, now: datetime
) -> dict[int, int]:
    night = last_night(session, programme=programme, now=now)
    if night is None:
        return {}
    keys = [(period.key, night, customer_id) for customer_id in customer_ids]
    rows = fetch_in(session, Snapshot, ("period", "taken_on", "customer_id"), keys, columns=("customer_id", "place"))
    return {row["customer_id"]: row["place"] for row in rows}


def _places_before(
    session: Session, period: Period, customer_ids: Collection[int], *, programme: Programme
) -> dict[int, int] | None:
    """The places in the period before, from its own standings: what is closed changes no more."""
    earlier = previous(period, zone=programme.zone)
    if earlier is None:
        return None
    ranking = load_ranking(session, earlier, programme=programme)
    found = totals_now(session, ranking, customer_ids)
    return {one: ranking.place(totals.friends) for one, totals in found.items() if totals.friends > 0}
