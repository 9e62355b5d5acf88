"""What the owners see of references: a card each for what waits for them, kept as it stands, and what was withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from referrals import notices
from referrals.asking.quiet import quiet_until
from referrals.asking.shown import seal
from referrals.asking.wall import OVER, is_over, shown_of
from referrals.notices import REFERENCE_CARD, REFERENCE_LESS
from referrals.people.persons import survivor
from referrals.programme import Programme
from storage.mailbox import DUE, Outbox
from storage.references import Reference


def card_data(session: Session, reference: Reference, *, now: datetime) -> dict[str, Any]:
    """All that a card shows and that its buttons carry."""
    shown = shown_of(reference)
    return {
        "reference": reference.id,
        "version": reference.version,
        "customer": survivor(session, reference.customer_id),
        "status": OVER if is_over(reference, now) else reference.status,
        **asdict(shown),
        "uses": list(reference.uses),
        "thanked": reference.rewarded,
        "original": reference.original if reference.original != shown.text else None,
        "seal": seal(shown, reference.uses),
    }


def send_cards(session: Session, reference: Reference, *, programme: Programme, now: datetime) -> None:
    """Every owner who has a chat with the bot gets a card with this version, not before the morning."""
    refresh_cards(session, reference, now=now)  # those of older versions say that it has moved on
    data = card_data(session, reference, now=now)
    tell_owners(
        session, REFERENCE_CARD, data, key=f"{_key(reference)}:{reference.version}", programme=programme, now=now
    )


def tell_withdrawn(
    session: Session, reference: Reference, *, uses: Sequence[str], programme: Programme, now: datetime
) -> None:
    """Every owner hears which uses are gone; what was printed they must take care of themselves."""
    refresh_cards(session, reference, now=now)
    data = card_data(session, reference, now=now) | {"gone": list(uses)}
    key = f"{REFERENCE_LESS}:{reference.id}:{reference.version}"
    tell_owners(session, REFERENCE_LESS, data, key=key, programme=programme, now=now)


def refresh_cards(session: Session, reference: Reference, *, now: datetime) -> None:
    """Cards that are out show how it stands now, in place."""
    data = card_data(session, reference, now=now)
    query = select(Outbox).where(col(Outbox.unique_key).startswith(f"{_key(reference)}:", autoescape=True))
    for row in session.exec(query.with_for_update()):
        if row.data == data:
            continue
        row.data = data
        if row.message_id is not None:
            row.status, row.due_at, row.retry_at = DUE, now, None
    session.flush()


def tell_owners(
    session: Session, kind: str, data: dict[str, Any], *, key: str, programme: Programme, now: datetime
) -> None:
    """Every owner who has a chat with the bot reads this once, not before the morning."""
    due_at = quiet_until(now, programme=programme, zone=None, days=False) or now
    owners = programme.config.telegram.owner_ids
    notices.tell_owners(session, kind, key, data, owners=owners, now=now, due_at=due_at)


def _key(reference: Reference) -> str:
    return f"{REFERENCE_CARD}:{reference.id}"
