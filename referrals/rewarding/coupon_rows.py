"""What is to be done in the shop for a voucher: its coupon is wanted, and later not any more. Nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from storage.bulk import fetch_in
from storage.vouchers import ENDING, MADE, VOID, WANTED, ShopCoupon, Voucher


def want_coupon(session: Session, voucher: Voucher, *, shop: str, now: datetime) -> None:
    """The shop is to know the voucher's code as soon as it can be asked."""
    session.add(ShopCoupon(voucher_id=voucher.id, shop=shop, status=WANTED, next_at=now))
    session.flush()


def end_coupon(session: Session, voucher_id: int, *, now: datetime, ends_as: str = VOID) -> None:
    """The shop is to forget the code; only then is what lies in the voucher credit again."""
    wanted = update(ShopCoupon).where(col(ShopCoupon.voucher_id) == voucher_id)
    wanted = wanted.where(col(ShopCoupon.status).in_((WANTED, MADE)))
    session.execute(wanted.values(status=ENDING, ends_as=ends_as, attempts=0, next_at=now))
    session.expire_all()


def stages(session: Session, voucher_ids: Iterable[int]) -> dict[int, str]:
    """How the coupons of these vouchers stand, as far as they have any."""
    rows = fetch_in(session, ShopCoupon, "voucher_id", voucher_ids, columns=("voucher_id", "status"))
    return {row["voucher_id"]: row["status"] for row in rows}
