"""Vouchers that fall because a bonus in them is taken back: what they hold is credit again before that (rules 9).

``plan_voids`` only reads and decides, like the plan of bonuses that it is part of; ``write_voids`` books it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.notices import VOUCHER_VOIDED, Notice, write_notices
from referrals.reasons import VOUCHER_VOID
from referrals.rewarding.lots import Step
from referrals.rewarding.postings import write_steps
from referrals.rewarding.tellings import voucher_happening
from referrals.rewarding.voucher_books import note_postings, vouchers_over, words_of
from referrals.rewarding.voucher_lots import Part, moves
from referrals.subscribers.events import VOUCHER_VOIDED as VOUCHER_VOIDED_EVENT
from referrals.subscribers.events import tell_subscribers
from storage.bulk import fetch_in, update_rows
from storage.ledger import AVAILABLE, RESERVED, Bonus
from storage.vouchers import VOID, Voucher

Row = dict[str, Any]
LOT = ("id", "customer_id", "currency", "postings")


@dataclass(slots=True)
class VoidPlan:
    """The vouchers that fall, the postings of their lots, and what these lots hold more of credit."""

    vouchers: list[int] = field(default_factory=list)
    steps: list[tuple[Step, Row]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)  # the voucher of each step
    others: dict[int, Row] = field(default_factory=dict)  # lots that nothing else is decided about
    freed: dict[int, int] = field(default_factory=dict)


def plan_voids(session: Session, short: Mapping[int, int], rows: Mapping[int, Row]) -> VoidPlan:
    """As many vouchers fall as it takes, the newest first.

    Args:
        session: The transaction.
        short: How much each lot lacks of what is taken back, in minor units.
        rows: The lots that are being decided; their ``postings`` count those to come.
    """
    plan = VoidPlan()
    for voucher, parts in vouchers_over(session, sorted(short)):
        holds = {part.bonus_id for part in parts}
        if any(lot in holds and plan.freed.get(lot, 0) < lacks for lot, lacks in short.items()):
            _add(session, plan, voucher, parts, rows)
    return plan


def free_short(
    session: Session,
    taken: Mapping[int, int],
    rows: Mapping[int, Row],
    *,
    available: dict[int, int],
    expired: Mapping[int, int],
) -> VoidPlan | None:
    """What is taken back and lies in vouchers is credit again first, with all that these vouchers hold (rules 9).

    Args:
        session: The transaction.
        taken: How much of each lot is taken back, in minor units.
        rows: The lots that are being decided.
        available: What of each lot is credit; what is freed is added.
        expired: What of each lot was never used and has ended.
    """
    lacks = {lot: minor - max(0, available.get(lot, 0)) - expired.get(lot, 0) for lot, minor in taken.items()}
    short = {lot: minor for lot, minor in lacks.items() if minor > 0}
    if not short:
        return None
    plan = plan_voids(session, short, rows)
    for bonus_id, minor in plan.freed.items():
        available[bonus_id] = available.get(bonus_id, 0) + minor
    return plan


def write_voids(session: Session, plan: VoidPlan, *, now: datetime) -> None:
    """The vouchers stand no more, and their customers hear of it. The lots' own rows are the caller's to store."""
    counted = [{"id": row["id"], "postings": row["postings"], "updated_at": now} for row in plan.others.values()]
    update_rows(session, Bonus, counted, key=("id",))
    note_postings(session, write_steps(session, plan.steps, now=now), plan.owners)
    notices, happened = [], []
    for voucher_id in plan.vouchers:
        voucher = session.get_one(Voucher, voucher_id)
        data = words_of(voucher) | {"amount_minor": voucher.left_minor}
        notices.append(Notice(VOUCHER_VOIDED, voucher.customer_id, f"{VOUCHER_VOIDED}:{voucher_id}", data))
        voucher.left_minor, voucher.status, voucher.ended_at = 0, VOID, now
        happened.append(voucher_happening(VOUCHER_VOIDED_EVENT, voucher, now=now))
    session.flush()
    write_notices(session, notices, now=now)
    tell_subscribers(session, happened, now=now)


def _add(session: Session, plan: VoidPlan, voucher: Voucher, parts: Sequence[Part], rows: Mapping[int, Row]) -> None:
    unknown = [part.bonus_id for part in parts if part.bonus_id not in rows and part.bonus_id not in plan.others]
    plan.others |= {row["id"]: row for row in fetch_in(session, Bonus, "id", unknown, columns=LOT)}
    plan.vouchers.append(voucher.id)
    for part in parts:
        row = rows.get(part.bonus_id) or plan.others[part.bonus_id]
        row["postings"] += 1
        step = Step("void", VOUCHER_VOID, moves([part], RESERVED, AVAILABLE)[part.bonus_id])
        plan.steps.append((step, {name: row[name] for name in LOT}))
        plan.owners.append(voucher.id)
        plan.freed[part.bonus_id] = plan.freed.get(part.bonus_id, 0) + part.minor
