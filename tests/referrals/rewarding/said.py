"""What a standard shop says, as bytes, for a test that wants its deliveries kept; and the same, said again by us."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from referrals.programme import Programme
from referrals.recruiting.events import HOOK, REPLAY, Delivery, apply_deliveries
from referrals.recruiting.shops import Buyer, OrderState, standard
from storage.mailbox import Inbox
from tests.builders import SHOP


def order_said(state: OrderState) -> bytes:
    """The order's state as the contract writes it."""
    money = {"total": state.total_minor, "base": state.base_minor, "refunded": state.refunded_minor}
    times = {"created_at": state.created_at, "paid_at": state.paid_at, "updated_at": state.updated_at}
    return _message(
        "order.state",
        {
            "id": state.id, "status": state.status, "currency": state.currency, "codes": state.codes,
            "test": state.test, "customer": _customer(state.buyer),
            **{name: f"{minor // 100}.{minor % 100:02}" for name, minor in money.items()},
            **{name: None if at is None else at.isoformat() for name, at in times.items()},
        },
    )  # fmt: skip


def account_said(buyer: Buyer, *, code: str, created_at: datetime) -> bytes:
    """An account that was opened through a link."""
    return _message("customer.state", _customer(buyer) | {"codes": [code], "created_at": created_at.isoformat()})


def hear(session: Session, bodies: list[bytes], *, programme: Programme, now: datetime) -> None:
    """They came to the shop's door together."""
    items = [Delivery(HOOK, SHOP, body, standard.read(SHOP, {}, body), now) for body in bodies]
    apply_deliveries(session, items, programme=programme)


def hear_all_again(session: Session, *, programme: Programme, now: datetime) -> None:
    """Every delivery that is kept is read again, the oldest first."""
    kept = session.exec(select(Inbox).where(col(Inbox.body).is_not(None)).order_by(col(Inbox.id)))
    items = [
        Delivery(
            REPLAY, row.source, row.body, standard.read(row.source, {}, row.body), row.received_at, inbox_id=row.id,
            replayed_at=now,
        )
        for row in kept
        if row.body is not None
    ]  # fmt: skip
    apply_deliveries(session, items, programme=programme)


def _customer(buyer: Buyer) -> dict[str, Any]:
    return {"id": buyer.id, "email": buyer.email, "first_name": buyer.first_name}


def _message(kind: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "data": data}).encode()
