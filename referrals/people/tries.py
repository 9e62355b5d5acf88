"""Limits on guessing, counted in the database by the machine's clock (rules 20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col

from storage.tallies import Tally


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries by one subject in a stretch of time."""

    key: str
    tries: int
    stretch: timedelta


def count_try(session: Session, limits: Sequence[Limit], *, machine_now: datetime) -> bool:
    """The try is counted under every limit; returns whether all of them still allow it.

    Callers hold the books lock, so two tries at once are two. What was counted long ago is forgotten.
    """
    session.execute(delete(Tally).where(col(Tally.until) <= machine_now))
    session.expire_all()
    allowed = True
    for limit in limits:
        tally = session.get(Tally, limit.key) or Tally(key=limit.key, until=machine_now + limit.stretch)
        tally.tries += 1
        session.add(tally)
        allowed = allowed and tally.tries <= limit.tries
    session.flush()
    return allowed
