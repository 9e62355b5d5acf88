"""What subscribers hear of references: that one is public, and that it must be taken down. Never its words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from referrals.asking.wall import PUBLISHED
from referrals.subscribers.events import REFERENCE_PUBLISHED, REFERENCE_WITHDRAWN, Happening, tell_subscribers
from storage.references import Reference

BY_CUSTOMER, BY_OWNER, CHANGED = "customer", "owner", "changed"


def publication(reference: Reference, *, uses: Sequence[str], until: datetime, now: datetime) -> Happening:
    """It may be shown for these uses until then; its words are at ``GET /references``."""
    data = {
        "reference": reference.id,
        "customer": reference.customer_id,
        "uses": list(uses),
        "until_at": until.isoformat(),
    }
    cause = f"{REFERENCE_PUBLISHED}:{reference.id}:{now.isoformat()}"
    return Happening(REFERENCE_PUBLISHED, cause, data, reference.customer_id)


def withdrawal(reference_id: int, customer_id: int, *, uses: Sequence[str], because: str, now: datetime) -> Happening:
    """It may be shown for these uses only, or for none; why: customer, owner, changed, over, erased."""
    data = {"reference": reference_id, "customer": customer_id, "uses": list(uses), "because": because}
    cause = f"{REFERENCE_WITHDRAWN}:{reference_id}:{because}:{'+'.join(uses)}:{now.isoformat()}"
    return Happening(REFERENCE_WITHDRAWN, cause, data, customer_id)


def tell_taken_down(
    session: Session, reference: Reference, *, uses: Sequence[str], because: str, now: datetime
) -> None:
    """Subscribers hear it of one that is public now; of any other there is nothing to take down."""
    if reference.status == PUBLISHED and reference.id is not None:
        happened = withdrawal(reference.id, reference.customer_id, uses=uses, because=because, now=now)
        tell_subscribers(session, [happened], now=now)


def published_of(session: Session, people: Sequence[int]) -> list[int]:
    """The references of these people that are public."""
    query = select(Reference.id).where(col(Reference.customer_id).in_(people), Reference.status == PUBLISHED)
    return [each for each in session.exec(query.order_by(col(Reference.id))) if each is not None]
