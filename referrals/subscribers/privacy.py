"""What subscribers keep of somebody: events about them, as numbers. Told, forgotten, kept as long as deliveries are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, exists, or_, select

from storage.bulk import fetch_in
from storage.subscribers import GONE, PENDING, WebhookDelivery, WebhookEndpoint, WebhookEvent

if TYPE_CHECKING:
    from referrals.programme import Programme

CHUNK = 500  # events a transaction


def tell_events(session: Session, people: Sequence[int]) -> list[dict[str, Any]]:
    """That the shop's other programs were told something about them, and when."""
    rows = fetch_in(session, WebhookEvent, "customer_id", people, columns=("id", "type", "at"))
    return [{"type": row["type"], "at": row["at"]} for row in sorted(rows, key=lambda row: int(row["id"]))]


def forget_events(session: Session, people: Sequence[int]) -> None:
    """No event says anything about them any more, and none that still waits is sent."""
    session.flush()
    theirs = or_(col(WebhookEvent.customer_id).in_(people), col(WebhookEvent.friend_id).in_(people))
    events = list(session.exec(select(WebhookEvent.id).where(theirs, col(WebhookEvent.data).is_not(None))))
    waiting = update(WebhookDelivery).where(col(WebhookDelivery.event_id).in_(events))
    waiting = waiting.where(col(WebhookDelivery.status) == PENDING)
    session.execute(waiting.values(status=GONE, next_at=None, lease_until=None))
    session.execute(update(WebhookDelivery).where(col(WebhookDelivery.event_id).in_(events)).values(log=[]))
    session.execute(update(WebhookEvent).where(col(WebhookEvent.id).in_(events)).values(data=None))
    session.expire_all()


def drop_events(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """Events older than ``privacy.inbox_days`` are gone with their deliveries, but for what is still being tried."""
    end = now - timedelta(days=programme.config.privacy.inbox_days)
    tried = exists().where(
        col(WebhookDelivery.event_id) == col(WebhookEvent.id), col(WebhookDelivery.status) == PENDING,
        col(WebhookDelivery.endpoint_id).in_(select(WebhookEndpoint.id).where(_is_open())),
    )  # fmt: skip
    query = select(WebhookEvent.id).where(WebhookEvent.created_at < end, ~tried)
    events = list(session.exec(query.order_by(col(WebhookEvent.created_at)).limit(CHUNK)))
    session.execute(delete(WebhookDelivery).where(col(WebhookDelivery.event_id).in_(events)))
    session.execute(delete(WebhookEvent).where(col(WebhookEvent.id).in_(events)))
    return len(events) or None


def drop_endpoints(session: Session, *, programme: Programme, now: datetime) -> int | None:  # noqa: ARG001 - a chunk's shape
    """Endpoints that were deleted are gone once nothing names them any more."""
    named = exists().where(col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id))
    query = select(WebhookEndpoint.id).where(col(WebhookEndpoint.deleted_at).is_not(None), ~named)
    endpoints = list(session.exec(query))
    session.execute(delete(WebhookEndpoint).where(col(WebhookEndpoint.id).in_(endpoints)))
    return len(endpoints) or None


def _is_open() -> Any:
    return col(WebhookEndpoint.disabled_at).is_(None) & col(WebhookEndpoint.deleted_at).is_(None)
