"""How deliveries fared, for whoever looks after an endpoint, and one of them sent anew."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from referrals import errors
from referrals.programme import Programme
from referrals.subscribers.bodies import message_id
from referrals.subscribers.endpoints import get_endpoint
from storage.machine import machine_now
from storage.subscribers import PENDING, WebhookDelivery, WebhookEndpoint, WebhookEvent

Row = dict[str, Any]


def list_deliveries(
    session: Session, endpoint_id: int, *, status: str | None, limit: int, before_id: int | None, programme: Programme
) -> list[Row]:
    """The deliveries of an endpoint, the newest first. Raises: UnknownWebhook."""
    alive = col(WebhookEndpoint.deleted_at).is_(None)
    if session.exec(select(WebhookEndpoint.id).where(WebhookEndpoint.id == endpoint_id, alive)).first() is None:
        raise errors.UnknownWebhook
    query = select(WebhookDelivery, WebhookEvent).join(
        WebhookEvent, col(WebhookEvent.id) == col(WebhookDelivery.event_id)
    )
    query = query.where(WebhookDelivery.endpoint_id == endpoint_id)
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    if before_id is not None:
        query = query.where(WebhookDelivery.id < before_id)
    found = session.exec(query.order_by(col(WebhookDelivery.id).desc()).limit(limit)).all()
    return [_view(delivery, event, programme=programme) for delivery, event in found]


def redeliver(session: Session, endpoint_id: int, delivery_id: int, *, programme: Programme) -> Row:
    """The delivery is sent anew, at once and with the whole schedule before it; its log stays.

    Raises:
        UnknownWebhook: There is none of this number.
        UnknownDelivery: It has no delivery of this number.
        WebhookOff: It is switched off.
        EventForgotten: Whom it was about has been erased.
    """
    endpoint = get_endpoint(session, endpoint_id)
    query = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id)
    row = session.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise errors.UnknownDelivery
    if endpoint.disabled_at is not None:
        raise errors.WebhookOff
    event = session.get_one(WebhookEvent, row.event_id)
    if event.data is None:
        raise errors.EventForgotten
    row.next_at = None
    if row.lease_until is None or row.lease_until <= machine_now(session):  # else it is under way already
        row.status, row.attempts, row.first_at, row.done_at = PENDING, 0, None, None
    session.flush()
    return _view(row, event, programme=programme)


def _view(delivery: WebhookDelivery, event: WebhookEvent, *, programme: Programme) -> Row:
    def local(moment: Any) -> str | None:
        return moment.astimezone(programme.zone).isoformat() if moment else None

    return {
        "delivery": programme.number("delivery", delivery.id),
        "event": message_id(programme, event.cause),
        "type": event.type,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "next_at": local(delivery.next_at) if delivery.status == PENDING else None,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "last_ms": delivery.last_ms,
        "log": [{"answer": "", **each} for each in delivery.log],
        "created_at": local(delivery.created_at),
        "done_at": local(delivery.done_at),
    }
