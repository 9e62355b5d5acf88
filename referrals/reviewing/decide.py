"""An owner's word on bonuses that wait: passed, turned down, or everything of an ambassador who is trusted.

A bonus that passed is released at its normal date, at once where that is over. One that was turned down earns nothing
any more, whatever the shop says later, until an owner takes that back. Each decision is in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.people.persons import get_customer
from referrals.programme import Programme
from referrals.recruiting.orders import redecide
from referrals.reviewing.queue import DECIDED, Group
from referrals.rewarding.bonuses import history_known
from referrals.rewarding.release import release_bonuses
from referrals.screening.score import LEAKED_CODE
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in, update_rows
from storage.database import books
from storage.ledger import HELD, PASSED, TURNED_DOWN, WAITING, Bonus

Row = dict[str, Any]
OWN, MISUSE, UNSURE = "own", "misuse", "unsure"  # why a bonus was turned down, for the log
WHY = (OWN, MISUSE, UNSURE)
BEFORE = {PASSED: (WAITING, TURNED_DOWN), TURNED_DOWN: (WAITING,)}


@books
def decide(
    session: Session,
    group: Group,
    *,
    review: str,
    actor: str,
    programme: Programme,
    now: datetime,
    why: str | None = None,
) -> int:
    """The group's bonuses are ``passed`` or ``turned_down``; how many were. Those decided before stay as they are.

    One that was turned down can pass later, as long as no goodwill was given in its stead.
    """
    rows = [row for row in fetch_in(session, Bonus, "id", group.bonus_ids) if row["review"] in BEFORE[review]]
    if not rows:
        return 0
    under_review = review == PASSED and not history_known(session, programme)
    changed = [{"id": row["id"], "review": review, "under_review": under_review} for row in rows]
    update_rows(session, Bonus, changed, key=("id",))
    session.expire_all()
    redecide(session, sorted({row["friend_id"] for row in rows}), programme=programme, now=now)
    _note(session, rows, group=group, review=review, why=why, actor=actor, now=now)
    if review == PASSED:
        _release(session, [row["id"] for row in rows], programme=programme, now=now)
    session.expire_all()
    return len(rows)


@books
def trust(session: Session, customer_id: int, *, actor: str, programme: Programme, now: datetime) -> int:
    """The ambassador's bonuses skip the queue from now on, and what waits of them passes; how many that were.

    What waits because a code is leaked goes on waiting: that says nothing about the ambassador.
    """
    _mark(session, customer_id, trusted_at=now, actor=actor, now=now)
    rows = fetch_in(session, Bonus, "customer_id", [customer_id], extra=f"review = '{WAITING}'")
    free = [row for row in rows if all(part["code"] != LEAKED_CODE for part in row["signals"])]
    if not free:
        return 0
    ids = tuple(row["id"] for row in free)
    group = Group(customer_id, "trusted", max(ids), ids, {}, now, 0, ())
    return decide(session, group, review=PASSED, actor=actor, programme=programme, now=now)


def distrust(session: Session, customer_id: int, *, actor: str, now: datetime) -> None:
    """Later bonuses of the ambassador wait again where their score is high."""
    _mark(session, customer_id, trusted_at=None, actor=actor, now=now)


def _mark(session: Session, customer_id: int, *, trusted_at: datetime | None, actor: str, now: datetime) -> None:
    customer = get_customer(session, customer_id)
    before, after = customer.trusted_at is not None, trusted_at is not None
    if before == after:
        return
    customer.trusted_at = trusted_at
    log = AuditEvent(
        at=now,
        actor=actor,
        action="customer:trust",
        subject=f"customer:{customer.id}",
        before={"state": _trusted(before)},
        after={"state": _trusted(after)},
    )
    session.add(log)
    session.flush()


def _trusted(trusted: bool) -> str:  # noqa: FBT001 - the one thing that it is about
    return "trusted" if trusted else "not trusted"


def _release(session: Session, bonus_ids: Sequence[int], *, programme: Programme, now: datetime) -> None:
    """Those whose date is over are credit at once."""
    rows = fetch_in(session, Bonus, "id", bonus_ids, columns=("id", "available_at", "status"))
    due = [row["id"] for row in rows if row["status"] == HELD and row["available_at"] <= now]
    if due:
        release_bonuses(session, due, programme=programme, now=now)


def _note(
    session: Session, rows: Sequence[Row], *, group: Group, review: str, why: str | None, actor: str, now: datetime
) -> None:
    before = sorted({row["review"] for row in rows})
    after = {"status": review, "cause": group.cause, "bonuses": [row["id"] for row in rows], "why": why}
    event = AuditEvent(
        at=now,
        actor=actor,
        action=DECIDED,
        subject=f"customer:{group.customer_id}",
        before={"status": ", ".join(before)},
        after=after,
    )
    session.add(event)
    session.flush()
