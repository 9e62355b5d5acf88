"""What has been kept long enough is taken away, once a local day, in small transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referrals.figures.periods import local_day
from referrals.jobs.runs import begin_run, finish_run, is_finished
from referrals.privacy.retention import CHUNK, CHUNKS, empty_bodies, old_bodies

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "retention"


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether nobody has looked on this local day."""
    return not is_finished(session, NAME, _period(programme, now))


async def work(turn: Turn) -> None:
    """Everything that is over is gone, and the day is done; one that was broken off finds the rest later."""
    period = _period(turn.programme, turn.now)
    await turn.write(begin_run, NAME, period, now=turn.now)
    while ids := await turn.read(old_bodies, programme=turn.programme, now=turn.now):
        for start in range(0, len(ids), CHUNK):
            if turn.stopping():
                return
            part = ids[start : start + CHUNK]
            turn.done += await turn.write(empty_bodies, part, programme=turn.programme, now=turn.now)
    for chunk in CHUNKS:
        while (count := await turn.write(chunk, programme=turn.programme, now=turn.now)) is not None:
            turn.done += count
            if turn.stopping():
                return
    await turn.write(finish_run, NAME, period, now=turn.now, done=turn.done)


def _period(programme: Programme, now: datetime) -> str:
    return local_day(now, zone=programme.zone).isoformat()
