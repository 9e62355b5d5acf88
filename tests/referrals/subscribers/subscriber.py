"""An endpoint and what is on its way to it, for the tests of this room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import Session, select

from referrals.subscribers.deliveries import Sending, Settled, claim_deliveries, settle_deliveries
from referrals.subscribers.endpoints import make_endpoint
from referrals.subscribers.schedule import Attempt
from storage.subscribers import WebhookDelivery, WebhookEndpoint, WebhookEvent
from tests.builders import Shop

URL = "https://hooks.example/ambassade"
OK, BROKEN, OFFLINE = Attempt(204, 12), Attempt(500, 34, answer="down"), Attempt(None, 20_000, "timeout")
CLOCKS = ("next_at", "lease_until", "first_at", "done_at")
CLOCKS_OF_ENDPOINTS = ("failing_since", "wait_until", "old_until")


def subscribe(shop: Shop, *events: str, url: str = URL) -> int:
    """An endpoint that wants these, or all."""
    view, _ = shop.database.run(
        make_endpoint, url=url, events=events, actor="key:kassa", programme=shop.programme, now=shop.now
    )
    return int(view.id)


def claim(shop: Shop) -> list[Sending]:
    """What goes out now."""
    return shop.database.run(claim_deliveries, programme=shop.programme)


def settle(shop: Shop, sending: Sending, what: Attempt) -> bool:
    """What came of it."""
    item = Settled(sending.delivery_id, sending.endpoint_id, sending.attempt, what, shop.now)
    return shop.database.run(settle_deliveries, [item], programme=shop.programme)[0]


def pass_time(shop: Shop, passed: timedelta) -> None:
    """The machine's clock, as far as this room has written it down, is so much further."""
    shop.database.run(_pass, passed)


def _pass(session: Session, passed: timedelta) -> None:
    for table, names in ((WebhookDelivery, CLOCKS), (WebhookEndpoint, CLOCKS_OF_ENDPOINTS)):
        for row in session.exec(select(table)):
            for name in names:
                if getattr(row, name) is not None:
                    setattr(row, name, getattr(row, name) - passed)
    session.flush()


def events(shop: Shop) -> list[tuple[str, Any]]:
    """What was written, in order: its type and its data."""
    return [(row["type"], row["data"]) for row in shop.rows(WebhookEvent)]


def deliveries(shop: Shop) -> list[dict[str, Any]]:
    """How each delivery stands."""
    return shop.rows(WebhookDelivery)
