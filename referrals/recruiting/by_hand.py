"""An owner says who brought a friend; this beats every other evidence and is in the audit log (rules 12)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from referrals.errors import CustomerExcluded, OwnReferral, UnknownCustomer, UnknownOrder
from referrals.people.enrolment import code_of
from referrals.people.persons import get_customer, takes_part
from referrals.programme import Programme
from referrals.recruiting.orders import redecide
from referrals.recruiting.pair_facts import load_pairs
from storage.auditlog import AuditEvent
from storage.database import books
from storage.orders import Order
from storage.referrals import Referral


@books
def refer_by_hand(
    session: Session,
    *,
    ambassador_id: int,
    friend_id: int | None = None,
    order_id: int | None = None,
    why: str,
    actor: str,
    programme: Programme,
    now: datetime,
) -> int:
    """The friend, or whoever placed the order, is this ambassador's; returns the referral's id.

    The same said again changes nothing; another ambassador said later takes the friend over, except for
    bonuses that are credit already.

    Raises:
        UnknownCustomer: The ambassador or the friend does not exist, or neither friend nor order is given.
        UnknownOrder: The order does not exist.
        OwnReferral: Ambassador and friend are one person.
        CustomerExcluded: One of them is excluded, erased or staff.
    """
    ambassador = get_customer(session, ambassador_id)
    friend = get_customer(session, _friend_of(session, friend_id=friend_id, order_id=order_id))
    if ambassador.id == friend.id:
        raise OwnReferral
    if not (takes_part(ambassador.state) and takes_part(friend.state)):
        raise CustomerExcluded
    one, other = ambassador.id, friend.id
    before = _standing(session, other)
    pairs = load_pairs(session, [other])
    known = pairs.rows.get((one, other))
    if known is None or known["by_hand_at"] is None or not known["standing"]:
        code = code_of(session, one)
        pairs.say_by_hand(one, other, code_id=code.id if code else None, actor=actor, at=now)
        pairs.save(session, now=now)
        redecide(session, [other, one], programme=programme, now=now)  # theirs too: it may close a circle
        _note(session, one, other, before=before, order_id=order_id, why=why, actor=actor, now=now)
    identifier: int = pairs.rows[one, other]["id"]
    return identifier


def _friend_of(session: Session, *, friend_id: int | None, order_id: int | None) -> int:
    if friend_id is not None:
        return friend_id
    if order_id is None:
        raise UnknownCustomer
    order = session.get(Order, order_id)
    if order is None:
        raise UnknownOrder
    if order.customer_id is None:
        raise UnknownCustomer
    return order.customer_id


def _standing(session: Session, friend_id: int) -> int | None:
    query = select(Referral.ambassador_id).where(Referral.friend_id == friend_id, Referral.standing)
    return session.exec(query).first()


def _note(
    session: Session,
    ambassador_id: int,
    friend_id: int,
    *,
    before: int | None,
    order_id: int | None,
    why: str,
    actor: str,
    now: datetime,
) -> None:
    event = AuditEvent(
        at=now,
        actor=actor,
        action="referral:by_hand",
        subject=f"customer:{friend_id}",
        before={"ambassador": before},
        after={"ambassador": ambassador_id, "order": order_id, "why": why},
    )
    session.add(event)
