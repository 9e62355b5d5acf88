"""Clicks of a window, counted without reading all of them.

Clicks are stored in the order of their ids and nearly in that of their dates, so the window's first id is found by
halving; an hour of slack covers what was stored late.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlmodel import col, func, select

from storage.codes import Click

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

SLACK = timedelta(hours=1)


def count_clicks(session: Session, first: datetime, *, until: datetime) -> int:
    """How many clicks were made from ``first`` on and before ``until``."""
    start = _first_id(session, first - SLACK)
    query = select(func.count()).select_from(Click).where(col(Click.id) >= start)
    return session.exec(query.where(Click.at >= first, Click.at < until)).one()


def _first_id(session: Session, moment: datetime) -> int:
    """An id before which all clicks are older than the moment, or nearly."""
    low, high = session.exec(select(func.min(Click.id), func.max(Click.id))).one()
    if low is None or high is None:
        return 0
    while low < high:
        middle = (low + high) // 2
        at = session.exec(select(Click.at).where(col(Click.id) >= middle).order_by(col(Click.id)).limit(1)).one()
        low, high = (middle + 1, high) if at < moment else (low, middle)
    return int(low)
