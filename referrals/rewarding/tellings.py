"""What subscribers hear of bonuses and vouchers: ids and amounts, made only where somebody listens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from referrals.rewarding.lots import REFUSED
from referrals.subscribers.events import (
    BONUS_AVAILABLE,
    BONUS_CHANGED,
    BONUS_HELD,
    BONUS_REFUSED,
    BONUS_REVERSED,
    Happening,
)

if TYPE_CHECKING:
    from datetime import datetime

    from referrals.rewarding.lots import Lot
    from storage.vouchers import Voucher

Row = dict[str, Any]


def bonus_happenings(lots: Iterable[Lot]) -> Iterator[Happening]:
    """What became of these bonuses, as they are stored."""
    for lot in lots:
        kind = _kind(lot)
        if kind is not None:
            yield _bonus(kind, lot.row, before_minor=lot.before["amount_minor"])


def credit_happenings(rows: Iterable[tuple[Row, int]]) -> Iterator[Happening]:
    """These were credit at once, or are taken back; the rows as they are after it, and what each was before."""
    for row, before_minor in rows:
        yield _bonus(BONUS_AVAILABLE if row["amount_minor"] else BONUS_REVERSED, row, before_minor=before_minor)


def release_happenings(rows: Iterable[Row]) -> Iterator[Happening]:
    """These bonuses are credit; the rows as they are after it."""
    for row in rows:
        yield _bonus(BONUS_AVAILABLE, row, before_minor=row["amount_minor"])


def voucher_happening(kind: str, voucher: Voucher, *, now: datetime, **more: Any) -> Happening:
    """What became of a voucher. Its code is as good as money, and in no event."""
    data = {
        "voucher": voucher.id,
        "customer": voucher.customer_id,
        "status": voucher.status,
        "amount_minor": voucher.amount_minor,
        "left_minor": voucher.left_minor,
        "currency": voucher.currency,
        "expires_at": voucher.expires_at.isoformat(),
        **more,
    }
    order = data.get("order") or {}
    named = f":{order['shop']}:{order['id']}" if order else ""
    return Happening(kind, f"{kind}:{voucher.id}{named}:{now.isoformat()}", data, voucher.customer_id)


def _kind(lot: Lot) -> str | None:
    before, amount = lot.before["amount_minor"], lot.row["amount_minor"]
    if amount and not before:
        return BONUS_HELD
    if before and not amount:
        return BONUS_REVERSED
    if amount != before:
        return BONUS_CHANGED
    refused = lot.row["status"] == REFUSED and not amount
    return BONUS_REFUSED if refused and (lot.is_new or lot.before["status"] != REFUSED) else None


def _bonus(kind: str, row: Row, *, before_minor: int) -> Happening:
    data = {
        "bonus": row["id"],
        "customer": row["customer_id"],
        "side": row["side"],
        "status": row["status"],
        "amount_minor": row["amount_minor"],
        "before_minor": before_minor,
        "currency": row["currency"],
        "order": row["order_id"],
        "referral": row["referral_id"],
        "earned_at": row["earned_at"].isoformat(),
        "available_at": row["available_at"].isoformat(),
        "reasons": row["reasons"],
    }
    return Happening(kind, f"{kind}:{row['id']}:{row['postings']}", data, row["customer_id"], row["friend_id"])
