"""What a friend's orders are worth: pure rules, stage a of the closure (rules 2, 5, 6a)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from referrals.calendar import add_local_days, local_month
from referrals.money import share_of
from referrals.reasons import (
    BELOW_MINIMUM,
    FRIEND_CAP,
    MARGIN,
    NOT_FIRST_ORDER,
    NOT_NTH_ORDER,
    ORDER_CANCELLED,
    ORDER_DELETED,
    ORDER_REFUNDED,
    ORDER_UNPAID,
    OTHER_CURRENCY,
    OUTSIDE_WINDOW,
    PARTLY_REFUNDED,
    TEST_ORDER,
    Reason,
    reason,
)
from referrals.rewarding.terms import EVERY_ORDER, FIRST_ORDER, FIXED, NTH_ORDER, SIGN_UP, Terms
from storage.columns import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

AMBASSADOR = "ambassador"


class OrderWorth(NamedTuple):
    """One paid and attributed order of the friend, as money sees it. Amounts in minor units."""

    order_id: int
    ambassador_id: int
    referral_id: int | None
    status: str
    currency: str
    base_minor: int
    kept_minor: int
    created_at: datetime
    paid_at: datetime
    sort_key: str  # (paid_at, shop, external id) as text
    evidence_at: datetime
    by_hand: bool
    bonded_here: bool  # this very order made the bond: it is in the window by its own evidence
    settled: bool  # its bonus is available already, so it keeps its place
    test: bool
    terms: Terms
    elsewhere: bool = False  # an order of another account under the same address earned instead


@dataclass(frozen=True, slots=True)
class SignUpWorth:
    """A friend's sign-up, under terms that reward it."""

    ambassador_id: int
    referral_id: int
    signed_up_at: datetime
    terms: Terms


class Claim(NamedTuple):
    """What one origin would give before caps and budget."""

    origin: str
    customer_id: int
    friend_id: int
    order_id: int | None
    referral_id: int | None
    currency: str
    wanted_minor: int
    revenue_minor: int
    earned_at: datetime
    available_at: datetime
    month: str
    sort_key: str
    terms: Terms
    reasons: tuple[Reason, ...]


def kept_minor(*, base: int, total: int, refunded: int) -> int:
    """What is left of the base after refunds (rules 2)."""
    return max(0, min(base, total - refunded))


def owed_for(kept: int, terms: Terms) -> int:
    """The bonus for so much kept: fixed, or a share of it up to the maximum. Minor units."""
    if kept <= 0 or kept < terms.min_order_minor:
        return 0
    if terms.kind == FIXED:
        return terms.amount_minor
    share = share_of(kept, terms.share_basis_points)
    return share if terms.max_minor is None else min(share, terms.max_minor)


def within_margin(kept: int, owed: int, terms: Terms, *, gift: bool) -> int:
    """What of a bonus the order bears: with the friend's gift, where it has one, no more than its share of it."""
    if terms.most_basis_points is None:
        return owed
    given = terms.gift_minor + share_of(kept, terms.gift_basis_points) if gift else 0
    return max(0, min(owed, share_of(kept, terms.most_basis_points) - given))


WHY_NOT = {
    "pending": ORDER_UNPAID,
    "cancelled": ORDER_CANCELLED,
    "refunded": ORDER_REFUNDED,
    "deleted": ORDER_DELETED,
}


def claims_of(
    friend_id: int,
    orders: Sequence[OrderWorth],
    *,
    sign_up: SignUpWorth | None,
    zone: ZoneInfo,
) -> tuple[list[Claim], dict[int, tuple[Reason, ...]]]:
    """The claims of one friend, and for each order that gives none the reasons."""
    claims: list[Claim] = []
    refused: dict[int, tuple[Reason, ...]] = {}
    taken = False
    eligible = [order for order in sorted(orders, key=lambda order: order.sort_key) if _why_not(order) is None]
    for order in sorted(orders, key=lambda order: (not order.settled, order.sort_key)):
        why = _why_not(order) or _not_its_turn(order, eligible, taken=taken, given=len(claims))
        if why is not None:
            refused[order.order_id] = (why,)
            continue
        claims.append(_order_claim(friend_id, order, gift=order is eligible[0], zone=zone))
        taken = taken or order.terms.when in (FIRST_ORDER, NTH_ORDER)
    if sign_up is not None:
        claims.append(_sign_up_claim(friend_id, sign_up, zone=zone))
    return claims, refused


def _why_not(order: OrderWorth) -> Reason | None:
    """Why the order by itself earns nothing."""
    if order.test:
        return reason(TEST_ORDER)
    if order.status in WHY_NOT:
        return reason(WHY_NOT[order.status])
    if order.currency != order.terms.currency:
        return reason(OTHER_CURRENCY, currency=order.currency)
    if order.kept_minor <= 0 < order.base_minor:
        return reason(ORDER_REFUNDED)
    least = max(order.terms.min_order_minor, 1)  # an order that cost nothing earns nothing
    if order.kept_minor < least:
        return reason(BELOW_MINIMUM, amount_minor=least, currency=order.currency)
    return None


def _not_its_turn(order: OrderWorth, eligible: Sequence[OrderWorth], *, taken: bool, given: int) -> Reason | None:
    """Why another order of this friend earns instead, or none does any more."""
    terms = order.terms
    if order.settled:
        return None
    if terms.when == EVERY_ORDER:
        full = terms.per_friend is not None and given >= terms.per_friend
        return reason(FRIEND_CAP, count=terms.per_friend) if full else None
    if terms.when == NTH_ORDER and (taken or eligible.index(order) + 1 < terms.nth):
        return reason(NOT_NTH_ORDER, count=terms.nth)
    if terms.when == SIGN_UP or taken or order.elsewhere:
        return reason(NOT_FIRST_ORDER)
    # What counts as in time is how the friend came: with the first order, whichever of them earns.
    return _late(eligible[0] if terms.when == NTH_ORDER else order, terms)


def _late(order: OrderWorth, terms: Terms) -> Reason | None:
    late = order.created_at - order.evidence_at > timedelta(days=terms.window_days)
    if late and not order.by_hand and not order.bonded_here:
        return reason(OUTSIDE_WINDOW, days=terms.window_days)
    return None


def _order_claim(friend_id: int, order: OrderWorth, *, gift: bool, zone: ZoneInfo) -> Claim:
    owed, kept = owed_for(order.kept_minor, order.terms), order.kept_minor
    wanted = within_margin(kept, owed, order.terms, gift=gift)
    full = wanted
    if order.base_minor != kept:
        full = within_margin(order.base_minor, owed_for(order.base_minor, order.terms), order.terms, gift=gift)
    left: Reason = {"amount_minor": wanted, "currency": order.currency}
    cut = [reason(MARGIN, **left)] if wanted < owed else []
    cut += [reason(PARTLY_REFUNDED, **left)] if wanted < full else []
    return Claim(
        origin=f"order:{order.order_id}",
        customer_id=order.ambassador_id,
        friend_id=friend_id,
        order_id=order.order_id,
        referral_id=order.referral_id,
        currency=order.currency,
        wanted_minor=wanted,
        revenue_minor=order.kept_minor,
        earned_at=order.paid_at,
        available_at=add_local_days(order.paid_at, order.terms.hold_days, zone),
        month=local_month(order.paid_at, zone),
        sort_key=order.sort_key,
        terms=order.terms,
        reasons=tuple(cut),
    )


def _sign_up_claim(friend_id: int, sign_up: SignUpWorth, *, zone: ZoneInfo) -> Claim:
    moment = sign_up.signed_up_at
    return Claim(
        origin=f"referral:{sign_up.referral_id}",
        customer_id=sign_up.ambassador_id,
        friend_id=friend_id,
        order_id=None,
        referral_id=sign_up.referral_id,
        currency=sign_up.terms.currency,
        wanted_minor=sign_up.terms.amount_minor,
        revenue_minor=0,
        earned_at=moment,
        available_at=add_local_days(moment, sign_up.terms.hold_days, zone),
        month=local_month(moment, zone),
        sort_key=f"{to_text(moment)}|sign_up|{sign_up.referral_id}",
        terms=sign_up.terms,
        reasons=(),
    )
