"""T1, a promoter: whoever gives a 9 or a 10 is thanked and offered their link in the same breath (rules 18).

Goal: a link within a minute of the good word (F1). Trigger: the score, in the conversation. Delay: none. Expires: with
the conversation. Cap: none, and it starts none (rules 30). Text: the score screen's. Source: playbook T1.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from referrals.asking.facts import AskFacts, load_facts
from referrals.asking.readiness import REST_AFTER_RETURN
from referrals.people.persons import get_customer, takes_part


def may_offer(session: Session, customer_id: int, *, now: datetime) -> bool:
    """Whether the answer to a 9 or 10 may offer the link."""
    customer = get_customer(session, customer_id)
    return is_open(load_facts(session, [customer.id])[customer.id], now=now)


def is_open(facts: AskFacts, *, now: datetime) -> bool:
    """No case is open, nothing went back within 30 days, they did not stop, and they take part."""
    returned = facts.returned_at is not None and now < facts.returned_at + REST_AFTER_RETURN
    return takes_part(facts.state) and not (facts.open_case or facts.stopped or returned)
