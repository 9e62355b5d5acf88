"""T8, a link that nobody ever opened: its owner is reminded of it once.

Goal: the first visit to a link that was made and forgotten. Trigger: the link was made. Delay: three days. Expires: two
weeks after the trigger. Cap: that of the referral asks, then ninety days nothing (rules 30).
Text: ``notice.tip_never_opened``. Source: playbook T8.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from referrals.asking.candidates import SINCE, has_chat, there_is
from referrals.asking.play import REFERRAL_ASK, Play
from referrals.asking.plays.trail import Trail
from referrals.notices import TIP_NEVER_OPENED
from storage.codes import Click, Code
from storage.referrals import Referral

NAME = "t8"
DELAY, FRESH = timedelta(days=3), timedelta(days=14)


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


TRAIL = Trail(NAME, "code", col(Code.id), col(Code.created_at), _links, DELAY, FRESH)
PLAY = Play(
    NAME, REFERRAL_ASK, "nudge", TIP_NEVER_OPENED,
    TRAIL.candidates, TRAIL.next_at, held_out=True, resumes=True, still=TRAIL.still,
)  # fmt: skip
