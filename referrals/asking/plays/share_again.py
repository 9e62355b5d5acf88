"""T6, share again: whose bonus came in is thanked for it, and reminded once that the link still works.

Goal: a second friend of somebody who brought one. Trigger: a bonus became available. Delay: four days. Expires: thirty
days after the trigger. Cap: once a bonus, within that of the referral asks (rules 30).
Text: ``notice.tip_share_again``. Source: playbook T6.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, select
from sqlmodel import col

from referrals.asking.candidates import SINCE, has_chat
from referrals.asking.play import REFERRAL_ASK, Play
from referrals.asking.plays.trail import Trail
from referrals.notices import TIP_SHARE_AGAIN
from storage.ledger import AVAILABLE, Bonus

NAME = "t6"
DELAY, FRESH = timedelta(days=4), timedelta(days=30)


def _bonuses(*first: ColumnElement[bool]) -> Select[int, int, datetime]:
    """Ambassadors' bonuses that count, of somebody with a chat, along the index of their moment."""
    return (
        select(col(Bonus.id), col(Bonus.customer_id), col(Bonus.available_at))
        .where(col(Bonus.status) == AVAILABLE, col(Bonus.available_at) > SINCE, *first)
        .where(col(Bonus.side) == "ambassador", col(Bonus.amount_minor) > 0, col(Bonus.friend_id).is_not(None))
        .where(has_chat(Bonus.customer_id))
        .order_by(col(Bonus.available_at), col(Bonus.id))
    )


TRAIL = Trail(NAME, "bonus", col(Bonus.id), col(Bonus.available_at), _bonuses, DELAY, FRESH)
PLAY = Play(
    NAME, REFERRAL_ASK, "nudge", TIP_SHARE_AGAIN,
    TRAIL.candidates, TRAIL.next_at, held_out=True, resumes=True, still=TRAIL.still,
)  # fmt: skip
