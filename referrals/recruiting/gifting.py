"""Which friends have a welcome gift coming, and whose falls: read from what was decided, free where nothing moved.

A friend has one as soon as a sign-up of theirs stands and they have bought nothing yet (rules 10, 13, 14). It falls
with the referral: when no pair of the friend stands any more, or all that it earned was taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from referrals.programme import Programme
from referrals.recruiting.shops import DELETED
from referrals.rewarding.gifts import end_gifts, give_gifts
from referrals.rewarding.lots import REVERSED

if TYPE_CHECKING:
    from referrals.recruiting.facts import Facts
    from referrals.rewarding.lots import Lot

Row = dict[str, Any]


@dataclass(slots=True)
class GiftPlan:
    """Friend -> referral of those who may have one; friends who lose theirs; and whose pair moved just now."""

    due: dict[int, int] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    moved: set[int] = field(default_factory=set)


def note_pair(plan: GiftPlan, facts: Facts, friend_id: int, standing: Row | None, *, before: Mapping[int, Row]) -> None:
    """What the friend's pairs come to, as they are after the decision."""
    pairs = facts.pairs.get(friend_id)
    if not pairs:
        return
    signed_up = any(row["signed_up_at"] is not None for row in pairs)
    stood = next((row["id"] for row in pairs if row["id"] in before and before[row["id"]]["standing"]), None)
    if standing is None:
        plan.lost.add(friend_id)
    elif signed_up and not _has_bought(facts, friend_id):
        plan.due[friend_id] = standing["id"]
    if signed_up and stood != (standing["id"] if standing else None):
        plan.moved.add(friend_id)


def note_reversed(plan: GiftPlan, lots: Iterable[Lot]) -> None:
    """Friends of whom everything that they earned their ambassador was taken back just now."""
    earning = set()
    gone = set()
    for lot in lots:
        friend_id = lot.row["friend_id"]
        if lot.row["amount_minor"] > 0:
            earning.add(friend_id)
        elif lot.row["status"] == REVERSED and lot.before["status"] != REVERSED:
            gone.add(friend_id)
    for friend_id in gone - earning:
        plan.lost.add(friend_id)
        plan.moved.add(friend_id)


def settle_gifts(session: Session, plan: GiftPlan, *, programme: Programme, now: datetime) -> None:
    """Gifts are given and taken as planned."""
    if plan.due:
        give_gifts(session, plan.due, programme=programme, now=now)
    if plan.lost:
        end_gifts(session, plan.lost, now=now)


def settle_moved_gifts(session: Session, plan: GiftPlan, *, programme: Programme, now: datetime) -> None:
    """Likewise, for those alone whose pair moved: what an ordinary order decides again changes no gift."""
    due = {friend_id: referral_id for friend_id, referral_id in plan.due.items() if friend_id in plan.moved}
    settle_gifts(session, GiftPlan(due, plan.lost & plan.moved), programme=programme, now=now)


def _has_bought(facts: Facts, friend_id: int) -> bool:
    return any(
        row["paid_at"] is not None and not row["test"] and row["status"] != DELETED
        for row in facts.orders.get(friend_id, ())
    )
