"""What happened, for whoever subscribed: written in the transaction that caused it, sent later by ``outside/webhooks``.

Where nobody subscribed nothing is written, and a batch in which nothing of this kind happens asks nothing. One in
which something does reads the endpoints, a handful of rows, once and in its own transaction: so an endpoint counts from
the commit that makes it on, in every process, and no worker needs to be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage.bulk import fetch_all, fetch_in, insert_rows, take_ids
from storage.subscribers import WebhookDelivery, WebhookEndpoint, WebhookEvent

if TYPE_CHECKING:
    from sqlmodel import Session

REFERRAL_SIGNED_UP, REFERRAL_REFUSED = "referral.signed_up", "referral.refused"
BONUS_HELD, BONUS_CHANGED, BONUS_AVAILABLE = "bonus.held", "bonus.changed", "bonus.available"
BONUS_REVERSED, BONUS_REFUSED = "bonus.reversed", "bonus.refused"
VOUCHER_MADE, VOUCHER_REDEEMED, VOUCHER_ROLLED_BACK = "voucher.made", "voucher.redeemed", "voucher.rolled_back"
VOUCHER_VOIDED, VOUCHER_EXPIRED = "voucher.voided", "voucher.expired"
CUSTOMER_ERASED = "customer.erased"
REFERENCE_PUBLISHED, REFERENCE_WITHDRAWN = "reference.published", "reference.withdrawn"
TEST_PING = "test.ping"
TYPES = (
    REFERRAL_SIGNED_UP, REFERRAL_REFUSED, BONUS_HELD, BONUS_CHANGED, BONUS_AVAILABLE, BONUS_REVERSED, BONUS_REFUSED,
    VOUCHER_MADE, VOUCHER_REDEEMED, VOUCHER_ROLLED_BACK, VOUCHER_VOIDED, VOUCHER_EXPIRED, CUSTOMER_ERASED,
    REFERENCE_PUBLISHED, REFERENCE_WITHDRAWN, TEST_PING,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that somebody may want to hear of; ``cause`` keeps it from being told as two."""

    type: str
    cause: str
    data: dict[str, Any] = field(default_factory=dict)  # ids, amounts, ISO moments and reasons: see ``bodies``
    customer_id: int | None = None  # whom it is about
    friend_id: int | None = None  # who else is in it


def tell_subscribers(session: Session, happened: Iterable[Happening], *, now: datetime) -> None:
    """Every endpoint that wants one of these will be sent it; a cause that was told before is not told again.

    ``happened`` is read to its end only where somebody subscribed. One cause is written by one transaction at a time:
    under the books lock, or under the lock of the row it is about.
    """
    each = iter(happened)
    first = next(each, None)
    endpoints = open_endpoints(session) if first is not None else []
    if first is None or not endpoints:
        return
    fresh = {one.cause: one for one in (first, *each)}
    wanted = {one.cause: takers for one in fresh.values() if (takers := _takers(endpoints, one.type))}
    if wanted:
        known = {row["cause"] for row in fetch_in(session, WebhookEvent, "cause", wanted, columns=("cause",))}
        _write(session, [(fresh[cause], takers) for cause, takers in wanted.items() if cause not in known], now=now)


def tell_one(session: Session, happening: Happening, *, endpoint_id: int, now: datetime) -> None:
    """This endpoint alone will be sent it, whatever it subscribed to."""
    _write(session, [(happening, [endpoint_id])], now=now)


def open_endpoints(session: Session) -> list[dict[str, Any]]:
    """The endpoints that are told anything now."""
    rows = fetch_all(session, WebhookEndpoint)
    return [row for row in rows if row["disabled_at"] is None and row["deleted_at"] is None]


def _takers(endpoints: Sequence[dict[str, Any]], kind: str) -> list[int]:
    return [row["id"] for row in endpoints if not row["events"] or kind in row["events"]]


def _write(session: Session, telling: Sequence[tuple[Happening, Sequence[int]]], *, now: datetime) -> None:
    event_ids = take_ids(session, "webhook_event", len(telling))
    delivery_ids = iter(take_ids(session, "webhook_delivery", sum(len(takers) for _, takers in telling)))
    events: list[dict[str, Any]] = []
    deliveries: list[dict[str, Any]] = []
    for event_id, (each, takers) in zip(event_ids, telling, strict=True):
        events.append(
            {
                "id": event_id,
                "type": each.type,
                "cause": each.cause,
                "customer_id": each.customer_id,
                "friend_id": each.friend_id,
                "data": each.data,
                "at": now,
                "created_at": now,
            }
        )
        deliveries += [
            {"id": next(delivery_ids), "event_id": event_id, "endpoint_id": endpoint_id, "created_at": now}
            for endpoint_id in takers
        ]
    insert_rows(session, WebhookEvent, events)
    insert_rows(session, WebhookDelivery, deliveries)
