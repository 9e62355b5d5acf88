"""One person instead of two: what named the merged customer names the one that stays (rules 15).

Only people's own tables; ``recruiting.joining`` moves referrals and orders, and has the money moved.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from referrals.people.identities import move_identities
from storage.codes import Code
from storage.customers import ACTIVE, ERASED, EXCLUDED, STAFF, ConnectToken, Customer, CustomerAlias
from storage.mailbox import DUE, Chat, Outbox

GAPS = ("first_name", "nickname", "locale", "timezone")
GRAVITY = (ERASED, ACTIVE, STAFF, EXCLUDED)  # the graver state stands; what was erased says nothing


def merge_people(session: Session, *, from_id: int, to_id: int, now: datetime) -> None:
    """The merged customer lives on as the other: identities, codes, chats, tokens, choices and an alias row."""
    kept, merged = session.get_one(Customer, to_id), session.get_one(Customer, from_id)
    _fill(kept, merged)
    move_identities(session, from_id=from_id, to_id=to_id)
    _move_codes(session, from_id=from_id, to_id=to_id)
    _repoint(session, Chat, from_id=from_id, to_id=to_id)
    _repoint(session, ConnectToken, from_id=from_id, to_id=to_id)
    _repoint(session, CustomerAlias, from_id=from_id, to_id=to_id)
    waiting = update(Outbox).where(col(Outbox.customer_id) == from_id, col(Outbox.status) == DUE)
    session.execute(waiting.values(customer_id=to_id))
    session.add(CustomerAlias(merged_id=from_id, customer_id=to_id, at=now))
    session.flush()
    session.expire_all()


def _fill(kept: Customer, merged: Customer) -> None:
    """What the one lacks it takes from the other; a no to marketing stands, and so does a stop."""
    for name in GAPS:
        if getattr(kept, name) is None:
            setattr(kept, name, getattr(merged, name))
    consents = {kept.marketing_consent, merged.marketing_consent}
    kept.marketing_consent = False if False in consents else True if True in consents else None
    kept.consent_at = max(filter(None, (kept.consent_at, merged.consent_at)), default=None)
    kept.link_consent = kept.link_consent or merged.link_consent
    kept.ambassador_since = _earliest(kept.ambassador_since, merged.ambassador_since)
    kept.trusted_at = _earliest(kept.trusted_at, merged.trusted_at)
    kept.code_leaked_at = _earliest(kept.code_leaked_at, merged.code_leaked_at)
    kept.first_paid_at = _earliest(kept.first_paid_at, merged.first_paid_at)
    kept.stopped_at = _earliest(kept.stopped_at, merged.stopped_at)
    kept.paused_until = max(filter(None, (kept.paused_until, merged.paused_until)), default=None)
    kept.state = max(kept.state, merged.state, key=GRAVITY.index)
    merged.first_name = merged.nickname = None


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


def _move_codes(session: Session, *, from_id: int, to_id: int) -> None:
    """Every code leads to the one person; the one that is shown stays the one that stays is known by."""
    shown = session.exec(select(Code.id).where(Code.customer_id == to_id, col(Code.main)).limit(1)).first()
    for code in session.exec(select(Code).where(Code.customer_id == from_id)):
        code.customer_id = to_id
        code.main = code.main and shown is None
    session.flush()


def _repoint(session: Session, table: Any, *, from_id: int, to_id: int) -> None:
    session.execute(update(table).where(table.customer_id == from_id).values(customer_id=to_id))
