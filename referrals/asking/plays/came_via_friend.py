"""T7, who came through a friend: together with the offer of T1 they hear how they came themselves, if it is true.

Goal: who was brought brings others. Trigger: the 9 or 10 of somebody whom an ambassador brought. Delay, expiry and cap:
those of T1. Text: the score screen's. Source: playbook T7 and 3.4.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from referrals.people.persons import everybody, get_customer, takes_part
from storage.referrals import Referral


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
