"""Vouchers whose time is over are credit again: due items in small transactions; it always looks.

That credit itself ends after ``expiry.credit_days`` is not enforced by this release: nobody loses any.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from referrals.jobs.chunks import work_through
from referrals.rewarding.vouchers import due_vouchers, expire_vouchers, next_expiry
from storage.database import books

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "expire-credit"
CHUNK = 50  # vouchers a transaction


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:  # noqa: ARG001 - the form of all jobs
    """Whether any voucher's time is over."""
    return bool(due_vouchers(session, now=now, limit=1))


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:  # noqa: ARG001 - as above
    """When the next voucher's time is over."""
    return next_expiry(session, now=now)


async def work(turn: Turn) -> None:
    """Everything that is due is credit again, except what fails."""
    due, apply = partial(due_vouchers, now=turn.now), books(partial(expire_vouchers, now=turn.now))
    await work_through(turn, job=NAME, size=CHUNK, due=due, apply=apply)
