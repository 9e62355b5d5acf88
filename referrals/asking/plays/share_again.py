"""T6, share again: whose bonus came in is thanked for it, and reminded once that the link still works.

Goal: a second friend of somebody who brought one. Trigger: a bonus became available. Delay: four days. Expires: thirty
days after the trigger. Cap: once a bonus, within that of the referral asks (rules 30).
Text: ``notice.tip_share_again``. Source: playbook T6.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, Select, select
from sqlmodel import Session, col

from referrals.asking.candidates import JUST, MOST, SINCE, UNTIL, has_chat, named, unheard
from referrals.asking.play import REFERRAL_ASK, Candidate, Play
from referrals.notices import TIP_SHARE_AGAIN
from referrals.programme import Programme
from storage.ledger import AVAILABLE, Bonus

NAME = "t6"
DELAY, FRESH = timedelta(days=4), timedelta(days=30)


def candidates(
    session: Session, *, programme: Programme, now: datetime, limit: int, after: datetime | None = None
) -> list[Candidate]:
    """Bonuses that came in four to thirty days ago, the oldest first."""
    since = now - FRESH if after is None else max(now - FRESH, after - JUST)
    rows = session.execute(_fresh(), {"since": since, "until": now - DELAY, "most": limit})
    return [_candidate(*row) for row in rows]


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When four days have passed since the next bonus came in."""
    row = session.execute(_later(), {"since": now - DELAY}).first()
    return None if row is None else row.available_at + DELAY


@cache
def _fresh() -> Select[int, int, datetime]:
    return _bonuses(col(Bonus.available_at) <= UNTIL, unheard(NAME, named("bonus", Bonus.id))).limit(MOST)


@cache
def _later() -> Select[int, int, datetime]:
    return _bonuses().limit(1)


def _bonuses(*first: ColumnElement[bool]) -> Select[int, int, datetime]:
    """Ambassadors' bonuses that count, of somebody with a chat, along the index of their moment."""
    return (
        select(col(Bonus.id), col(Bonus.customer_id), col(Bonus.available_at))
        .where(col(Bonus.status) == AVAILABLE, col(Bonus.available_at) > SINCE, *first)
        .where(col(Bonus.side) == "ambassador", col(Bonus.amount_minor) > 0, has_chat(Bonus.customer_id))
        .order_by(col(Bonus.available_at), col(Bonus.id))
    )


def _candidate(bonus_id: int, customer_id: int, available_at: datetime) -> Candidate:
    return Candidate(customer_id, f"bonus:{bonus_id}", available_at, available_at + DELAY, available_at + FRESH)


PLAY = Play(NAME, REFERRAL_ASK, "nudge", TIP_SHARE_AGAIN, candidates, next_at, held_out=True, resumes=True)
