"""The standings follow the ledger, and the places of each night are frozen (rules 33, 34).

A night is frozen exactly: the watermark stops at midnight until its places are kept, however late that is.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from referrals.figures.moves import FREEZE, last_night
from referrals.figures.periods import keys_on, local_day, midnight
from referrals.figures.snapshots import drop_places, ending_on, keep_places, nights_due, oldest_night, places_on
from referrals.figures.standings import is_behind, move_watermark
from referrals.jobs.runs import begin_run, finish_run

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = FREEZE


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether there is something to project or a night to freeze."""
    return is_behind(session) or bool(_nights(session, programme=programme, now=now))


async def work(turn: Turn) -> None:
    """Every night that is over is frozen, and the projection is up to date; ``done`` counts postings and nights."""
    for night in await turn.read(_nights, programme=turn.programme, now=turn.now):
        await _follow(turn, before=midnight(night + timedelta(days=1), zone=turn.programme.zone))
        if turn.stopping():
            return
        await _freeze(turn, night)
    await _follow(turn)


async def _follow(turn: Turn, *, before: datetime | None = None) -> None:
    while not turn.stopping():
        moved = await turn.write(move_watermark, programme=turn.programme, now=turn.now, before=before)
        turn.done += moved
        if not moved:
            return


async def _freeze(turn: Turn, night: date) -> None:
    """The places of the periods of this night are kept, of a night long past only those that ended with it."""
    last = night == _yesterday(turn.programme, turn.now)
    keys = keys_on(night) if last else tuple(ending_on(night))
    await turn.write(begin_run, NAME, night.isoformat(), now=turn.now)
    for key in keys:
        await _keep(turn, key, night)
    if turn.stopping():
        return
    await turn.write(finish_run, NAME, night.isoformat(), now=turn.now, done=len(keys))
    turn.done += 1
    for key in keys:
        while (old := await turn.read(oldest_night, key, before=night)) is not None:
            await _drop(turn, key, old)


async def _keep(turn: Turn, key: str, night: date) -> None:
    """Keep a period's places in small transactions; what a broken-off run left is dropped first."""
    await _drop(turn, key, night)
    ranking = await turn.read(places_on, key, programme=turn.programme)
    after: int | None = 0
    while after is not None and not turn.stopping():
        after = await turn.write(keep_places, ranking, night=night, after=after)


async def _drop(turn: Turn, key: str, night: date) -> None:
    while await turn.write(drop_places, key, night=night):
        pass


def _nights(session: Session, *, programme: Programme, now: datetime) -> list[date]:
    return nights_due(last_night(session, programme=programme, now=now), yesterday=_yesterday(programme, now))


def _yesterday(programme: Programme, now: datetime) -> date:
    return local_day(now, zone=programme.zone) - timedelta(days=1)
