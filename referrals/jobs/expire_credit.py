"""Vouchers whose time is over are credit again, and credit has its warnings and its end: due items, small transactions.

It always looks. Vouchers come first, so that what they give back is dated before anything expires.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from referrals.jobs.chunks import work_through
from referrals.rewarding.credit_dates import rule_of
from referrals.rewarding.credit_expiry import due_credit, next_credit, tend_credit
from referrals.rewarding.credit_terms import date_credit, is_undated
from referrals.rewarding.vouchers import due_vouchers, expire_vouchers, next_expiry
from storage.database import books

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "expire-credit"
CHUNK = 50  # vouchers or lots a transaction


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether any voucher's time is over, or credit waits for a date, a warning or its end."""
    if due_vouchers(session, now=now, limit=1) or is_undated(session, programme=programme):
        return True
    return rule_of(programme) is not None and bool(due_credit(session, now=now, limit=1))


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the next voucher's time is over, or credit is warned of or ends."""
    credit = next_credit(session, now=now) if rule_of(programme) else None
    return min(filter(None, (next_expiry(session, now=now), credit)), default=None)


async def work(turn: Turn) -> None:
    """Everything that is due is done, except what fails."""
    due, apply = partial(due_vouchers, now=turn.now), books(partial(expire_vouchers, now=turn.now))
    await work_through(turn, job=NAME, size=CHUNK, due=due, apply=apply)
    at: dict[str, Any] = {"programme": turn.programme, "now": turn.now}
    while not turn.stopping() and await turn.write(date_credit, **at):
        pass
    if rule_of(turn.programme) is None:
        return
    due, apply = partial(due_credit, now=turn.now), books(partial(tend_credit, **at))
    await work_through(turn, job=NAME, size=CHUNK, due=due, apply=apply)
