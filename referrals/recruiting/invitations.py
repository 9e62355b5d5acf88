"""Friends who press START with a code, and become sign-ups once their chat is a shop customer's (rules 14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from referrals.codes import CodeMiss, find_codes
from referrals.people.persons import is_connected, survivor
from referrals.programme import Programme
from referrals.reasons import ALREADY_REFERRED, EXISTING_CUSTOMER
from referrals.recruiting.orders import redecide
from referrals.recruiting.pair_facts import Pairs, Row, load_pairs
from storage.database import books
from storage.orders import Order
from storage.referrals import INVITED as INVITED_STAGE

INVITED, ALREADY_CUSTOMER = "invited", "already_customer"


@dataclass(frozen=True, slots=True)
class StartOutcome:
    """What a START with a code came to.

    ``kind`` is invited, or why not: own_account, already_referred, already_customer, circular,
    excluded_customer, unknown_code, code_typing_error.
    """

    kind: str
    ambassador_id: int | None
    code: str  # as its owner writes it; as typed where it is nobody's


@books
def record_start(
    session: Session, *, friend_id: int, typed_code: str, at: datetime, programme: Programme, now: datetime
) -> StartOutcome:
    """The START is stored as a claim dated by its message; it never takes a friend from another ambassador (rules 11).

    A friend whose chat is connected already has signed up with it.
    """
    code = find_codes(session, [typed_code])[typed_code]
    if isinstance(code, CodeMiss):
        return StartOutcome(code.reason, None, code.typed)
    friend_id, ambassador_id, at = survivor(session, friend_id), code.customer_id, min(at, now)
    pairs = load_pairs(session, [friend_id], ambassador_ids=[ambassador_id])
    why = _refusal(session, pairs, ambassador_id, friend_id, at=at)
    if why:
        pairs.refuse(ambassador_id, friend_id, why, code_id=code.code_id, at=at)
    else:
        pairs.invite(ambassador_id, friend_id, code_id=code.code_id, at=at)
    pairs.save(session, now=now)
    if not why and is_connected(session, friend_id):
        accept_invitation(session, friend_id, programme=programme, now=now)
        redecide(session, [friend_id], programme=programme, now=now)
    kind = {None: INVITED, EXISTING_CUSTOMER: ALREADY_CUSTOMER}.get(why, why)
    return StartOutcome(str(kind), ambassador_id, code.display)


def accept_invitation(session: Session, friend_id: int, *, programme: Programme, now: datetime) -> bool:
    """An invited chat that belongs to a shop's customer has signed up, with one ambassador (rules 14, 16).

    With several invitations ``attribution.touch`` chooses the first or the last; the others are kept as losing ones.
    Returns whether anything changed, so that the caller re-decides the friend.
    """
    pairs = load_pairs(session, [friend_id])
    invited = [row for row in pairs.of_friend(friend_id) if row["stage"] == INVITED_STAGE and not row["reasons"]]
    if not invited:
        return False
    ambassadors = [row["ambassador_id"] for row in invited]
    pairs = load_pairs(session, [friend_id], ambassador_ids=ambassadors)
    for row in _by_touch(invited, programme.config.attribution.touch):
        ambassador_id, dated = row["ambassador_id"], row["evidence_at"]
        why = pairs.refusal(ambassador_id, friend_id)
        why = why or (ALREADY_REFERRED if pairs.taken(friend_id, but=ambassador_id) else None)
        if why:
            pairs.refuse(ambassador_id, friend_id, why, code_id=row["code_id"], at=dated)
        else:
            pairs.sign_up(ambassador_id, friend_id, code_id=row["code_id"], at=now, dated=dated)
    pairs.save(session, now=now)
    return True


def bought_before(session: Session, customer_id: int, moment: datetime) -> bool:
    """Has this person paid an order before the moment, test orders apart (rules 13)?"""
    query = select(Order.id).where(
        Order.customer_id == customer_id, col(Order.paid_at) < moment, col(Order.test).is_(False)
    )
    return session.exec(query.limit(1)).first() is not None


def _refusal(session: Session, pairs: Pairs, ambassador_id: int, friend_id: int, *, at: datetime) -> str | None:
    why = pairs.refusal(ambassador_id, friend_id)
    if why:
        return why
    if pairs.taken(friend_id, but=ambassador_id):
        return ALREADY_REFERRED
    own = pairs.rows.get((ambassador_id, friend_id))
    known = own is not None and own["signed_up_at"] is not None
    return EXISTING_CUSTOMER if not known and bought_before(session, friend_id, at) else None


def _by_touch(invited: list[Row], touch: str) -> list[Row]:
    return sorted(invited, key=lambda row: (row["invited_at"], row["ambassador_id"]), reverse=touch == "last")
