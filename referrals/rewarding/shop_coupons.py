"""Vouchers that are created in the shop: what to ask of it, and what its answers mean (rules 9).

    wanted ── made ──> ending ── gone ──> withdrawn
      └── given up: credit again, an apology ──> failed

The code is told once the shop knows it, and the amount is credit again only once the shop has forgotten it: so no code
is worth something at the checkout and credit here at once. ``outside.coupons`` asks, in no transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from referrals.notices import (
    COUPON_FAILED,
    VOUCHER_OVER,
    VOUCHER_READY,
    VOUCHER_RETURNED,
    VOUCHER_TAKEN,
    VOUCHER_UNMADE,
    Notice,
    tell_owners,
    write_notices,
)
from referrals.programme import Programme
from referrals.reasons import VOUCHER_EXPIRED, VOUCHER_VOID
from referrals.rewarding.coupon_rows import end_coupon
from referrals.rewarding.voucher_books import code_of, words_of
from referrals.rewarding.vouchers import free_voucher
from storage.database import books
from storage.vouchers import (
    ENDING,
    EXPIRED,
    FAILED,
    MADE,
    STANDING,
    VOID,
    WANTED,
    WITHDRAWN,
    Redemption,
    ShopCoupon,
    Voucher,
)

MOST_TRIES = 8  # about two hours
LONGEST_WAIT = timedelta(hours=1)
FIRST_WAIT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CouponWish:
    """What the shop is to take off for a code, once; amounts in minor units."""

    reference: str  # how the owner and we know it again in the shop
    code: str
    kind: str  # fixed or percent
    amount_minor: int  # of fixed
    share_basis_points: int | None  # of percent
    currency: str
    min_order_minor: int
    starts_at: datetime
    expires_at: datetime
    sku: str | None = None  # only off this piece


@dataclass(frozen=True, slots=True)
class CouponTask:
    """What to ask of which shop: the coupon made, or, with ``ends``, gone."""

    voucher_id: int
    shop: str
    wish: CouponWish
    external_id: str | None
    ends: bool


def due_coupons(session: Session, *, now: datetime, limit: int) -> list[int]:
    """Vouchers for which the shop is to be asked, the longest due first."""
    query = select(ShopCoupon.voucher_id).where(col(ShopCoupon.next_at) <= now)
    return list(session.exec(query.order_by(col(ShopCoupon.next_at), col(ShopCoupon.voucher_id)).limit(limit)))


def next_coupon(session: Session, *, now: datetime) -> datetime | None:
    """The first moment after ``now`` at which a shop is to be asked."""
    return session.exec(select(func.min(ShopCoupon.next_at)).where(col(ShopCoupon.next_at) > now)).one()


@books
def begin_task(session: Session, voucher_id: int, *, programme: Programme, now: datetime) -> CouponTask | None:
    """What to ask the shop now; a coupon whose time is over begins to end. None: nothing (any more)."""
    coupon = session.get(ShopCoupon, voucher_id)
    if coupon is None or coupon.next_at is None or coupon.next_at > now:
        return None
    voucher = session.get_one(Voucher, voucher_id)
    if coupon.status == MADE:
        if voucher.status != STANDING:  # used: nothing is left to take back
            coupon.next_at = None
            return None
        end_coupon(session, voucher_id, ends_as=EXPIRED, now=now)
        coupon = session.get_one(ShopCoupon, voucher_id)
    wish = wish_of(voucher, programme=programme)
    return CouponTask(voucher_id, coupon.shop, wish, coupon.external_id, ends=coupon.status == ENDING)


def wish_of(voucher: Voucher, *, programme: Programme) -> CouponWish:
    """What the shop is to know of a voucher of credit."""
    return CouponWish(
        reference=f"Ambassade {programme.number('voucher', voucher.id)}",
        code=code_of(voucher),
        kind="fixed",
        amount_minor=voucher.amount_minor,
        share_basis_points=None,
        currency=voucher.currency,
        min_order_minor=0,
        starts_at=voucher.created_at,
        expires_at=voucher.expires_at,
    )


@books
def note_made(session: Session, voucher_id: int, *, external_id: str, now: datetime) -> None:
    """The shop knows the code, and its customer hears of it; unless it was put back meanwhile."""
    coupon, voucher = session.get_one(ShopCoupon, voucher_id), session.get_one(Voucher, voucher_id)
    coupon.external_id, coupon.attempts, coupon.error = external_id, 0, None
    if coupon.status == WANTED:
        coupon.status, coupon.next_at = MADE, voucher.expires_at
        _say(session, VOUCHER_READY, voucher, now=now)
    session.flush()


@books
def note_gone(session: Session, voucher_id: int, *, used: bool, now: datetime) -> None:
    """The shop has forgotten the code: the amount is credit again. Where an order we do not know used it, it stays."""
    coupon, voucher = session.get_one(ShopCoupon, voucher_id), session.get_one(Voucher, voucher_id)
    if coupon.status != ENDING:
        return
    if used and voucher.status == STANDING and not _is_known_use(session, voucher_id):
        coupon.status, coupon.next_at = MADE, None  # the order will tell what it took
        _say(session, VOUCHER_TAKEN, voucher, now=now)
        return
    coupon.status, coupon.next_at = WITHDRAWN, None
    if voucher.status == STANDING:
        over = coupon.ends_as == EXPIRED
        _say(session, VOUCHER_OVER if over else VOUCHER_RETURNED, voucher, now=now)
        free_voucher(session, voucher, coupon.ends_as, VOUCHER_EXPIRED if over else VOUCHER_VOID, now=now)
    session.flush()


@books
def note_failed(
    session: Session, voucher_id: int, *, error: str, permanent: bool, programme: Programme, now: datetime
) -> None:
    """It is tried again later; what cannot be made is credit again, and what cannot be ended is the owners' to see."""
    coupon, voucher = session.get_one(ShopCoupon, voucher_id), session.get_one(Voucher, voucher_id)
    coupon.attempts += 1
    coupon.error = error
    coupon.next_at = now + min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(coupon.attempts - 1, 10))
    over = permanent or coupon.attempts >= MOST_TRIES
    if coupon.status == WANTED and over:
        _give_up(session, coupon, voucher, permanent=permanent, now=now)
    if over:  # once a coupon and stage, by the key
        _tell_owners(session, coupon, voucher, programme=programme, now=now)
    session.flush()


def _give_up(session: Session, coupon: ShopCoupon, voucher: Voucher, *, permanent: bool, now: datetime) -> None:
    """Nobody was told the code, so its amount is credit again at once; what may be in the shop is taken out of it."""
    if voucher.status == STANDING:
        _say(session, VOUCHER_UNMADE, voucher, now=now)
        free_voucher(session, voucher, VOID, VOUCHER_VOID, now=now)
    if permanent:
        coupon.status, coupon.next_at = FAILED, None
    else:
        coupon.status, coupon.ends_as = ENDING, VOID


def _is_known_use(session: Session, voucher_id: int) -> bool:
    return session.exec(select(Redemption.id).where(Redemption.voucher_id == voucher_id).limit(1)).first() is not None


def _say(session: Session, kind: str, voucher: Voucher, *, now: datetime) -> None:
    data = words_of(voucher) | {"amount_minor": voucher.left_minor}
    write_notices(session, [Notice(kind, voucher.customer_id, f"{kind}:{voucher.id}", data)], now=now)


def _tell_owners(
    session: Session, coupon: ShopCoupon, voucher: Voucher, *, programme: Programme, now: datetime
) -> None:
    data: dict[str, Any] = {"shop_name": coupon.shop, "why": coupon.error or "", "ends": coupon.status == ENDING}
    data |= {"amount_minor": voucher.amount_minor, "currency": voucher.currency}
    data["number"] = programme.number("voucher", voucher.id)
    key = f"{COUPON_FAILED}:{voucher.id}:{coupon.status}"
    tell_owners(session, COUPON_FAILED, key, data, owners=programme.config.telegram.owner_ids, now=now)
