"""T6, share again: whose bonus came in is thanked for it, and reminded once that the link still works.

Goal: a second friend of somebody who brought one. Trigger: a bonus became available. Delay: four days. Expires: thirty
days after the trigger. Cap: once a bonus, within that of the referral asks (rules 30).
Text: ``notice.tip_share_again``. Source: playbook T6.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlmodel import Session, col

from referrals.asking.candidates import has_chat, named, unheard
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
    since = now - FRESH if after is None else max(now - FRESH, after - timedelta(microseconds=1))
    query = _bonuses().where(col(Bonus.available_at) > since, col(Bonus.available_at) <= now - DELAY)
    rows = session.execute(query.where(unheard(NAME, named("bonus", Bonus.id))).limit(limit))
    return [_candidate(*row) for row in rows]


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When four days have passed since the next bonus came in."""
    row = session.execute(_bonuses().where(col(Bonus.available_at) > now - DELAY).limit(1)).first()
    return None if row is None else row.available_at + DELAY


def _bonuses() -> Select[int, int, datetime]:
    return (
        select(col(Bonus.id), col(Bonus.customer_id), col(Bonus.available_at))
        .where(col(Bonus.status) == AVAILABLE, col(Bonus.side) == "ambassador", col(Bonus.amount_minor) > 0)
        .where(has_chat(Bonus.customer_id))
        .order_by(col(Bonus.available_at), col(Bonus.id))
    )


def _candidate(bonus_id: int, customer_id: int, available_at: datetime) -> Candidate:
    return Candidate(customer_id, f"bonus:{bonus_id}", available_at, available_at + DELAY, available_at + FRESH)


PLAY = Play(NAME, REFERRAL_ASK, "nudge", TIP_SHARE_AGAIN, candidates, next_at, held_out=True, resumes=True)
