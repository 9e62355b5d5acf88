"""Due items in small transactions; what a chunk cannot do together is tried one by one, so that a fault stays alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog

from referrals.jobs.leases import LeaseLost
from storage.database import OutcomeUnknown, Overloaded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from referrals.jobs.turn import Turn

Item = TypeVar("Item")

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

    async def do(ids: Sequence[int]) -> Sequence[int]:
        count = await turn.write(apply, ids)
        turn.done += count
        return ids if count < len(ids) else ()

    left: set[int] = set()
    while not turn.stopping():
        found = await turn.read(due, limit=size + len(left))
        fresh = [each for each in found if each not in left][:size]
        if not fresh:
            return
        left.update(await together_or_alone(turn, fresh, do=do, job=job))


async def together_or_alone(
    turn: Turn, items: Sequence[Item], *, do: Callable[[Sequence[Item]], Awaitable[Sequence[Item]]], **about: str
) -> Sequence[Item]:
    """``do`` them together; if that fails, each alone. Returns those that stay: what it says, and those that fail.

    ``about`` goes into the log.
    """
    try:
        return await do(items)
    except (LeaseLost, Overloaded, OutcomeUnknown):
        raise
    except Exception:
        log.exception("job.chunk_failed", items=len(items), **about)
        if len(items) == 1:
            turn.failed += 1
            return items
        return [stays for each in items for stays in await together_or_alone(turn, [each], do=do, **about)]
