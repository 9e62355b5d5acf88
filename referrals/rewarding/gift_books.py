"""What a friend's gift costs, booked when an order uses it: the programme's cost, the friend's side (rules 9, 10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from referrals import errors
from referrals.reasons import GIFT_GIVEN, VOUCHER_ROLLED_BACK
from referrals.rewarding.lots import REVERSED, Step
from referrals.rewarding.postings import write_steps
from referrals.rewarding.voucher_books import note_postings
from storage.bulk import fetch_in, insert_rows, next_id, update_rows
from storage.columns import to_text
from storage.ledger import REDEEMED, Bonus
from storage.orders import Terms
from storage.referrals import Referral
from storage.vouchers import PERCENT, Redemption, Voucher

Row = dict[str, Any]
FRIEND = "friend"


def worth_of(gift: Voucher, amount_minor: int | None) -> int:
    """What an order takes of it: all, or what the shop says; a percentage is for the shop to work out.

    Raises:
        AmountNeeded: It is a percentage, and the shop says no amount.
        VoucherWorthLess: It takes off no more than that.
    """
    if amount_minor is None and gift.kind == PERCENT:
        raise errors.AmountNeeded
    wanted = gift.amount_minor if amount_minor is None else amount_minor
    if not 0 <= wanted <= gift.amount_minor:
        raise errors.VoucherWorthLess(amount_minor=gift.amount_minor, currency=gift.currency)
    return wanted


def holds(session: Session, gift: Voucher) -> bool:
    """Does the referral that it was made for still stand?"""
    pair = session.get(Referral, gift.referral_id) if gift.referral_id is not None else None
    return pair is not None and pair.standing


def book_gift(session: Session, gift: Voucher, redemption: Redemption, *, now: datetime) -> int:
    """The programme has paid what the order took; returns the posting's id, nought where that was nothing."""
    row = _lot(session, gift) or _new_lot(session, gift, now=now)
    row |= {"amount_minor": redemption.amount_minor, "status": REDEEMED, "earned_at": now, "released_at": now}
    step = Step("redeem", GIFT_GIVEN, ((REDEEMED, redemption.amount_minor),))
    return _post(session, row, step, redemption, now=now)


def unbook_gift(session: Session, gift: Voucher, redemption: Redemption, *, now: datetime) -> None:
    """The order has nothing of it any more."""
    row = _lot(session, gift)
    if row is not None:
        row |= {"amount_minor": 0, "status": REVERSED}
        _post(
            session,
            row,
            Step("rollback", VOUCHER_ROLLED_BACK, ((REDEEMED, -redemption.amount_minor),)),
            redemption,
            now=now,
        )


def _lot(session: Session, gift: Voucher) -> Row | None:
    found = fetch_in(session, Bonus, "origin", [_origin(gift)], extra="side = 'friend'")
    return found[0] if found else None


def _new_lot(session: Session, gift: Voucher, *, now: datetime) -> Row:
    row: Row = {
        "id": next_id(session, "bonus"),
        "customer_id": gift.customer_id,
        "side": FRIEND,
        "currency": gift.currency,
        "origin": _origin(gift),
        "friend_id": gift.customer_id,
        "referral_id": gift.referral_id,
        "amount_minor": 0,
        "status": REVERSED,
        "earned_at": now,
        "available_at": now,
        "released_at": None,
        "month": f"{now:%Y-%m}",  # no month's cap and no budget counts it
        "sort_key": f"{to_text(now)}|gift|{gift.id}",
        "terms_id": _terms_of(session, gift),
        "postings": 0,
        "created_at": now,
        "updated_at": now,
    }
    insert_rows(session, Bonus, [row])
    return row


def _post(session: Session, row: Row, step: Step, redemption: Redemption, *, now: datetime) -> int:
    moves = step.moves[0][1] != 0
    row["postings"] += moves
    names = ("id", "amount_minor", "status", "earned_at", "released_at", "postings")
    update_rows(session, Bonus, [{name: row[name] for name in names} | {"updated_at": now}], key=("id",))
    if not moves:
        return 0
    posting_ids = write_steps(session, [(step, row)], now=now)
    note_postings(session, posting_ids, [redemption.voucher_id], redemption_id=redemption.id)
    return posting_ids[0]


def _origin(gift: Voucher) -> str:
    return f"gift:{gift.id}"


def _terms_of(session: Session, gift: Voucher) -> str:
    """The terms in force when it was made; the first terms hold for everything before them."""
    newest = select(Terms.id).where(Terms.in_force_from <= gift.created_at).order_by(col(Terms.in_force_from).desc())
    oldest = select(Terms.id).order_by(col(Terms.in_force_from))
    return session.exec(newest.limit(1)).first() or session.exec(oldest.limit(1)).one()
