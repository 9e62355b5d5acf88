"""What comes next on the programme's clock: the moments that the try-out's time machine steps through (rules 44)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, func, select

from referrals.jobs.registry import JOBS
from referrals.programme import Programme
from storage.mailbox import DUE, Outbox


def next_due(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """The first moment after ``now`` at which a job or a message is due; None where nothing waits."""
    message = session.exec(select(func.min(Outbox.due_at)).where(Outbox.status == DUE, Outbox.due_at > now)).one()
    jobs = [job.next_at(session, programme=programme, now=now) for job in JOBS.values() if job.next_at is not None]
    return min(filter(None, (message, *jobs)), default=None)
