"""Who bought before the programme began is known: what waited for that is decided (rules 3, 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import col, select

from referrals.reasons import UNDER_REVIEW
from referrals.recruiting.orders import redecide
from referrals.rewarding.bonuses import HISTORY_KNOWN
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in, update_rows
from storage.database import books
from storage.installation import Setting
from storage.ledger import HELD, WAITING, Bonus

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

ACTION, SUBJECT = "history:known", "programme"


@books
def history_is_known(session: Session, *, programme: Programme, now: datetime, actor: str) -> int:
    """From now on nobody waits for the history: bonuses under review wait for their hold only, or are refused.

    Everything that the shops could tell of earlier orders has to be applied before. The friends of those bonuses are
    decided again with it; what is available already, or was decided by hand, stays as it is. A second call changes
    nothing.

    Args:
        session: The session of the transaction.
        programme: Its rules.
        now: The programme's time, which is kept.
        actor: Who says so, for the audit log: ``reconcile``, ``import``, ``owner:12``.

    Returns:
        How many bonuses have left review.
    """
    if session.get(Setting, HISTORY_KNOWN) is not None:
        return 0
    session.add(Setting(key=HISTORY_KNOWN, value=now.isoformat()))
    held = select(Bonus.id, Bonus.friend_id).where(
        Bonus.status == HELD, col(Bonus.under_review), Bonus.review != WAITING
    )
    waiting = session.exec(held).all()  # what an owner is to look at waits for them
    redecide(
        session, sorted({friend_id for _, friend_id in waiting if friend_id is not None}), programme=programme, now=now
    )
    _end_reviews(session, [bonus_id for bonus_id, _ in waiting], now=now)
    after = {"left_review": len(waiting)}
    session.add(AuditEvent(at=now, actor=actor, action=ACTION, subject=SUBJECT, after=after))
    return len(waiting)


def _end_reviews(session: Session, bonus_ids: list[int], *, now: datetime) -> None:
    rows = fetch_in(session, Bonus, "id", bonus_ids, columns=("id", "under_review", "reasons"))
    ended = [
        {
            "id": row["id"],
            "under_review": False,
            "reasons": [why for why in row["reasons"] if why["code"] != UNDER_REVIEW],
            "updated_at": now,
        }
        for row in rows
        if row["under_review"]
    ]
    update_rows(session, Bonus, ended, key=("id",))
