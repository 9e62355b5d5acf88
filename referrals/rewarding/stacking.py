"""One benefit an order, unless ``vouchers.stackable_with`` names both: a buyer's credit, and a friend's welcome gift.

A checkout asks before it takes anything off, so that is where a second benefit is refused. An order that is paid with
two codes is a fact: it uses both, whatever a checkout should have said.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, col, select

from referrals.rewarding.voucher_books import GROUP
from storage.vouchers import REDEEMED, Redemption, Voucher


def stands_beside(one: str, other: str, *, stackable: Collection[str]) -> bool:
    """May an order take both of these purposes (credit, gift)?"""
    return one in stackable and other in stackable


def blocked_by(
    session: Session, voucher: Voucher, *, shop: str, order_ref: str, stackable: Collection[str]
) -> str | None:
    """How the code ends that this order has used and that this voucher may not stand beside; None if there is none."""
    query = (
        select(Voucher)
        .join(Redemption, col(Redemption.voucher_id) == col(Voucher.id))
        .where(
            Redemption.shop == shop,
            Redemption.order_ref == order_ref,
            Redemption.status == REDEEMED,
            col(Voucher.id) != voucher.id,
        )
        .order_by(col(Redemption.id))
    )
    for other in session.exec(query):
        if not stands_beside(voucher.purpose, other.purpose, stackable=stackable):
            return (other.shop_code or other.code)[-GROUP:]
    return None
