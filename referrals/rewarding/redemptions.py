"""What a shop does with a voucher: an order takes some of it, and gives it back when it is called off (rules 9).

An order is named as its shop names it, and need not have reached us. What one order takes of one voucher is unique, so
what is said twice happens once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from referrals import errors
from referrals.notices import VOUCHER_BACK, VOUCHER_USED, Notice, write_notices
from referrals.people.persons import get_customer, takes_part
from referrals.reasons import NOT_STACKABLE, VOUCHER_REDEEMED, VOUCHER_ROLLED_BACK, Reason, reason
from referrals.rewarding import voucher_lots as lots
from referrals.rewarding.coupon_rows import end_coupon
from referrals.rewarding.gift_books import book_gift, holds, unbook_gift, worth_of
from referrals.rewarding.postings import available_of, debts_of
from referrals.rewarding.stacking import blocked_by
from referrals.rewarding.tellings import voucher_happening
from referrals.rewarding.voucher_books import (
    Cause,
    book_moves,
    find_voucher,
    lots_of_redemption,
    lots_of_voucher,
    owed_by_lot,
    words_of,
)
from referrals.rewarding.vouchers import VoucherView, note, set_left, status_of, view_of
from referrals.subscribers import events
from storage.database import books
from storage.ledger import AVAILABLE, RESERVED
from storage.vouchers import BY_SHOP, EXPIRED, GIFT, REDEEMED, ROLLED_BACK, SHOP, STANDING, VOID, Redemption, Voucher

REFUSALS = {
    REDEEMED: errors.VoucherAlreadyRedeemed,
    VOID: errors.VoucherVoided,
    EXPIRED: errors.VoucherOutOfDate,
}


@dataclass(frozen=True, slots=True)
class RedemptionView:
    """What an order took of a voucher, and how the voucher stands."""

    voucher: VoucherView
    shop: str
    order: str
    status: str  # redeemed, rolled_back
    amount_minor: int
    returned_minor: int  # the rest that became credit again
    redeemed_at: datetime
    rolled_back_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderKey:
    """An order as its shop names it (rules 1); we need not know it."""

    shop: str
    id: str


@books
def redeem_voucher(
    session: Session,
    code: str,
    *,
    order: OrderKey,
    amount_minor: int | None,
    currency: str | None,
    keep_rest: bool = False,
    stackable: Collection[str] | None = None,
    actor: str,
    now: datetime,
) -> RedemptionView:
    """The order took so much of the voucher, all of it without an amount; said again it changes nothing.

    The rest is credit of the same lots again, and the voucher is used up. With ``keep_rest`` it stays in the voucher,
    which other orders may use. ``stackable`` names the purposes that one order may take together; None asks nothing,
    for an order that has been paid so.

    Raises:
        UnknownVoucher: No voucher has this code.
        OtherCurrency: It is in another currency.
        VoucherAlreadyRedeemed: Another order used it, or this one took another amount.
        VoucherVoided: It was taken back.
        VoucherOutOfDate: Its time is over.
        CustomerExcluded: Its customer takes no part.
        VoucherWorthLess: It is worth less than that.
        AmountNeeded: It is a gift of a percentage, and what that comes to was not said.
        NotStackable: The order has used another code, and the two do not go together.
    """
    voucher = _get(session, code)
    if currency is not None and currency != voucher.currency:
        raise errors.OtherCurrency(currency=voucher.currency)
    known = _redemption(session, voucher, order)
    if known is not None and known.status == REDEEMED:
        if amount_minor not in (None, known.amount_minor):
            raise errors.VoucherAlreadyRedeemed(amount_minor=known.amount_minor, currency=voucher.currency)
        return _told(voucher, known, now=now)
    wanted = _usable(session, voucher, amount_minor, now=now)
    if stackable is not None:
        ending = blocked_by(session, voucher, shop=order.shop, order_ref=order.id, stackable=stackable)
        if ending is not None:
            raise errors.NotStackable(ending=ending)
    redemption = _begin(session, voucher, order, known=known, amount_minor=wanted, now=now)
    if voucher.purpose == GIFT:
        redemption.first_posting_id = book_gift(session, voucher, redemption, now=now)
        set_left(voucher, 0, otherwise=REDEEMED, now=now)
    else:
        _take_credit(session, voucher, redemption, keep_rest=keep_rest, now=now)
    _publish(session, events.VOUCHER_REDEEMED, voucher, redemption, now=now)
    note(session, voucher, "voucher:redeem", actor=actor, after=_noted(redemption), now=now)
    return _told(voucher, redemption, now=now)


@books
def rollback_voucher(
    session: Session, code: str, *, order: OrderKey, actor: str, now: datetime, ended_by: str = BY_SHOP
) -> RedemptionView:
    """The order has nothing of the voucher any more, which holds again what it held; said again it changes nothing.

    Of the rest that had become credit the voucher gets what is still there. A voucher that was taken back or is over
    stays so: its amount is credit. What was taken back meanwhile pays the debt that it left.

    Raises:
        UnknownVoucher: No voucher has this code.
        VoucherNotRedeemed: This order did not use it.
    """
    voucher = _get(session, code)
    redemption = _redemption(session, voucher, order)
    if redemption is None:
        raise errors.VoucherNotRedeemed
    if redemption.status == ROLLED_BACK:
        return _told(voucher, redemption, now=now)
    before = _noted(redemption)
    if voucher.purpose == GIFT:
        unbook_gift(session, voucher, redemption, now=now)
        stands = holds(session, voucher) and voucher.gift_for == voucher.customer_id  # of two, after a merge, one
        voucher.status, voucher.ended_at = (STANDING, None) if stands else (VOID, now)
    else:
        _give_credit_back(session, voucher, redemption, now=now)
    redemption.status, redemption.rolled_back_at, redemption.ended_by = ROLLED_BACK, now, ended_by
    _publish(session, events.VOUCHER_ROLLED_BACK, voucher, redemption, now=now)
    note(session, voucher, "voucher:rollback", actor=actor, before=before, after=_noted(redemption), now=now)
    return _told(voucher, redemption, now=now)


def stacking_reasons(
    session: Session, view: VoucherView, order: OrderKey, *, stackable: Collection[str]
) -> list[Reason]:
    """Why this order cannot take this voucher as well; without a reason it can."""
    voucher = session.get_one(Voucher, view.id)
    known = _redemption(session, voucher, order)
    if known is not None and known.status == REDEEMED:
        return []
    ending = blocked_by(session, voucher, shop=order.shop, order_ref=order.id, stackable=stackable)
    return [] if ending is None else [reason(NOT_STACKABLE, ending=ending)]


def _take_credit(session: Session, voucher: Voucher, redemption: Redemption, *, keep_rest: bool, now: datetime) -> None:
    found = lots.redeem(lots_of_voucher(session, voucher.id), redemption.amount_minor, keep_rest=keep_rest)
    cause = Cause("redeem", VOUCHER_REDEEMED, voucher.id, redemption.id)
    redemption.first_posting_id = book_moves(session, found, cause, now=now)[0]
    redemption.returned_minor = lots.moved(found, AVAILABLE)
    set_left(voucher, voucher.left_minor + lots.moved(found, RESERVED), otherwise=REDEEMED, now=now)
    _tell(session, VOUCHER_USED, voucher, redemption, kept_minor=voucher.left_minor, now=now)


def _give_credit_back(session: Session, voucher: Voucher, redemption: Redemption, *, now: datetime) -> None:
    found = lots.undo(_undo(session, voucher, redemption), stands=voucher.status in (STANDING, REDEEMED))
    book_moves(session, found, Cause("rollback", VOUCHER_ROLLED_BACK, voucher.id, redemption.id), now=now)
    if voucher.status in (STANDING, REDEEMED):
        set_left(voucher, voucher.left_minor + lots.moved(found, RESERVED), otherwise=VOID, now=now)
    if voucher.status == STANDING and voucher.source == SHOP:  # there its code was used: it is credit again instead
        end_coupon(session, voucher.id, now=now)
    elif voucher.status == STANDING:
        _tell(session, VOUCHER_BACK, voucher, redemption, now=now)


def _get(session: Session, code: str) -> Voucher:
    voucher = find_voucher(session, code)
    if voucher is None:
        raise errors.UnknownVoucher
    return voucher


def _redemption(session: Session, voucher: Voucher, order: OrderKey) -> Redemption | None:
    query = select(Redemption).where(
        Redemption.voucher_id == voucher.id, Redemption.shop == order.shop, Redemption.order_ref == order.id
    )
    return session.exec(query).first()


def _begin(
    session: Session, voucher: Voucher, order: OrderKey, *, known: Redemption | None, amount_minor: int, now: datetime
) -> Redemption:
    """What the order takes is noted, the first time or anew; its postings are still to come."""
    facts: dict[str, Any] = {
        "status": REDEEMED,
        "amount_minor": amount_minor,
        "returned_minor": 0,
        "first_posting_id": 0,
    }
    names: dict[str, Any] = {"voucher_id": voucher.id, "shop": order.shop, "order_ref": order.id}
    if known is None:
        known = Redemption(**names, **facts, redeemed_at=now)
    known.sqlmodel_update({**facts, "redeemed_at": now, "rolled_back_at": None})
    known.ended_by = None
    session.add(known)
    session.flush()
    return known


def _usable(session: Session, voucher: Voucher, amount_minor: int | None, *, now: datetime) -> int:
    """The amount, if the voucher can be redeemed for it."""
    status = status_of(voucher, now=now)
    if status != STANDING:
        raise REFUSALS[status](currency=voucher.currency)
    if not takes_part(get_customer(session, voucher.customer_id).state):
        raise errors.CustomerExcluded
    if voucher.purpose == GIFT:
        return worth_of(voucher, amount_minor)
    wanted = voucher.left_minor if amount_minor is None else amount_minor
    if not 0 < wanted <= voucher.left_minor:
        raise errors.VoucherWorthLess(amount_minor=voucher.left_minor, currency=voucher.currency)
    return wanted


def _undo(session: Session, voucher: Voucher, redemption: Redemption) -> lots.Undo:
    redeemed, returned = lots_of_redemption(session, redemption)
    owner = voucher.customer_id, voucher.currency
    return lots.Undo(
        redeemed=redeemed,
        returned=returned,
        available=available_of(session, sorted(returned)),
        owed=owed_by_lot(session, sorted(redeemed)),
        debt_minor=debts_of(session, [voucher.customer_id]).get(owner, 0),
    )


def _told(voucher: Voucher, redemption: Redemption, *, now: datetime) -> RedemptionView:
    return RedemptionView(
        voucher=view_of(voucher, now=now),
        shop=redemption.shop,
        order=redemption.order_ref,
        status=redemption.status,
        amount_minor=redemption.amount_minor,
        returned_minor=redemption.returned_minor,
        redeemed_at=redemption.redeemed_at,
        rolled_back_at=redemption.rolled_back_at,
    )


def _tell(session: Session, kind: str, voucher: Voucher, redemption: Redemption, *, now: datetime, **more: int) -> None:
    amounts = {"amount_minor": redemption.amount_minor, "returned_minor": redemption.returned_minor}
    if kind == VOUCHER_BACK:
        amounts = {"amount_minor": voucher.left_minor}
    key = f"{kind}:{voucher.id}:{redemption.first_posting_id}"
    write_notices(session, [Notice(kind, voucher.customer_id, key, words_of(voucher) | amounts | more)], now=now)


def _publish(session: Session, kind: str, voucher: Voucher, redemption: Redemption, *, now: datetime) -> None:
    """Subscribers hear what the order took, or gave back, and how the voucher stands."""
    taken = {
        "order": {"shop": redemption.shop, "id": redemption.order_ref},
        "taken_minor": redemption.amount_minor,
        "returned_minor": redemption.returned_minor,
    }
    events.tell_subscribers(session, [voucher_happening(kind, voucher, now=now, **taken)], now=now)


def _noted(redemption: Redemption) -> dict[str, Any]:
    return {
        "shop": redemption.shop,
        "order": redemption.order_ref,
        "status": redemption.status,
        "amount_minor": redemption.amount_minor,
        "returned_minor": redemption.returned_minor,
    }
