"""The nightly audit: the books are added again, the result is kept, a fault is logged as an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from referrals.figures.periods import local_day
from referrals.jobs.runs import begin_run, finish_run, is_finished
from referrals.rewarding.books import audit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "audit"

log = structlog.get_logger()


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether the books have not been audited on this local day."""
    return not is_finished(session, NAME, _period(programme, now))


async def work(turn: Turn) -> None:
    """The day's audit is kept: ``failed`` counts the checks that found a row that is off."""
    period = _period(turn.programme, turn.now)
    await turn.write(begin_run, NAME, period, now=turn.now)
    faults = await turn.read(audit)
    for fault in faults:
        log.error("audit.fault", check=fault.check, row=fault.row, found=fault.found)
    turn.done, turn.failed = 1, len(faults)
    await turn.write(finish_run, NAME, period, now=turn.now, done=1, failed=len(faults))


def _period(programme: Programme, now: datetime) -> str:
    return local_day(now, zone=programme.zone).isoformat()
