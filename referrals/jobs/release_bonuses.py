"""Bonuses whose wait is over become available: due items in small transactions; it always looks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from referrals.jobs.chunks import work_through
from referrals.rewarding.release import due_bonuses, next_release, release_bonuses
from storage.database import books

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "release-bonuses"
CHUNK = 100  # bonuses a transaction


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether any bonus has waited long enough."""
    return bool(due_bonuses(session, programme=programme, now=now, limit=1))


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the next bonus has waited long enough."""
    return next_release(session, programme=programme, now=now)


async def work(turn: Turn) -> None:
    """Everything that is due is available, except what fails."""
    at: dict[str, Any] = {"programme": turn.programme, "now": turn.now}
    due, apply = partial(due_bonuses, **at), books(partial(release_bonuses, **at))
    await work_through(turn, job=NAME, size=CHUNK, due=due, apply=apply)
