"""A friend's welcome gift: a personal single-use code, made at sign-up (rules 10, 14).

It is a voucher that no credit pays: nothing is booked until an order uses it. One friend has one gift, ever; it falls
with the referral that it was made for, and stands again if that does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from referrals.calendar import add_local_days
from referrals.people.persons import get_customer
from referrals.programme import Programme
from referrals.rewarding.gift_stock import pieces_left, tell_when_gone
from referrals.rewarding.voucher_books import make_voucher_code
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.customers import ACTIVE, Customer
from storage.vouchers import FIXED, GIFT, PERCENT, STANDING, VOID, Voucher

Row = dict[str, Any]
STANDS = "purpose = 'gift' AND status = 'standing'"


def give_gifts(session: Session, pairs: Mapping[int, int], *, programme: Programme, now: datetime) -> list[int]:
    """Each friend (of friend -> referral) has a gift, as far as there are any; returns who got one now.

    Who had one gets no other: one that had fallen with its referral stands again, within its time.
    """
    if not programme.config.bonus.friend.personal or not pairs:
        return []
    had = {row["gift_for"]: row for row in fetch_in(session, Voucher, "gift_for", sorted(pairs))}
    people = fetch_in(session, Customer, "id", sorted(pairs), columns=("id", "state"))
    wanting = [row["id"] for row in people if row["state"] == ACTIVE and _may_have(had.get(row["id"]), now=now)]
    given = wanting[: pieces_left(session, programme=programme, now=now)]
    again = [{"id": had[each]["id"], "status": STANDING, "ended_at": None} for each in given if each in had]
    update_rows(session, Voucher, again, key=("id",))
    for friend_id in given:
        if friend_id not in had:
            made = _new_gift(session, friend_id, pairs[friend_id], programme=programme, now=now)
            insert_rows(session, Voucher, [made])
    _repoint(session, had.values(), pairs)
    if wanting:
        tell_when_gone(session, programme=programme, now=now)
    session.expire_all()
    return given


def end_gifts(session: Session, friend_ids: Collection[int], *, now: datetime) -> int:
    """The gifts of these friends that nobody used are void; how many that were."""
    rows = fetch_in(session, Voucher, "customer_id", sorted(friend_ids), columns=("id",), extra=STANDS)
    update_rows(session, Voucher, [{"id": row["id"], "status": VOID, "ended_at": now} for row in rows], key=("id",))
    session.expire_all()
    return len(rows)


def merge_gifts(session: Session, *, to_id: int, now: datetime) -> None:
    """Two people are one, who has one gift: the older one that nobody took back; a second that was used stays used."""
    query = select(Voucher).where(col(Voucher.customer_id) == to_id, Voucher.purpose == GIFT)
    gifts = sorted(session.exec(query), key=lambda gift: (gift.status == VOID, gift.status == STANDING, gift.id))
    for gift in gifts[1:]:
        if gift.status == STANDING:
            gift.status, gift.ended_at = VOID, now
    if gifts and gifts[0].gift_for != to_id:
        other = next((gift for gift in gifts if gift.gift_for == to_id), None)
        if other is not None:
            other.gift_for = None
            session.flush()
        gifts[0].gift_for = to_id
    session.flush()


def gift_of(session: Session, customer_id: int) -> Voucher | None:
    """The gift that this customer has, or had."""
    return session.exec(select(Voucher).where(Voucher.gift_for == get_customer(session, customer_id).id)).first()


def _may_have(gift: Row | None, *, now: datetime) -> bool:
    return gift is None or (gift["status"] == VOID and gift["expires_at"] > now)


def _new_gift(session: Session, friend_id: int, referral_id: int, *, programme: Programme, now: datetime) -> Row:
    offer = programme.config.bonus.friend
    return {
        "code": make_voucher_code(session, programme),
        "customer_id": friend_id,
        "currency": programme.currency,
        "amount_minor": offer.max_minor if offer.kind == PERCENT else offer.amount_minor or 0,
        "left_minor": 0,
        "status": STANDING,
        "created_at": now,
        "expires_at": add_local_days(now, offer.valid_days, programme.zone),
        "ended_at": None,
        "purpose": GIFT,
        "kind": offer.kind,
        "share_basis_points": offer.share_basis_points,
        "sku": None if offer.kind in (FIXED, PERCENT) else offer.sku,
        "min_order_minor": offer.min_order_minor,
        "referral_id": referral_id,
        "gift_for": friend_id,
    }


def _repoint(session: Session, gifts: Collection[Row], pairs: Mapping[int, int]) -> None:
    """A gift is of the pair that stands now, where another one took its place."""
    moved = [
        {"id": gift["id"], "referral_id": pairs[gift["gift_for"]]}
        for gift in gifts
        if gift["referral_id"] != pairs[gift["gift_for"]]
    ]
    update_rows(session, Voucher, moved, key=("id",))
