"""What comes next on the programme's clock: the moments that the try-out's time machine steps through (rules 44)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from storage.ledger import HELD, Bonus
from storage.mailbox import DUE, Outbox


def next_due(session: Session, *, now: datetime) -> datetime | None:
    """The first moment after ``now`` at which a bonus or a message is due; None where nothing waits."""
    bonus = select(func.min(Bonus.available_at)).where(
        Bonus.status == HELD, Bonus.amount_minor > 0, ~col(Bonus.under_review), Bonus.available_at > now
    )
    message = select(func.min(Outbox.due_at)).where(Outbox.status == DUE, Outbox.due_at > now)
    moments = [moment for query in (bonus, message) if (moment := session.exec(query).one()) is not None]
    return min(moments, default=None)
