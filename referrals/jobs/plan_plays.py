"""Who is due is looked for, play by play: one job for every kind of message that the clock starts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from referrals.asking.contacts import plan
from referrals.asking.plays import PLAYS
from referrals.jobs.chunks import together_or_alone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.asking.play import Candidate, Play
    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAMES = ("ask-scores", "nudge", "thank", "invite-references")
CHUNK = 100  # candidates a transaction


def is_due(session: Session, *, programme: Programme, now: datetime, job: str) -> bool:
    """Whether any play of this job has somebody to speak to."""
    return any(play.candidates(session, programme=programme, now=now, limit=1) for play in plays_of(job))


def next_at(session: Session, *, programme: Programme, now: datetime, job: str) -> datetime | None:
    """The next moment at which somebody becomes due."""
    moments = (play.next_at(session, programme=programme, now=now) for play in plays_of(job))
    return min(filter(None, moments), default=None)


async def work(turn: Turn, *, job: str) -> None:
    """Everybody who is due has a contact: ``done`` counts those planned, ``skipped`` those not sent, with reasons."""
    for play in plays_of(job):
        await _plan_all(turn, play)


def plays_of(job: str) -> Iterator[Play]:
    """The plays that this job plans."""
    return (play for play in PLAYS.values() if play.job == job)


async def _plan_all(turn: Turn, play: Play) -> None:
    """Page after page, each in a transaction; who fails is left for the next turn."""
    left: set[str] = set()
    after: datetime | None = None
    while not turn.stopping():
        resumed = {"after": after} if play.resumes else {}
        look = partial(play.candidates, programme=turn.programme, now=turn.now, limit=CHUNK + len(left), **resumed)
        page = [one for one in await turn.read(look) if one.subject not in left][:CHUNK]
        if not page:
            return
        stays = await together_or_alone(turn, page, do=partial(_plan_page, turn, play), job=play.job, play=play.name)
        left |= {one.subject for one in stays}
        after = page[-1].cause_at


async def _plan_page(turn: Turn, play: Play, page: Sequence[Candidate]) -> Sequence[Candidate]:
    """They are planned; returns them all where some were known already, so that nobody looks a second time."""
    planned = await turn.write(plan, play, page, programme=turn.programme, now=turn.now)
    turn.done += planned.planned
    turn.skipped += planned.not_sent
    fresh = planned.planned + planned.not_sent
    return () if fresh == len(page) else page
