"""Booking: steps become postings and entries, numbered in the order in which they are committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func
from sqlmodel import col, select

from referrals.rewarding.lots import Step, entries
from storage.bulk import insert_rows, next_id, take_ids
from storage.ledger import AVAILABLE, DEBT, EXPIRED, Entry, Posting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

Row = dict[str, Any]


def write_steps(session: Session, steps: Sequence[tuple[Step, Row]], *, now: datetime) -> range:
    """Each step is a posting of its bonus, the last of the so many that ``row["postings"]`` counts; returns their ids.

    The commit number is taken under the books lock, so it rises in the order of commits (rules 34).
    """
    if not steps:
        return range(0)
    commit_no = next_id(session, "commit")
    postings: list[Row] = []
    sides: list[Row] = []
    posting_ids = take_ids(session, "posting", len(steps))
    for posting_id, (step, row) in zip(posting_ids, steps, strict=True):
        postings.append(
            {
                "id": posting_id,
                "bonus_id": row["id"],
                "n": row["postings"] - 1,
                "kind": step.kind,
                "reason": step.reason,
                "friends": step.friends,
                "revenue_minor": step.revenue_minor,
                "commit_no": commit_no,
                "at": now,
            }
        )
        sides += entries(step, row, posting_id)
    insert_rows(session, Posting, postings)
    insert_rows(session, Entry, sides)
    return posting_ids


def available_of(session: Session, bonus_ids: Sequence[int]) -> dict[int, int]:
    """How much of each lot lies in ``available``, in minor units."""
    return unspent_of(session, bonus_ids)[0]


def unspent_of(session: Session, bonus_ids: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """How much of each lot lies in ``available``, and how much has expired, in minor units."""
    available: dict[int, int] = {}
    expired: dict[int, int] = {}
    if bonus_ids:
        rows = session.exec(
            select(Entry.bonus_id, Entry.account, func.sum(Entry.amount_minor))
            .where(col(Entry.bonus_id).in_(bonus_ids), col(Entry.account).in_((AVAILABLE, EXPIRED)))
            .group_by(col(Entry.bonus_id), col(Entry.account)),
        ).all()
        for bonus_id, account, total in rows:
            (available if account == AVAILABLE else expired)[bonus_id] = int(total)
    return available, expired


def debts_of(session: Session, customer_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    """What customers owe the programme by (customer, currency), in minor units; only those who do."""
    if not customer_ids:
        return {}
    rows = session.exec(
        select(Entry.customer_id, Entry.currency, func.sum(Entry.amount_minor))
        .where(col(Entry.customer_id).in_(customer_ids), Entry.account == DEBT)
        .group_by(col(Entry.customer_id), Entry.currency),
    ).all()
    return {(customer_id, currency): -int(total) for customer_id, currency, total in rows if customer_id and total < 0}
