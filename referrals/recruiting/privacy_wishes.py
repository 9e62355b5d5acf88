"""What shops pass on about personal data: noted with the delivery, and done by the job ``retention``.

The shop is the one who was asked and gives us thirty days; erasing takes the books' lock for longer than a hook may.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, or_, select

from referrals.recruiting.shops import PrivacyWish
from storage.privacy import OPEN, PrivacyRequest


def note_wishes(session: Session, wishes: Sequence[tuple[PrivacyWish, datetime]]) -> list[bool]:
    """Each waits to be done, once while it waits; returns for each whether it is new."""
    return [_note(session, wish, asked_at) for wish, asked_at in wishes]


def _note(session: Session, wish: PrivacyWish, asked_at: datetime) -> bool:
    account = wish.account or ""
    known = select(PrivacyRequest.id).where(
        PrivacyRequest.shop == wish.shop,
        PrivacyRequest.kind == wish.kind,
        PrivacyRequest.account == account,
        or_(col(PrivacyRequest.status) == OPEN, col(PrivacyRequest.asked_at) == asked_at),
    )
    if session.exec(known.limit(1)).first() is not None:
        return False
    session.add(PrivacyRequest(shop=wish.shop, kind=wish.kind, account=account, asked_at=asked_at))
    session.flush()
    return True
