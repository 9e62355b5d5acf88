"""What was kept long enough is taken away, once a local day; what shops ask about personal data is done at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from referrals.figures.periods import local_day
from referrals.jobs.chunks import work_through
from referrals.jobs.runs import begin_run, finish_run, is_finished
from referrals.privacy import closing
from referrals.privacy.closing import forget_idle, idle_people
from referrals.privacy.requests import answer_requests, open_requests
from referrals.privacy.retention import CHUNK, CHUNKS, empty_bodies, old_bodies
from storage.database import books

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "retention"
PEOPLE = 5  # a transaction: each may be erased


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether nobody has looked on this local day, or a shop has asked something."""
    asked = open_requests(session, programme=programme, limit=1)
    return bool(asked) or not is_finished(session, NAME, _period(programme, now))


async def work(turn: Turn) -> None:
    """Everything that is over is gone, and the day is done; one that was broken off finds the rest later."""
    period = _period(turn.programme, turn.now)
    due = partial(open_requests, programme=turn.programme)
    answer = books(partial(answer_requests, programme=turn.programme, now=turn.now))
    await work_through(turn, job=NAME, size=PEOPLE, due=due, apply=answer)
    if await turn.read(is_finished, NAME, period):
        return
    await turn.write(begin_run, NAME, period, now=turn.now)
    while ids := await turn.read(old_bodies, programme=turn.programme, now=turn.now):
        for start in range(0, len(ids), CHUNK):
            if turn.stopping():
                return
            part = ids[start : start + CHUNK]
            turn.done += await turn.write(empty_bodies, part, programme=turn.programme, now=turn.now)
    due = partial(idle_people, programme=turn.programme, now=turn.now)
    forget = books(partial(forget_idle, programme=turn.programme, now=turn.now))
    await work_through(turn, job=NAME, size=PEOPLE, due=due, apply=forget)
    for chunk in (*CHUNKS, *closing.CHUNKS):
        while (count := await turn.write(chunk, programme=turn.programme, now=turn.now)) is not None:
            turn.done += count
            if turn.stopping():
                return
    await turn.write(finish_run, NAME, period, now=turn.now, done=turn.done)


def _period(programme: Programme, now: datetime) -> str:
    return local_day(now, zone=programme.zone).isoformat()
