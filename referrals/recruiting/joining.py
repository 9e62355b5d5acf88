"""Two customers who turn out to be one person (rules 15).

The older one stays, with its number, codes and history; the earlier attribution wins; an ambassador
who turns out to be their own friend earns nothing for it (``own_account``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col

from referrals.people.merge import merge_people
from referrals.people.persons import get_customer, is_connected, survivor
from referrals.programme import Programme
from referrals.reasons import OWN_ACCOUNT, reason
from referrals.recruiting.invitations import accept_invitation
from referrals.recruiting.orders import redecide
from referrals.rewarding.milestones import settle_milestones
from referrals.rewarding.transfers import transfer_bonuses
from storage.bulk import fetch_in, update_rows
from storage.database import books
from storage.ledger import Bonus
from storage.orders import Order
from storage.referrals import REFUSED, Referral
from storage.vouchers import Voucher

Row = dict[str, Any]
FACTS = ("stage", "evidence", "evidence_at", "invited_at", "signed_up_at", "by_hand_at", "by_hand_by", "reasons")


@books
def join(session: Session, one_id: int, other_id: int, *, programme: Programme, now: datetime) -> int:
    """The two are one customer from now on, whose number is returned; the other's is an alias for ever.

    Joining again changes nothing. Both may be old numbers of customers merged before.

    Raises:
        UnknownCustomer: One of them does not exist.
    """
    one, other = get_customer(session, one_id), get_customer(session, other_id)
    if one.id == other.id:
        return one.id
    kept, merged = sorted((one, other), key=lambda customer: (customer.created_at, customer.id))
    to_id, from_id = kept.id, merged.id
    friends = _join_pairs(session, from_id=from_id, to_id=to_id, now=now)
    _move_orders(session, [*friends, from_id], from_id=from_id, to_id=to_id)
    moved = transfer_bonuses(session, from_id=from_id, to_id=to_id, now=now)
    merge_people(session, from_id=from_id, to_id=to_id, now=now)
    if is_connected(session, to_id):
        accept_invitation(session, to_id, programme=programme, now=now)
    redecide(session, sorted({to_id, *friends}), programme=programme, now=now)
    settle_milestones(session, moved, programme=programme, now=now)
    session.expire_all()
    return to_id


def are_one(session: Session, one_id: int, other_id: int) -> bool:
    """Are these numbers of one customer, after all merges?"""
    return survivor(session, one_id) == survivor(session, other_id)


def _join_pairs(session: Session, *, from_id: int, to_id: int, now: datetime) -> set[int]:
    """The pairs of both are the one's; returns every friend whom that touches, the one among them."""
    both = [from_id, to_id]
    found = [*fetch_in(session, Referral, "friend_id", both), *fetch_in(session, Referral, "ambassador_id", both)]
    groups: dict[tuple[int, int], list[Row]] = {}
    for row in {row["id"]: row for row in found}.values():
        ambassador_id, friend_id = (
            to_id if each == from_id else each for each in (row["ambassador_id"], row["friend_id"])
        )
        groups.setdefault((ambassador_id, friend_id), []).append(row)
    kept: list[Row] = []
    for (ambassador_id, friend_id), rows in groups.items():
        first, *rest = sorted(rows, key=_standing_first)
        _drop(session, rest, into=first["id"], from_id=from_id, to_id=to_id)
        own = _own() if ambassador_id == friend_id else {}
        kept.append(_merged(first, rest) | {"ambassador_id": ambassador_id, "friend_id": friend_id} | own)
    # Nobody stands until the friend is decided again: two who stood would be one too many.
    lying = [{"id": row["id"], "standing": False} for row in kept if row["friend_id"] == to_id]
    update_rows(session, Referral, lying, key=("id",))
    names = ("id", "ambassador_id", "friend_id", *FACTS)
    rows = [{**{name: row[name] for name in names}, "updated_at": now} for row in kept]
    update_rows(session, Referral, rows, key=("id",))
    session.expire_all()
    return {friend_id for _, friend_id in groups} | {to_id}


def _standing_first(row: Row) -> tuple[bool, bool, datetime, int]:
    return (row["by_hand_at"] is None, not row["standing"], row["evidence_at"], row["id"])


def _merged(first: Row, rest: Sequence[Row]) -> Row:
    """The facts of all rows of one pair."""
    rows = [first, *rest]
    return {
        **first,
        "evidence_at": min(row["evidence_at"] for row in rows),
        "invited_at": max(filter(None, (row["invited_at"] for row in rows)), default=None),
        "signed_up_at": min(filter(None, (row["signed_up_at"] for row in rows)), default=None),
    }


def _own() -> Row:
    """Of one person's own pair nothing is left but the refusal."""
    return {"stage": REFUSED, "signed_up_at": None, "by_hand_at": None, "reasons": [reason(OWN_ACCOUNT)]}


def _drop(session: Session, rows: Iterable[Row], *, into: int, from_id: int, to_id: int) -> None:
    """These rows are the other one: what names them names it."""
    for row in rows:
        session.execute(update(Bonus).where(col(Bonus.referral_id) == row["id"]).values(referral_id=into))
        session.execute(update(Voucher).where(col(Voucher.referral_id) == row["id"]).values(referral_id=into))
        mine = col(Order.customer_id).in_([from_id, to_id, row["friend_id"]])
        session.execute(update(Order).where(mine, col(Order.referral_id) == row["id"]).values(referral_id=into))
        session.execute(delete(Referral).where(col(Referral.id) == row["id"]))


def _move_orders(session: Session, friend_ids: Sequence[int], *, from_id: int, to_id: int) -> None:
    """Orders that name the merged customer, as buyer, ambassador, owner of the address or evidence, name the other."""
    names = ("id", "customer_id", "ambassador_id", "email_owner_id", "evidence")
    rows = fetch_in(session, Order, "customer_id", friend_ids, columns=names)
    changed = []
    for row in rows:
        evidence = [{**each, "ambassador_id": _now(each["ambassador_id"], from_id, to_id)} for each in row["evidence"]]
        moved = {name: _now(row[name], from_id, to_id) for name in names[1:-1]} | {
            "id": row["id"],
            "evidence": evidence,
        }
        if moved != row:
            changed.append(moved)
    update_rows(session, Order, changed, key=("id",))


def _now(customer_id: int | None, from_id: int, to_id: int) -> int | None:
    return to_id if customer_id == from_id else customer_id
