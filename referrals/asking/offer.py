"""What a promoter is offered in the answer to their score: their link, and that they came through somebody (T1, T7)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from referrals.asking.facts import load_facts
from referrals.asking.readiness import REST_AFTER_RETURN
from referrals.people.persons import everybody, get_customer, takes_part
from storage.referrals import Referral


def may_offer(session: Session, customer_id: int, *, now: datetime) -> bool:
    """Whether the answer to a 9 or 10 may offer the link: no open case, no return in 30 days, not stopped (rule 18)."""
    customer = get_customer(session, customer_id)
    facts = load_facts(session, [customer.id])[customer.id]
    returned = facts.returned_at is not None and now < facts.returned_at + REST_AFTER_RETURN
    return takes_part(facts.state) and not (facts.open_case or facts.stopped or returned)


def came_via(session: Session, customer_id: int) -> str | None:
    """Through whom they came: a first name where that ambassador lets it be shown, "" for somebody, None for nobody."""
    friends = everybody(session, customer_id)
    query = select(Referral.ambassador_id).where(col(Referral.friend_id).in_(friends), col(Referral.standing))
    ambassador_id = session.exec(query.limit(1)).first()
    if ambassador_id is None:
        return None
    ambassador = get_customer(session, ambassador_id)
    shows = ambassador.link_consent and takes_part(ambassador.state)
    return ambassador.first_name or "" if shows else ""
