"""What recruiting keeps of somebody: told to them without their friends' data, or forgotten.

Orders and pairs stay, for the books name them and a state of the shop must find its order; what says who somebody is
goes. A refusal that rested on a fingerprint goes on resting on what it had shown: no order earns later what it was
refused before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from storage.bulk import fetch_in, update_rows
from storage.codes import Click, Code
from storage.customers import Phone
from storage.orders import Order
from storage.referrals import Referral

if TYPE_CHECKING:
    from referrals.programme import Programme

Row = dict[str, Any]
ORDER = (
    "shop", "external_id", "status", "currency", "total_minor", "base_minor", "refunded_minor", "created_at", "paid_at",
    "delivered_at", "updated_at", "test", "reasons",
)  # fmt: skip
PAIR = ("stage", "standing", "evidence", "evidence_at", "invited_at", "signed_up_at", "by_hand_at", "reasons")
TYPED = "typed"  # in a reason: what somebody wrote as a code


def tell_recruiting(session: Session, people: Sequence[int], *, programme: Programme) -> Row:
    """Their orders, that they came through somebody, and how those who came through them stand; nobody's name."""
    orders = fetch_in(session, Order, "customer_id", people, columns=("id", *ORDER))
    brought = fetch_in(session, Referral, "ambassador_id", people, columns=("id", *PAIR))
    came = fetch_in(session, Referral, "friend_id", people, columns=("id", *PAIR))
    codes = [row["id"] for row in fetch_in(session, Code, "customer_id", people, columns=("id",))]
    visits = session.exec(select(func.count()).select_from(Click).where(col(Click.code_id).in_(codes))).one()
    return {
        "orders": [{name: row[name] for name in ORDER} for row in _by_id(orders)],
        "came_through": [{name: row[name] for name in PAIR} for row in _by_id(came)],
        "referrals": [
            {"referral": programme.number("referral", row["id"])} | {name: row[name] for name in PAIR}
            for row in _by_id(brought)
        ],
        "visits_through_their_links": visits,
    }


def forget_recruiting(session: Session, people: Sequence[int]) -> None:
    """Orders, pairs and visits name a number; the phone, what was typed as a code, and who visited are gone."""
    _forget_orders(session, people)
    pairs = fetch_in(session, Referral, "friend_id", people, columns=("id", "ambassador_id", "reasons"))
    silent = [{"id": row["id"], "reasons": _untyped(row["reasons"])} for row in pairs]
    update_rows(session, Referral, silent, key=("id",))
    ambassadors = [row["ambassador_id"] for row in pairs]
    codes = [row["id"] for row in fetch_in(session, Code, "customer_id", ambassadors, columns=("id",))]
    visits = update(Click).where(col(Click.code_id).in_(codes), col(Click.customer_id).in_(people))
    session.execute(visits.values(customer_id=None))
    session.expire_all()


def _forget_orders(session: Session, people: Sequence[int]) -> None:
    names = ("id", "phone", "email_owner_id", "evidence", "reasons")
    orders = fetch_in(session, Order, "customer_id", people, columns=names)
    pairs = fetch_in(session, Referral, "friend_id", people, columns=("ambassador_id",))
    brought = {row["ambassador_id"] for row in pairs}
    owners: dict[str, set[int]] = {}
    for row in fetch_in(session, Phone, "value", {row["phone"] for row in orders if row["phone"]}):
        owners.setdefault(row["value"], set()).add(row["customer_id"])
    changed = []
    for row in orders:
        named = brought | {each["ambassador_id"] for each in row["evidence"]}
        same = sorted(owners.get(row["phone"] or "", set()) & named)
        owner = row["email_owner_id"] or (same[0] if same else None)
        changed.append(
            {
                "id": row["id"],
                "phone": None,
                "address": None,
                "ip": None,
                "misses": [],
                "email_owner_id": owner,
                "reasons": _untyped(row["reasons"]),
            }
        )
    update_rows(session, Order, changed, key=("id",))


def _untyped(reasons: Sequence[Row]) -> list[Row]:
    return [why | {TYPED: "…"} if TYPED in why else why for why in reasons]


def _by_id(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: int(row["id"]))
