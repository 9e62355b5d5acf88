"""T8, a link that nobody ever opened: its owner is reminded of it once.

Goal: the first visit to a link that was made and forgotten. Trigger: the link was made. Delay: three days. Expires: two
weeks after the trigger. Cap: that of the referral asks, then ninety days nothing (rules 30).
Text: ``notice.tip_never_opened``. Source: playbook T8.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from referrals.asking.candidates import JUST, MOST, SINCE, UNTIL, has_chat, named, there_is, unheard
from referrals.asking.play import REFERRAL_ASK, Candidate, Play
from referrals.notices import TIP_NEVER_OPENED
from referrals.programme import Programme
from storage.codes import Click, Code
from storage.referrals import Referral

NAME = "t8"
DELAY, FRESH = timedelta(days=3), timedelta(days=14)


def candidates(
    session: Session, *, programme: Programme, now: datetime, limit: int, after: datetime | None = None
) -> list[Candidate]:
    """Links made three to fourteen days ago that nobody has come through, the oldest first."""
    since = now - FRESH if after is None else max(now - FRESH, after - JUST)
    rows = session.execute(_fresh(), {"since": since, "until": now - DELAY, "most": limit})
    return [_candidate(*row) for row in rows]


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When three days have passed since the next link was made."""
    row = session.execute(_later(), {"since": now - DELAY}).first()
    return None if row is None else row.created_at + DELAY


@cache
def _fresh() -> Select[int | None, int, datetime]:
    return _links(col(Code.created_at) <= UNTIL, unheard(NAME, named("code", Code.id))).limit(MOST)


@cache
def _later() -> Select[int | None, int, datetime]:
    return _links().limit(1)


def _links(*first: ColumnElement[bool]) -> Select[int | None, int, datetime]:
    """Shown codes of people no code of whom was ever visited, and through whom nobody came into the chat either."""
    other: Any = aliased(Code)
    visited = there_is(other.customer_id == col(Code.customer_id), col(Click.code_id) == other.id)
    came = there_is(col(Referral.ambassador_id) == col(Code.customer_id))
    return (
        select(col(Code.id), col(Code.customer_id), col(Code.created_at))
        .where(col(Code.created_at) > SINCE, *first, col(Code.main), has_chat(Code.customer_id), ~visited, ~came)
        .order_by(col(Code.created_at), col(Code.id))
    )


def _candidate(code_id: int, customer_id: int, created_at: datetime) -> Candidate:
    return Candidate(customer_id, f"code:{code_id}", created_at, created_at + DELAY, created_at + FRESH)


PLAY = Play(NAME, REFERRAL_ASK, "nudge", TIP_NEVER_OPENED, candidates, next_at, held_out=True, resumes=True)
