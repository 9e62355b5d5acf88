"""Bonuses whose wait is over become available: due items in small transactions; it always looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from referrals.jobs.leases import LeaseLost
from referrals.rewarding.release import due_bonuses, next_release, release_bonuses
from storage.database import OutcomeUnknown, Overloaded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "release-bonuses"
CHUNK = 100  # bonuses a transaction

log = structlog.get_logger()


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether any bonus has waited long enough."""
    return bool(due_bonuses(session, programme=programme, now=now, limit=1))


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the next bonus has waited long enough."""
    return next_release(session, programme=programme, now=now)


async def work(turn: Turn) -> None:
    """Everything that is due is available, except what fails: that is logged and tried at the next turn."""
    left: set[int] = set()
    while not turn.stopping():
        limit = CHUNK + len(left)
        due = await turn.read(due_bonuses, programme=turn.programme, now=turn.now, limit=limit)
        fresh = [bonus_id for bonus_id in due if bonus_id not in left][:CHUNK]
        if not fresh:
            return
        left |= await _release(turn, fresh)


async def _release(turn: Turn, bonus_ids: Sequence[int]) -> set[int]:
    """Release together; if that fails, each alone. Returns those that stay."""
    try:
        count = await turn.write(release_bonuses, bonus_ids, programme=turn.programme, now=turn.now)
    except (LeaseLost, Overloaded, OutcomeUnknown):
        raise
    except Exception:
        log.exception("job.chunk_failed", job=NAME, bonuses=len(bonus_ids))
        if len(bonus_ids) == 1:
            turn.failed += 1
            return set(bonus_ids)
        return set().union(*[await _release(turn, [bonus_id]) for bonus_id in bonus_ids])
    turn.done += count
    return set(bonus_ids) if count < len(bonus_ids) else set()
