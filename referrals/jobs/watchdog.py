"""A customer who waits beyond the promise: the staff hear it, then the owners, until somebody answers (rule 31)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referrals.asking.watch import next_alarm, raise_alarms, unheard

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "watchdog"
CHUNK = 50  # cases a transaction


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether there is a silence to speak about."""
    return bool(unheard(session, programme=programme, now=now, limit=1))


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the next one will be."""
    return next_alarm(session, programme=programme, now=now)


async def work(turn: Turn) -> None:
    """Every silence that is due has been told; each in the transaction that counts it."""
    while not turn.stopping():
        case_ids = await turn.read(unheard, programme=turn.programme, now=turn.now, limit=CHUNK)
        if not case_ids:
            return
        turn.done += await turn.write(raise_alarms, case_ids, programme=turn.programme, now=turn.now)
