"""A code that leaked gets a successor: whoever types the old one from now on was sent by nobody; links still work."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from referrals.notices import CODE_RENEWED, Notice, write_notices
from referrals.people.enrolment import CodeView, succeed_code
from referrals.people.persons import get_customer, survivor
from referrals.programme import Programme
from storage.auditlog import AuditEvent
from storage.codes import Code


def retire_leaked(
    session: Session, customer_id: int, *, actor: str, programme: Programme, now: datetime
) -> CodeView | None:
    """The ambassador's leaked codes are retired and a fresh one is shown, which they hear; None: none is leaked."""
    owner = survivor(session, customer_id)
    query = select(Code).where(
        Code.customer_id == owner, col(Code.leaked_at).is_not(None), col(Code.retired_at).is_(None)
    )
    leaked = session.exec(query.with_for_update()).all()
    if not leaked:
        return None
    for code in leaked:
        code.retired_at = now
    get_customer(session, owner).code_leaked_at = None
    session.flush()
    fresh = succeed_code(session, owner, programme=programme, now=now)
    event = AuditEvent(
        at=now,
        actor=actor,
        action="code:retired",
        subject=f"customer:{owner}",
        before={"codes": [code.display for code in leaked]},
        after={"code": fresh.code},
    )
    session.add(event)
    write_notices(
        session, [Notice(CODE_RENEWED, owner, f"{CODE_RENEWED}:{fresh.code_id}", {"code": fresh.code})], now=now
    )
    session.flush()
    return fresh
