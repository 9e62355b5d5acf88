"""Nobody waits unheard: which cases have no answer although it was promised, and who is told of it (rule 31)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from referrals.asking.promises import alarm_at
from referrals.asking.quiet import quiet_until
from referrals.asking.staff import send_alarm
from referrals.programme import Programme
from storage.cases import Case

MOST = 10_000  # broken promises that one look considers


def unheard(session: Session, *, programme: Programme, now: datetime, limit: int) -> list[int]:
    """Cases about whose silence something is to be said now, the oldest promise first."""
    found = []
    for case in _waiting(session, before=now):
        if case.id is not None and _next_alarm(case, programme=programme) <= now:
            found.append(case.id)
            if len(found) == limit:
                break
    return found


def raise_alarms(session: Session, case_ids: Sequence[int], *, programme: Programme, now: datetime) -> int:
    """Each silence is told once at each stage: to the staff, then to every owner, then to them daily.

    After a time in which nobody looked only the last stage is told. Returns how many were; a repeat tells nothing.
    """
    count = 0
    query = select(Case).where(col(Case.id).in_(case_ids), col(Case.solved_at).is_(None)).order_by(col(Case.id))
    for case in session.exec(query.with_for_update().execution_options(populate_existing=True)):
        number = case.alarms
        while case.waiting_since is not None and alarm_at(case.promised_at, number + 1, programme=programme) <= now:
            number += 1
        if number > case.alarms:
            case.alarms = number
            due_at = quiet_until(now, programme=programme, zone=None) or now
            send_alarm(session, case, number=number, due_at=due_at, programme=programme, now=now)
            count += 1
    session.flush()
    return count


def next_alarm(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """The first moment after ``now`` at which a silence is to be told; None where nobody waits."""
    moments = (_next_alarm(case, programme=programme) for case in _waiting(session))
    return min((moment for moment in moments if moment > now), default=None)


def _waiting(session: Session, *, before: datetime | None = None) -> Sequence[Case]:
    """Cases whose customer waits for an answer, by the index of the unsolved ones."""
    query = select(Case).where(col(Case.solved_at).is_(None), col(Case.waiting_since).is_not(None))
    if before is not None:
        query = query.where(col(Case.promised_at) <= before)
    return session.exec(query.order_by(col(Case.promised_at), col(Case.id)).limit(MOST)).all()


def _next_alarm(case: Case, *, programme: Programme) -> datetime:
    return alarm_at(case.promised_at, case.alarms + 1, programme=programme)
