"""A new voucher that nothing lies in yet: under a code of ours, which the shop may have to learn, or of its pool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals import errors
from referrals.calendar import add_local_days
from referrals.programme import Programme
from referrals.rewarding.coupon_rows import want_coupon
from referrals.rewarding.pool import find_code, give_code, offered
from referrals.rewarding.voucher_books import make_voucher_code
from storage.vouchers import NEVER, POOL, SHOP, STANDING, Voucher


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose voucher it is to be, of how much: exactly that, or as near to it as the pool can give."""

    customer_id: int
    amount_minor: int
    currency: str
    exactly: bool


def make_voucher(session: Session, wanted: Wanted, *, programme: Programme, now: datetime) -> Voucher:
    """The voucher is stored; the caller books what lies in it. Raises: NoSuchReward."""
    if programme.config.vouchers.source == POOL:
        return _of_pool(session, wanted, programme=programme, now=now)
    expires_at = add_local_days(now, programme.config.expiry.voucher_days, programme.zone)
    code = make_voucher_code(session, programme)
    source = programme.config.vouchers.source
    voucher = _stored(session, wanted, wanted.amount_minor, code=code, now=now, expires_at=expires_at, source=source)
    if source == SHOP:
        want_coupon(session, voucher, shop=programme.config.voucher_shop, now=now)
    return voucher


def _of_pool(session: Session, wanted: Wanted, *, programme: Programme, now: datetime) -> Voucher:
    most, currency = wanted.amount_minor, wanted.currency
    amounts = [most] if wanted.exactly else offered(session, currency, most_minor=most, now=now)
    found = find_code(session, currency, amounts[-1], now=now) if amounts else None
    if found is None:
        raise errors.NoSuchReward(amount_minor=most, currency=currency)
    shops: dict[str, Any] = {"source": POOL, "shop_code": found.code, "expires_at": found.expires_at or NEVER}
    voucher = _stored(session, wanted, found.amount_minor, code=found.key, now=now, **shops)
    give_code(session, found, voucher, programme=programme, now=now)
    return voucher


def _stored(
    session: Session, wanted: Wanted, amount_minor: int, *, code: str, now: datetime, expires_at: datetime, **more: Any
) -> Voucher:
    voucher = Voucher(
        code=code, customer_id=wanted.customer_id, currency=wanted.currency, amount_minor=amount_minor,
        left_minor=amount_minor, status=STANDING, created_at=now, expires_at=expires_at, **more,
    )  # fmt: skip
    session.add(voucher)
    session.flush()
    return voucher
