"""The end of the wait: bonuses whose hold has passed become credit (rules 8, 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func
from sqlmodel import col, select

from referrals.notices import Notice, write_notices
from referrals.reasons import APPROVED, reason
from referrals.rewarding.balances import balances
from referrals.rewarding.bonuses import history_known
from referrals.rewarding.lots import Step, release_step
from referrals.rewarding.messages import released
from referrals.rewarding.milestones import friends_moved, settle_milestones
from referrals.rewarding.postings import debts_of, write_steps
from referrals.rewarding.tellings import release_happenings
from referrals.subscribers.events import tell_subscribers
from storage.bulk import fetch_in, update_rows
from storage.database import books
from storage.ledger import AVAILABLE, DEBT, GOODWILL_SIDE, HELD, WAITING, Bonus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

Row = dict[str, Any]
RELEASED = ("id", "status", "released_at", "updated_at", "under_review", "postings", "reasons")


def due_bonuses(session: Session, *, programme: Programme, now: datetime, limit: int) -> list[int]:
    """Bonuses that wait no longer, the oldest first; those under review wait on."""
    query = select(Bonus.id).where(Bonus.status == HELD, Bonus.available_at <= now, Bonus.amount_minor > 0)
    query = query.where(Bonus.review != WAITING)
    if not history_known(session, programme):
        query = query.where(~col(Bonus.under_review))
    return list(session.exec(query.order_by(col(Bonus.available_at), col(Bonus.id)).limit(limit)).all())


def next_release(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """The first moment after ``now`` at which a bonus has waited long enough; those under review wait on."""
    query = select(func.min(Bonus.available_at)).where(
        Bonus.status == HELD, Bonus.available_at > now, Bonus.amount_minor > 0, Bonus.review != WAITING
    )
    if not history_known(session, programme):
        query = query.where(~col(Bonus.under_review))
    return session.exec(query).one()


@books
def release_bonuses(session: Session, bonus_ids: Sequence[int], *, programme: Programme, now: datetime) -> int:
    """These bonuses are available now, as far as they are still due; how many that were."""
    reviewed = history_known(session, programme)
    rows = [
        row
        for row in fetch_in(session, Bonus, "id", bonus_ids)
        if row["status"] == HELD
        and row["available_at"] <= now
        and row["amount_minor"] > 0
        and row["review"] != WAITING
        and (reviewed or not row["under_review"])
    ]
    if not rows:
        return 0
    rows.sort(key=lambda row: (row["available_at"], row["id"]))
    steps = _release(session, rows, now=now)
    write_notices(session, _news(session, rows), now=now)
    settle_milestones(session, friends_moved(steps), programme=programme, now=now)
    tell_subscribers(session, release_happenings(rows), now=now)
    return len(rows)


def _release(session: Session, rows: list[Row], *, now: datetime) -> list[tuple[Step, Row]]:
    debts = debts_of(session, sorted({row["customer_id"] for row in rows}))
    counted = _friends_counted(session, rows)
    steps: list[tuple[Step, Row]] = []
    for row in rows:
        owner, pair = (row["customer_id"], row["currency"]), (row["customer_id"], row["friend_id"])
        step = release_step(
            row["amount_minor"],
            debt_minor=debts.get(owner, 0),
            first_of_friend=pair not in counted,
            revenue_minor=row["revenue_minor"],
        )
        debts[owner] = debts.get(owner, 0) - sum(amount for account, amount in step.moves if account == DEBT)
        counted.add(pair)
        row["postings"] += 1
        steps.append((step, row))
        row.update(_released_row(row, now=now))
    update_rows(session, Bonus, [{name: row[name] for name in RELEASED} for row in rows], key=("id",))
    write_steps(session, steps, now=now)
    return steps


def _released_row(row: Row, *, now: datetime) -> Row:
    approved = reason(APPROVED, date=now.isoformat(), amount_minor=row["amount_minor"], currency=row["currency"])
    return {
        "status": AVAILABLE,
        "released_at": now,
        "updated_at": now,
        "under_review": False,
        "reasons": [approved],
    }


def _friends_counted(session: Session, rows: Sequence[Row]) -> set[tuple[int, int]]:
    """Pairs of ambassador and friend that count already."""
    friends = sorted({row["friend_id"] for row in rows})
    found = fetch_in(
        session,
        Bonus,
        "friend_id",
        friends,
        columns=("customer_id", "friend_id"),
        extra=f"status = '{AVAILABLE}' AND amount_minor > 0",
    )
    return {(row["customer_id"], row["friend_id"]) for row in found}


def _news(session: Session, rows: Sequence[Row]) -> list[Notice]:
    """One notice a bonus, with the balance and the friends as they are after all of them."""
    notices = []
    for row in rows:
        balance = balances(session, row["customer_id"])[row["currency"]]
        notices.append(
            released(row, balance_minor=balance.available_minor, friends=friends_of(session, row["customer_id"]))
        )
    return notices


def friends_of(session: Session, customer_id: int) -> int:
    """How many friends have brought this customer credit."""
    query = select(func.count(func.distinct(Bonus.friend_id))).where(
        Bonus.customer_id == customer_id,
        Bonus.side != GOODWILL_SIDE,
        Bonus.status == AVAILABLE,
        Bonus.amount_minor > 0,
    )
    return int(session.exec(query).one())
