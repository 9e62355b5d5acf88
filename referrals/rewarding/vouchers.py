"""Vouchers: a customer's credit as a single-use code that the shop redeems (rules 9).

    available ── issue ──> reserved ── redeem ──> redeemed
        ^                   │   ^                    │
        └── rest, void, ────┘   └───── rollback ─────┘
            expiry

Credit moves by lot, and keeps its lot wherever it goes; everything runs under the books lock. What the shop does with a
voucher stands in ``redemptions``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from referrals import errors
from referrals.notices import VOUCHER_OVER, Notice, write_notices
from referrals.people.persons import get_customer, takes_part
from referrals.programme import Programme
from referrals.reasons import (
    CODE_TYPING_ERROR,
    DEBT_SETTLED,
    EXCLUDED_CUSTOMER,
    UNKNOWN_CODE,
    VOUCHER_EXPIRED,
    VOUCHER_MADE,
    VOUCHER_REDEEMED,
    VOUCHER_VOID,
    Reason,
    reason,
)
from referrals.rewarding import voucher_lots as lots
from referrals.rewarding.balances import balances
from referrals.rewarding.coupon_rows import end_coupon
from referrals.rewarding.postings import debts_of
from referrals.rewarding.tellings import voucher_happening
from referrals.rewarding.voucher_books import (
    Cause,
    book_moves,
    code_of,
    credit_lots,
    find_voucher,
    is_typing_error,
    lots_of_voucher,
    words_of,
)
from referrals.rewarding.voucher_making import Wanted, make_voucher
from referrals.subscribers.events import VOUCHER_EXPIRED as VOUCHER_EXPIRED_EVENT
from referrals.subscribers.events import VOUCHER_MADE as VOUCHER_MADE_EVENT
from referrals.subscribers.events import VOUCHER_VOIDED as VOUCHER_VOIDED_EVENT
from referrals.subscribers.events import tell_subscribers
from storage.auditlog import AuditEvent
from storage.database import books
from storage.ledger import AVAILABLE, DEBT, RESERVED
from storage.vouchers import CREDIT, EXPIRED, GIFT, NEVER, POOL, REDEEMED, SHOP, STANDING, VOID, Voucher

LONGEST_SHOWN = 32  # symbols of what was typed that are said again
CHAT = "chat"
WHY_NOT = {REDEEMED: VOUCHER_REDEEMED, VOID: VOUCHER_VOID, EXPIRED: VOUCHER_EXPIRED}


@dataclass(frozen=True, slots=True)
class VoucherView:
    """A voucher as its customer and the shop see it; amounts in minor units."""

    id: int
    customer_id: int
    code: str  # in groups
    currency: str
    amount_minor: int
    left_minor: int
    status: str  # standing, redeemed, void, expired
    created_at: datetime
    expires_at: datetime | None  # None: its code has no end
    ended_at: datetime | None
    returnable: bool  # it can be put back: the shop takes its code only while we say so
    purpose: str = CREDIT  # or gift
    kind: str = "fixed"  # of a gift also percent, or gift: a piece of goods
    share_basis_points: int | None = None
    sku: str | None = None
    min_order_minor: int = 0


def spendable(session: Session, customer_id: int) -> dict[str, int]:
    """What a customer can turn into a voucher, by currency: their credit less what they owe (rules 9)."""
    found = balances(session, customer_id)
    return {name: max(0, one.available_minor - one.debt_minor) for name, one in found.items()}


def vouchers_of(session: Session, customer_id: int, *, now: datetime, limit: int) -> list[VoucherView]:
    """A customer's credit as vouchers, those that stand first, then the newest; a gift is none of them."""
    query = select(Voucher).where(Voucher.customer_id == customer_id, Voucher.purpose == CREDIT)
    ordered = query.order_by(col(Voucher.status) != STANDING, col(Voucher.id).desc())
    return [view_of(row, now=now) for row in session.exec(ordered.limit(limit))]


@books
def issue_voucher(
    session: Session,
    customer_id: int,
    *,
    amount_minor: int | None,
    currency: str,
    actor: str = CHAT,
    programme: Programme,
    now: datetime,
) -> VoucherView:
    """So much of the customer's credit is a voucher, all of it without an amount; what they owe is paid first.

    Where the codes are the owner's pool, it takes one of that worth; without an amount the greatest that there is.

    Raises:
        CustomerExcluded: They take no part.
        NotEnoughCredit: Nothing, or less than that, can be spent.
        NoSuchReward: The pool has no code of that worth.
    """
    customer = get_customer(session, customer_id)
    if not takes_part(customer.state):
        raise errors.CustomerExcluded
    credit = credit_lots(session, customer.id, currency)
    debt = debts_of(session, [customer.id]).get((customer.id, currency), 0)
    owed, free = lots.split(credit, debt)
    wanted = lots.total(free) if amount_minor is None else amount_minor
    if lots.total(owed) < debt or not 0 < wanted <= lots.total(free):
        raise errors.NotEnoughCredit(amount_minor=lots.total(free), currency=currency)
    wish = Wanted(customer.id, wanted, currency, exactly=amount_minor is not None)
    voucher = make_voucher(session, wish, programme=programme, now=now)
    wanted = voucher.amount_minor
    taken, _ = lots.split(free, wanted)
    book_moves(session, lots.moves(owed, AVAILABLE, DEBT), Cause("settle", DEBT_SETTLED), now=now)
    cause = Cause("reserve", VOUCHER_MADE, voucher.id)
    book_moves(session, lots.moves(taken, AVAILABLE, RESERVED), cause, now=now)
    tell_subscribers(session, [voucher_happening(VOUCHER_MADE_EVENT, voucher, now=now)], now=now)
    note(session, voucher, "voucher:issue", actor=actor, after={"amount_minor": wanted, "currency": currency}, now=now)
    return view_of(voucher, now=now)


def validate_voucher(session: Session, code: str, *, now: datetime) -> tuple[VoucherView | None, list[Reason]]:
    """The voucher that the code names, and why it cannot be redeemed; without a reason it can."""
    voucher = find_voucher(session, code)
    if voucher is None:
        why = CODE_TYPING_ERROR if is_typing_error(code) else UNKNOWN_CODE
        return None, [reason(why, typed=code[:LONGEST_SHOWN])]
    view = view_of(voucher, now=now)
    if view.status != STANDING:
        since = voucher.expires_at if view.status == EXPIRED else view.ended_at or view.created_at
        return view, [reason(WHY_NOT[view.status], date=since.isoformat())]
    excluded = not takes_part(get_customer(session, voucher.customer_id).state)
    return view, [reason(EXCLUDED_CUSTOMER)] if excluded else []


@books
def void_voucher(session: Session, voucher_id: int, *, customer_id: int, now: datetime) -> VoucherView:
    """The customer's voucher is credit again; one that stands no more is left as it is.

    What the shop knows stands until it has forgotten it.

    Raises:
        UnknownVoucher: It is not theirs.
        VoucherStays: The shop takes its code whatever we say.
    """
    voucher = session.get(Voucher, voucher_id)
    if voucher is None or voucher.purpose == GIFT or voucher.customer_id != get_customer(session, customer_id).id:
        raise errors.UnknownVoucher
    if voucher.source == POOL:
        raise errors.VoucherStays
    if voucher.status == STANDING and voucher.source == SHOP:
        end_coupon(session, voucher.id, now=now)
    elif voucher.status == STANDING:
        free_voucher(session, voucher, VOID, VOUCHER_VOID, now=now)
    return view_of(voucher, now=now)


def due_vouchers(session: Session, *, now: datetime, limit: int) -> list[int]:
    """Vouchers whose time is over and whose amount is not credit again, the oldest first."""
    query = select(Voucher.id).where(Voucher.status == STANDING, Voucher.expires_at <= now)
    query = query.where(Voucher.source != SHOP)  # the shop is asked first
    found = session.exec(query.order_by(col(Voucher.expires_at), col(Voucher.id)).limit(limit))
    return list(found)


def next_expiry(session: Session, *, now: datetime) -> datetime | None:
    """The first moment after ``now`` at which a voucher's time is over."""
    query = select(func.min(Voucher.expires_at)).where(Voucher.status == STANDING, Voucher.expires_at > now)
    return session.exec(query.where(Voucher.source != SHOP)).one()


@books
def expire_vouchers(session: Session, voucher_ids: Sequence[int], *, now: datetime) -> int:
    """These vouchers are over as far as they are due, their amounts are credit again; how many that were."""
    done = 0
    for voucher_id in voucher_ids:
        voucher = session.get(Voucher, voucher_id)
        if voucher is None or voucher.status != STANDING or voucher.expires_at > now:
            continue
        done += 1
        if voucher.purpose == GIFT:  # its friend was told until when, and loses nothing of theirs
            set_left(voucher, 0, otherwise=EXPIRED, now=now)
            continue
        data = words_of(voucher) | {"amount_minor": voucher.left_minor}
        free_voucher(session, voucher, EXPIRED, VOUCHER_EXPIRED, now=now)
        notice = Notice(VOUCHER_OVER, voucher.customer_id, f"{VOUCHER_OVER}:{voucher.id}", data)
        write_notices(session, [notice], now=now)
    return done


def set_left(voucher: Voucher, left_minor: int, *, otherwise: str, now: datetime) -> None:
    """The voucher is worth this now; with nothing in it, it stands no more."""
    voucher.left_minor = left_minor
    voucher.status = STANDING if left_minor else otherwise
    voucher.ended_at = None if left_minor else now


def status_of(voucher: Voucher, *, now: datetime) -> str:
    """As stored, with what time alone has done."""
    return EXPIRED if voucher.status == STANDING and voucher.expires_at <= now else voucher.status


def view_of(voucher: Voucher, *, now: datetime) -> VoucherView:
    """The voucher as it is shown."""
    return VoucherView(
        id=voucher.id,
        customer_id=voucher.customer_id,
        code=code_of(voucher),
        currency=voucher.currency,
        amount_minor=voucher.amount_minor,
        left_minor=_left(voucher, now=now),
        status=status_of(voucher, now=now),
        created_at=voucher.created_at,
        expires_at=None if voucher.expires_at == NEVER else voucher.expires_at,
        ended_at=voucher.ended_at,
        returnable=voucher.source != POOL,
        purpose=voucher.purpose,
        kind=voucher.kind,
        share_basis_points=voucher.share_basis_points,
        sku=voucher.sku,
        min_order_minor=voucher.min_order_minor,
    )


def note(
    session: Session, voucher: Voucher, action: str, *, actor: str, after: Any, before: Any = None, now: datetime
) -> None:
    """What a key did is in the audit log; what customers do in their own chat is in the books."""
    if actor != CHAT:
        subject = f"voucher:{voucher.id}"
        session.add(AuditEvent(at=now, actor=actor, action=action, subject=subject, before=before, after=after))


def _left(voucher: Voucher, *, now: datetime) -> int:
    """What an order can take of it at most."""
    if voucher.purpose != GIFT:
        return voucher.left_minor
    return voucher.amount_minor if status_of(voucher, now=now) == STANDING else 0


def free_voucher(session: Session, voucher: Voucher, status: str, why: str, *, now: datetime) -> None:
    """What lies in the voucher is credit of the same lots again, and it stands no more."""
    found = lots.moves(lots_of_voucher(session, voucher.id), RESERVED, AVAILABLE)
    book_moves(session, found, Cause("expire" if status == EXPIRED else "void", why, voucher.id), now=now)
    set_left(voucher, 0, otherwise=status, now=now)
    session.flush()
    kind = VOUCHER_EXPIRED_EVENT if status == EXPIRED else VOUCHER_VOIDED_EVENT
    tell_subscribers(session, [voucher_happening(kind, voucher, now=now)], now=now)
