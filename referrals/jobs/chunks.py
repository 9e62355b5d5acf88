"""Due items in small transactions; what a chunk cannot do together is tried one by one, so that a fault stays alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from referrals.jobs.leases import LeaseLost
from storage.database import OutcomeUnknown, Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from referrals.jobs.turn import Turn

log = structlog.get_logger()


async def work_through(
    turn: Turn, *, job: str, size: int, due: Callable[..., list[int]], apply: Callable[..., int]
) -> None:
    """Everything that is due is done, except what fails: that is logged and tried at the next turn.

    Args:
        turn: The job's turn.
        job: Its name, for the log.
        size: Items a transaction.
        due: ``(session, *, limit)`` finds the ids of what is due.
        apply: ``(session, ids)`` does it, and says how many that were.
    """
    left: set[int] = set()
    while not turn.stopping():
        found = await turn.read(due, limit=size + len(left))
        fresh = [each for each in found if each not in left][:size]
        if not fresh:
            return
        left |= await _do(turn, fresh, job=job, apply=apply)


async def _do(turn: Turn, ids: Sequence[int], *, job: str, apply: Callable[..., int]) -> set[int]:
    """Together; if that fails, each alone. Returns those that stay."""
    try:
        count = await turn.write(apply, ids)
    except (LeaseLost, Overloaded, OutcomeUnknown):
        raise
    except Exception:
        log.exception("job.chunk_failed", job=job, items=len(ids))
        if len(ids) == 1:
            turn.failed += 1
            return set(ids)
        return set().union(*[await _do(turn, [each], job=job, apply=apply) for each in ids])
    turn.done += count
    return set(ids) if count < len(ids) else set()
